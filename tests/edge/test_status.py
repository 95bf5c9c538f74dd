"""What a refused caller is told: status, details, and nothing that is not for its role."""

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from pegwarden.v1 import types_pb2 as t
from signer.core.caller import Role
from signer.core.catalogue import CATALOGUE, CodeKind, Disposition
from signer.core.errors import Objection, PolicyDenied, Refusal, VerificationError
from signer.core.receipt import Answer, Receipt
from signer.edge.status import (
    MAX_DETAILS,
    STATUS_OF_KIND,
    RpcError,
    error_of_fault,
    error_of_refusal,
)
from tests.edge.lobby import AUDITOR, RELAYER, FailingKernel, RefusingKernel, served

NOW = 1_800_000_000.0
PUBLIC, SECRET = "fee-too-high", "payment-too-large"


def refusal_of(error: RpcError) -> t.Refusal:
    refusal = t.Refusal()
    assert Status.FromString(error.details).details[1].Unpack(refusal)
    return refusal


def objection(code: str, text: str = "seen") -> Objection:
    return Objection(code, f"detail {text}", f"observed {text}", f"limit {text}")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (CodeKind.MALFORMED, "INVALID_ARGUMENT"),
        (CodeKind.VERIFICATION, "FAILED_PRECONDITION"),
        (CodeKind.STATE, "FAILED_PRECONDITION"),
        (CodeKind.POLICY, "PERMISSION_DENIED"),
        (CodeKind.ROLE, "PERMISSION_DENIED"),
        (CodeKind.LIMIT, "RESOURCE_EXHAUSTED"),
        (CodeKind.AWAY, "UNAVAILABLE"),
    ],
)
def test_the_kind_decides_the_status(kind: CodeKind, status: str) -> None:
    assert STATUS_OF_KIND[kind].name == status
    code = next(entry.code for entry in CATALOGUE.values() if entry.kind is kind)
    error = error_of_refusal(Refusal(Objection(code, "no")), frozenset(), NOW)
    assert error.status.name == status


def test_every_code_of_the_catalogue_can_be_told() -> None:
    for code, entry in CATALOGUE.items():
        error = error_of_refusal(Refusal(Objection(code, "no")), frozenset(Role), NOW)
        info = ErrorInfo()
        assert Status.FromString(error.details).details[0].Unpack(info)
        assert (info.reason, info.domain) == (code.upper().replace("-", "_"), "pegwarden")
        assert (
            t.Disposition.Name(refusal_of(error).disposition) == f"DISPOSITION_{entry.disposition}"
        )
        assert refusal_of(error).remedy == entry.remedy


def test_every_disposition_has_its_name_in_the_proto() -> None:
    assert {f"DISPOSITION_{each}" for each in Disposition} == set(t.Disposition.keys()) - {
        "DISPOSITION_UNSPECIFIED"
    }


@pytest.mark.parametrize(
    ("roles", "code", "visible"),
    [
        ({Role.AUDITOR}, PUBLIC, True),
        ({Role.AUDITOR}, SECRET, True),
        ({Role.OFFICER}, SECRET, True),
        ({Role.RELAYER}, PUBLIC, True),
        ({Role.RELAYER}, SECRET, False),
        ({Role.RELAYER, Role.AUDITOR}, SECRET, True),
        ({Role.INDEXER}, PUBLIC, False),
        ({Role.OPERATOR}, PUBLIC, False),
        (set(), PUBLIC, False),
    ],
)
def test_values_and_limits_are_for_those_entitled(
    roles: set[Role], code: str, visible: bool
) -> None:
    error = error_of_refusal(PolicyDenied(objection(code)), frozenset(roles), NOW)
    shown = refusal_of(error).objections[0]
    assert (shown.code, shown.detail) == (code, "detail seen")
    assert (shown.observed, shown.limit) == (
        ("observed seen", "limit seen") if visible else ("", "")
    )


def test_one_objection_of_several_is_hidden_by_itself() -> None:
    refusal = PolicyDenied(objection(PUBLIC), objection(SECRET))
    shown = refusal_of(error_of_refusal(refusal, frozenset({Role.RELAYER}), NOW)).objections
    assert [each.limit for each in shown] == ["limit seen", ""]


