"""Whether the kernel as a whole may sign: the fold of the control acts on record (docs/control.md).

1. Entries alone decide. A pause lapses by effective time, without an entry of its own.
2. What the quorum says ends or confirms only what stands in the entries that its text says it knew of.
3. A new epoch gives up a longer journal by the same log key: its heads contradict this one no more.
4. A reorganisation that undoes what an irreversible entry relied on locks as a quorum's lock does, and an
   unlock that knows of it ends both.
5. After a new epoch an attestor's word for a withdrawal without a recorded version counts only if it expires
   more than 7 days after the stated time, so was given after it: what the lost entries may have paid waits
   until attestors look again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from signer.core.acts import (
    ConfirmPause,
    ControlAct,
    Lock,
    NewEpoch,
    Pause,
    Resume,
    Unlock,
)
from signer.core.errors import Objection
from signer.core.moments import DAY, format_time

PAUSE_REST = 7 * DAY
"""Seconds after the end that an officer's pause states in which that officer pauses nothing."""
FREEZE = 7 * DAY
"""Seconds after an epoch's stated time that an attestation must outlast: as far ahead as one may expire."""


@dataclass(frozen=True, slots=True)
class OfficerPause:
    """One officer's last pause."""

    officer: bytes
    until: int
    """Unix seconds, as stated."""
    entry: int
    """Number of the entry."""
    lives: bool
    """False once the quorum resumed."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Opened by the quorum where an older journal was restored and the entries after it are lost."""

    number: int
    entry: int
    """Number of the entry that opened it."""
    abandoned_size: int
    """Entries of the largest head that was given up; 0 for none."""
    abandoned_root: bytes
    moment: int
    """Unix seconds: the time that the officers stated."""


@dataclass(frozen=True, slots=True)
class ControlState:
    """What the officers said about the kernel."""

    pauses: tuple[OfficerPause, ...] = ()
    """The last one of each officer, in the order of their entries; forgotten after PAUSE_REST."""
    confirmed: int = 0
    """Entry of the quorum's confirmation; 0 for none. The pause lasts until the quorum resumes."""
    locked: int = 0
    """Entry of the quorum's lock; 0 for none."""
    epochs: tuple[Epoch, ...] = ()
    """Oldest first; empty in the journal's first epoch, number 0."""
    stated_time: int = 0
    """Unix seconds: the latest that an Unlock stated."""
    reorganised: int = 0
    """Entry of the last reorganisation that undid something; 0 for none (4)."""

    @property
    def epoch(self) -> int:
        """Number of the present epoch."""
        return self.epochs[-1].number if self.epochs else 0

    @property
    def frozen_from(self) -> int | None:
        """The time that the present epoch's text states; None in the first epoch."""
        return self.epochs[-1].moment if self.epochs else None

    def paused_until(self, now: int) -> int | None:
        """The end of the longest pause that one officer keeps up at that time; None for none."""
        living = (each.until for each in self.pauses if each.lives and each.until > now)
        return max(living, default=None)

    def gave_up(self, size: int, epoch: int) -> bool:
        """Whether a head of that size and epoch that this log never released may be of a journal given up. A
        head of the present epoch never is: then this journal is the old copy."""
        return any(epoch < each.number and size <= each.abandoned_size for each in self.epochs)


