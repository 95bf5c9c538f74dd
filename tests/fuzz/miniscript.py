"""Invariant: a text is refused with a code, or is a miniscript that its own text gives back; bytes are
refused with a code, or are a script whose decoding encodes to them.

The first byte says what the others are: text or script, of P2WSH or of tapscript.
"""

from collections.abc import Iterator

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.decode import decode_script
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.sane import insanities
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.miniscript.types import verify_top_level
from tests.bitcoin.miniscript.generator import pubkey
from tests.fuzz.target import coded

CONTEXTS = tuple(Context)
TEXTS = {
    "multi": (0, "or_d(multi(2,A,B,C),and_v(v:pkh(D),older(144)))"),
    "thresh": (0, "thresh(2,pk(A),s:pk(B),sln:after(900000))"),
    "multi_a": (1, "andor(pk(A),multi_a(1,B,C),t:or_c(pk(D),v:older(9)))"),
}


def keys_of(count: int, context: Context) -> list[bytes]:
    """So many distinct points on the curve, as the context writes them."""
    cut = CONTEXTS.index(context)
    return [pubkey(number)[cut:] for number in range(count)]


def seeds() -> Iterator[tuple[str, bytes]]:
    for name, (at, text) in TEXTS.items():
        yield name, bytes((at,)) + text.encode()
        parsed = parse_miniscript(text, CONTEXTS[at])
        script = script_bytes(parsed.script, keys_of(len(parsed.keys), CONTEXTS[at]))
        yield f"{name}-script", bytes((2 + at,)) + script


def accepts(data: bytes) -> bool:
    kind, rest = (data[0] if data else 0) % 4, data[1:]
    try:
        return (_script if kind > 1 else _text)(rest, CONTEXTS[kind % 2])
    except Malformed as refusal:
        return coded(refusal)


def _text(data: bytes, context: Context) -> bool:
    parsed = parse_miniscript(data.decode("utf-8", "replace"), context)
    text = format_miniscript(parsed.script, parsed.keys)
    assert parse_miniscript(text, context) == parsed
    verify_top_level(parsed.script)
    insanities(parsed.script, parsed.keys)
    return True


def _script(data: bytes, context: Context) -> bool:
    decoded = decode_script(data, context)
    assert script_bytes(decoded.script, decoded.keys) == data
    verify_top_level(decoded.script)
    return True
