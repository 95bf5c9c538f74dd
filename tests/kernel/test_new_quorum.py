"""What was agreed under an earlier policy, and is read under one whose quorum it does not show: it takes no
place from what asks for grants, and a start takes it if it is true (docs/agreement.md)."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer import witness
from signer.core.agreement.notices import AgreedNotice, VoidNotice
from signer.journal import judging, starting
from signer.journal.codec import encode_entry
from signer.journal.entry import SignedEntry
from signer.journal.followed import judged_numbers, waiting_of
from signer.journal.merkle import leaf_hash
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.governed import running
from tests.kernel.room import attested, construct_request, sign_request
from tests.kernel.test_agreement_wire import agreed, codes
from tests.kernel.test_dishonest_member import (
    forged,
    held_by,
    pending_of,
    records_of,
    told,
)
from tests.kernel.test_vouching import log_of
from tests.kernel.test_vouching_policies import change_policy

COINS = tuple(Coin(salt=each, index=each) for each in range(5))
BOUNDS = (judging, starting, witness)


def paid(which: int) -> tuple[tuple[int, int], ...]:
    return ((which + 1, 10_000_000 + which),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Two of three are a quorum."""
    yield from running(federated.governed(tmp_path))


def raise_quorum(team: Team, *names: str) -> None:
    """At these members all three are asked for grants from now on."""
    for member in (each for each in team.members if each.name in names):
        first = member.policy.replace(b"version = 1", b"version = 2")
        policy = re.sub(rb"(witnesses = .*\n)", rb"\1witness_quorum = 3\n", first)
        change_policy(member, team[member.name], policy)
    latest = max(each.clock.moment for each in team.members)
    for member in team.members:
        member.clock.moment = latest


def lose_copies(team: Team, name: str) -> None:
    """A backup without the copies of the others' logs is put back."""
    (member,) = (each for each in team.members if each.name == name)
    team.stop(name)
    with sqlite3.connect(member.folder / "journal.sqlite") as database:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'member_%'"
        for (table,) in database.execute(query).fetchall():
            database.execute(f"DELETE FROM {table}")  # noqa: S608
    database.close()
    team.start(name)


def draft_now(kernel: Witnessed, which: int, now: int) -> pb.SignPsbtRequest:
    built = kernel.construct(construct_request((COINS[which],), paid(which)))
    return sign_request(built, attested((COINS[which],), paid(which), now=now))


def numbers_agreed(kernel: Witnessed) -> list[int]:
    return [each.number for each in kernel.entries() if isinstance(each, AgreedNotice)]


def numbers_held(kernel: Witnessed, origin: Witnessed) -> list[int]:
    return [number for log, number, _ in held_by(kernel) if log == origin.log_key]


def called_agreed(records: list[bytes], first: int) -> list[bytes]:
    """These entries of a log, from that number on, and that they are agreed, without a grant."""
    named = enumerate(map(leaf_hash, records), first)
    said = [encode_entry(AgreedNotice(NOW, number, leaf, ())) for number, leaf in named]
    return [*records, *said]


def untrue(entry: SignedEntry, count: int) -> list[bytes]:
    """Entries like that one, of which nothing is true."""
    return [encode_entry(replace(entry, psbt=bytes([each]))) for each in range(count)]


@pytest.mark.parametrize("judged", [512, 2])
def test_who_reads_a_log_anew_grants_what_asks_now(
    team: Team, monkeypatch: pytest.MonkeyPatch, judged: int
) -> None:
    """C has agreed to more under the former quorum than is judged at once; B lost its copies."""
    for module in BOUNDS:
        monkeypatch.setattr(module, "MAX_JUDGED", judged)
    c = team["c"]
    for which in range(3):
        agreed(team, "c", draft(c, (COINS[which],), paid(which)), "a", "c")
    raise_quorum(team, "a", "b", "c")
    lose_copies(team, "b")
    assert team.carry(rounds=6).waiting == {}
    b, now = team["b"], team.members[0].clock.now()
    assert numbers_held(b, c) == numbers_agreed(c)
    with b.journal.tables() as tables:
        assert [*waiting_of(tables, c.log_key, judged)] == []  # what binds B is judged no more
    request = draft_now(c, 4, now)
    assert codes(c.sign(request)) == ["agreement-pending"]
    team.carry(rounds=2)
    assert c.sign(request).signatures == 1


def test_what_others_agreed_while_a_policy_spreads_binds(team: Team) -> None:
    """By the policy at A and C two are a quorum, at B no more. B holds what is true of it until C says that
    it is void, as what waits."""
    raise_quorum(team, "b")
    b, c = team["b"], team["c"]
    agreed(team, "c", draft_now(c, 0, team.members[0].clock.now()), "a", "c")
    (number,) = numbers_agreed(c)
    said = told(b, forged(c), c.head().standing)
    assert held_by(b) == [(c.log_key, number, True)]
    assert len(said.messages) == 1  # a recollection: no grant is asked for
    with b.journal.tables() as tables:
        assert judged_numbers(tables, c.log_key, 9, 9) == ()
    _, _, leaf = pending_of(c)
    told(b, forged(c, VoidNotice(NOW, number, leaf, "timed-out")))
    assert held_by(b) == []


@pytest.mark.parametrize("count", [0, 3])
def test_what_a_liar_calls_agreed_takes_no_place_and_binds_nobody(
    team: Team, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """It says so of more than is judged at once, before the entry that asks for grants."""
    for module in BOUNDS:
        monkeypatch.setattr(module, "MAX_JUDGED", 1)
    b, c = team["b"], team["c"]
    c.sign(draft(c, (COINS[0],), paid(0)))
    number, entry, _ = pending_of(c)
    records = records_of(c)
    false = called_agreed(untrue(entry, count), number)
    log = log_of(c, [*records[:number], *false, records[number]])
    assert len(told(b, log, c.head().standing).messages) == 2
    assert held_by(b) == [(c.log_key, number + 2 * count, True)]


@pytest.mark.parametrize("most", [1, 3])
def test_a_start_takes_the_newest_that_are_true_and_the_next_one_goes_on(
    team: Team, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(starting, "MAX_SAID", most)
    c = team["c"]
    for which in range(3):
        agreed(team, "c", draft(c, (COINS[which],), paid(which)), "a", "c")
    raise_quorum(team, "a", "b", "c")
    said = numbers_agreed(c)
    monkeypatch.setattr(witness, "MAX_JUDGED", 0)  # B judges nothing after its start
    monkeypatch.setattr(judging, "MAX_JUDGED", 0)
    lose_copies(team, "b")
    team.carry(rounds=6)
    assert sorted(numbers_held(team["b"], c)) == said[-most:]
    team.stop("b")
    team.start("b")
    team.carry(rounds=4)
    held = numbers_held(team["b"], c)
    assert sorted(held) == said[-2 * most :]
    monkeypatch.setattr(starting, "MAX_SAID", 0)
    lose_copies(team, "b")  # what binds B is known when it is read again
    assert team.carry(rounds=4).waiting == {}
    with team["b"].journal.tables() as tables:
        assert set(judged_numbers(tables, c.log_key, 9, 9)) == {*said} - {*held}
