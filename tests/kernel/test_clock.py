"""Effective time (design J7): the clock is stepped both ways, at the start and while the kernel runs."""

from dataclasses import dataclass

import pytest

from signer.clock import MAX_DIFFERENCE, MAX_DOWNTIME, EffectiveClock, Machine
from signer.core.control import ControlState
from signer.journal.gate import Gate
from signer.ports.recording import Passage

LAST = 1_795_262_400
"""Time of the journal's last entry."""


@dataclass
class Host:
    """A machine whose clocks tests set."""

    time: float = LAST + 60
    uptime: float = 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.time += seconds
        self.uptime += seconds

    def clock(self, gate: Gate) -> EffectiveClock:
        return EffectiveClock(gate, machine=Machine(lambda: self.time, lambda: self.uptime))


@dataclass
class Room:
    """A clock that begins, with the gate that it shuts."""

    host: Host
    gate: Gate
    clock: EffectiveClock

    def stopped(self) -> tuple[str, ...]:
        return tuple(each.code for each in self.gate.reasons())


def begun(wall: float) -> Room:
    host, gate = Host(wall), Gate()
    clock = host.clock(gate)
    clock.begin(LAST)
    return Room(host, gate, clock)


def test_before_it_begins_the_journal_gives_the_time() -> None:
    clock = Host().clock(Gate())
    assert clock.now() == 0
    assert clock.wall() == LAST + 60


BOUNDS = {
    "as the last entry": (0, ()),
    "a little before": (-MAX_DIFFERENCE, ()),
    "too far before": (-MAX_DIFFERENCE - 1, ("clock-stepped",)),
    "after a day": (MAX_DOWNTIME, ()),
    "after more than a day": (MAX_DOWNTIME + 1, ("clock-stepped",)),
    "in the year 2100": (4_102_444_800 - LAST, ("clock-stepped",)),
}


@pytest.mark.parametrize(("ahead", "stopped"), BOUNDS.values(), ids=BOUNDS)
def test_at_the_start_the_wall_clock_fits_the_last_entry(
    ahead: int, stopped: tuple[str, ...]
) -> None:
    room = begun(LAST + ahead)
    room.clock.judge_alone(0)
    assert room.stopped() == stopped
    room.host.pass_by(10)
    expected = LAST + 10 if stopped else LAST + ahead + 10
    assert room.clock.now() == expected, "a stepped clock goes on from the last entry"
    objection = room.gate.objection(Passage.ORDINARY, ControlState())
    assert (objection is not None) == bool(stopped)
    assert room.gate.objection(Passage.WHILE_LOCKED, ControlState()) is None


def test_a_kernel_that_ran_idle_for_a_week_starts_again() -> None:
    """Nobody asked it anything; the head file says that it ran until a minute ago."""
    week = 7 * 86_400
    room = begun(LAST + week)
    room.clock.judge_alone(LAST + week - 60)
    assert room.stopped() == ()
    assert room.clock.now() == LAST + week
    stepped = begun(LAST + week)
    stepped.clock.judge_alone(LAST + week + MAX_DIFFERENCE + 1)
    assert stepped.stopped() == ("clock-stepped",), "set back since it ran last"


@pytest.mark.parametrize("step", [3_600.0, -3_600.0, 86_400.0 * 365], ids=["on", "back", "a year"])
def test_a_step_while_it_runs_changes_no_time(step: float) -> None:
    room = begun(LAST + 60)
    room.clock.judge_alone(0)
    room.host.time += step
    room.host.pass_by(5)
    assert room.clock.now() == LAST + 65
    assert room.stopped() == ()


def heard(room: Room, *offsets: int) -> None:
    """Members whose wall clocks are so far ahead of ours."""
    for number, offset in enumerate(offsets):
        room.clock.heard(bytes([number]), int(room.host.time) + offset)


