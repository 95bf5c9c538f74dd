"""A start of a member that read what another's officers gave up since: it ends, in whatever order things are
carried and whatever a hostile carrier brings first; and a head that merely names an epoch excuses no fork
(docs/agreement.md)."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from carrier.member import Refused
from carrier.round import Carrier, Report
from carrier.seen import entries_of, size_of
from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.network import REGTEST
from signer.core.agreement.notices import ForkedNotice
from signer.core.notices import OfficerNotice
from signer.journal.codec import decode_entry
from signer.journal.members import MAX_NUMBER
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head
from signer.journal.reading_agreement import forked_members
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.governed import ADA, BOB
from tests.kernel.test_agreement_wire import agreed, refused
from tests.kernel.test_dishonest_member import held_by, records_of, told
from tests.kernel.test_new_epoch_followed import open_epoch
from tests.kernel.test_two_histories import is_shown

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
PAID, MORE = ((1, 60_000_000),), ((2, 50_000_000),)


class Past(NamedTuple):
    """What C's restored journal knows of A's log."""

    team: Team
    read: int
    """Entries, the last ones of which A's officers gave up."""
    epoch: int
    """Number of the first entry that A recorded instead: the quorum's first act."""
    lost: tuple[tuple[bytes, int, bool], ...]
    """What C holds for A."""


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    """A's host was lost, restored from a backup that was taken while it ran, and goes on in a new epoch; B
    follows it. C is restored to before that, and starts."""
    team = federated.governed(tmp_path)
    team.start()
    team.carry(rounds=4)
    team["a"].sign(draft(team["a"], (OTHER,), MORE))
    backup, epoch = running_backup(team), team["a"].size
    agreed(team, "a", draft(team["a"], (BIG,), PAID))
    team.carry(rounds=2)
    read = read_of(team["c"], team["a"])
    team.stop("c")
    before = team.save("c")
    team.start("c")
    team.stop("a")
    team.restore("a", backup)
    team.start("a")
    open_epoch(team["a"], read + 20, ADA, BOB)
    assert team.carry(rounds=5).waiting == {}
    while team["a"].size <= read:
        team.stop("a")
        team.start("a")
        assert team.carry(rounds=4).waiting == {}
    team.stop("c")
    team.restore("c", before)
    team.start("c")
    yield Past(team, read, epoch, tuple(held_by(team["c"])))
    team.stop()


def running_backup(team: Team, number: int = 0) -> Path:
    """Of A: no piece of A's log ended where it ends. Or of another."""
    kept, folder = team.folder / f"running-{number}", team.members[number].folder
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("journal*"))
    source = sqlite3.connect(folder / "journal.sqlite")
    target = sqlite3.connect(kept / "journal.sqlite")
    source.backup(target)
    source.close()
    target.close()
    return kept


def read_of(reader: Witnessed, member: Witnessed) -> int:
    return {each.log_key: each.size for each in reader.head().followed}[member.log_key]


def carried(team: Team, names: str, rounds: int) -> Report:
    carrier = Carrier([team[name] for name in names])
    for _ in range(rounds - 1):
        carrier.carry()
    return carrier.carry()


def recollected(team: Team) -> None:
    """A and B have answered C's standing, and B has given C back what it lost of its own log; no more was
    carried."""
    b, c = team["b"], team["c"]
    answered(team["a"], c)
    answered(b, c)
    given_back(b, c)


def answered(member: Witnessed, starting: Witnessed) -> None:
    """The member has answered that start's standing."""
    standing = au.WitnessRequest(standing=starting.head().standing)
    said = member.ask(standing, au.WitnessResponse)
    starting.ask(au.WitnessRequest(messages=said.messages), au.WitnessResponse)


def given_back(keeper: Witnessed, starting: Witnessed) -> None:
    """What that start lost of its own log."""
    while (start := starting.size) < read_of(keeper, starting):
        asked = au.GetHeadRequest(log_key=starting.log_key, size=start + 1)
        head = keeper.ask(asked, au.GetHeadResponse).head
        records = entries_of(keeper, starting.log_key, start, size_of(head) - start)
        tail = au.MemberLog(log_key=starting.log_key, head=head, start=start, records=records)
        starting.ask(au.WitnessRequest(own_tail=tail), au.WitnessResponse)


def piece(member: Witnessed, records: list[bytes], start: int, epoch: int) -> au.MemberLog:
    """A log by that member's key from there on, under a head that names the epoch."""
    edge = Frontier()
    for record in records:
        edge = edge.append(leaf_hash(record))
    head = Head(origin_of(REGTEST.genesis_hash, member.log_key), edge.size, edge.root(), epoch)
    note = sign_head(head, member.keystore)
    return au.MemberLog(log_key=member.log_key, head=note, start=start, records=records[start:])


