"""Pause, resume, lock, unlock, epoch: what officers' words about the kernel do (docs/control.md).

1. One officer pauses, for at most `hold_at_most`, and again only a week after that pause's stated end. The
   quorum confirms a pause, so that it lasts, and does everything else.
2. What would change nothing is refused: an act is about what its officers knew of.
3. These acts pass a lock; a new epoch passes even where the log is an old copy: nothing else may extend it.
4. What the record does not tell follows the commit: the clock that an unlock confirms, the head that an epoch
   gives up. A process that ends in between finds both in the record at its start.
"""

from collections.abc import Callable
from functools import partial

from signer.control_words import OfficersWords, officers_words
from signer.core.acts import ConfirmPause, Lock, NewEpoch, Pause, Resume, SignedAct, Unlock
from signer.core.control import control_effect, pause_refusals
from signer.core.errors import PolicyDenied, Refusal, unverified
from signer.core.notices import Notice, OfficerNotice
from signer.kernel import Kernel
from signer.ports.reading import Reading
from signer.ports.recording import Noted, Passage

Acts = tuple[SignedAct, ...]


def pause(kernel: Kernel, caller: str, acts: Acts) -> Noted:
    """Record one officer's pause, or that the quorum confirms one. Raises Refusal or Malformed."""
    return _record(officers_words(kernel, acts, Pause, ConfirmPause), caller)


def resume(kernel: Kernel, caller: str, acts: Acts) -> Noted:
    """Record that the quorum ends the pauses. Raises Refusal or Malformed."""
    return _record(officers_words(kernel, acts, Resume), caller)


def lock(kernel: Kernel, caller: str, acts: Acts) -> Noted:
    """Record that the quorum locks. Raises Refusal or Malformed."""
    return _record(officers_words(kernel, acts, Lock), caller)


def unlock(kernel: Kernel, caller: str, acts: Acts) -> Noted:
    """Record that the quorum unlocks, and go on from the time that it states. Raises Refusal or Malformed."""
    words = officers_words(kernel, acts, Unlock)
    if words.are_former or not isinstance(words.act, Unlock):
        return _record(words, caller)
    return _record(words, caller, then=partial(kernel.clock.accept, words.act.moment))


def new_epoch(kernel: Kernel, caller: str, acts: Acts) -> Noted:
    """Record that the quorum gives up a longer journal. Raises Refusal or Malformed."""
    words = officers_words(kernel, acts, NewEpoch)
    return _record(words, caller, Passage.WHILE_OLD, then=kernel.journal.settle_heads)


def _record(
    words: OfficersWords,
    caller: str,
    passage: Passage = Passage.WHILE_LOCKED,
    then: Callable[[], None] = lambda: None,
) -> Noted:
    """Record the acts, and do what follows; neither where they are on record."""
    earlier: dict[bytes, bytes] = {}

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        earlier.update(words.recorded(reading))
        if earlier:
            return ()
        words.require(reading, now)
        _require_effect(words, reading, now)
        policy_id = words.policy.policy_id
        return tuple(OfficerNotice(now, caller, policy_id, each) for each in words.signed)

    noted = words.kernel.journal.note(decide, passage)
    if earlier:
        return Noted(tuple(earlier[each.officer] for each in words.signed), noted.head)
    then()
    return noted


def _require_effect(words: OfficersWords, reading: Reading, now: int) -> None:
    """Rules 1 and 2. Raises Refusal."""
    act, state = words.act, reading.control()
    if isinstance(act, Pause):
        bounds = (now, now + words.governance.hold_at_most)
        refused = tuple(pause_refusals(state, words.signed[0].officer, act.until, bounds))
        if refused:
            raise PolicyDenied(*refused)
    if isinstance(act, NewEpoch):
        _require_listed(words.kernel, act)
    stepped = any(each.code == "clock-stepped" for each in words.kernel.journal.stopped_by())
    nothing = control_effect(state, act, now)
    sets_clock = isinstance(act, Unlock) and stepped and not words.are_former
    if nothing is not None and not sets_clock:
        raise Refusal(nothing)


def _require_listed(kernel: Kernel, act: NewEpoch) -> None:
    """Raises VerificationError `epoch-head-unlisted`."""
    contrary = kernel.journal.contrary_head()
    if contrary is None:
        return
    size, root = contrary
    listed = (act.abandoned_size, act.abandoned_root)
    if act.abandoned_size < size or (act.abandoned_size == size and listed != contrary):
        raise unverified(
            "epoch-head-unlisted",
            "this kernel signed another head, or one of more entries, which its journal does not have",
            f"{listed[0]} entries with root {listed[1].hex()}",
            f"{size} entries with root {root.hex()}",
        )