def test_retry_info_says_when_all_of_it_may_pass() -> None:
    refusal = PolicyDenied(
        Objection("outflow-exceeded", "too much", not_before=int(NOW) + 10),
        Objection("count-exceeded", "too many", not_before=int(NOW) + 60),
    )
    retry = RetryInfo()
    error = error_of_refusal(refusal, frozenset(), NOW)
    assert Status.FromString(error.details).details[2].Unpack(retry)
    assert retry.retry_delay.seconds == 60


def test_without_a_time_there_is_no_retry_info() -> None:
    error = error_of_refusal(PolicyDenied(objection(PUBLIC)), frozenset(), NOW)
    assert len(Status.FromString(error.details).details) == 2


def test_details_stay_within_what_trailers_carry() -> None:
    many = PolicyDenied(*(objection(PUBLIC, "\U0001f600" * 300) for _ in range(20)))
    error = error_of_refusal(many, frozenset({Role.AUDITOR}), NOW)
    assert len(error.details) <= MAX_DETAILS
    assert 1 <= len(refusal_of(error).objections) <= 8
    few = PolicyDenied(*(objection(PUBLIC) for _ in range(20)))
    assert len(refusal_of(error_of_refusal(few, frozenset(), NOW)).objections) == 8


def test_a_receipt_goes_with_the_refusal_and_fits_beside_the_longest_texts() -> None:
    answer = Answer(b"\x01" * 32, "refused", b"\x02" * 32, b"", 2**63, b"\x04" * 32)
    codes = [each.code for each in CATALOGUE.values() if each.kind is not CodeKind.SETUP]
    code = max(codes, key=lambda each: len(each) + len(CATALOGUE[each].remedy))
    long = "\U0001f600" * 300
    refusal = Refusal(Objection(code, long, long, long, not_before=int(NOW) + 60))
    refusal.decision_id, refusal.receipt = b"\x01" * 32, Receipt(answer, b"\x05" * 64)
    error = error_of_refusal(refusal, frozenset({Role.AUDITOR}), NOW)
    assert len(error.details) <= MAX_DETAILS
    shown = refusal_of(error).receipt
    assert (shown.decision_id, shown.size, shown.signature) == (b"\x01" * 32, 2**63, b"\x05" * 64)
    refusal.receipt = None
    assert not refusal_of(error_of_refusal(refusal, frozenset(), NOW)).HasField("receipt")


def test_a_refusal_arrives_whole_over_the_wire() -> None:
    refusal = VerificationError(objection("input-foreign"))
    refusal.decision_id = b"\x07" * 32
    with served(RefusingKernel(refusal)) as lobby:
        answered = lobby.refused(RELAYER, "SignPsbt")
    assert answered.status is grpc.StatusCode.FAILED_PRECONDITION
    assert answered.info.reason == "INPUT_FOREIGN"
    assert answered.refusal.decision_id == b"\x07" * 32
    assert answered.message == "input-foreign: detail seen"
    assert answered.refusal.objections[0].observed == "observed seen"


def test_the_auditor_sees_more_than_the_relayer() -> None:
    with served(RefusingKernel(PolicyDenied(objection(SECRET)))) as lobby:
        relayer = lobby.refused(RELAYER, "ExplainPsbt")
        auditor = lobby.refused(AUDITOR, "ExplainPsbt")
    assert (relayer.code, auditor.code) == (SECRET, SECRET)
    assert relayer.refusal.objections[0].limit == ""
    assert auditor.refusal.objections[0].limit == "limit seen"


@pytest.mark.parametrize(
    "error", [RuntimeError("seed abandon abandon"), KeyError("xprv"), MemoryError(), TimeoutError()]
)
def test_whatever_fails_is_an_incident_and_nothing_else(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with served(FailingKernel(error)) as lobby:
        answered = lobby.refused(RELAYER, "SignPsbt")
    assert (answered.status, answered.details) == (grpc.StatusCode.INTERNAL, b"")
    assert answered.message.startswith("incident ")
    assert "abandon" not in answered.message + caplog.text


def test_a_fault_says_its_incident_only() -> None:
    error = error_of_fault("abc123")
    assert (error.status, error.message, error.details) == (
        grpc.StatusCode.INTERNAL,
        "incident abc123",
        b"",
    )
