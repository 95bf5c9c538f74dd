"""A member whose officers gave up a part of its log that others have read: it is followed again, and what
they hold for that part binds them for ever (docs/agreement.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.units import Sats
from signer.core.acts import NewEpoch, Scope
from signer.core.payment import WithdrawalTerms
from signer.journal.members import MAX_NUMBER
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.governed import ADA, BOB, OFFICERS, SECRETARY
from tests.kernel.room import attestation_message, construct_request, sign_request
from tests.kernel.test_agreement_wire import agreed, refused
from tests.kernel.test_dishonest_member import held_by
from tests.officers import Officer

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
PAID, MORE = ((1, 60_000_000),), ((2, 50_000_000),)
WEEK = 7 * 86_400


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.governed(tmp_path)
    made.start()
    made.carry(rounds=4)
    yield made
    made.stop()


def lose_the_tail(team: Team) -> None:
    """A pays withdrawal 1, which B granted and C never heard of, and is restored to before it."""
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    agreed(team, "a", draft(team["a"], (BIG,), PAID), "a", "b")
    team.carry("a", "b", rounds=2)
    team.stop("a", "b")
    team.restore("a", kept)
    team.start("a")


def open_epoch(kernel: Witnessed, abandoned: int, *officers: Officer) -> None:
    status = cp.GetStatusResponse.FromString(kernel.call("GetStatus", cp.GetStatusRequest()))
    scope = Scope(status.log_key, status.epoch, status.entries)
    act = NewEpoch(scope, abandoned, bytes(32), NOW)
    text = ADA.says(act, NOW + 3_600).text
    signed = [officer.sign(text) for officer in officers]
    request = cp.NewEpochRequest(
        acts=[
            ap.OfficerAct(text=each.text, officer_key=each.officer, signature=each.signature)
            for each in signed
        ]
    )
    kernel.call("NewEpoch", request, SECRETARY)


def test_it_is_followed_again_and_what_was_given_up_binds(team: Team) -> None:
    lose_the_tail(team)
    a = team["a"]
    ((origin, number, _),) = held_by_b = _held(team)
    open_epoch(a, number + 10, ADA, BOB)
    team.start("b")
    report = team.carry(rounds=6)
    assert (report.waiting, report.failures) == ({}, [])
    assert held_by_b == [(origin, number, True)]
    for member in team.members:
        member.clock.moment += 60
    agreed(team, "a", fresh(a), "a", "b")
    team.carry("a", "b", rounds=1)
    assert {each.log_key: each.size for each in team["b"].head().followed}[a.log_key] == a.size
    assert (origin, MAX_NUMBER, True) in held_by(team["b"])
    assert (origin, number, True) not in held_by(team["b"])
    assert refused(team["b"], draft(team["b"], (OTHER,), PAID)) == "withdrawal-pinned"


def test_what_gives_up_too_little_is_not_followed(team: Team) -> None:
    """One entry less than B has read: the officers did not know of all that B has."""
    lose_the_tail(team)
    open_epoch(team["a"], 1, ADA, BOB)
    team.start("b")
    report = team.carry(rounds=6)
    assert any("member-" in each for each in report.failures)
    ((_, number, _),) = held_by(team["b"])
    assert number < MAX_NUMBER


def test_a_log_of_just_the_length_that_was_read_is_known_by_its_epoch(team: Team) -> None:
    """A's new log has as many entries as B read of the old one, and nothing comes behind them."""
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    agreed(team, "a", draft(team["a"], (BIG,), PAID), "a", "b")
    team.carry("a", "b", rounds=2)
    ((origin, number, _),) = held_by(team["b"])
    team.stop("a")
    team.restore("a", kept)
    team.start("a")
    open_epoch(team["a"], number + 10, *OFFICERS)
    followed = {each.log_key: each.size for each in team["b"].head().followed}
    assert followed[origin] == team["a"].size
    for _ in range(2):  # and then it is what B has read
        assert team.carry("a", "b", rounds=1).failures == []
        assert held_by(team["b"]) == [(origin, MAX_NUMBER, True)]


def fresh(kernel: Witnessed) -> pb.SignPsbtRequest:
    """Withdrawal 2 with words given after the epoch: what is on no record is frozen until then."""
    realm, built = vault().realm, kernel.construct(construct_request((FRESH,), MORE))
    terms = WithdrawalTerms(withdrawal_id(2), Sats(50_000_000), USER_SCRIPT)
    words = [watcher.attest(realm, NOW + 60 + WEEK, terms) for watcher in WATCHERS[:2]]
    words += [watcher.attest(realm, NOW + 1_800, FRESH.terms) for watcher in WATCHERS[:2]]
    return sign_request(built, [attestation_message(each) for each in words])


def _held(team: Team) -> list[tuple[bytes, int, bool]]:
    team.start("b")
    held = held_by(team["b"])
    team.stop("b")
    return held