def forks_of(kernel: Witnessed) -> list[ForkedNotice]:
    return [each for each in kernel.entries() if isinstance(each, ForkedNotice)]


def is_forked(kernel: Witnessed, member: Witnessed) -> bool:
    with kernel.journal.tables() as tables:
        return member.log_key in forked_members(tables)


def assert_followed(past: Past) -> None:
    """C follows A, and is bound for ever by what it held for the part given up."""
    a, c = past.team["a"], past.team["c"]
    assert read_of(c, a) == a.size
    assert not is_forked(c, a)
    held = held_by(c)
    given_up = [each for each in past.lost if each[1] >= past.epoch]
    assert given_up
    for number, (origin, _, granted) in enumerate(given_up, MAX_NUMBER):
        assert (origin, number, granted) in held


@pytest.mark.parametrize("names", ["abc", "cab", "bca", "acb"])
def test_it_ends_in_whatever_order_things_are_carried(past: Past, names: str) -> None:
    """In some of these B's copy of A's new log comes first and contradicts what C has read."""
    c = past.team["c"]
    report = carried(past.team, names, 4)
    assert (report.waiting, report.failures) == ({}, [])
    assert forks_of(c) == []
    assert_followed(past)
    assert refused(c, draft(c, (FRESH,), PAID)) == "withdrawal-pinned"


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_piece_may_begin_before_the_part_given_up(past: Past, before: int) -> None:
    """As those do that a carrier brings of a log in doubt, or out of another member's copy."""
    a, c = past.team["a"], past.team["c"]
    recollected(past.team)
    said = told(c, piece(a, records_of(a), past.epoch - before, 1))
    assert said.followed_size == a.size
    assert_followed(past)


@pytest.mark.parametrize("order", ["abc", "cab"])
def test_a_contradicting_piece_of_a_hostile_carrier_keeps_it_from_nothing(
    past: Past, order: str
) -> None:
    """What A signed, cut so that C cannot see what it is: behind the officers' act."""
    a, c = past.team["a"], past.team["c"]
    recollected(past.team)
    with pytest.raises(Refused, match="member-log-contradicts"):
        told(c, piece(a, records_of(a), past.read, 1))
    assert read_of(c, a) == 0
    report = carried(past.team, order, 4)
    assert (report.waiting, report.failures) == ({}, [])
    assert forks_of(c) == []
    assert_followed(past)


def test_what_ends_within_the_officers_acts_is_no_fork_yet(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hostile carrier cuts the piece behind the quorum's first act: that is no quorum, so no epoch, and no
    fork while the rest may follow. Any other carrier brings the acts in one piece, wherever its own pieces
    end."""
    a, c = past.team["a"], past.team["c"]
    recollected(past.team)
    told(c, piece(a, records_of(a)[: past.epoch + 1], 0, 1))
    with pytest.raises(Refused, match="member-log-contradicts"):
        told(c, piece(a, records_of(a), past.read, 1))
    assert read_of(c, a) == 0  # so it is brought from there
    monkeypatch.setattr("carrier.seen.MAX_ENTRIES", past.epoch + 1)
    report = carried(past.team, "abc", 4)
    assert (report.waiting, report.failures) == ({}, [])
    assert forks_of(c) == []
    assert_followed(past)


def test_an_epoch_that_a_head_merely_names_is_no_excuse(past: Past) -> None:
    """A is dishonest and shows the same entries without the second officer's act: whatever epoch the head
    names, that is another history, and C can show it to everybody."""
    a, c = past.team["a"], past.team["c"]
    records = [*records_of(a)]
    assert isinstance(decode_entry(records[past.epoch + 1]), OfficerNotice)
    del records[past.epoch + 1]
    recollected(past.team)
    held = held_by(c)
    for epoch in (1, 2):
        told(c, piece(a, records, 0, epoch))
        (fork,) = forks_of(c)
        assert is_shown(fork)
        assert "epoch" not in fork.first
        assert "epoch 1\n" in fork.second
    assert is_forked(c, a)
    assert held_by(c) == held


def test_an_act_of_the_officers_counts_once(past: Past) -> None:
    """C follows A in its new epoch. A is dishonest from then on and shows another history, with the same acts
    in it: they gave up the lost journal, and not what came after."""
    a, c = past.team["a"], past.team["c"]
    carried(past.team, "abc", 4)
    held, read = held_by(c), read_of(c, a)
    records = records_of(a)
    other = [*records[: past.epoch - 1], *records[past.epoch :], *records[-3:]]
    with pytest.raises(Refused, match="member-log-contradicts"):
        told(c, piece(a, other, 0, 1))
    assert (held_by(c), read_of(c, a)) == (held, read)
    told(c, piece(a, other[:read], read, 1))
    assert is_forked(c, a)
    assert is_shown(*forks_of(c))
