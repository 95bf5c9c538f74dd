"""Segwit addresses as text: Bech32 for version 0, Bech32m for 1 to 16 (BIP-173, BIP-350).

Rule 1: at most 90 characters, one case, printable ASCII; the version decides the checksum.
Rule 2: padding bits are zero and fewer than 5, so one program has one text (upper case apart).
Rule 3: a program has 2 to 40 bytes; version 0 has 20 or 32.
"""

from collections.abc import Iterable

from signer.bitcoin.errors import Malformed

MAX_TEXT = 90
"""Characters (BIP-173)."""
BECH32, BECH32M = 1, 0x2BC830A3

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_DIGIT_OF = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _malformed(detail: str) -> Malformed:
    return Malformed("bech32-malformed", detail)


def _polymod(values: Iterable[int]) -> int:
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            if top >> bit & 1:
                remainder ^= term
    return remainder


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def bech32_encode(prefix: str, digits: list[int], constant: int) -> str:
    """Prefix, separator, 5-bit digits and the checksum of that constant."""
    remainder = _polymod([*_expand(prefix), *digits, 0, 0, 0, 0, 0, 0]) ^ constant
    checksum = [remainder >> 5 * place & 31 for place in (5, 4, 3, 2, 1, 0)]
    return prefix + "1" + "".join(_ALPHABET[digit] for digit in digits + checksum)


def bech32_decode(text: str) -> tuple[str, list[int], int]:
    """(prefix in lower case, digits, constant). Raises Malformed `bech32-malformed`."""
    if len(text) > MAX_TEXT:
        raise _malformed(f"{len(text)} characters; at most {MAX_TEXT} are read")
    if not all("!" <= character <= "~" for character in text):
        raise _malformed("not printable ASCII")
    if text not in (text.lower(), text.upper()):
        raise _malformed("upper and lower case mixed")
    prefix, _, tail = text.lower().rpartition("1")
    if not prefix or len(tail) < 6 or not all(character in _DIGIT_OF for character in tail):
        raise _malformed("not a prefix, a 1, and bech32 digits")
    digits = [_DIGIT_OF[character] for character in tail]
    constant = _polymod(_expand(prefix) + digits)
    if constant not in (BECH32, BECH32M):
        raise _malformed("the checksum does not match")
    return prefix, digits[:-6], constant


def segwit_encode(prefix: str, version: int, program: bytes) -> str:
    """The address of a witness program. Raises Malformed `bech32-malformed`."""
    _refuse_program(version, program)
    padding = -8 * len(program) % 5
    number = int.from_bytes(program, "big") << padding
    count = (8 * len(program) + padding) // 5
    digits = [number >> 5 * place & 31 for place in reversed(range(count))]
    return bech32_encode(prefix, [version, *digits], BECH32M if version else BECH32)


def segwit_decode(text: str) -> tuple[str, int, bytes]:
    """(prefix, version, program) of an address. Raises Malformed `bech32-malformed`."""
    prefix, digits, constant = bech32_decode(text)
    if not digits:
        raise _malformed("no witness version")
    version, padding = digits[0], 5 * (len(digits) - 1) % 8
    if constant != (BECH32M if version else BECH32):
        raise _malformed("version 0 takes Bech32, the others Bech32m")
    number = 0
    for digit in digits[1:]:
        number = number << 5 | digit
    if padding > 4 or number & ((1 << padding) - 1):
        raise _malformed("padding is not zero, or too long")
    program = (number >> padding).to_bytes(5 * (len(digits) - 1) // 8, "big")
    _refuse_program(version, program)
    return prefix, version, program


def _refuse_program(version: int, program: bytes) -> None:
    if not 0 <= version <= 16:
        raise _malformed(f"there is no witness version {version}")
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise _malformed(f"a version {version} program of {len(program)} bytes")
