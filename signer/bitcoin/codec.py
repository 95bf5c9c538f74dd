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
_ONE_BYTE = tuple(bytes((value,)) for value in range(0xFD))


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
        start = self.position
        if start + 4 > len(self.data):
            raise self._short(4)
        self.position = start + 4
        return int.from_bytes(self.data[start : start + 4], "little")

    def u64(self) -> int:
        """Eight bytes, little-endian."""
        start = self.position
        if start + 8 > len(self.data):
            raise self._short(8)
        self.position = start + 8
        return int.from_bytes(self.data[start : start + 8], "little")

    def compact_size(self) -> int:
        """A CompactSize in its shortest form."""
        start = self.position
        if start >= len(self.data):
            raise self._short(1)
        self.position = start + 1
        first = self.data[start]
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
        data, start = self.data, self.position + 1
        if start <= len(data) and (size := data[start - 1]) < 0xFD:
            end = start + size
            if end > len(data):
                raise self._short(size)
            self.position = end
            return data[start:end]
        return self.take(self.compact_size())

    def pairs(self, most: int) -> list[tuple[bytes, bytes]]:
        """Byte strings two by two, up to an empty one that begins a pair, or to that many pairs."""
        # As in `var_bytes`. What a slice lacks at the end of the data, the next length byte lacks too.
        data, at = self.data, self.position
        found: list[tuple[bytes, bytes]] = []
        try:
            while (size := data[at]) and len(found) < most:
                at += 1 + size
                first = data[at - size : at]
                if size >= 0xFD:
                    first, at = self._long(at - size - 1)
                size = data[at]
                at += 1 + size
                second = data[at - size : at]
                if size >= 0xFD:
                    second, at = self._long(at - size - 1)
                found.append((first, second))
        except IndexError:
            raise self._short(1) from None
        self.position = at if size else at + 1
        return found

    def _long(self, at: int) -> tuple[bytes, int]:
        self.position = at
        return self.take(self.compact_size()), self.position

    def skip_strings(self, count: int, before: int = 0, after: int = 0) -> None:
        """Past `count` byte strings, each with `before` bytes ahead of its length and `after` behind it.

        Nothing is copied, nothing allocated.
        """
        data, at = self.data, self.position + before
        try:
            for _ in range(count):
                size = data[at]
                if size >= 0xFD:
                    self.position = at
                    size = self.compact_size()
                    at = self.position - 1
                at += 1 + size + after + before
        except IndexError:
            raise self._short(1) from None
        if at - before > len(data):
            raise self._short(at - before - self.position)
        self.position = at - before

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
        return _ONE_BYTE[value]
    if value <= 0xFFFF:
        return b"\xfd" + _U16.pack(value)
    if value <= 0xFFFF_FFFF:
        return b"\xfe" + _U32.pack(value)
    return b"\xff" + _U64.pack(value)


def var_bytes(data: bytes) -> bytes:
    """A byte string with its CompactSize length in front."""
    size = len(data)
    return _ONE_BYTE[size] + data if size < 0xFD else compact_size(size) + data
