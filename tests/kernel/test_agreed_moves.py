"""Moves and releases where members agree, in three whole kernels: officers let pins go at each member, and a
withdrawal that a member holds for another alone is closed there, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.messages import attestation_message
from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.units import Height, Sats
from signer.core.acts import ApproveMove
from signer.core.evidence import SpentTerms, SweepTerms
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.governed import ADA, BOB, SECRETARY
from tests.kernel.room import attested, construct_request
from tests.kernel.test_agreement_wire import agreed, codes, refused
from tests.kernel.test_dishonest_member import held_by

BIG, OTHER = Coin(), Coin(salt=1, index=1)
PAID = ((1, 60_000_000),)
FINGERPRINT = vault().fingerprint
MOVE = SweepTerms(1, FINGERPRINT, 0, Sats(50_000), b"\x0f" * 16)
SWEEPS = """
[[allow]]
spend = "sweep"
from = "peg"
to = "peg"
when = "approved(2, officers)"
"""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.governed(tmp_path, SWEEPS)
    made.start()
    made.carry(rounds=4)
    yield made
    made.stop()


def approve(kernel: Witnessed) -> None:
    """Two officers approve the move there."""
    for officer in (ADA, BOB):
        said = officer.says(ApproveMove(FINGERPRINT, MOVE), NOW + 3_600)
        act = ap.OfficerAct(text=said.text, officer_key=said.officer, signature=said.signature)
        kernel.call("SubmitApproval", ap.SubmitApprovalRequest(act=act), SECRETARY)


def sweep(kernel: Witnessed, coin: Coin, rate: int = 2_000) -> pb.SignPsbtRequest:
    request = pb.ConstructSweepTxRequest(
        vault_id="peg",
        to_vault_id="peg",
        coins=construct_request((coin,)).coins,
        fee_rate_sat_per_kvb=rate,
    )
    built = pb.ConstructSweepTxResponse.FromString(kernel.call("ConstructSweepTx", request))
    return pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt, attestations=attested((coin,), ()))


def test_pins_are_let_go_where_the_officers_word_is_on_record(team: Team) -> None:
    """A's version pins the coin at B and C. The officers let A move it: B grants that once they told B."""
    a, b = team["a"], team["b"]
    agreed(team, "a", draft(a, (BIG,), PAID))
    team.carry(rounds=1)
    approve(a)
    request = sweep(a, BIG)
    assert codes(a.sign(request)) == ["agreement-pending"]
    team.carry(rounds=2)
    (missing,) = a.sign(request).pending.missing
    assert f"{b.log_key.hex()}: " in missing.limit
    approve(b)
    for member in team.members:
        member.clock.moment += 31
    team.carry(rounds=2)
    assert a.sign(request).signatures == 1
    assert refused(b, draft(b, (OTHER,), PAID)) == "withdrawal-pinned"


def test_a_start_asks_whether_a_statement_was_ever_right(team: Team) -> None:
    """B used the officers' statement for a transaction of its own; it may have granted C's before that."""
    b, c = team["b"], team["c"]
    for kernel in (b, c):
        approve(kernel)
    assert codes(b.sign(sweep(b, BIG))) == ["agreement-pending"]
    assert codes(c.sign(sweep(c, BIG, 3_000))) == ["agreement-pending"]
    number = c.size - 1
    team.stop("b")
    team.start("b")
    team.carry(rounds=4)
    assert held_by(team["b"]) == [(c.log_key, number, False)]


def close(kernel: Witnessed, psbt: bytes) -> cp.ReleaseWithdrawalResponse:
    """That version is buried, so two watchers say."""
    buried = parse_psbt(psbt).transaction
    terms = SpentTerms(buried.inputs[0].previous, buried.txid, Height(500), Height(599))
    request = cp.ReleaseWithdrawalRequest(
        withdrawal_id=withdrawal_id(1),
        transactions=[buried.serialize()],
        attestations=[
            attestation_message(each.attest(vault().realm, NOW + 1_800, terms))
            for each in WATCHERS[:2]
        ],
    )
    return cp.ReleaseWithdrawalResponse.FromString(kernel.call("ReleaseWithdrawal", request))


def test_what_is_held_for_another_alone_is_closed(team: Team) -> None:
    """B and C have no version of their own; with A's buried none of the three pays again."""
    request = draft(team["a"], (BIG,), PAID)
    agreed(team, "a", request)
    team.carry(rounds=2)
    assert [close(team[name], request.psbt).state for name in "abc"] == ["closed"] * 3
    for name in "bc":
        assert refused(team[name], draft(team[name], (OTHER,), PAID)) == "withdrawal-closed"
