"""ListEntries: page after page by narrow calls, to the size that the first page tells, and no further."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from pegwarden.v1 import audit_pb2 as au
from signer.cli.certificates import Issued
from signer.core.caller import Caller
from signer.core.errors import Objection, VerificationError
from signer.edge.limits import EdgeLimits
from signer.edge.watch import Rest, list_entries
from tests.edge.lobby import (
    AUDITOR,
    RELAYER,
    Lobby,
    RefusingKernel,
    answered,
    failure_of,
    path_of,
    served,
    with_limits,
)

Stream = Iterator[au.ListEntriesResponse]


@dataclass
class PagingKernel:
    """Has that many entries, two on a page, and remembers what it was asked."""

    size: int
    asked: list[tuple[int, int, bytes]] = field(default_factory=list)
    grows: int = 0
    """By so many entries with each page."""

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        if method != "ListEntries":
            return request
        asked = au.ListEntriesRequest.FromString(request)
        self.asked.append((asked.start, asked.max_entries, asked.log_key))
        size, self.size = self.size, self.size + self.grows
        most = min(2, asked.max_entries or 2)
        records = [b"entry %d" % each for each in range(asked.start, size)][:most]
        page = au.ListEntriesResponse(start=asked.start, records=records, size=size)
        return page.SerializeToString()


@contextmanager
def listing(lobby: Lobby, who: Issued = AUDITOR, **asked: object) -> Iterator[Stream]:
    with lobby.channel(who) as channel:
        rpc: grpc.UnaryStreamMultiCallable[au.ListEntriesRequest, au.ListEntriesResponse]
        rpc = channel.unary_stream(
            path_of("ListEntries"),
            request_serializer=au.ListEntriesRequest.SerializeToString,
            response_deserializer=au.ListEntriesResponse.FromString,
        )
        call = rpc(au.ListEntriesRequest(**asked), timeout=20)
        try:
            yield call
        finally:
            call.cancel()


def numbers(stream: Stream) -> list[list[int]]:
    return [[int(each.split()[1]) for each in page.records] for page in stream]


def test_all_entries_come_page_by_page_and_the_stream_ends() -> None:
    kernel = PagingKernel(5)
    with served(kernel) as lobby, listing(lobby, log_key=b"k") as stream:
        assert numbers(stream) == [[0, 1], [2, 3], [4]]
    assert kernel.asked == [(0, 0, b"k"), (2, 3, b"k"), (4, 1, b"k")]


def test_it_begins_where_it_is_asked_to_and_gives_as_many_as_it_is_asked_for() -> None:
    for start, most, expected in (
        (3, 0, [[3, 4]]),
        (1, 3, [[1, 2], [3]]),
        (1, 1, [[1]]),
        (4, 9, [[4]]),
        (5, 0, [[]]),
    ):
        kernel = PagingKernel(5)
        with served(kernel) as lobby, listing(lobby, start=start, max_entries=most) as stream:
            assert numbers(stream) == expected


def test_a_log_that_grows_meanwhile_ends_at_the_size_of_the_first_page() -> None:
    kernel = PagingKernel(4, grows=2)
    with served(kernel) as lobby, listing(lobby) as stream:
        pages = list(stream)
    assert [len(page.records) for page in pages] == [2, 2]
    assert [page.size for page in pages] == [4, 6]


def test_a_page_without_records_ends_it() -> None:
    """A copy that was dropped between two pages must not be asked for without end."""

    class Shrinking(PagingKernel):
        def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
            answer = super().__call__(method, caller, request)
            self.size = 2
            return answer

    kernel = Shrinking(9)
    with served(kernel) as lobby, listing(lobby) as stream:
        assert numbers(stream) == [[0, 1], []]
    assert len(kernel.asked) == 2


def test_the_next_page_waits_until_the_last_is_taken() -> None:
    """A caller that reads slowly holds a page in memory, not the log, and no thread."""
    kernel = PagingKernel(5)
    taken = asyncio.Event()
    sent: list[bytes] = []

    async def look(request: bytes) -> bytes:
        return kernel("ListEntries", Caller("auditor", frozenset()), request)

    async def send(response: bytes) -> None:
        sent.append(response)
        await taken.wait()

    async def stream() -> None:
        rest = Rest(EdgeLimits(), asyncio.Event())
        work = asyncio.create_task(list_entries(b"", look, send, rest))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (len(sent), len(kernel.asked)) == (1, 1)
        taken.set()
        await work

    asyncio.run(stream())
    assert len(sent) == 3


def test_it_ends_with_its_page_when_the_server_drains() -> None:
    kernel = PagingKernel(1_000_000)
    draining = asyncio.Event()
    sent: list[bytes] = []

    async def look(request: bytes) -> bytes:
        return kernel("ListEntries", Caller("auditor", frozenset()), request)

    async def send(response: bytes) -> None:
        sent.append(response)
        if len(sent) == 3:
            draining.set()

    asyncio.run(list_entries(b"", look, send, Rest(EdgeLimits(), draining)))
    assert len(sent) == 3


def test_streams_of_both_kinds_share_a_limit() -> None:
    started, release = threading.Event(), threading.Event()

    class Waiting(PagingKernel):
        def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
            started.set()
            release.wait(20)
            return super().__call__(method, caller, request)

    with served(Waiting(1), with_limits(watches=1)) as lobby, listing(lobby) as first:
        assert started.wait(20)
        with lobby.channel(RELAYER) as channel:
            rpc: grpc.UnaryStreamMultiCallable[bytes, bytes]
            rpc = channel.unary_stream(path_of("Watch"))
            second = rpc(b"", timeout=20)
            told = answered(failure_of(lambda: next(second))).code
        release.set()
        assert numbers(first) == [[0]]
    assert told == "watches-too-many"


def test_who_may_not_read_the_log_is_refused_and_a_refusal_has_its_details() -> None:
    kernel = PagingKernel(5)
    with served(kernel) as lobby, listing(lobby, RELAYER) as stream:
        assert answered(failure_of(lambda: next(stream))).code == "role-not-allowed"
    assert kernel.asked == []
    refusing = RefusingKernel(VerificationError(Objection("entry-unknown", "no such entry")))
    with served(refusing) as lobby, listing(lobby, start=9) as stream:
        assert answered(failure_of(lambda: next(stream))).code == "entry-unknown"
