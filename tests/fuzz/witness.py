"""Invariant: the relay rules of a P2WSH script refuse script and items with a code, or let them pass; what
they let pass may also stand in a branch that 01 selects, and nothing else may select it.

The input is a length, so many bytes of script, then items, each behind its length.
"""

from collections.abc import Iterator

from signer.core.errors import VerificationError
from signer.core.standard_script import verify_script
from tests.core.standard_cases import ALICE, CHECKSIG, OR_I, OR_MULTI, PK, A
from tests.fuzz.target import coded

DIGEST = bytes(32)
SIGNATURE = ALICE.sign(DIGEST, hasher=None) + b"\x01"


def seeds() -> Iterator[tuple[str, bytes]]:
    for name, script, items in (
        ("pk", PK, (SIGNATURE,)),
        ("or-i", OR_I, (SIGNATURE, b"\x01")),
        ("multi", OR_MULTI, (b"", b"", SIGNATURE)),
        ("hashes", b"\xa6\xa8\xa9\xaa\x82\x92\x69\x69" + A + CHECKSIG, (SIGNATURE, b"ab")),
    ):
        yield name, b"".join(bytes((len(each),)) + each for each in (script, *items))


def accepts(data: bytes) -> bool:
    script, *items = _split(data) or [b""]
    try:
        verify_script(script, items, DIGEST)
    except VerificationError as refusal:
        return coded(refusal)
    selected = b"\x63" + script + b"\x68"
    verify_script(selected, [*items, b"\x01"], DIGEST)
    return not _passes(selected, [*items, b"\x02"])


def _passes(script: bytes, items: list[bytes]) -> bool:
    try:
        verify_script(script, items, DIGEST)
    except VerificationError as refusal:
        return coded(refusal)
    raise AssertionError("selected by 02")


def _split(data: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        parts.append(data[at + 1 : end])
        at = end
    return parts
