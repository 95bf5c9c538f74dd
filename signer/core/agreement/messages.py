"""What members say to each other about agreement, signed by their log keys (docs/agreement.md).

1. A message is DOMAIN, then fields (`signer.core.fields`): its kind, the genesis hash of the chain, the key
   of who says it, and the fields of that kind; behind them 64 bytes of Ed25519 over all of it.
2. Reading is strict and the inverse of writing, bounded by MAX_MESSAGE; who says it must be a member.
3. A message says for whom it is (origin, incarnation, entry). Who is not meant does nothing with it; whoever
   carries it need not be trusted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signer.bitcoin.errors import Malformed
from signer.core.agreement.claim import Claim
from signer.core.agreement.claim_codec import claim_bytes, read_claim
from signer.core.fields import pack, read_number, read_text, refuse_entry, sized, u64_be, unpack
from signer.core.payment import WithdrawalId

DOMAIN = b"pegwarden/agreement/v1\n"
MAX_MESSAGE = 256 * 1024
MAX_CONTRARY = 4
"""Claims that a refusal shows; there may be more."""
MAX_REASON = 300
"""Characters of why an entry is not vouched for."""
_SIGNATURE = 64


class MessageSigner(Protocol):
    """Who signs messages: the keystore's log key."""

    @property
    def log_key(self) -> bytes:
        """32-byte Ed25519 public key."""

    def sign_message(self, message: bytes) -> bytes:
        """64-byte Ed25519 signature."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's process that started: what it asks the others to answer."""

    origin: bytes
    """Its log key, 32 bytes."""
    incarnation: bytes
    """16 random bytes, drawn at the start."""
    size: int
    """Entries of its log at the start."""
    root: bytes
    clock: int
    """Unix seconds by its host."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """What another member knows when it is shown a standing."""

    witness: bytes
    """Its log key."""
    origin: bytes
    incarnation: bytes
    """Of the standing."""
    size: int
    """Of the witness's own log: all that it granted before stands in there."""
    root: bytes
    known_head: str
    """Up to which it has read the origin's log: the origin's signed note; empty for nothing."""
    clock: int
    """Unix seconds by the witness's host."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The witness stands behind an entry of the origin, and has it on record."""

    witness: bytes
    origin: bytes
    incarnation: bytes
    number: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Contrary:
    """The witness does not stand behind an entry of the origin, and why."""

    witness: bytes
    origin: bytes
    incarnation: bytes
    number: int
    leaf: bytes
    claims: tuple[Claim, ...]
    """What stands against it, at most MAX_CONTRARY."""
    closed: tuple[WithdrawalId, ...]
    """What it pays and is closed, ascending."""
    unvouched: str = ""
    """Why the entry is not true, at most MAX_REASON characters; empty where it is."""


Message = Standing | Recollection | Granted | Contrary


def author(message: Message) -> bytes:
    """Who says it."""
    return message.origin if isinstance(message, Standing) else message.witness


def message_bytes(message: Message, genesis_hash: bytes) -> bytes:
    """What is signed."""
    kind, *said = _fields(message)
    return DOMAIN + pack((kind, genesis_hash, author(message), *said))


def signed_message(message: Message, genesis_hash: bytes, signer: MessageSigner) -> bytes:
    """The message with its signature behind it."""
    body = message_bytes(message, genesis_hash)
    return body + signer.sign_message(body)


def read_message(signed: bytes, genesis_hash: bytes, members: frozenset[bytes]) -> Message:
    """The inverse of `signed_message`, for one of these log keys.

    Raises Malformed `member-message-malformed`, or `member-message-foreign` for another chain, a stranger
    or a signature that does not fit.
    """
    if len(signed) > MAX_MESSAGE:
        raise _malformed(f"{len(signed)} bytes are above {MAX_MESSAGE}")
    body, signature = signed[:-_SIGNATURE], signed[-_SIGNATURE:]
    message, chain = _read(body)
    if chain != genesis_hash:
        raise _foreign("it is for another block chain")
    if author(message) not in members:
        raise _foreign(f"no member has the log key {author(message).hex()}")
    verify_message(body, signature, author(message))
    return message


