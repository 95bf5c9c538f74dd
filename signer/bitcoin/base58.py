"""Base58Check: the text form of extended keys and of legacy addresses.

Rule 1: at most 128 characters are read, because the conversion is quadratic.
Rule 2: decoding and encoding are inverse: no white space, one text for one byte string.
Rule 3: the last 4 bytes are the first 4 of the double SHA-256 of the others.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256

MAX_TEXT = 128
"""Characters. An xpub has 111, an address at most 35."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT_OF = {character: value for value, character in enumerate(_ALPHABET)}


def base58_encode(data: bytes) -> str:
    """Base58 without a checksum. Each leading zero byte is a leading 1."""
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def base58_decode(text: str) -> bytes:
    """The inverse of `base58_encode`. Raises Malformed `base58-malformed`."""
    if len(text) > MAX_TEXT:
        raise Malformed("base58-malformed", f"{len(text)} characters; at most {MAX_TEXT} are read")
    number = 0
    for character in text:
        if character not in _DIGIT_OF:
            raise Malformed("base58-malformed", f"{character!r} is not a base58 digit")
        number = number * 58 + _DIGIT_OF[character]
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58check_encode(data: bytes) -> str:
    """Base58 of the data and its checksum."""
    return base58_encode(data + hash256(data)[:4])


def base58check_decode(text: str) -> bytes:
    """The data without its checksum. Raises Malformed `base58-malformed`."""
    decoded = base58_decode(text)
    data, checksum = decoded[:-4], decoded[-4:]
    if len(decoded) < 4 or hash256(data)[:4] != checksum:
        raise Malformed("base58-malformed", "the checksum does not match")
    return data
