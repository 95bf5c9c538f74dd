"""What else befalls a member without witnesses while it serves. Each ends with a member that serves again,
and is followed by the same looks as a death (`tests.crash.alone`).

1. A disaster may refuse service, by the code that names it; it never loses or changes what was answered.
2. What is refused meanwhile touched no key: the record is compared before it is set right.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

from signer.core.errors import Refusal
from signer.journal.audit import read_entries
from tests.crash.alone import Alone
from tests.crash.hooks import Killed
from tests.crash.houses import ANY_MOMENT, House
from tests.crash.lives import Life, copy_database
from tests.crash.small_disk import ballast
from tests.postgres import Cluster, Wire

DAYS = 3 * 86_400
SLACK = 125
"""Seconds that effective time may differ from the true one."""
NO_ROOM = ("journal-disk-full", "journal-unavailable")
Disaster = Callable[[Alone], None]


def clock_steps_while_serving(one: Alone) -> None:
    """Both ways: signing goes on, and no window moves."""
    for seconds in (DAYS, -2 * DAYS, DAYS):
        one.life.step(seconds)
        one.must_sign()
        _require_true_time(one)


def clock_steps_over_a_restart(one: Alone) -> None:
    """Both ways: nothing is signed until it is set right."""
    for seconds in (DAYS, -DAYS):
        one.life.stop()
        one.life.step(seconds)
        one.life.start()
        if one.ask_unless_refused(one.draft(), "clock-stepped"):
            one.wrong.append(f"signed with a clock that is {seconds} s off")
        one.life.stop()
        one.compare()
        one.life.step(-seconds)
        one.life.start()
        one.must_sign()
        _require_true_time(one)


def _require_true_time(one: Alone) -> None:
    *_, last = read_entries(one.life.place, 0)
    if abs(last.entry.clock - one.life.now()) > SLACK:
        one.wrong.append(f"recorded at {last.entry.clock}, in truth {one.life.now()}")


def old_copy_put_back_while_serving(one: Alone) -> None:
    """Nothing is signed on it; with the right journal all goes on."""
    journal = one.life.folder / "journal.sqlite"
    old, right = (one.folder / f"{name}.sqlite" for name in ("old", "right"))
    copy_database(journal, old)
    one.must_sign()
    copy_database(journal, right)
    copy_database(old, journal)
    if one.ask_unless_refused(one.draft(), "state-rolled-back"):
        one.wrong.append("signed on an old copy")
    copy_database(right, journal)
    _restart(one)


def old_copy_put_back_over_a_restart(one: Alone) -> None:
    """Of the journal alone: the head file is the newer one. Nothing is signed until the right one is back."""
    files = (one.life.folder / f"journal.sqlite{end}" for end in ("", "-wal", "-shm"))
    journal, *beside = files
    kept = {name: one.folder / f"{name}.sqlite" for name in ("old", "right")}
    copy_database(journal, kept["old"])
    one.must_sign()
    copy_database(journal, kept["right"])
    for name in ("old", "right"):
        one.life.stop()
        for each in beside:
            each.unlink(missing_ok=True)
        shutil.copyfile(kept[name], journal)
        one.life.start()
        if name == "old" and one.ask_unless_refused(one.draft(), "state-rolled-back"):
            one.wrong.append("signed on an old copy")


def second_process(one: Alone) -> None:
    """On the same journal in a file, while the first serves: it does not come up."""
    twin = one.life.twin(one.folder)
    try:
        twin.start()
    except Refusal as refusal:
        if "journal-locked" not in str(refusal):
            one.wrong.append(f"a second process: {refusal}")
    else:
        one.wrong.append("a second process serves")
        twin.stop()
    one.must_sign()


def both_started_at_once(one: Alone) -> None:
    """Two on one journal in a file: one serves, the other does not come up."""
    one.life.stop()
    twin = one.life.twin(one.folder)
    came_up = _start_together(one.life, twin)
    if len(came_up) != 1:
        one.wrong.append(f"{len(came_up)} of two processes serve")
    for each in came_up:
        each.stop()
    one.life.start()


def clone_beside(one: Alone) -> None:
    """A copy of the member that serves, too: shown a head of the first it notices, and signs nothing."""
    clone = one.life.clone(one.folder / "clone")
    clone.start()
    try:
        one.must_sign()
        request = one.draft()
        one.ask(request)
        request.last_seen_head = one.known.heads[-1]
        try:
            clone.sign(request)
        except Refusal as refusal:
            if refusal.code != "state-rolled-back":
                one.wrong.append(f"a clone: {refusal}")
        else:
            one.wrong.append("a clone signs after it was shown the other's head")
    finally:
        clone.stop()
        shutil.rmtree(clone.folder)


# --- whole processes


def disk_full(one: Alone) -> None:
    """To the last byte: signing goes on from the reserve, over a death, too. Without a reserve nothing is
    signed until there is room."""
    house = _house(one)
    with ballast(house.folder / "ballast"):
        one.must_sign()
        house.watch(ANY_MOMENT, 1)
        with suppress(Killed):
            one.must_sign()
        house.watched()
        house.bury()
        one.compare()
        house.start()
        one.must_sign()
    with ballast(house.folder / "ballast"):
        os.truncate(house.folder / "journal.sqlite.reserve", 0)
        with ballast(house.folder / "more ballast"):
            for _ in range(3):
                one.ask_unless_refused(one.draft(), *NO_ROOM)
            one.compare()


def file_that_cannot_grow(one: Alone) -> None:
    """What a quota does: the journal's log is not written any further."""
    house = _house(one)
    house.limit_files((house.folder / "journal.sqlite-wal").stat().st_size)
    for _ in range(3):
        one.ask_unless_refused(one.draft(), *NO_ROOM)
    one.compare()
    house.limit_files(None)


