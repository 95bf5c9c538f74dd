"""SignPsbt that lacks only approvals or time is pending; with them it signs, and bumps ask nobody again."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.acts import ApproveWithdrawal, HoldWithdrawal
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.core.notices import OfficerNotice
from signer.core.payment import WithdrawalTerms
from signer.journal.audit import read_entries, verify_journal
from signer.journal.entry import RefusedEntry
from signer.ports.reading import Reading
from tests import federation
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.kernel.room import (
    ManualClock,
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.officers import Officer

OFFICERS = tuple(Officer(name) for name in ("ada", "bob", "cyd"))
KEYS = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
POLICY = policy_text(
    when="and(attested(2, watchers), fee_at_most(0.01 BTC), or(payment_at_most(0.1 BTC), "
    "and(approved(2, officers), aged(6h), within(daily, 00:00-24:00))))",
    groups=f"officers = [{KEYS}]",
)
SIX_HOURS = 6 * 3_600
BIG, FRESH = Coin(salt=0), Coin(salt=1)
TERMS = WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT)
FINGERPRINT = federation.vault().fingerprint


@dataclass
class Desk:
    """A kernel, its clock and its officers."""

    running: Running
    clock: ManualClock

    def request(self, fee_rate: int = 2_000, evidence: bool = True) -> pb.SignPsbtRequest:
        asked = construct_request((BIG,))
        asked.fee_rate_sat_per_kvb = fee_rate
        words = attested((BIG,), now=self.clock.now()) if evidence else []
        return sign_request(self.running.construct(asked), words)

    def approve(self, *officers: Officer, expires: int = NOW + 86_400) -> None:
        def decide(_: Reading, now: int) -> tuple[OfficerNotice, ...]:
            said = (each.says(ApproveWithdrawal(FINGERPRINT, TERMS), expires) for each in officers)
            return tuple(OfficerNotice(now, "officer", bytes(32), each) for each in said)

        self.running.journal.note(decide)


@pytest.fixture
def desk(tmp_path: Path):  # type: ignore[no-untyped-def]
    member = Member(tmp_path / "a", 0, POLICY).init()
    running = member.start()
    yield Desk(running, member.clock)
    running.stop()


def codes(answer: pb.SignPsbtResponse) -> list[str]:
    assert not answer.psbt
    assert not answer.decision_id
    return [each.code for each in answer.pending.missing]


def test_a_large_withdrawal_waits_for_officers_and_time_and_is_no_refusal(desk: Desk) -> None:
    first = desk.running.sign(desk.request())
    assert sorted(codes(first)) == ["approval-missing", "not-aged"]
    assert first.pending.not_before_unix == NOW + SIX_HOURS
    desk.approve(*OFFICERS[:2])
    desk.clock.moment = NOW + SIX_HOURS - 1
    assert codes(desk.running.sign(desk.request())) == ["not-aged"]
    desk.clock.moment = NOW + SIX_HOURS
    signed = desk.running.sign(desk.request())
    assert signed.signatures == 1
    assert not signed.HasField("pending")


def test_officers_are_not_asked_again_for_a_bump(desk: Desk) -> None:
    """The approvals have expired and the evidence is gone: the withdrawal is on record."""
    desk.running.sign(desk.request())
    desk.approve(*OFFICERS[:2], expires=NOW + SIX_HOURS + 1)
    desk.clock.moment = NOW + SIX_HOURS
    assert desk.running.sign(desk.request()).signatures == 1
    desk.clock.moment = NOW + 40 * 86_400
    assert desk.running.sign(desk.request(fee_rate=4_000, evidence=False)).signatures == 1


def test_a_pending_request_leaves_its_clock_on_record_and_no_refusal(
    desk: Desk, tmp_path: Path
) -> None:
    desk.running.sign(desk.request())
    desk.running.sign(desk.request())
    path = tmp_path / "a" / "journal.sqlite"
    entries = [stored.entry for stored in read_entries(path, 1)]
    assert len(entries) == 1
    assert not any(isinstance(entry, RefusedEntry) for entry in entries)
    assert verify_journal(path).entries == 2


def test_what_else_is_missing_makes_it_a_refusal(desk: Desk) -> None:
    """Without coin evidence the answer is no; the clock runs all the same."""
    request = desk.request(evidence=False)
    request.attestations.extend(attested((), now=NOW))
    with pytest.raises(Refusal) as caught:
        desk.running.sign(request)
    assert caught.value.code == "coin-unproven"
    desk.approve(*OFFICERS[:2])
    desk.clock.moment = NOW + SIX_HOURS
    assert desk.running.sign(desk.request()).signatures == 1


def test_one_officer_twice_is_one_officer(desk: Desk) -> None:
    desk.running.sign(desk.request())
    desk.approve(OFFICERS[0], expires=NOW + 86_000)
    desk.approve(OFFICERS[0], expires=NOW + 86_400)
    desk.clock.moment = NOW + SIX_HOURS
    assert codes(desk.running.sign(desk.request())) == ["approval-missing"]


def test_explain_says_that_it_would_be_pending_and_what_would_help(desk: Desk) -> None:
    explained = desk.running.explain(desk.request())
    assert (explained.would_sign, explained.would_be_pending) == (False, True)
    assert not explained.nearest_changes  # a relayer sees no limits
    asked = pb.ExplainPsbtRequest(
        vault_id="peg",
        psbt=desk.request().psbt,
        payments=desk.request().payments,
        attestations=desk.request().attestations,
    )
    officer = Caller("ada", frozenset({Role.OFFICER}))
    shown = pb.ExplainPsbtResponse.FromString(desk.running.call("ExplainPsbt", asked, officer))
    assert shown.nearest_changes
    assert {line.way for line in shown.trace} >= {0, 1, 2}


def test_a_hold_stops_a_small_withdrawal_and_its_retry(desk: Desk) -> None:
    asked = construct_request((FRESH,), ((2, 5_000_000),))
    request = sign_request(desk.running.construct(asked), attested((FRESH,), ((2, 5_000_000),)))
    assert desk.running.sign(request).signatures == 1

    def hold(_: Reading, now: int) -> tuple[OfficerNotice, ...]:
        said = OFFICERS[2].says(HoldWithdrawal(withdrawal_id(2), NOW + 60), NOW + 60, REGTEST)
        return (OfficerNotice(now, "cyd", bytes(32), said),)

    desk.running.journal.note(hold)
    with pytest.raises(Refusal) as caught:
        desk.running.sign(request)
    assert caught.value.code == "withdrawal-held"
    assert caught.value.objections[0].not_before == NOW + 60
    desk.clock.moment = NOW + 60
    assert desk.running.sign(request).signatures == 1