def apply_control(
    state: ControlState, number: int, clock: int, officer: bytes, act: ControlAct
) -> ControlState:
    """The state after the entry of that number. A quorum's acts are as many entries: the first one counts."""
    match act:
        case Pause(until=until):
            others = (each for each in state.pauses if each.officer != officer)
            rested = tuple(each for each in others if each.until + PAUSE_REST > clock)
            return replace(state, pauses=(*rested, OfficerPause(officer, until, number, True)))
        case ConfirmPause():
            return replace(state, confirmed=number)
        case Resume(scope=scope):
            confirmed = state.confirmed if state.confirmed >= scope.size else 0
            pauses = tuple(_resumed(each, scope.size) for each in state.pauses)
            return replace(state, pauses=pauses, confirmed=confirmed)
        case Lock():
            return replace(state, locked=number)
        case Unlock(scope=scope, moment=moment):
            return replace(
                state,
                locked=state.locked if state.locked >= scope.size else 0,
                reorganised=state.reorganised if state.reorganised >= scope.size else 0,
                stated_time=max(state.stated_time, moment),
            )
        case NewEpoch() if act.scope.epoch == state.epoch:
            return replace(state, epochs=(*state.epochs, _opened(number, act)))
    return state


def lock_objection(state: ControlState) -> Objection | None:
    """Why nothing is signed, granted or recorded; None unless the quorum, or a reorganisation (4), locked."""
    if state.locked:
        return Objection(
            "kernel-locked", f"the officers' quorum has locked this kernel (entry {state.locked})"
        )
    if state.reorganised:
        detail = f"a reorganisation has undone what entries relied on (entry {state.reorganised})"
        return Objection("chain-reorganised", detail)
    return None


def reorganised(state: ControlState, number: int) -> ControlState:
    """The state after the entry of that number, which says that something is undone."""
    return replace(state, reorganised=number)


def control_objections(state: ControlState, now: int) -> Iterator[Objection]:
    """Why nothing is signed at that time."""
    locked, until = lock_objection(state), state.paused_until(now)
    if locked is not None:
        yield locked
    if state.confirmed:
        yield Objection("kernel-paused", "the officers' quorum has paused this kernel")
    elif until is not None:
        yield Objection(
            "kernel-paused",
            "an officer has paused this kernel",
            limit=f"until {format_time(until)}, unless the quorum confirms it or resumes",
            not_before=until,
        )


def control_effect(state: ControlState, act: ControlAct, now: int) -> Objection | None:
    """Why the quorum's act would change nothing (rule 2); None if it changes something. An Unlock also ends
    what no entry tells, a stepped clock: who asks knows of it."""
    size = act.scope.size
    living = [each for each in state.pauses if each.lives and each.until > now]
    match act:
        case ConfirmPause():
            known = state.confirmed == 0 and any(each.entry < size for each in living)
            return None if known else _no_effect("confirm: no pause")
        case Resume():
            known = 0 < state.confirmed < size or any(each.entry < size for each in living)
            return None if known else _no_effect("end: no pause")
        case Lock() if state.locked:
            return _no_effect("lock: it is locked")
        case Unlock() if not (0 < state.locked < size or 0 < state.reorganised < size):
            return _no_effect("end: no lock")
    return None


def pause_refusals(
    state: ControlState, officer: bytes, until: int, bounds: tuple[int, int]
) -> Iterator[Objection]:
    """Why that officer may not pause until then; `bounds` are the time now and the latest end."""
    now, latest = bounds
    if not now < until <= latest:
        yield Objection(
            "pause-out-of-bounds",
            "a pause ends in the future, and soon",
            format_time(until),
            f"after {format_time(now)}, at latest {format_time(latest)}",
        )
    for each in state.pauses:
        if each.officer == officer and each.until + PAUSE_REST > now:
            again = each.until + PAUSE_REST
            yield Objection(
                "pause-repeated",
                "this officer has paused the kernel before",
                limit=f"after {format_time(again)}",
                not_before=again,
            )


def _no_effect(what: str) -> Objection:
    return Objection(
        "control-without-effect",
        f"there is nothing to {what} among the entries that the text knows of",
    )


def _resumed(pause: OfficerPause, size: int) -> OfficerPause:
    return replace(pause, lives=pause.lives and pause.entry >= size)


def _opened(number: int, act: NewEpoch) -> Epoch:
    head = (act.abandoned_size, act.abandoned_root)
    return Epoch(act.scope.epoch + 1, number, *head, act.moment)
