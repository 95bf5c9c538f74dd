"""`psbt explain` against a served edge."""

from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.cli.certificates import Issued
from signer.core.caller import Caller
from signer.core.errors import Objection, PolicyDenied
from signer.edge.server import Edge
from tests.cli.desk import Desk, Said
from tests.core.spends import good_case
from tests.edge.lobby import (
    AUTHORITY,
    INDEXER,
    RELAYER,
    EchoKernel,
    FailingKernel,
    Kernel,
    RefusingKernel,
    served,
)

PSBT = good_case().psbt_bytes
CLAIM = f"{'11' * 32}:0"
ATTESTATION = t.Attestation(attestor=b"\x01" * 32, expiry_unix=5, signature=b"\x02" * 64)


class ExplainingKernel:
    """Explains with that verdict, and keeps the request."""

    def __init__(self, *, would_sign: bool) -> None:
        self.would_sign = would_sign
        self.requests: list[pb.ExplainPsbtRequest] = []

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        assert method == "ExplainPsbt"
        self.requests.append(pb.ExplainPsbtRequest.FromString(request))
        objection = t.Objection(code="fee-too-high", detail="too dear", observed="9", limit="8")
        line = pb.TraceLine(rule="policy", text="fee_at_most", objections=[objection])
        return pb.ExplainPsbtResponse(
            would_sign=self.would_sign,
            kind="withdrawal",
            trace=[] if self.would_sign else [line],
            outputs=[pb.ExplainedOutput(vout=0, purpose="payment", address="bcrt1q")],
        ).SerializeToString()


def explain(
    pegwarden: Desk, folder: Path, kernel: Kernel, *options: str, who: Issued = RELAYER
) -> Said:
    (folder / "spend.psbt").write_bytes(PSBT)
    (folder / "ca.pem").write_bytes(AUTHORITY.issued.certificate_pem)
    (folder / "us.pem").write_bytes(who.certificate_pem)
    (folder / "us.key").write_bytes(who.key_pem)
    with served(kernel) as lobby:
        assert isinstance(lobby.edge, Edge)
        return pegwarden(
            *("psbt", "explain", folder / "spend.psbt", "--vault", "peg"),
            *("--connect", f"127.0.0.1:{lobby.port}", "--ca", folder / "ca.pem"),
            *("--cert", folder / "us.pem", "--cert-key", folder / "us.key", *options),
        )


def test_what_would_be_signed_is_0(pegwarden: Desk, tmp_path: Path) -> None:
    kernel = ExplainingKernel(would_sign=True)
    (tmp_path / "said.jsonl").write_text(MessageToJson(ATTESTATION, indent=None) + "\n")
    options = ("--payment", CLAIM, "--attestation", str(tmp_path / "said.jsonl"))
    said = explain(pegwarden, tmp_path, kernel, *options, "--json")
    assert (said.status, said.json["ok"]) == (0, True)
    request = kernel.requests[0]
    assert (request.vault_id, request.psbt) == ("peg", PSBT)
    assert list(request.payments) == [t.PaymentClaim(withdrawal_id=b"\x11" * 32, vout=0)]
    assert list(request.attestations) == [ATTESTATION]


def test_what_would_be_refused_is_1_with_the_trace(pegwarden: Desk, tmp_path: Path) -> None:
    said = explain(pegwarden, tmp_path, ExplainingKernel(would_sign=False))
    assert said.status == 1
    assert "NO   policy: fee_at_most" in said.out
    assert "fee-too-high: too dear (seen 9; limit 8)" in said.out


class WaitingKernel(ExplainingKernel):
    """Says that officers are missing, and what the nearest change is; or that all is on record."""

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        told = pb.ExplainPsbtResponse.FromString(super().__call__(method, caller, request))
        told.would_be_pending, told.on_record = not self.would_sign, self.would_sign
        told.nearest_changes.append("approvals by 1 more of officers")
        return told.SerializeToString()


def test_what_would_wait_and_the_nearest_change(pegwarden: Desk, tmp_path: Path) -> None:
    said = explain(pegwarden, tmp_path, WaitingKernel(would_sign=False))
    assert said.status == 1
    assert "would wait: only approvals or time are missing" in said.out
    assert said.out.endswith("would pass with approvals by 1 more of officers\n")
    recorded = explain(pegwarden, tmp_path, WaitingKernel(would_sign=True))
    assert "is on record and would be signed again" in recorded.out


def test_a_refusal_is_shown_with_its_code(pegwarden: Desk, tmp_path: Path) -> None:
    kernel = RefusingKernel(PolicyDenied(Objection("fee-too-high", "too dear")))
    said = explain(pegwarden, tmp_path, kernel, "--json")
    assert (said.status, said.json["ok"], said.json["code"]) == (1, False, "fee-too-high")
    wrong_role = explain(pegwarden, tmp_path, EchoKernel(), "--json", who=INDEXER)
    assert (wrong_role.status, wrong_role.json["code"]) == (1, "role-not-allowed")


def test_a_fault_of_the_kernel_is_3(pegwarden: Desk, tmp_path: Path) -> None:
    said = explain(pegwarden, tmp_path, FailingKernel(RuntimeError("no")))
    assert said.status == 3
    assert "incident" in said.err


@pytest.mark.parametrize("claim", ["11:x", "zz:0", "11"])
def test_a_claim_that_is_none(pegwarden: Desk, tmp_path: Path, claim: str) -> None:
    assert explain(pegwarden, tmp_path, EchoKernel(), "--payment", claim).status == 2


def test_a_file_that_holds_no_attestations(pegwarden: Desk, tmp_path: Path) -> None:
    (tmp_path / "said.jsonl").write_text("nonsense\n")
    options = ("--attestation", str(tmp_path / "said.jsonl"), "--json")
    said = explain(pegwarden, tmp_path, EchoKernel(), *options)
    assert (said.status, said.json["code"]) == (1, "response-malformed")
