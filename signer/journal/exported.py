"""An exported journal: the log in one file, to be verified with public keys alone (docs/audit.md).

1. The bytes: `pegwarden/journal/1` and a line end; the signed head; the records from entry 0 on, as many as
   the head says. Head and records each with their length in front (u32, big-endian).
2. Reading is strict, in one pass, and holds one record at a time. It verifies nothing but this form.
3. The tables are not exported: they follow from the records.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeGuard

from signer.bitcoin.errors import Malformed
from signer.core.fields import pack
from signer.journal.note import MAX_NOTE, read_head, read_note
from signer.journal.place import Place

MAGIC = b"pegwarden/journal/1\n"
MAX_RECORD = 64 << 20
"""Bytes of a record that is read: several times what a request can lead to."""


@dataclass(frozen=True, slots=True)
class ExportedJournal:
    """An exported journal that is being read."""

    head: str
    """Signed note, not verified."""
    records: Iterator[bytes]
    """To be taken once, while the file is open."""


def write_exported(stream: BinaryIO, head: str, records: Iterable[bytes]) -> None:
    """Write it: the records are those of the head, from entry 0 on."""
    stream.write(MAGIC + pack((head.encode(),)))
    for record in records:
        stream.write(pack((record,)))


def is_exported(place: Place) -> TypeGuard[Path]:
    """Whether it is a file that begins as an exported journal does."""
    if not isinstance(place, Path) or not place.is_file():
        return False
    with place.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def read_exported(stream: BinaryIO) -> ExportedJournal:
    """The journal in the file. Raises Malformed `export-malformed`, also while the records are taken."""
    if stream.read(len(MAGIC)) != MAGIC:
        _refuse("not an exported journal")
    try:
        head = _field(stream, MAX_NOTE).decode()
        size = read_head(read_note(head).text).size
    except (Malformed, UnicodeDecodeError):
        _refuse("no signed head behind the first line")
    return ExportedJournal(head, _records(stream, size))


def _records(stream: BinaryIO, size: int) -> Iterator[bytes]:
    for _ in range(size):
        yield _field(stream, MAX_RECORD)
    if stream.read(1):
        _refuse(f"more than the {size} records of the head")


def _field(stream: BinaryIO, most: int) -> bytes:
    length = int.from_bytes(_exactly(stream, 4), "big")
    if not 1 <= length <= most:
        _refuse(f"a record of {length} bytes")
    return _exactly(stream, length)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    read = stream.read(size)
    if len(read) != size:
        _refuse("the file is cut short")
    return read


def _refuse(detail: str) -> NoReturn:
    raise Malformed("export-malformed", detail)