def verify_message(body: bytes, signature: bytes, log_key: bytes) -> None:
    """Raises Malformed `member-message-foreign` unless that key signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(log_key).verify(signature, body)
    except (InvalidSignature, ValueError):
        raise _foreign("its signature does not fit") from None


def _fields(message: Message) -> tuple[bytes, ...]:
    """The kind and what it says."""
    if isinstance(message, Standing):
        at_start = (u64_be(message.size), message.root, u64_be(message.clock))
        return (b"standing", message.incarnation, *at_start)
    to = (message.origin, message.incarnation)
    if isinstance(message, Recollection):
        own, clock = (u64_be(message.size), message.root), u64_be(message.clock)
        return (b"recollection", *to, *own, message.known_head.encode(), clock)
    entry = (u64_be(message.number), message.leaf)
    if isinstance(message, Granted):
        return (b"grant", *to, *entry)
    claims, closed = pack(map(claim_bytes, message.claims)), pack(message.closed)
    against = (claims, closed, message.unvouched.encode())
    return (b"contrary", *to, *entry, *against)


def _read(body: bytes) -> tuple[Message, bytes]:
    """The message, and the genesis hash of its chain."""
    if not body.startswith(DOMAIN):
        raise _malformed("it does not begin as one")
    try:
        kind, chain, key, *fields = _at_least(unpack(body.removeprefix(DOMAIN)))
        message = _READERS[kind](sized(key, 32), fields)
    except Malformed as error:
        raise _malformed(error.detail) from None
    except (KeyError, ValueError):
        raise _malformed("an unknown kind, or not the fields of its kind") from None
    return message, chain


def _at_least(fields: list[bytes]) -> list[bytes]:
    if len(fields) < 3:
        refuse_entry("it has no author")
    return fields


def _read_standing(key: bytes, fields: list[bytes]) -> Standing:
    incarnation, size, root, clock = fields
    return Standing(
        origin=key,
        incarnation=sized(incarnation, 16),
        size=read_number(size, 8),
        root=sized(root, 32),
        clock=read_number(clock, 8),
    )


def _read_recollection(key: bytes, fields: list[bytes]) -> Recollection:
    origin, incarnation, size, root, known_head, clock = fields
    return Recollection(
        witness=key,
        origin=sized(origin, 32),
        incarnation=sized(incarnation, 16),
        size=read_number(size, 8),
        root=sized(root, 32),
        known_head=read_text(known_head),
        clock=read_number(clock, 8),
    )


def _read_granted(key: bytes, fields: list[bytes]) -> Granted:
    origin, incarnation, number, leaf = fields
    return Granted(
        witness=key,
        origin=sized(origin, 32),
        incarnation=sized(incarnation, 16),
        number=read_number(number, 8),
        leaf=sized(leaf, 32),
    )


def _read_contrary(key: bytes, fields: list[bytes]) -> Contrary:
    *entry, claims, closed, reason = fields
    granted = _read_granted(key, entry)
    records, ids = unpack(claims), tuple(sized(each, 32) for each in unpack(closed))
    unvouched, ascends = read_text(reason), list(ids) == sorted(set(ids))
    if len(records) > MAX_CONTRARY or len(unvouched) > MAX_REASON or not ascends:
        refuse_entry("a refusal with too many reasons, a long one, or ids that do not ascend")
    if not (records or ids or unvouched):
        refuse_entry("a refusal with no reason")
    return Contrary(
        witness=granted.witness,
        origin=granted.origin,
        incarnation=granted.incarnation,
        number=granted.number,
        leaf=granted.leaf,
        claims=tuple(map(read_claim, records)),
        closed=ids,
        unvouched=unvouched,
    )


_READERS: dict[bytes, Callable[[bytes, list[bytes]], Message]] = {
    b"standing": _read_standing,
    b"recollection": _read_recollection,
    b"grant": _read_granted,
    b"contrary": _read_contrary,
}


def _malformed(detail: str) -> Malformed:
    return Malformed("member-message-malformed", f"a member's message: {detail}")


def _foreign(detail: str) -> Malformed:
    return Malformed("member-message-foreign", f"a member's message: {detail}")
