"""What the kernel asks a keeper, and what comes back: one packet each, bounded, read strictly.

1. Question: u8 operation, u8 length and the key's id, then what the operation takes.
2. Answer: 0 and the result; or 1, a code of KEEPERS_CODES, a zero byte and words for people.
3. An answer that is neither is `token-unavailable`; a keeper's words cannot name another code.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from keystore.token.cryptoki import GcmText
from signer.core.errors import Objection, Refusal

MOST_PACKET = 32_768
MOST_DIGESTS, MOST_ID, MOST_DETAIL = 8, 32, 200
NONCE, TAG = 12, 16


class Operation(IntEnum):
    """What a keeper does."""

    PUBLIC = 0
    """Answers the public key of a signing key."""
    SIGN = 1
    """Takes 1 to 8 digests of 32 bytes; answers 64 bytes for each."""
    OPEN = 2
    """Takes nonce, associated data, sealed bytes; answers what they hold."""
    SEAL = 3
    """Takes nonce, associated data, bytes; answers them sealed. Not offered to a kernel."""


SERVING = frozenset((Operation.PUBLIC, Operation.SIGN, Operation.OPEN))
"""What the keeper of a kernel offers."""
MAKING = frozenset((Operation.PUBLIC, Operation.SEAL, Operation.OPEN))
"""What the keeper of a command that makes keys offers: it signs nothing."""


_OPERATIONS = frozenset(each.value for each in Operation)


class Question(NamedTuple):
    """One question, read."""

    operation: Operation
    ident: bytes
    rest: bytes


class Unreadable(Exception):
    """No question."""


def read_question(packet: bytes) -> Question:
    """Raises Unreadable."""
    if len(packet) < 2 or len(packet) > MOST_PACKET:
        raise Unreadable("length")
    size = packet[1]
    if packet[0] not in _OPERATIONS or not 1 <= size <= MOST_ID or len(packet) < 2 + size:
        raise Unreadable("operation or id")
    return Question(Operation(packet[0]), packet[2 : 2 + size], packet[2 + size :])


def public_question(ident: bytes) -> bytes:
    """Which public key it has."""
    return _question(Operation.PUBLIC, ident, b"")


def sign_question(ident: bytes, digests: Sequence[bytes]) -> bytes:
    """Signatures of digests."""
    return _question(Operation.SIGN, ident, b"".join(digests))


def gcm_question(operation: Operation, ident: bytes, text: GcmText) -> bytes:
    """OPEN or SEAL."""
    size = len(text.associated).to_bytes(2, "big")
    return _question(operation, ident, text.nonce + size + text.associated + text.content)


def read_digests(rest: bytes) -> tuple[bytes, ...]:
    """What SIGN takes: nothing but whole digests. Raises Unreadable."""
    if not rest or len(rest) % 32 or len(rest) > 32 * MOST_DIGESTS:
        raise Unreadable("digests")
    return tuple(rest[place : place + 32] for place in range(0, len(rest), 32))


def read_gcm(rest: bytes) -> GcmText:
    """What OPEN and SEAL take. Raises Unreadable."""
    if len(rest) < NONCE + 2:
        raise Unreadable("nonce")
    end = NONCE + 2 + int.from_bytes(rest[NONCE : NONCE + 2], "big")
    if len(rest) <= end:
        raise Unreadable("associated data")
    return GcmText(rest[:NONCE], rest[NONCE + 2 : end], rest[end:])


def refusal_answer(refusal: Refusal) -> bytes:
    """As an answer; the detail is cut."""
    said = refusal.objections[0]
    return (
        b"\x01" + said.code.encode() + b"\0" + said.detail[:MOST_DETAIL].encode("ascii", "replace")
    )


def objection_of(answer: bytes) -> Objection:
    """Why a keeper refused."""
    code, _, words = answer[1:].partition(b"\0")
    detail = "".join(filter(str.isprintable, words.decode("ascii", "replace")))[:MOST_DETAIL]
    match code:
        case b"token-key-missing":
            return Objection("token-key-missing", detail)
        case b"token-key-weak":
            return Objection("token-key-weak", detail)
        case b"token-seal-wrong":
            return Objection("token-seal-wrong", detail)
        case _:
            return Objection("token-unavailable", detail or "a keeper gave no answer")


def _question(operation: Operation, ident: bytes, rest: bytes) -> bytes:
    return bytes((operation, len(ident))) + ident + rest
