"""A witness was replaced: its log is no member's any more, and what the others took of it binds who starts
(docs/agreement.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from signer import importing
from signer.bitcoin.network import REGTEST
from signer.core.agreement.notices import Heard, HeardNotice
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.federated import Member, Team, draft, identity_of, log_key_of
from tests.kernel.governed import OFFICERS, begin, running
from tests.kernel.test_agreement_wire import agreed
from tests.kernel.test_dishonest_member import (
    forged,
    held_by,
    pending_of,
    recollect,
    records_of,
    told,
)
from tests.kernel.test_new_quorum import COINS, lose_copies, numbers_agreed, paid
from tests.kernel.test_two_histories import granted_beside
from tests.kernel.test_vouching_policies import change_policy


@dataclass
class Successor(Member):
    """Another kernel in that member's place: the same key of the vault, another identity."""

    def sealed_identity(self) -> bytes:
        return identity_of(3)[0]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    yield from running(federated.governed(tmp_path))


def replace_member(team: Team, name: str, *changed: str) -> None:
    """These members' policy names the log key of a new kernel instead of that one's, which starts."""
    (number,) = (each.number for each in team.members if each.name == name)
    keys = (log_key_of(number).hex().encode(), log_key_of(3).hex().encode())
    first = team.members[number].policy.replace(b"version = 1", b"version = 2")
    policy = first.replace(*keys)
    for member in (each for each in team.members if each.name in changed):
        change_policy(member, team[member.name], policy)
    team.stop(name)
    new = Successor(team.folder / "successor", number, policy)
    new.clock.moment = max(each.clock.moment for each in team.members)
    begin(new.init(), *OFFICERS)  # type: ignore[arg-type]
    team.members = tuple(new if each.name == name else each for each in team.members)
    team.start(name)


@pytest.mark.parametrize("most", [0, 32])
def test_its_log_is_brought_to_who_starts(
    team: Team, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """B alone has granted what C agreed to. The new C knows it before it grants anything, and so does A."""
    monkeypatch.setattr(importing, "MAX_FORMER", most)
    c = team["c"]
    agreed(team, "c", draft(c, (COINS[0],), paid(0)), "b", "c")
    team.carry("b", "c", rounds=1)
    ((number,), log) = numbers_agreed(c), forged(c)
    replace_member(team, "c", "a", "b")
    team.carry(rounds=3)
    team.stop("a")
    team.start("a")
    waiting = team.carry(rounds=4).waiting.keys()
    assert waiting == ({"b"} if most else {"a", "b", "c"})  # B has not restarted
    for name in "ac" if most else "":
        assert held_by(team[name]) == [(log.log_key, number, False)]
    with pytest.raises(Refused, match="log-unknown"):
        told(team["a" if most else "b"], log)  # no start wants it


@pytest.mark.parametrize("replaced", [False, True])
def test_who_stands_behind_what_nobody_has_can_be_replaced(team: Team, replaced: bool) -> None:
    """C, dishonest, showed a history to B alone, whose copies are lost: A cannot import B any more, but its
    successor."""
    log, c = granted_beside(team, 3), team["c"]
    lose_copies(team, "b")
    if replaced:
        replace_member(team, "b", "a")
    recollect(c, team["b"], log.head)
    told(team["b"], log)
    team.carry("a", "b", rounds=4)
    team.stop("a")
    team.start("a")
    recollect(c, team["a"], log.head)
    waiting = team.carry("a", "b", rounds=4).waiting
    assert waiting.keys() == (set() if replaced else {"a"})


class Invented:
    """A log key that nobody serves."""

    def __init__(self, number: int) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        self.log_key = self._key.public_key().public_bytes_raw()

    def sign_head(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def log(self, record: bytes) -> tuple[au.MemberLog, Heard]:
        edge = Frontier().append(leaf_hash(record))
        head = Head(origin_of(REGTEST.genesis_hash, self.log_key), edge.size, edge.root())
        note = sign_head(head, self)  # type: ignore[arg-type]
        log = au.MemberLog(log_key=self.log_key, head=note, start=0, records=[record])
        return log, Heard(self.log_key, edge.size, edge.root())


@pytest.mark.parametrize("most", [1, 2])
def test_logs_that_are_read_keep_no_place(
    team: Team, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """C names two that nobody has any more, the later one first, and all must be read."""
    monkeypatch.setattr(importing, "MAX_FORMER", most)
    c = team["c"]
    c.sign(draft(c, (COINS[0],), paid(0)))
    number, _, _ = pending_of(c)
    made = [Invented(each).log(records_of(c)[number]) for each in (1, 2)]
    made.sort(key=lambda each: each[1].member)
    lie = forged(c, *(HeardNotice(NOW, heard, (), ()) for _, heard in reversed(made)))
    team.stop("a")
    team.start("a")
    recollect(c, team["a"], lie.head)
    team.carry("a", "b", rounds=2)
    told(team["a"], lie)
    unread = [log for log, _ in made]
    while unread:
        taken = [log for log in unread if is_read(team, log)]
        assert taken
        unread = [log for log in unread if log not in taken]
    told(team["a"], lie)
    assert team["a"].head().waiting_for == []


def is_read(team: Team, log: au.MemberLog) -> bool:
    try:
        told(team["a"], log)
    except Refused as refused:
        return refused.code != "log-unknown"
    return True
