"""What a caller may use up. Time is an argument."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest

from signer.core.caller import Caller
from signer.core.errors import LimitExceeded, Objection, PolicyDenied, Refusal
from signer.edge.limits import ENTRY_MARGIN, Admission, EdgeLimits
from signer.edge.server import SERVICE
from tests.edge.lobby import (
    AUDITOR,
    CARRIER,
    RELAYER,
    EchoKernel,
    RefusingKernel,
    WaitingKernel,
    answered,
    failure_of,
    served,
    with_limits,
)

LIMITS = EdgeLimits(
    requests_per_second=2,
    request_burst=3,
    refusals_per_hour=3_600,
    refusal_burst=2,
    calls=3,
    calls_per_caller=2,
)


class ManualTime:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def admission(**changes: int) -> tuple[Admission, ManualTime]:
    time = ManualTime()
    return Admission(replace(LIMITS, **changes), monotonic=time, wall=time), time


def refused(act: Callable[[], None]) -> Objection:
    with pytest.raises(LimitExceeded) as caught:
        act()
    return caught.value.objections[0]


def one_call(limits: Admission, caller: str = "relayer", method: str = "SignPsbt") -> None:
    limits.enter(caller, method)
    limits.leave(caller)


def test_the_burst_passes_and_one_more_waits_for_its_token() -> None:
    limits, time = admission()
    for _ in range(3):
        one_call(limits)
    objection = refused(lambda: one_call(limits))
    assert objection.code == "rate-exceeded"
    assert objection.not_before == 1_001
    time.now += 0.49
    assert refused(lambda: one_call(limits)).code == "rate-exceeded"
    time.now += 0.02
    one_call(limits)


def test_one_callers_rate_is_not_anothers() -> None:
    limits, _ = admission()
    for _ in range(3):
        one_call(limits)
    one_call(limits, "auditor")
    assert refused(lambda: one_call(limits)).code == "rate-exceeded"


def test_refusals_cost_and_come_back() -> None:
    limits, time = admission(request_burst=100)
    for _ in range(2):
        one_call(limits)
        limits.charge_refusal("relayer", "SignPsbt", "outflow-exceeded")
    objection = refused(lambda: one_call(limits))
    assert objection.code == "refusal-budget-exhausted"
    assert objection.not_before == 1_001
    one_call(limits, "auditor")
    time.now += 1
    one_call(limits)


def test_every_explanation_costs_one_and_its_refusal_no_second() -> None:
    limits, _ = admission(request_burst=100)
    one_call(limits, method="ExplainPsbt")
    limits.charge_refusal("relayer", "ExplainPsbt", "outflow-exceeded")
    one_call(limits, method="ExplainPsbt")
    assert refused(lambda: one_call(limits)).code == "refusal-budget-exhausted"


def test_calls_in_flight_are_bounded_for_one_and_for_all() -> None:
    limits, _ = admission(request_burst=100)
    limits.enter("relayer", "SignPsbt")
    limits.enter("relayer", "SignPsbt")
    assert refused(lambda: limits.enter("relayer", "SignPsbt")).code == "calls-too-many"
    limits.enter("auditor", "GetInfo")
    assert refused(lambda: limits.enter("indexer", "GetInfo")).code == "calls-too-many"
    limits.leave("relayer")
    limits.enter("indexer", "GetInfo")
    assert limits.in_flight == 3


def test_the_rate_is_told_over_the_wire_with_retry_info() -> None:
    with served(EchoKernel(), with_limits(requests_per_second=1, request_burst=1)) as lobby:
        assert lobby.call(RELAYER, "GetInfo", b"first") == b"first"
        told = lobby.refused(RELAYER, "GetInfo")
        assert lobby.call(AUDITOR, "GetInfo", b"other") == b"other"
    assert (told.status, told.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "rate-exceeded")
    assert told.retry is not None
    assert told.retry.retry_delay.seconds >= 1


def test_who_is_refused_too_often_must_wait() -> None:
    kernel = RefusingKernel(PolicyDenied(Objection("fee-too-high", "no")))
    with served(kernel, with_limits(refusals_per_hour=1, refusal_burst=2)) as lobby:
        codes = [lobby.refused(RELAYER, "SignPsbt").code for _ in range(3)]
    assert codes == ["fee-too-high", "fee-too-high", "refusal-budget-exhausted"]


@pytest.mark.parametrize("code", ["kernel-restarting", "kernel-busy", "deadline-exceeded"])
def test_what_others_load_may_bring_about_costs_no_callers_budget(code: str) -> None:
    kernel = RefusingKernel(Refusal(Objection(code, "not now")))
    with served(kernel, with_limits(refusals_per_hour=1, refusal_burst=2)) as lobby:
        codes = {lobby.refused(RELAYER, "SignPsbt").code for _ in range(4)}
    assert codes == {code}


def test_an_oversize_message_does_not_reach_the_kernel_and_the_largest_does() -> None:
    kernel = EchoKernel()
    with served(kernel, with_limits(message_bytes=1_000)) as lobby:
        told = lobby.refused(RELAYER, "SignPsbt", bytes(1_001))
        assert kernel.calls == []
        assert lobby.call(RELAYER, "SignPsbt", bytes(1_000)) == bytes(1_000)
    assert (told.status, told.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "request-too-large")


def test_an_entry_with_its_head_may_exceed_the_request_that_it_records() -> None:
    """Else a member whose log has an entry of the largest request could not be followed any more."""
    sizes: list[int] = []

    def kernel(_: str, __: Caller, request: bytes) -> bytes:
        sizes.append(len(request))
        return b""

    with served(kernel, with_limits(message_bytes=1_000)) as lobby:
        lobby.call(CARRIER, "Witness", bytes(1_000 + ENTRY_MARGIN))
        told = lobby.refused(CARRIER, "Witness", bytes(1_001 + ENTRY_MARGIN))
    assert sizes == [1_000 + ENTRY_MARGIN]
    assert told.status is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_signing_that_waits_keeps_no_thread_from_what_it_waits_for() -> None:
    """SignPsbt waits for grants, which Witness brings: AuditService has threads of its own."""
    kernel = WaitingKernel()
    with served(kernel, with_limits(threads=1)) as lobby, ThreadPoolExecutor(2) as callers:
        signing = callers.submit(lobby.call, RELAYER, "SignPsbt")
        assert kernel.started.acquire(timeout=10)
        witness = callers.submit(lobby.call, CARRIER, "Witness")
        assert kernel.started.acquire(timeout=10)
        kernel.release.set()
        assert (signing.result(10), witness.result(10)) == (b"", b"")


def test_a_compressed_message_is_refused_however_small() -> None:
    """A kilobyte of gzip can become a gigabyte."""
    kernel = EchoKernel()
    with served(kernel) as lobby, lobby.channel(RELAYER) as channel:
        rpc: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            f"/{SERVICE}/SignPsbt"
        )
        gzip = grpc.Compression.Gzip
        failure_of(lambda: rpc(bytes(100_000), timeout=10, compression=gzip))
        assert kernel.calls == []
        assert rpc(bytes(100_000), timeout=10) == bytes(100_000)


def test_a_slow_kernel_call_ends_at_the_deadline_and_keeps_its_place_until_its_thread_is_free() -> (
    None
):
    kernel = WaitingKernel()
    limits = with_limits(deadline_seconds=1, threads=1, calls_per_caller=1)
    with served(kernel, limits) as lobby:
        assert lobby.refused(RELAYER, "SignPsbt").code == "deadline-exceeded"
        assert lobby.refused(RELAYER, "SignPsbt").code == "calls-too-many"
        kernel.release.set()


def test_a_caller_that_sends_nothing_is_not_waited_for() -> None:
    silence = threading.Event()

    def nothing() -> Iterator[bytes]:
        silence.wait(10)
        yield b"late"

    with served(EchoKernel(), with_limits(deadline_seconds=1)) as lobby:
        with lobby.channel(RELAYER) as channel:
            rpc: grpc.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(
                f"/{SERVICE}/SignPsbt"
            )
            told = answered(failure_of(lambda: rpc(nothing(), timeout=10)))
            silence.set()
        assert told.code == "deadline-exceeded"
        assert lobby.call(RELAYER, "SignPsbt", b"next") == b"next"


def test_connections_beyond_the_limit_are_refused() -> None:
    with served(EchoKernel(), with_limits(connections=1)) as lobby, lobby.channel(RELAYER) as first:
        rpc: grpc.UnaryUnaryMultiCallable[bytes, bytes] = first.unary_unary(f"/{SERVICE}/GetInfo")
        assert rpc(b"1", timeout=10) == b"1"
        assert lobby.refused(AUDITOR, "GetInfo").status is grpc.StatusCode.UNAVAILABLE
        assert rpc(b"2", timeout=10) == b"2"
