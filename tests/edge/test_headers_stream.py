"""SubmitHeaders: a stream both ways; one message, one answer, within limits, until somebody ends it."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue

import grpc
import pytest
from prometheus_client import generate_latest

from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.errors import Malformed
from signer.cli.certificates import Issued
from signer.core.caller import Caller
from signer.core.errors import malformed
from signer.edge.conversations import Partner, answer_each
from signer.edge.limits import Admission, EdgeLimits
from tests.edge.lobby import (
    AUDITOR,
    INDEXER,
    RELAYER,
    Lobby,
    WaitingKernel,
    answered,
    failure_of,
    path_of,
    served,
    with_limits,
)
from tests.kernel.chained import CHAIN, chained, on_top, trunk
from tests.kernel.room import Running


@dataclass
class CountingKernel:
    """Answers with how many headers it was brought so far; remembers each batch and who brought it."""

    brought: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        if method != "SubmitHeaders":
            return request
        headers = pb.SubmitHeadersRequest.FromString(request).headers
        if not headers or len(headers) % 80:
            raise malformed("header-malformed", "not whole headers")
        self.brought.append((caller.name, headers))
        total = sum(len(each) // 80 for _, each in self.brought)
        return pb.SubmitHeadersResponse(added=total).SerializeToString()


class Conversation:
    """A stream as its caller holds it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._asked: Queue[bytes | None] = Queue()
        rpc: grpc.StreamStreamMultiCallable[bytes, bytes]
        rpc = channel.stream_stream(path_of("SubmitHeaders"))
        self.call = rpc(iter(self._asked.get, None), timeout=20)

    def say(self, headers: int) -> None:
        message = pb.SubmitHeadersRequest(headers=bytes(80 * headers))
        self._asked.put(message.SerializeToString())

    def say_bytes(self, message: bytes) -> None:
        self._asked.put(message)

    def hang_up(self) -> None:
        self._asked.put(None)

    def heard(self) -> int:
        return pb.SubmitHeadersResponse.FromString(next(self.call)).added

    def refusal(self) -> str:
        return answered(failure_of(lambda: next(self.call))).code


@contextmanager
def talking(lobby: Lobby, who: Issued = INDEXER) -> Iterator[Conversation]:
    with lobby.channel(who) as channel:
        conversation = Conversation(channel)
        try:
            yield conversation
        finally:
            conversation.hang_up()
            conversation.call.cancel()


