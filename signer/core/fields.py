"""Length-prefixed fields: the one form in which the kernel writes what it keeps for ever.

Rule 1: a field is its length (u32, big-endian) and its bytes; a record is fields one after another.
Rule 2: numbers are big-endian of a stated width; text is UTF-8.
Rule 3: reading is strict and the inverse of writing: whole fields, as many as expected, no more bytes.
"""

import struct
from collections.abc import Iterable
from typing import NoReturn

from signer.bitcoin.errors import Malformed

_LENGTH = struct.Struct(">I")


def pack(fields: Iterable[bytes]) -> bytes:
    """The fields, each with its length in front."""
    length = _LENGTH.pack
    return b"".join([part for field in fields for part in (length(len(field)), field)])


def unpack(record: bytes) -> list[bytes]:
    """The fields of a record. Raises Malformed `entry-malformed`."""
    fields, position, end = [], 0, len(record)
    while position < end:
        if end - position < 4:
            refuse_entry("a length is cut short")
        (length,) = _LENGTH.unpack_from(record, position)
        position += 4
        if length > end - position:
            refuse_entry(f"a field of {length} bytes, {end - position} left")
        fields.append(record[position : position + length])
        position += length
    return fields


def unpack_exactly(record: bytes, count: int) -> list[bytes]:
    """The fields of a record that has `count` of them. Raises Malformed `entry-malformed`."""
    fields = unpack(record)
    if len(fields) != count:
        refuse_entry(f"{len(fields)} fields instead of {count}")
    return fields


def u32_be(value: int) -> bytes:
    """Four bytes, big-endian."""
    return value.to_bytes(4, "big")


def u64_be(value: int) -> bytes:
    """Eight bytes, big-endian."""
    return value.to_bytes(8, "big")


def read_number(field: bytes, width: int) -> int:
    """A number of that width. Raises Malformed `entry-malformed`."""
    return int.from_bytes(sized(field, width), "big")


def read_text(field: bytes) -> str:
    """UTF-8 text. Raises Malformed `entry-malformed`."""
    try:
        return field.decode()
    except UnicodeDecodeError:
        refuse_entry("text is not UTF-8")


def sized(field: bytes, *sizes: int) -> bytes:
    """The field, if it has one of these sizes. Raises Malformed `entry-malformed`."""
    if len(field) not in sizes:
        refuse_entry(f"a field of {len(field)} bytes instead of {' or '.join(map(str, sizes))}")
    return field


def refuse_entry(detail: str) -> NoReturn:
    """Raises Malformed `entry-malformed`."""
    raise Malformed("entry-malformed", detail)
