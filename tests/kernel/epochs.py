"""A member whose officers gave up a part of its log, and what others may have read of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from carrier.member import Refused
from carrier.round import Carrier
from pegwarden.v1 import audit_pb2 as au
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.federated import Member, Witnessed, draft
from tests.kernel.governed import OFFICERS
from tests.kernel.test_agreement_wire import agreed
from tests.kernel.test_dishonest_member import recollect, records_of, told
from tests.kernel.test_new_epoch_at_start import answered, piece, read_of, running_backup
from tests.kernel.test_new_epoch_followed import open_epoch

BIG, OTHER = Coin(), Coin(salt=1, index=1)
PAID, MORE = ((1, 60_000_000),), ((2, 50_000_000),)


class Stopped(NamedTuple):
    """B as it was once."""

    member: Member
    theirs: int
    """Entries of C's log then."""


@dataclass(frozen=True, slots=True)
class World:
    """A goes on in a new epoch, C follows it, and B was told nothing of it."""

    a: Witnessed
    b: Witnessed
    c: Witnessed
    epoch: int
    """Number of the first of A's acts."""
    old: list[bytes]
    """A's log as it was given up."""
    unread: Stopped
    """It read nothing of what A's officers gave up."""
    lost: Stopped
    """It read all of it."""
    behind: Member
    """C as it had read what was given up, while B was the one that had not."""
    follower: Member
    """C as it follows A's new log, stopped."""

    @property
    def new(self) -> list[bytes]:
        return records_of(self.a)

    def old_log(self, start: int, end: int) -> au.MemberLog:
        return piece(self.a, self.old[:end], start, 0)

    def new_log(self, start: int, end: int) -> au.MemberLog:
        return piece(self.a, self.new[:end], start, 1)


@contextmanager
def world_in(folder: Path) -> Iterator[World]:
    """Three officers sign, two are the quorum."""
    team = federated.governed(folder)
    team.start()
    team.carry(rounds=4)
    team["a"].sign(draft(team["a"], (OTHER,), MORE))
    backup, epoch = running_backup(team), team["a"].size
    team.stop("b")
    unread = Stopped(replace(team.members[1], folder=team.save("b")), team["c"].size)
    agreed(team, "a", draft(team["a"], (BIG,), PAID), "a", "c")
    behind = replace(team.members[2], folder=running_backup(team, 2))
    team.start("b")
    team.carry(rounds=3)
    lost = Stopped(replace(team.members[1], folder=running_backup(team, 1)), team["c"].size)
    old = records_of(team["a"])
    team.stop("a")
    team.restore("a", backup)
    team.start("a")
    open_epoch(team["a"], len(old) + 20, *OFFICERS)
    answered(team["b"], team["a"])
    carrier = Carrier([team[name] for name in "abc"], lambda *pair: pair != ("a", "b"))
    assert [carrier.carry() for _ in range(5)][-1].waiting == {}
    team.stop("c")
    follower = replace(team.members[2], folder=team.save("c"))
    team.start("c")
    running = (team["a"], team["b"], team["c"])
    yield World(*running, epoch, old, unread, lost, behind, follower)
    team.stop()


def started(world: World, before: Stopped, folder: Path, *, complete: bool) -> Witnessed:
    """B, with a start that is complete, or waits for A's log."""
    shutil.copytree(before.member.folder, folder / "b")
    b = replace(before.member, folder=folder / "b").start()
    read = read_of(b, world.a)
    theirs = records_of(world.c)[: before.theirs if complete else None]
    its_own = world.old_log(0, read) if complete else world.new_log(0, len(world.new))
    others = piece(world.c, theirs, 0, 0)
    recollect(world.a, b, its_own.head)
    recollect(world.c, b, others.head)
    told(b, others)
    assert (b.head().waiting_for == []) is complete
    return b


def show(b: Witnessed, log: au.MemberLog) -> None:
    """Whatever B says to it."""
    with suppress(Refused):
        told(b, log)