# --- with a database


def connection_cut(wire: Wire) -> Iterator[Disaster]:
    """Before the server has the commit, and after it has done it."""
    for cut in ("before", "after"):

        def disaster(one: Alone, cut: str = cut) -> None:
            request = one.draft()
            wire.cut = cut
            one.ask_unless_refused(request, "journal-unavailable")
            if wire.cut:
                one.wrong.append("no commit passed the wire")
            one.compare()

        disaster.__name__ = f"connection_cut_{cut}_the_commit"
        yield disaster


def server_crash(cluster: Cluster) -> Disaster:
    """The database server dies while it is written to, and comes up again."""

    def crash() -> None:
        cluster.stop()
        cluster.start()

    def server_dies(one: Alone) -> None:
        request, crashing = one.draft(), threading.Thread(target=crash)
        crashing.start()
        one.ask_unless_refused(request, "journal-unavailable")
        crashing.join()
        one.compare()

    return server_dies


def replicas_started_at_once(one: Alone) -> None:
    """Two on one database: both serve, sign the same, and one goes on when the other dies."""
    one.life.stop()
    twin = one.life.twin(one.folder)
    if len(_start_together(one.life, twin)) != 2:
        one.wrong.append("a replica did not come up")
        return
    for _ in range(3):
        request = one.draft()
        answers = [each.sign(request) for each in (one.life, twin)]
        one.asked.append(request)
        one.wrong += [fault for each in answers for fault in one.known.hear(request, each)]
    twin.watch(ANY_MOMENT, 1)
    request = one.draft()
    asking = threading.Thread(target=lambda: _ask_the_dying(twin, request))
    asking.start()
    one.ask(request)
    asking.join()
    twin.watched()
    twin.bury()
    one.compare()
    one.must_sign()


def _ask_the_dying(twin: Life, request: object) -> None:
    with suppress(Killed, Refusal):
        twin.sign(request)  # type: ignore[arg-type]


def _start_together(*lives: Life) -> list[Life]:
    """Who came up. The others were refused."""
    came_up: list[Life] = []

    def start(life: Life) -> None:
        with suppress(Refusal):
            life.start()
            came_up.append(life)

    threads = [threading.Thread(target=start, args=(each,)) for each in lives]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return came_up


def _restart(one: Alone) -> None:
    one.life.stop()
    one.compare()
    one.life.start()


def _house(one: Alone) -> House:
    assert isinstance(one.life, House)
    return one.life


IN_FILES: tuple[Disaster, ...] = (
    clock_steps_while_serving,
    clock_steps_over_a_restart,
    old_copy_put_back_while_serving,
    old_copy_put_back_over_a_restart,
    second_process,
    both_started_at_once,
    clone_beside,
)
"""In this process, and of whole ones."""
OF_PROCESSES: tuple[Disaster, ...] = (*IN_FILES, file_that_cannot_grow)
ON_A_SMALL_DISK: tuple[Disaster, ...] = (disk_full,)


def with_database(cluster: Cluster, wire: Wire) -> tuple[Disaster, ...]:
    """Of whole processes whose journal is in a database, reached over that wire."""
    return (
        clock_steps_while_serving,
        clock_steps_over_a_restart,
        *connection_cut(wire),
        server_crash(cluster),
        replicas_started_at_once,
    )
