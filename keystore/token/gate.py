"""What a token answers becomes a signature here, or a Fault.

1. Only tasks whose digest `keystore.gate` computed again come here: 32 bytes, SIGHASH_ALL, no leaf, and the
   public key that is pinned for this token key.
2. A token signs inputs of any length, gives high S half of the time and other bytes every time: 64 bytes are
   parsed, normalised to low S, and verified under the task's key.
3. Whatever does not fit is a Fault: the token, its module or its keeper lies or is broken.
4. Two signatures of one nonce for two digests give the key away: R is compared with those of the same answer
   and of the key's newest REMEMBERED signatures in this process. A nonce that is only biased cannot be seen.
5. A kernel that serves has seen the key: a keeper that does not find it now sees a token that is away, or
   lost its key. That is `token-unavailable`; only a start or a command of keys says `token-key-missing`.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from coincurve._libsecp256k1 import ffi, lib

from keystore.token.links import Links
from keystore.token.questions import sign_question
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import PartialSignature
from signer.bitcoin.secp import CONTEXT, BadSignature, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import SigningTask

AT_ONCE = 8
"""Digests of one question: a slow token (70 ms a signature) answers it within a second, and the hop to the
keeper is paid once for all of them."""


REMEMBERED = 4_096
"""Signatures whose R is remembered: of eight spends with 500 inputs."""


class Nonces:
    """The R of a key's newest signatures, each with its digest (4). Thread-safe."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def take(self, nonce: bytes, digest: bytes) -> None:
        """`nonce`: the 32 bytes of R. Raises Fault where it was another digest's."""
        with self._lock:
            if self._digests.setdefault(nonce, digest) != digest:
                raise Fault("the token repeats a nonce, which gives its key away: do not use it")
            if len(self._digests) > REMEMBERED:
                self._digests.popitem(last=False)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A signing key in the token."""

    ident: bytes
    """CKA_ID."""
    pubkey: bytes
    """33 bytes, as pinned in the vault."""
    nonces: Nonces = field(default_factory=Nonces, repr=False, compare=False)


def sign_tasks(
    links: Links, key: TokenKey, tasks: Sequence[SigningTask], deadline: float
) -> tuple[PartialSignature, ...]:
    """One signature per task, in order, before that moment of the monotonic clock.

    Raises Refusal `token-unavailable`, `token-key-weak`, and Fault.
    """
    if any(not _is_ours(task, key) for task in tasks):  # 1
        raise Fault("a task is not one of this token key")
    parts = [tasks[place : place + AT_ONCE] for place in range(0, len(tasks), AT_ONCE)]
    questions = [sign_question(key.ident, [task.digest for task in part]) for part in parts]
    signatures: list[PartialSignature] = []
    for part, answer in zip(parts, _answers(links, questions, deadline), strict=True):
        if len(answer) != 64 * len(part):
            raise Fault("the token answered with another number of bytes")
        for place, task in enumerate(part):
            raw = answer[64 * place : 64 * place + 64]
            signatures.append(take_token_signature(raw, task))
            key.nonces.take(raw[:32], task.digest)  # 4
    return tuple(signatures)


def _answers(links: Links, questions: Sequence[bytes], deadline: float) -> list[bytes]:
    """Rule 5."""
    try:
        return links.ask_all(questions, deadline)
    except Refusal as refusal:
        if refusal.code != "token-key-missing":
            raise
        detail = f"the token is away, or lost its key: {refusal.objections[0].detail}"
        raise Refusal(Objection("token-unavailable", detail)) from None


def take_token_signature(raw: bytes, task: SigningTask) -> PartialSignature:
    """The token's 64 bytes as a signature for that task. Raises Fault."""
    if len(raw) != 64 or len(task.digest) != 32:
        raise Fault("a token signature is 64 bytes over a digest of 32")
    parsed = ffi.new("secp256k1_ecdsa_signature *")
    if not lib.secp256k1_ecdsa_signature_parse_compact(CONTEXT, parsed, raw):
        raise Fault("R or S of the token's signature is out of range")
    signature = der_of(parsed)
    try:
        verify_ecdsa(task.pubkey, task.digest, signature)
    except (BadSignature, Malformed):
        raise Fault(f"input {task.input_index}: the token's signature does not verify") from None
    return PartialSignature(task.pubkey, signature + bytes((SIGHASH_ALL,)))


def der_of(parsed: Any) -> bytes:
    """libsecp256k1's form of a signature as DER with low S (2)."""
    lib.secp256k1_ecdsa_signature_normalize(CONTEXT, parsed, parsed)
    out, size = ffi.new("unsigned char[72]"), ffi.new("size_t *", 72)
    lib.secp256k1_ecdsa_signature_serialize_der(CONTEXT, out, size, parsed)
    return bytes(ffi.buffer(out, size[0]))


def _is_ours(task: SigningTask, key: TokenKey) -> bool:
    return (
        task.pubkey == key.pubkey
        and len(task.digest) == 32
        and task.sighash_type == SIGHASH_ALL
        and not task.leaf_hash
    )
