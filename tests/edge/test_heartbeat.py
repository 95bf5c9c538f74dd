"""What metrics and health tell of the kernel. Invariant: a kernel that does not answer is not ready."""

import pytest
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry, generate_latest

from pegwarden.v1 import control_pb2 as pb
from pegwarden.v1 import header_chain_pb2 as hb
from pegwarden.v1 import types_pb2 as t
from signer.core.caller import Caller
from signer.core.errors import Fault, Objection, Refusal
from signer.edge.heartbeat import Heartbeat
from tests.edge.lobby import INDEXER, served

HEALTH = "/grpc.health.v1.Health/Check"
READY = pb.GetStatusResponse(
    state="open",
    clock_unix=1_795_262_400,
    wall_unix=1_795_262_401,
    last_entry_unix=1_795_262_000,
    entries=70,
    epoch=2,
    pending_entries=[68, 69],
    custody=t.Custody(
        processes=2,
        room_is_closed=True,
        keys=[
            t.KeyCustody(vault_id="peg", kind="token", has_caps=True),
            t.KeyCustody(vault_id="tap", kind="file"),
            t.KeyCustody(vault_id="old", kind="file"),
        ],
    ),
)


class Telling:
    """A kernel that tells that status, or fails so."""

    def __init__(self, told: pb.GetStatusResponse | Exception) -> None:
        self.told = told
        self.asked: list[str] = []

    def __call__(self, method: str, _: Caller, __: bytes) -> bytes:
        self.asked.append(method)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told.SerializeToString()


def scraped(kernel: Telling) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(Heartbeat(kernel))
    assert kernel.asked == [], "not before it is scraped"
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_the_gauges_are_what_the_kernel_says_when_it_is_scraped() -> None:
    kernel = Telling(READY)
    assert scraped(kernel) == {
        "pegwarden_ready": 1.0,
        "pegwarden_effective_time_seconds": 1_795_262_400.0,
        "pegwarden_wall_time_seconds": 1_795_262_401.0,
        "pegwarden_last_entry_time_seconds": 1_795_262_000.0,
        "pegwarden_journal_entries": 70.0,
        "pegwarden_journal_epoch": 2.0,
        "pegwarden_pending_entries": 2.0,
        "pegwarden_processes": 2.0,
        "pegwarden_room_closed": 1.0,
        'pegwarden_vault_keys{caps="yes",kind="token"}': 1.0,
        'pegwarden_vault_keys{caps="no",kind="file"}': 2.0,
    }
    assert kernel.asked == ["GetStatus"]


@pytest.mark.parametrize(("expires", "days"), [(READY.clock_unix + 86_400 * 7, 7.0), (0, None)])
def test_a_policy_that_expires_tells_its_days(expires: int, days: float | None) -> None:
    told = pb.GetStatusResponse()
    told.CopyFrom(READY)
    told.policy_expires_unix = expires
    assert scraped(Telling(told)).get("pegwarden_policy_days_left") == days


def with_chain(*stale: str) -> pb.GetStatusResponse:
    told = pb.GetStatusResponse()
    told.CopyFrom(READY)
    now = READY.clock_unix
    told.chain.CopyFrom(
        hb.GetTipResponse(
            height=812,
            vouched_height=810,
            median_time_unix=now - 3_600,
            since_unix=now - 40,
            sources=[
                hb.HeaderSource(name="a", height=812, brought_unix=now - 40, equivocations=1),
                hb.HeaderSource(name="b"),
            ],
            stale=[t.Objection(code=code) for code in stale],
        )
    )
    return told


def test_the_chain_has_its_gauges_and_each_source_its_own() -> None:
    told = scraped(Telling(with_chain()))
    assert {name: value for name, value in told.items() if "chain" in name or "header" in name} == {
        "pegwarden_chain_fresh": 1.0,
        "pegwarden_chain_tip_height": 812.0,
        "pegwarden_chain_vouched_height": 810.0,
        "pegwarden_chain_tip_age_seconds": 3_600.0,
        "pegwarden_chain_since_seconds": 40.0,
        'pegwarden_header_source_height{source="a"}': 812.0,
        'pegwarden_header_source_height{source="b"}': 0.0,
        'pegwarden_header_source_seconds{source="a"}': 40.0,
        'pegwarden_header_source_equivocations{source="a"}': 1.0,
        'pegwarden_header_source_equivocations{source="b"}': 0.0,
    }


def test_a_stale_chain_has_its_gauge_and_leaves_the_kernel_ready_and_healthy() -> None:
    """A kernel that is taken out of service because no headers come would get none."""
    kernel = Telling(with_chain("header-tip-stale"))
    told = scraped(kernel)
    assert (told["pegwarden_chain_fresh"], told["pegwarden_ready"]) == (0.0, 1.0)
    request = health_pb2.HealthCheckRequest(service="pegwarden.v1.KernelService")
    with served(kernel) as lobby:
        answer = lobby.call(INDEXER, HEALTH, request.SerializeToString())
    status = health_pb2.HealthCheckResponse.FromString(answer).status
    assert status == health_pb2.HealthCheckResponse.SERVING


def test_a_kernel_with_reasons_is_not_ready() -> None:
    told = pb.GetStatusResponse(not_ready_reasons=["kernel-locked: by the officers"])
    assert scraped(Telling(told))["pegwarden_ready"] == 0.0


@pytest.mark.parametrize(
    "failure", [Fault("broken"), Refusal(Objection("journal-unavailable", "the disk"))]
)
def test_of_a_kernel_that_does_not_answer_nothing_else_is_told(failure: Exception) -> None:
    assert scraped(Telling(failure)) == {"pegwarden_ready": 0.0}


LOCKED = pb.GetStatusResponse(not_ready_reasons=["kernel-locked"])
HEALTHS = [
    (READY, "pegwarden.v1.KernelService", "SERVING"),
    (LOCKED, "pegwarden.v1.KernelService", "NOT_SERVING"),
    (Fault("broken"), "pegwarden.v1.KernelService", "NOT_SERVING"),
    (LOCKED, "pegwarden.v1.ControlService", "SERVING"),
    (LOCKED, "pegwarden.v1.AuditService", "SERVING"),
    (LOCKED, "", "SERVING"),
]


@pytest.mark.parametrize(("told", "service", "state"), HEALTHS)
def test_health_of_the_kernel_service_is_readiness(
    told: pb.GetStatusResponse | Exception, service: str, state: str
) -> None:
    request = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    with served(Telling(told)) as lobby:
        answer = health_pb2.HealthCheckResponse.FromString(lobby.call(INDEXER, HEALTH, request))
    assert health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status) == state
