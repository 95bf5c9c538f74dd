"""Who lives and dies: a member alone or three together, in this process or as whole ones, and what else
befalls them."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random

from tests.core.spends import NOW
from tests.crash.alone import Alone
from tests.crash.clones import AMONG_MEMBERS
from tests.crash.disasters import (
    IN_FILES,
    OF_PROCESSES,
    ON_A_SMALL_DISK,
    with_database,
)
from tests.crash.fate import Fate
from tests.crash.houses import House
from tests.crash.lines import MEMBERS
from tests.crash.lives import HEAD, Simulated
from tests.crash.small_disk import small_disk
from tests.crash.together import Together
from tests.kernel import federated, room
from tests.postgres import Cluster, Wire, programs

Company = Alone | Together
Founding = Callable[[Path, Random], AbstractContextManager[Company]]


@contextmanager
def alone(folder: Path, random: Random) -> Iterator[Alone]:
    """In this process."""
    with Fate(random=random).installed() as fate:
        member = room.Member(folder / "first", 0, head_name=HEAD).init()
        yield Alone(Simulated(member, fate, folder), random, folder, IN_FILES)


@contextmanager
def together(folder: Path, random: Random) -> Iterator[Together]:
    """In this process."""
    with Fate(random=random).installed() as fate:
        members = federated.team(folder, MEMBERS, NOW).members
        for each in members:
            each.head_name = HEAD
        several = tuple(Simulated(each, fate, folder) for each in members)
        yield Together(several, random, folder, AMONG_MEMBERS)


@contextmanager
def house(folder: Path, random: Random) -> Iterator[Alone]:
    """A whole process, on a small disk of its own where this user may have one."""
    with small_disk() as disk:
        member = begun_now(room.Member((disk or folder) / "member", 0))
        one = House(member, random, folder).furnish()
        disasters = OF_PROCESSES if disk is None else (*OF_PROCESSES, *ON_A_SMALL_DISK)
        try:
            yield Alone(one, random, folder, disasters)
        finally:
            one.end()


@contextmanager
def served(folder: Path, random: Random) -> Iterator[Alone]:
    """A whole process with its journal in a database."""
    binaries = programs()
    assert binaries is not None
    cluster = Cluster(binaries)
    try:
        place = cluster.new_place()
        wire = Wire(cluster, cluster.name_of(place))
        member = begun_now(room.Member(folder / "member", 0, place=wire.place))
        member.start().stop()  # which moves the journal there
        one = House(member, random, folder).furnish()
        try:
            yield Alone(one, random, folder, with_database(cluster, wire))
        finally:
            one.end()
            wire.close()
    finally:
        cluster.remove()


@contextmanager
def houses(folder: Path, random: Random) -> Iterator[Together]:
    """Whole processes."""
    members = federated.team(folder, MEMBERS, int(time.time())).members
    several = tuple(House(each, random, folder).furnish() for each in members)
    try:
        yield Together(several, random, folder, AMONG_MEMBERS)
    finally:
        for each in several:
            each.end()


def begun_now(member: room.Member) -> room.Member:
    """Its journal begins at the true time, not at that of the tests."""
    member.clock.moment = int(time.time())
    member.folder.mkdir()
    member._make()
    return member


IN_PROCESS: dict[str, Founding] = {"alone": alone, "together": together}
WHOLE: dict[str, Founding] = {"house": house, "houses": houses}
if programs() is not None:
    WHOLE["served"] = served
