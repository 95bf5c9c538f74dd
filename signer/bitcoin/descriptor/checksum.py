"""Descriptor checksums (BIP-380): eight characters after a `#`.

Rule 1: a descriptor that comes in has a checksum; one that is missing is refused like a wrong one.
"""

from signer.bitcoin.errors import Malformed

MAX_TEXT = 16_384
"""Characters of a descriptor or template that we are willing to read."""

_INPUT = (
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
)
_PLACE = {character: place for place, character in enumerate(_INPUT)}
_OUTPUT = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)


def _polymod(checksum: int, symbol: int) -> int:
    top = checksum >> 35
    checksum = (checksum & 0x7_FFFF_FFFF) << 5 ^ symbol
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            checksum ^= generator
    return checksum


def checksum_of(text: str) -> str:
    """The eight characters. Raises Malformed `descriptor-malformed` (length, character set)."""
    if len(text) > MAX_TEXT:
        raise Malformed("descriptor-malformed", f"longer than {MAX_TEXT} characters")
    state, group, count = 1, 0, 0
    for character in text:
        place = _PLACE.get(character)
        if place is None:
            raise Malformed("descriptor-malformed", f"character {ord(character):#x} is not allowed")
        state = _polymod(state, place & 31)
        group = group * 3 + (place >> 5)
        count += 1
        if count == 3:
            state, group, count = _polymod(state, group), 0, 0
    if count:
        state = _polymod(state, group)
    for _ in range(8):
        state = _polymod(state, 0)
    state ^= 1
    return "".join(_OUTPUT[state >> 5 * (7 - place) & 31] for place in range(8))


def with_checksum(text: str) -> str:
    """`text#checksum`."""
    return f"{text}#{checksum_of(text)}"


def strip_checksum(text: str) -> str:
    """The text before a right checksum. Raises Malformed `descriptor-checksum`."""
    body, mark, checksum = text[: MAX_TEXT + 10].rpartition("#")
    if not mark:
        raise Malformed("descriptor-checksum", "no # and checksum at the end")
    if checksum_of(body) != checksum:
        raise Malformed("descriptor-checksum", "the checksum does not fit the text")
    return body