WITNESSES = {
    "nobody": ((), ("clock-stepped",)),
    "one who agrees": ((MAX_DIFFERENCE,), ()),
    "one who does not": ((MAX_DIFFERENCE + 1,), ("clock-stepped",)),
    "one of three lies": ((3, -5, 1_000_000), ()),
    "two of three say otherwise": ((900, 1_000, 0), ("clock-stepped",)),
    "two, one of whom lies": ((0, -1_000_000), ("clock-stepped",)),
    "four, one of whom lies": ((0, 1, 2, 1_000_000), ()),
}


@pytest.mark.parametrize(("offsets", "stopped"), WITNESSES.values(), ids=WITNESSES)
def test_with_witnesses_their_median_decides(
    offsets: tuple[int, ...], stopped: tuple[str, ...]
) -> None:
    room = begun(LAST + 30 * 86_400)
    heard(room, *offsets)
    assert room.clock.now() == LAST, "until then time goes on from the last entry"
    room.clock.judge_by_witnesses()
    assert room.stopped() == stopped
    assert room.clock.now() == (LAST if stopped else LAST + 30 * 86_400)


DAY = 86_400
OTHERS = {
    "nobody was heard": (30 * DAY, (), 0),
    "one": (30 * DAY, (0,), 30 * DAY),
    "ours alone is ahead": (3_000 * DAY, (-2_970 * DAY, -2_970 * DAY), 30 * DAY),
    "theirs alone are ahead": (30 * DAY, (900 * DAY, 900 * DAY), 30 * DAY),
    "one of two lags": (30 * DAY, (0, -30 * DAY), 30 * DAY),
    "most of them lag": (30 * DAY, (0, -30 * DAY, -30 * DAY), 0),
    "ours lags": (-DAY, (31 * DAY,), 0),
}


@pytest.mark.parametrize(("ahead", "offsets", "passed"), OTHERS.values(), ids=OTHERS)
def test_others_wrote_until_our_clock_and_theirs(
    ahead: int, offsets: tuple[int, ...], passed: int
) -> None:
    """Before any of them is judged; what one of them alone says moves it no further."""
    room = begun(LAST + ahead)
    heard(room, *offsets)
    assert room.clock.others_time() == LAST + passed
    room.host.pass_by(10)
    assert room.clock.others_time() == LAST + passed + 10


def test_a_witness_that_was_heard_long_ago_still_confirms() -> None:
    """The start waits for hours until the last member's word arrives."""
    room = begun(LAST + 60)
    heard(room, 0)
    room.host.pass_by(7_200)
    room.clock.judge_by_witnesses()
    assert room.stopped() == ()
    assert room.clock.now() == LAST + 7_260


def test_a_clock_that_is_stepped_while_it_waits_is_found() -> None:
    room = begun(LAST + 60)
    heard(room, 0)
    room.host.time += 3_600
    room.clock.judge_by_witnesses()
    assert room.stopped() == ("clock-stepped",)


def test_what_the_quorum_confirms_is_the_time() -> None:
    room = begun(LAST + 30 * 86_400)
    room.clock.judge_alone(0)
    assert room.stopped() == ("clock-stepped",)
    room.clock.accept(LAST + 30 * 86_400 - 60)
    assert room.stopped() == ()
    assert room.clock.now() == LAST + 30 * 86_400


def test_a_clock_far_from_the_stated_time_is_not_followed() -> None:
    room = begun(LAST + 30 * 86_400)
    room.clock.judge_alone(0)
    room.clock.accept(LAST + 29 * 86_400)
    assert room.stopped() == ()
    assert room.clock.now() == LAST + 29 * 86_400


def test_a_clock_that_was_ahead_and_is_set_right_goes_on_from_there() -> None:
    """The journal keeps time from going back behind its last entry; see test_control."""
    room = begun(LAST - 3_600)
    room.clock.judge_alone(0)
    assert room.clock.now() == LAST
    room.clock.accept(LAST - 3_600)
    assert room.clock.now() == LAST - 3_600


def test_the_machine_s_own_clocks_are_asked() -> None:
    clock = EffectiveClock(Gate())
    clock.begin(clock.wall())
    clock.judge_alone(0)
    before, now, after = clock.wall(), clock.now(), clock.wall()
    assert before - 1 <= now <= after