def test_each_message_is_answered_in_order_and_the_end_is_an_end() -> None:
    kernel = CountingKernel()
    with served(kernel) as lobby, talking(lobby) as source:
        for headers, total in ((3, 3), (2_000, 2_003), (1, 2_004)):
            source.say(headers)
            assert source.heard() == total
        source.hang_up()
        with pytest.raises(StopIteration):
            source.heard()
        assert source.call.code() is grpc.StatusCode.OK
    assert [(name, len(headers) // 80) for name, headers in kernel.brought] == [
        ("indexer", 3),
        ("indexer", 2_000),
        ("indexer", 1),
    ]


def test_messages_sent_ahead_are_answered_one_by_one() -> None:
    with served(CountingKernel()) as lobby, talking(lobby, RELAYER) as source:
        for _ in range(20):
            source.say(1)
        assert [source.heard() for _ in range(20)] == list(range(1, 21))


def test_a_refusal_ends_the_stream_and_what_came_before_it_stays() -> None:
    kernel = CountingKernel()
    with served(kernel) as lobby:
        with talking(lobby) as source:
            source.say(2)
            assert source.heard() == 2
            source.say_bytes(pb.SubmitHeadersRequest(headers=bytes(79)).SerializeToString())
            source.say(5)
            assert source.refusal() == "header-malformed"
        assert len(kernel.brought) == 1
        with talking(lobby) as again:
            again.say(1)
            assert again.heard() == 3


def test_who_may_not_bring_headers_is_refused_before_a_message_is_read() -> None:
    kernel = CountingKernel()
    with served(kernel) as lobby, talking(lobby, AUDITOR) as source:
        assert source.refusal() == "role-not-allowed"
    assert kernel.brought == []


def test_a_stream_that_says_nothing_at_all_ends_at_the_deadline() -> None:
    with served(CountingKernel(), with_limits(deadline_seconds=1)) as lobby:
        with talking(lobby) as source:
            assert source.refusal() == "deadline-exceeded"
        with talking(lobby) as empty:
            empty.hang_up()
            assert empty.refusal() == "request-malformed"


def test_a_message_that_is_too_large_ends_the_stream() -> None:
    kernel = CountingKernel()
    with served(kernel, with_limits(message_bytes=1_000)) as lobby, talking(lobby) as source:
        source.say(1)
        assert source.heard() == 1
        source.say(13)
        assert source.refusal() == "request-too-large"
    assert len(kernel.brought) == 1


def test_a_caller_has_so_many_streams() -> None:
    limits = with_limits(watches_per_caller=1)
    with served(CountingKernel(), limits) as lobby, talking(lobby) as source:
        source.say(1)
        assert source.heard() == 1
        with talking(lobby) as second:
            assert second.refusal() == "watches-too-many"
        with talking(lobby, RELAYER) as other:
            other.say(1)
            assert other.heard() == 2


def test_a_stream_between_messages_holds_no_call() -> None:
    limits = with_limits(threads=1, calls=1, calls_per_caller=1)
    with served(CountingKernel(), limits) as lobby, talking(lobby, RELAYER) as source:
        source.say(1)
        assert source.heard() == 1
        assert lobby.call(RELAYER, "GetInfo", b"meanwhile") == b"meanwhile"


def test_all_of_bitcoins_headers_cost_one_call_of_the_rate() -> None:
    """450 messages of 2,000 headers; the relayer that brought them can still sign."""
    kernel = CountingKernel()
    with served(kernel, with_limits(requests_per_second=1, request_burst=2)) as lobby:
        with talking(lobby, RELAYER) as source:
            for _ in range(450):
                source.say(1)
            assert [source.heard() for _ in range(450)][-1] == 450
        assert lobby.call(RELAYER, "SignPsbt", b"psbt") == b"psbt"
        assert lobby.refused(RELAYER, "SignPsbt").code == "rate-exceeded"


def test_streams_end_well_when_the_server_drains() -> None:
    """A minute's drain must not be waited for; the source sees an end, and no error."""
    ended: list[grpc.StatusCode] = []

    def feed(lobby: Lobby, begun: threading.Event) -> None:
        with talking(lobby) as source:
            source.say(1)
            assert source.heard() == 1
            begun.set()
            ended.extend(source.call.code() for _ in source.call)
            ended.append(source.call.code())

    begun = threading.Event()
    with served(CountingKernel(), with_limits(drain_seconds=60)) as lobby:
        thread = threading.Thread(target=feed, args=(lobby, begun))
        thread.start()
        assert begun.wait(20)
    thread.join(20)
    assert not thread.is_alive()
    assert ended == [grpc.StatusCode.OK]


def test_a_caller_that_leaves_gives_its_place_back_when_the_kernel_has_answered() -> None:
    kernel = WaitingKernel()
    with served(kernel, with_limits(watches_per_caller=1)) as lobby:
        with talking(lobby) as source:
            source.say(1)
            assert kernel.started.acquire(timeout=10)
        with talking(lobby) as second:
            assert second.refusal() == "watches-too-many"
        kernel.release.set()
        codes = set(iter(lambda: _told(lobby), "answered"))
    assert codes <= {"watches-too-many"}


def _told(lobby: Lobby) -> str:
    with talking(lobby) as source:
        source.say(1)
        try:
            next(source.call)
        except grpc.RpcError as error:
            return answered(error).code
        return "answered"


@dataclass
class CrowdedKernel(CountingKernel):
    """Counts how many batches it is in at once; fails at some."""

    fails_at: int = -1
    inside: int = 0
    most: int = 0
    calls: int = 0

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        if method != "SubmitHeaders":
            return request
        self.calls, self.inside = self.calls + 1, self.inside + 1
        self.most = max(self.most, self.inside)
        try:
            time.sleep(0.002)
            if self.calls == self.fails_at:
                raise ValueError
            return super().__call__(method, caller, request)
        finally:
            self.inside -= 1


def test_one_batch_is_in_work_at_a_time_whoever_brings_it() -> None:
    kernel = CrowdedKernel()
    with served(kernel, with_limits(threads=4)) as lobby, ExitStack() as stack:
        sources = [
            stack.enter_context(talking(lobby, who)) for who in (INDEXER, RELAYER, INDEXER, RELAYER)
        ]
        for source in sources * 15:
            source.say(1)
        told = [source.heard() for source in sources * 15]
        assert lobby.call(RELAYER, "GetInfo", b"beside") == b"beside"
    assert sorted(told) == list(range(1, 61))
    assert kernel.most == 1


def test_a_batch_that_fails_in_the_kernel_lets_the_next_one_in() -> None:
    with served(CrowdedKernel(fails_at=1)) as lobby:
        with talking(lobby) as source:
            source.say(1)
            assert failure_of(lambda: next(source.call)).code() is grpc.StatusCode.INTERNAL
        with talking(lobby, RELAYER) as other:
            other.say(1)
            assert other.heard() == 1


def test_who_leaves_while_another_batch_is_in_work_keeps_nobody_out() -> None:
    kernel = WaitingKernel()
    with served(kernel, with_limits(threads=4)) as lobby, talking(lobby) as slow:
        slow.say(1)
        assert kernel.started.acquire(timeout=10)
        with talking(lobby, RELAYER) as waiting:
            waiting.say(1)
            assert not kernel.started.acquire(timeout=0.3)
        kernel.release.set()
        slow.heard()
        with talking(lobby, RELAYER) as last:
            last.say(1)
            last.heard()


# --- without a network: time is an argument ---


@dataclass
class ScriptedPartner:
    """Says these messages, then nothing more, or that there is no other."""

    messages: list[bytes]
    silent: bool = False
    waits: list[float] = field(default_factory=list)
    """What the purse answers before it gives."""
    sent: list[bytes] = field(default_factory=list)
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> bytes | None:
        if self.messages:
            return self.messages.pop(0)
        if self.silent:
            await asyncio.Event().wait()
        return None

    def purse(self) -> float:
        return self.waits.pop(0) if self.waits else 0.0

    async def look(self, message: bytes) -> bytes:
        return pb.SubmitHeadersResponse(added=len(message)).SerializeToString()

    async def send(self, response: bytes) -> None:
        self.sent.append(response)

    async def talk(self, idle_seconds: float = 60.0) -> None:
        partner = Partner("indexer", self.read, self.purse, idle_seconds, self.draining)
        await asyncio.wait_for(answer_each(b"1", self.look, self.send, partner), 10)


def test_a_stream_that_falls_silent_ends_without_an_error() -> None:
    partner = ScriptedPartner([b"22"], silent=True)
    asyncio.run(partner.talk(idle_seconds=0.01))
    assert len(partner.sent) == 2


def test_an_empty_purse_is_waited_for_and_nothing_is_refused() -> None:
    partner = ScriptedPartner([b"22", b"333"], waits=[0.0, 0.001, 0.001, 0.0])
    asyncio.run(partner.talk())
    assert len(partner.sent) == 3
    assert partner.waits == []


def test_a_stream_with_an_empty_purse_ends_when_the_server_drains() -> None:
    partner = ScriptedPartner([b"22"], waits=[0.0, 3_600.0])

    async def drained() -> None:
        asyncio.get_running_loop().call_later(0.01, partner.draining.set)
        await partner.talk()

    asyncio.run(drained())
    assert len(partner.sent) == 1


def test_what_fails_in_the_kernel_or_the_connection_ends_the_stream() -> None:
    class Refusing(ScriptedPartner):
        async def look(self, message: bytes) -> bytes:
            raise Malformed("header-malformed", "no")

    class Broken(ScriptedPartner):
        async def read(self) -> bytes | None:
            raise ConnectionError

    with pytest.raises(Malformed):
        asyncio.run(Refusing([]).talk())
    with pytest.raises(ConnectionError):
        asyncio.run(Broken([]).talk())


def test_a_source_that_contradicts_itself_and_a_reorganisation_are_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Reorganising(ScriptedPartner):
        async def look(self, message: bytes) -> bytes:
            said = pb.SubmitHeadersResponse(
                last_height=7, tip_height=9, left=2, equivocated=message == b"22"
            )
            return said.SerializeToString()

    with caplog.at_level("INFO", "pegwarden"):
        asyncio.run(Reorganising([b"22"]).talk())
    reorganised = {"caller": "indexer", "left": 2, "tip_height": 9}
    assert [(each.message, getattr(each, "fields", {})) for each in caplog.records] == [
        ("headers-reorganised", reorganised),
        ("headers-reorganised", reorganised),
        ("headers-equivocated", {"caller": "indexer", "last_height": 7}),
    ]


def test_the_purse_is_a_callers_own_and_fills_again() -> None:
    now = [1_000.0]
    limits = EdgeLimits(header_messages_per_second=2, header_message_burst=3)
    admission = Admission(limits, monotonic=lambda: now[0])
    assert [admission.take_header_message("indexer") for _ in range(4)] == [0, 0, 0, 0.5]
    assert admission.take_header_message("relayer") == 0
    now[0] += 0.5
    assert [admission.take_header_message("indexer") for _ in range(2)] == [0, 0.5]


def test_the_default_purse_holds_all_of_bitcoins_headers() -> None:
    assert EdgeLimits().header_message_burst * 2_000 >= 1_000_000


# --- a whole kernel behind it ---


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Running]:
    """It takes headers from the relayer and the indexer, and needs both."""
    chain = replace(CHAIN, sources=("relayer", "indexer"))
    _, running = chained(tmp_path / "member", chain)
    yield running
    running.stop()


