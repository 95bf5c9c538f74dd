"""Starts of kernels that agree: whom they wait for, what they import, what comes back (docs/agreement.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.federated import Team, draft
from tests.kernel.test_agreement_wire import agreed, codes, log_for, refused

BIG = Coin()
PAID = ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[Team]:
    """Three that do not run."""
    made = federated.team(tmp_path)
    yield made
    made.stop()


def test_a_tail_that_our_key_did_not_sign_is_not_appended(sleeping: Team) -> None:
    """While it waits, a hostile carrier brings A other entries of its own log than it wrote."""
    sleeping.start("a", "b")
    a, b = sleeping["a"], sleeping["b"]
    records = [b"\x00" * 40]
    for code, tail in (
        ("member-log-malformed", au.MemberLog(log_key=b.log_key, head=b.head().head)),
        (
            "head-malformed",
            au.MemberLog(log_key=a.log_key, head=b.head().head, start=0, records=records),
        ),
        (
            "member-log-malformed",
            au.MemberLog(log_key=a.log_key, head=a.head().head, start=1, records=records),
        ),
    ):
        with pytest.raises(Refused) as caught:
            a.ask(au.WitnessRequest(own_tail=tail), au.WitnessResponse)
        assert caught.value.code == code
    assert a.size == 1


def test_what_was_lost_is_read_from_whoever_kept_it(sleeping: Team) -> None:
    """A lost everything but its first entry. C tells A how far its log goes and falls silent: B's copies of
    C's log and of A's own are enough."""
    kept = sleeping.save("a")
    sleeping.start()
    sleeping.carry(rounds=4)
    request = draft(sleeping["a"], (BIG,), PAID)
    agreed(sleeping, "a", request)
    sleeping.carry(rounds=2)
    size = sleeping["a"].size
    sleeping.stop("a")
    sleeping.restore("a", kept)
    sleeping.start("a")
    a = sleeping["a"]
    assert a.size == 1
    said = sleeping["c"].ask(au.WitnessRequest(standing=a.head().standing), au.WitnessResponse)
    a.ask(au.WitnessRequest(messages=said.messages), au.WitnessResponse)
    assert any("an old copy" in each for each in a.head().waiting_for)
    sleeping.stop("c")
    report = sleeping.carry(rounds=6)
    assert (report.waiting, report.failures) == ({}, [])
    assert a.size > size
    assert a.sign(request).signatures == 1


def test_a_member_waits_for_as_many_others_as_it_has_to_import(sleeping: Team) -> None:
    sleeping.start("a", "b")
    report = sleeping.carry(rounds=4)
    c = federated.log_key_of(2).hex()[:16]
    assert report.waiting["a"] == (f"waits for members {c}: 1 of 2 more needed (vault peg)",)
    sleeping.start("c")
    assert sleeping.carry(rounds=4).waiting == {}


def test_members_that_start_together_sign(sleeping: Team) -> None:
    sleeping.start()
    waits = [sleeping[name].head().waiting_for[0] for name in "abc"]
    assert all("2 of 2 more needed" in each for each in waits)
    request_of_b = draft(sleeping["b"], (BIG,), PAID)
    assert refused(sleeping["b"], request_of_b) == "agreement-starting"
    assert sleeping["b"].size == 1  # not even the refusal is on record
    report = sleeping.carry(rounds=4)
    assert (report.waiting, report.failures) == ({}, [])
    for name in "ab":
        agreed(sleeping, name, draft(sleeping[name], (BIG,), PAID))


def test_grants_are_not_given_before_they_are_asked_for_again_by_a_new_incarnation(
    team: Team,
) -> None:
    """A's old grants are replayed to a new process of A: they were given to another incarnation."""
    request = draft(team["a"], (BIG,), PAID)
    team["a"].sign(request)
    target, told = team["b"], log_for(team["a"], team["b"])
    old = target.ask(told, au.WitnessResponse).messages
    assert (
        target.ask(told, au.WitnessResponse).messages[1:] == old[1:]
    )  # idempotent, the same grant
    team.stop("a")
    team.start("a")
    team["a"].ask(au.WitnessRequest(messages=old), au.WitnessResponse)
    team.carry(rounds=1)
    team["a"].ask(au.WitnessRequest(messages=old), au.WitnessResponse)
    assert refused(team["a"], request) == "agreement-starting"
    team.carry(rounds=3)
    assert team["a"].sign(request).signatures == 1  # B holds it: not void, granted to the new one


def test_grants_that_come_before_the_start_is_complete_do_not_keep_it_from_going_on(
    team: Team,
) -> None:
    """All others hold what A asked for before it died: each word of theirs comes with a grant."""
    request = draft(team["a"], (BIG,), PAID)
    assert codes(team["a"].sign(request)) == ["agreement-pending"]
    for name in "bc":
        team[name].ask(log_for(team["a"], team[name]), au.WitnessResponse)
    team.stop("a")
    team.start("a")
    assert team.carry(rounds=1).failures == []
    assert team.carry(rounds=2).waiting == {}
    assert team["a"].sign(request).signatures == 1


def test_a_restored_member_with_one_of_the_others_down_says_whom_it_waits_for(team: Team) -> None:
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    agreed(team, "a", draft(team["a"], (BIG,), PAID))
    team.stop("a", "c")
    team.restore("a", kept)
    team.start("a")
    team.carry(rounds=2)
    waits = team["a"].head().waiting_for
    assert any(federated.log_key_of(2).hex()[:16] in each for each in waits)
