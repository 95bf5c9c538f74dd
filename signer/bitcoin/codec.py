"""Reading and writing of Bitcoin's integers and strings of bytes.

Rule 1: a length is compared with what is left before anything is allocated.
Rule 2: CompactSize is canonical: the shortest form or a refusal.
Rule 3: whoever finishes reading calls `end()`: no trailing bytes.
"""

import struct

from signer.bitcoin.errors import Malformed

_U16, _U32, _U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_WIDE_FORMS = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}
"""First byte -> (bytes that follow, least value that needs them)."""


class Reader:
    """A cursor over immutable bytes. `what` names the thing in errors."""

    __slots__ = ("data", "position", "what")

    def __init__(self, data: bytes, what: str) -> None:
        self.data = data
        self.position = 0
        self.what = what

    def _fail(self, detail: str) -> Malformed:
        return Malformed(f"{self.what}-malformed", f"{detail} at byte {self.position}")

    def _short(self, wanted: int) -> Malformed:
        return self._fail(f"{wanted} bytes wanted, {len(self.data) - self.position} left")

    def take(self, length: int) -> bytes:
        """Exactly `length` bytes. Raises Malformed `<what>-malformed` when fewer are left."""
        start = self.position
        end = start + length
        if end > len(self.data):
            raise self._short(length)
        self.position = end
        return self.data[start:end]

    def u8(self) -> int:
        """One byte."""
        start = self.position
        if start >= len(self.data):
            raise self._short(1)
        self.position = start + 1
        return self.data[start]

    def u32(self) -> int:
        """Four bytes, little-endian."""
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        """Eight bytes, little-endian."""
        return int.from_bytes(self.take(8), "little")

    def compact_size(self) -> int:
        """A CompactSize in its shortest form."""
        first = self.u8()
        if first < 0xFD:
            return first
        width, least = _WIDE_FORMS[first]
        value = int.from_bytes(self.take(width), "little")
        if value < least:
            raise self._fail(f"CompactSize {value} is not in its shortest form")
        return value

    def count(self, least_size: int) -> int:
        """A CompactSize that counts things of at least `least_size` bytes each, all to come."""
        count = self.compact_size()
        if count * least_size > len(self.data) - self.position:
            raise self._fail(f"{count} items announced, too few bytes left")
        return count

    def var_bytes(self) -> bytes:
        """A byte string with its CompactSize length in front."""
        # Most strings are short, and a PSBT is thousands of them: one call, not four.
        start = self.position + 1
        if start <= len(self.data) and (size := self.data[start - 1]) < 0xFD:
            if start + size > len(self.data):
                raise self._short(size)
            self.position = start + size
            return self.data[start : start + size]
        return self.take(self.compact_size())

    def end(self) -> None:
        """Refuse trailing bytes."""
        if self.position != len(self.data):
            raise self._fail(f"{len(self.data) - self.position} bytes too many")


def u32(value: int) -> bytes:
    """Four bytes, little-endian."""
    return _U32.pack(value)


def u64(value: int) -> bytes:
    """Eight bytes, little-endian."""
    return _U64.pack(value)


def compact_size(value: int) -> bytes:
    """CompactSize, shortest form."""
    if value < 0xFD:
        return bytes((value,))
    if value <= 0xFFFF:
        return b"\xfd" + _U16.pack(value)
    if value <= 0xFFFF_FFFF:
        return b"\xfe" + _U32.pack(value)
    return b"\xff" + _U64.pack(value)


def var_bytes(data: bytes) -> bytes:
    """A byte string with its CompactSize length in front."""
    return compact_size(len(data)) + data


def hex_bytes(text: str, what: str) -> bytes:
    """Bytes of an even-length hexadecimal text without white space."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise Malformed(f"{what}-malformed", "not hexadecimal") from None
    if len(text) != 2 * len(data):
        raise Malformed(f"{what}-malformed", "white space in hexadecimal")
    return data
