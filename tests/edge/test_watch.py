"""Watch: a stream of narrow calls that waits without a thread, within limits, until somebody ends it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Queue

import grpc
import pytest

from pegwarden.v1 import approval_pb2 as ap
from signer.cli.certificates import Issued
from signer.core.caller import Caller
from signer.core.errors import Objection, VerificationError
from tests.edge.lobby import (
    AUDITOR,
    INDEXER,
    OFFICER,
    RELAYER,
    FailingKernel,
    Lobby,
    RefusingKernel,
    answered,
    failure_of,
    path_of,
    served,
    with_limits,
)

Stream = Iterator[ap.WatchResponse]


@dataclass
class EventfulKernel:
    """Things happen when a test says so; remembers after which entry it was asked, and by whom."""

    happened: list[int] = field(default_factory=list)
    asked: Queue[tuple[str, int]] = field(default_factory=Queue)

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        if method != "Watch":
            return request
        after = ap.WatchRequest.FromString(request).after_entry
        self.asked.put((caller.name, after))
        new = [entry for entry in self.happened if entry > after]
        events = [ap.WatchEvent(entry=entry, what="attested") for entry in new]
        last = max(new, default=after)
        return ap.WatchResponse(events=events, last_entry=last).SerializeToString()


@contextmanager
def watching(lobby: Lobby, who: Issued = OFFICER, after: int = 0) -> Iterator[Stream]:
    with lobby.channel(who) as channel:
        rpc: grpc.UnaryStreamMultiCallable[ap.WatchRequest, ap.WatchResponse]
        rpc = channel.unary_stream(
            path_of("Watch"),
            request_serializer=ap.WatchRequest.SerializeToString,
            response_deserializer=ap.WatchResponse.FromString,
        )
        call = rpc(ap.WatchRequest(after_entry=after), timeout=20)
        try:
            yield call
        finally:
            call.cancel()


def entries(response: ap.WatchResponse) -> list[int]:
    return [event.entry for event in response.events]


def test_what_happened_comes_at_once_and_what_happens_later_when_it_does() -> None:
    kernel = EventfulKernel([3, 5])
    with served(kernel) as lobby, watching(lobby) as stream:
        assert entries(next(stream)) == [3, 5]
        kernel.happened.append(8)
        assert entries(next(stream)) == [8]
    asked = [kernel.asked.get_nowait() for _ in range(kernel.asked.qsize())]
    assert asked[:2] == [("officer", 0), ("officer", 5)]


def test_a_stream_goes_on_after_the_entry_that_its_caller_names() -> None:
    with served(EventfulKernel([3, 5])) as lobby, watching(lobby, after=3) as stream:
        assert entries(next(stream)) == [5]


def test_a_stream_that_waits_holds_no_thread() -> None:
    kernel = EventfulKernel()
    with (
        served(kernel, with_limits(threads=1, calls=1, calls_per_caller=1)) as lobby,
        watching(lobby),
        watching(lobby, RELAYER),
    ):
        assert {kernel.asked.get(timeout=10)[0] for _ in range(2)} == {"officer", "relayer"}
        assert lobby.call(RELAYER, "GetInfo", b"meanwhile") == b"meanwhile"


def test_looks_that_find_nothing_come_later_and_later() -> None:
    import asyncio

    from signer.edge.limits import EdgeLimits
    from signer.edge.watch import Rest

    waits: list[float] = []

    async def remembered(waiting: object, seconds: float) -> None:
        waiting.close()
        waits.append(seconds)
        raise TimeoutError

    async def looks(*found: int) -> None:
        rest = Rest(EdgeLimits(watch_poll_seconds=1, watch_rest_seconds=5), asyncio.Event())
        for events in found:
            assert await rest.taken(events)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("signer.edge.watch.asyncio.wait_for", remembered)
        asyncio.run(looks(2, 0, 0, 0, 0, 1, 0))
    assert waits == [1, 2, 4, 5, 5, 1, 2]


def told_again(lobby: Lobby) -> str:
    with watching(lobby) as stream:
        try:
            next(stream)
        except grpc.RpcError as error:
            return answered(error).code
        return "events"


def test_a_caller_has_so_many_streams_and_gets_one_back_when_it_ends_one() -> None:
    kernel = EventfulKernel([1])
    with served(kernel, with_limits(watches_per_caller=1)) as lobby:
        with watching(lobby) as stream:
            next(stream)
            with watching(lobby) as second:
                told = answered(failure_of(lambda: next(second)))
            assert (told.code, told.status) == (
                "watches-too-many",
                grpc.StatusCode.RESOURCE_EXHAUSTED,
            )
            with watching(lobby, AUDITOR) as other:
                assert entries(next(other)) == [1]
        seen = {told_again(lobby) for _ in iter(lambda: told_again(lobby), "events")}
    assert seen <= {"events", "watches-too-many"}


def test_all_streams_together_are_bounded() -> None:
    with served(EventfulKernel([1]), with_limits(watches=1)) as lobby, watching(lobby) as stream:
        next(stream)
        with watching(lobby, RELAYER) as other:
            assert answered(failure_of(lambda: next(other))).code == "watches-too-many"


def test_streams_end_when_the_server_drains() -> None:
    """A minute's drain must not be waited for."""
    kernel = EventfulKernel([1])
    received: list[list[int]] = []

    def follow(lobby: Lobby, begun: threading.Event) -> None:
        with watching(lobby) as stream:
            for response in stream:
                received.append(entries(response))
                begun.set()

    begun = threading.Event()
    with served(kernel, with_limits(drain_seconds=60)) as lobby:
        thread = threading.Thread(target=follow, args=(lobby, begun))
        thread.start()
        assert begun.wait(20)
    thread.join(20)
    assert not thread.is_alive()
    assert received == [[1]]


def test_whoever_may_not_watch_is_refused() -> None:
    kernel = EventfulKernel()
    with served(kernel) as lobby, watching(lobby, INDEXER) as stream:
        assert answered(failure_of(lambda: next(stream))).code == "role-not-allowed"
    assert kernel.asked.empty()


def test_a_refusal_ends_the_stream_with_its_details() -> None:
    kernel = RefusingKernel(VerificationError(Objection("vault-unknown", "no such vault")))
    with served(kernel) as lobby, watching(lobby) as stream:
        assert answered(failure_of(lambda: next(stream))).code == "vault-unknown"
    with served(FailingKernel(RuntimeError("inside"))) as lobby, watching(lobby) as stream:
        error = failure_of(lambda: next(stream))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "inside" not in (error.details() or "")


def test_a_stream_without_a_request_ends_at_the_deadline() -> None:
    never = threading.Event()
    limits = with_limits(deadline_seconds=1)
    with served(EventfulKernel(), limits) as lobby, lobby.channel(OFFICER) as channel:
        rpc: grpc.StreamStreamMultiCallable[bytes, bytes]
        rpc = channel.stream_stream(path_of("Watch"))
        call = rpc(iter(lambda: bytes(never.wait()), bytes(1)), timeout=20)
        assert answered(failure_of(lambda: next(call))).code == "deadline-exceeded"
        never.set()
