"""A member as a round found it, and its entries as it serves them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from pegwarden.v1 import audit_pb2 as au

Answer = TypeVar("Answer", bound=Message)
MAX_PIECE = 4 << 20
"""Bytes of entries after which a piece ends; one entry always fits."""
MAX_ENTRIES = 1_000


class Kernel(Protocol):
    """A member's kernel that can be asked (`carrier.member.Member`)."""

    @property
    def name(self) -> str:
        """For reports."""

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        """Raises NoAnswer."""

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        """Raises NoAnswer."""


@dataclass(slots=True)
class Seen:
    """A member that answers."""

    kernel: Kernel
    log_key: bytes
    told: au.GetHeadResponse
    followed: dict[bytes, int]
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[int, au.MemberLog | None] | None = None
    """The piece asked for last, by where it starts."""

    @property
    def size(self) -> int:
        """Entries of its log."""
        return size_of(self.told.head)

    def doubts(self, log_key: bytes) -> bool:
        """Whether it asks for all histories of that log: it says that it follows it, from 0."""
        return any(each.log_key == log_key and not each.size for each in self.told.followed)

    def own_piece(self, start: int) -> au.MemberLog | None:
        """Its entries from there on, as many as fit, and its head where they end; None where it has fewer."""
        with self._guard:
            if self._kept is None or self._kept[0] != start:
                self._kept = (start, _own_piece(self, start))
            return self._kept[1]


def size_of(head: str) -> int:
    """Entries that a head states; 0 where it states none."""
    lines = head.split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdigit() else 0


def _own_piece(source: Seen, start: int) -> au.MemberLog | None:
    """See `Seen.own_piece`."""
    if start > source.size:
        return None
    records = entries_of(source.kernel, b"", start, min(source.size - start, MAX_ENTRIES))
    end, head = start + len(records), source.told.head
    if end != source.size:
        head = source.kernel.ask(au.GetHeadRequest(size=end), au.GetHeadResponse).head
    return au.MemberLog(log_key=source.log_key, head=head, start=start, records=records)


def entries_of(kernel: Kernel, log_key: bytes, start: int, most: int) -> list[bytes]:
    """At most so many entries; of the kernel's own log not many more bytes than MAX_PIECE."""
    records: list[bytes] = []
    if not most:
        return records
    request = au.ListEntriesRequest(log_key=log_key, start=start, max_entries=most)
    size = 0
    for page in kernel.ask_all(request, au.ListEntriesResponse):
        for record in page.records:
            fits = size + len(record) <= MAX_PIECE or bool(log_key) or not records
            if not fits or len(records) == most:
                return records
            records.append(record)
            size += len(record)
    return records
