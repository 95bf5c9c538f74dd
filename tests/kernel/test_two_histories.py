"""A member that shows two histories of its log keeps no honest member's start from its end: what the others
stand behind of it counts, and nobody is bound by telling what it took (docs/agreement.md)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from signer.core.agreement.notices import ForkedNotice, Heard, HeardNotice, Taken, VoidNotice
from signer.journal import second_hand
from signer.journal.claims import claim_of
from signer.journal.codec import encode_entry
from signer.journal.database import StoreError, StoreFull
from signer.journal.decide import Session
from signer.journal.entry import Entry
from signer.journal.members import Piece
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import verify_head
from signer.journal.room import FileRoom
from signer.journal.second_hand import FIRST_NUMBER, keep_brought, pool_of
from signer.journal.sqlite_tables import SqliteTables
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.test_agreement_wire import agreed, refused
from tests.kernel.test_dishonest_member import (
    forged,
    held_by,
    pending_of,
    recollect,
    records_of,
    told,
)
from tests.kernel.test_vouching import log_of

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
PAID, MORE = ((1, 60_000_000),), ((2, 50_000_000),)


@dataclass
class Failing:
    """A store whose next commit fails, once."""

    error: type[StoreError]
    is_next: bool = False
    failed: bool = False

    def fail_once(self) -> None:
        if self.is_next and not self.failed:
            self.failed = True
            raise self.error("no room left")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims; whoever has C's log key is dishonest."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


def other_history(liar: Witnessed, records: list[bytes], length: int) -> au.MemberLog:
    """Another one than the liar's kernel writes, which goes on with so many entries."""
    junk: list[Entry] = [
        VoidNotice(NOW + each, 0, bytes(32), "timed-out") for each in range(length)
    ]
    return log_of(liar, [*records, *map(encode_entry, junk)])


def granted_beside(team: Team, length: int = 1) -> au.MemberLog:
    """A has read that history of C; in the other one, which C's kernel writes, B granted two entries."""
    c = team["c"]
    log = other_history(c, records_of(c), length)
    c.sign(draft(c, (OTHER,), MORE))
    agreed(team, "c", draft(c, (BIG,), PAID), "b", "c")
    team.carry("b", "c", rounds=1)
    told(team["a"], log)
    return log


def restart(team: Team, log: au.MemberLog) -> Witnessed:
    """A starts anew, and C names the history that A has read."""
    team.stop("a")
    team.start("a")
    recollect(team["c"], team["a"], log.head)
    return team["a"]


def is_shown(notice: ForkedNotice) -> bool:
    """Whether the notice itself shows two heads that are not of one log."""
    heads = [verify_head(note, notice.member) for note in (notice.first, notice.second)]
    small, large = sorted(heads, key=lambda head: head.size)
    if not notice.proof:
        return small.size == large.size and small.root != large.root
    roots, leaves = notice.proof
    edge = Frontier(small.size, tuple(roots[at : at + 32] for at in range(0, len(roots), 32)))
    differs = edge.root() != small.root
    for at in range(0, len(leaves), 32):
        edge = edge.append(leaves[at : at + 32])
    return differs and (edge.size, edge.root()) == (large.size, large.root)


@pytest.mark.parametrize("length", [1, 2, 3, 9])
def test_what_the_honest_stand_behind_is_taken(team: Team, length: int) -> None:
    """A read one history of C, B granted in another one. A's start ends, and A is bound by what B granted."""
    b, c = team["b"], team["c"]
    log = granted_beside(team, length)
    a = restart(team, log)
    report = team.carry("a", "b", rounds=5)
    assert report.waiting == {}
    (forked,) = (each for each in a.entries() if isinstance(each, ForkedNotice))
    assert is_shown(forked)
    assert len(held_by(b)) == 2
    assert all(number >= FIRST_NUMBER and not granted for _, number, granted in held_by(a))
    assert len(held_by(a)) == 2
    assert refused(a, draft(a, (FRESH,), PAID)) == "withdrawal-pinned"
    with a.journal.tables() as tables:
        query = "SELECT 1 FROM member_entries WHERE member = ?"
        assert tables.execute(query, (pool_of(c.log_key),)).fetchall() == []
    held = held_by(a)
    a = restart(team, log)
    assert team.carry("a", "b", rounds=4).waiting == {}
    assert held_by(a) == held


@pytest.mark.parametrize("error", [StoreFull, StoreError])
def test_what_was_not_durable_does_not_count(
    team: Team, error: type[StoreError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit that keeps what B granted of C's other history fails: the disk is full, and it is done again
    with a part of the reserve, or the store is gone, and the piece is brought again."""
    log = granted_beside(team)
    a = restart(team, log)
    failing = Failing(error)
    commit = SqliteTables.commit

    def noticed(session: Session, piece: Piece, entries: Iterable[Entry]) -> None:
        keep_brought(session, piece, entries)
        kept = session.tables.execute("SELECT 1 FROM brought").fetchone()
        failing.is_next = failing.is_next or kept is not None

    def commit_or_fail(tables: SqliteTables) -> None:
        failing.fail_once()
        commit(tables)

    monkeypatch.setattr(second_hand, "keep_brought", noticed)
    monkeypatch.setattr(SqliteTables, "commit", commit_or_fail)
    monkeypatch.setattr(FileRoom, "give_back", lambda _: error is StoreFull)
    assert team.carry("a", "b", rounds=6).waiting == {}
    assert failing.failed
    assert len(held_by(a)) == 2
    assert refused(a, draft(a, (FRESH,), PAID)) == "withdrawal-pinned"


@pytest.mark.parametrize("absent", [False, True])
def test_nobody_is_bound_by_telling_what_it_took(team: Team, absent: bool) -> None:
    """B tells that it holds of C what says something else, and what nobody vouches for: A's start ends
    without these. Where nobody can bring what B tells of, B is as if silent."""
    a, b, c = team["a"], team["b"], team["c"]
    before = records_of(c)
    log = other_history(c, before, 2)
    c.sign(draft(c, (BIG,), PAID))
    number, entry, _ = pending_of(c)
    entries = [replace(entry, incarnation=b"i" * 16), replace(entry, psbt=b"")]
    records = [encode_entry(each) for each in entries]
    first, second = (
        claim_of(c.log_key, number + each, leaf_hash(records[each]), entries[each])
        for each in range(2)
    )
    claims = [first._replace(pays=frozenset()), second]
    claims += [first._replace(number=number + 2, leaf=bytes(32))] if absent else []
    taken = tuple(Taken(claim, granted=True) for claim in claims)
    heard = Heard(c.log_key, number + 3, bytes(32))
    brought = forged(b, HeardNotice(NOW, heard, taken, ()))
    history = log_of(c, [*before, *records])
    told(a, log)
    a = restart(team, log)
    recollect(b, a, brought.head)
    told(a, brought)
    for _ in range(2):  # it shows the fork, and then what is wanted of it
        told(a, history)
    assert (a.head().waiting_for == []) is not absent
    assert held_by(a) == []
    history.records[-2:] = records[::-1]
    with pytest.raises(Refused, match="member-forked"):
        told(a, history)