def tip_at(lobby: Lobby) -> pb.GetTipResponse:
    return pb.GetTipResponse.FromString(lobby.call(AUDITOR, "GetTip"))


def feed(lobby: Lobby, who: Issued, headers: Sequence[bytes]) -> list[pb.SubmitHeadersResponse]:
    """All of them, 2,000 to a message."""
    messages = [b"".join(headers[at : at + 2_000]) for at in range(0, len(headers), 2_000)]
    with talking(lobby, who) as source:
        for each in messages:
            source.say_bytes(pb.SubmitHeadersRequest(headers=each).SerializeToString())
        found = [pb.SubmitHeadersResponse.FromString(next(source.call)) for _ in messages]
        source.hang_up()
        assert not list(source.call)
    return found


def test_a_served_kernel_follows_two_sources_over_mutual_tls(kernel: Running) -> None:
    headers = trunk(4_500)
    with served(kernel.handler.handle) as lobby:
        told = feed(lobby, RELAYER, headers)
        assert [(each.added, each.tip_height) for each in told] == [
            (2_000, 2_000),
            (2_000, 4_000),
            (500, 4_500),
        ]
        assert (tip_at(lobby).height, tip_at(lobby).vouched_height) == (4_500, 0)
        assert [each.added for each in feed(lobby, INDEXER, headers[-20:])] == [0]
        tip = tip_at(lobby)
        assert (tip.height, tip.vouched_height, len(tip.stale)) == (4_500, 4_500, 0)
        branch = on_top(headers[:-3], 4)
        (reorganised,) = feed(lobby, INDEXER, branch)
        assert (reorganised.left, reorganised.added, reorganised.tip_height) == (3, 4, 4_501)
        assert tip_at(lobby).vouched_height == 4_497, "what both still vouch for"


def test_a_served_kernel_refuses_and_keeps_what_came_before(kernel: Running) -> None:
    headers = trunk(4)
    with served(kernel.handler.handle) as lobby, talking(lobby) as source:
        for batch in (headers[:2], headers[3:]):
            message = pb.SubmitHeadersRequest(headers=b"".join(batch))
            source.say_bytes(message.SerializeToString())
        assert source.heard() == 2
        assert source.refusal() == "header-unlinked"
        assert tip_at(lobby).height == 2


def test_an_edge_tells_what_its_kernel_says_of_the_chain(kernel: Running) -> None:
    with served(kernel.handler.handle) as lobby:
        feed(lobby, RELAYER, trunk(3))
        lines = generate_latest(lobby.edge.metrics.registry).decode()
    assert "pegwarden_chain_tip_height 3.0" in lines
    assert 'pegwarden_header_source_height{source="relayer"} 3.0' in lines
