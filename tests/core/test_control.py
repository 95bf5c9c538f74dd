"""What officers said of the kernel, folded. Invariant: what a text does not know of it neither ends nor
confirms; and the state that is kept is the state that was folded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import Txid
from signer.core.acts import (
    ConfirmPause,
    ControlAct,
    Lock,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    Resume,
    Scope,
    Unlock,
)
from signer.core.acts_control import CLOSED
from signer.core.control import (
    FREEZE,
    PAUSE_REST,
    ControlState,
    Epoch,
    OfficerPause,
    apply_control,
    control_effect,
    control_objections,
    lock_objection,
    pause_refusals,
    reorganised,
)
from signer.core.control_codec import decode_control, encode_control
from signer.core.evidence import HORIZON, StatementKind
from signer.core.moments import DAY, format_time
from tests.officers import Officer

NOW = 1_795_262_400
KEY, ROOT = b"\x01" * 32, b"\x0f" * 32
CAROL, DAVE = Officer("carol").key, Officer("dave").key


def known(size: int, epoch: int = 0) -> Scope:
    """A text whose officers knew of so many entries."""
    return Scope(KEY, epoch, size)


def after(*said: tuple[int, bytes, ControlAct]) -> ControlState:
    """The state after these (entry, officer, act), a second apart."""
    state = ControlState()
    for second, (number, officer, act) in enumerate(said):
        state = apply_control(state, number, NOW + second, officer, act)
    return state


def codes(state: ControlState, now: int = NOW + 10) -> list[str]:
    return [each.code for each in control_objections(state, now)]


PAUSED = after((10, CAROL, Pause(known(5), NOW + 3_600)))


def test_weeks_that_the_pages_state() -> None:
    """A withdrawal statement lives a week at most: what outlasts that was given after the epoch's time."""
    assert FREEZE == HORIZON[StatementKind.WITHDRAWAL] == 604_800
    assert PAUSE_REST == 604_800


def test_nothing_stops_a_kernel_of_which_nobody_spoke() -> None:
    assert codes(ControlState()) == []
    assert lock_objection(ControlState()) is None
    assert ControlState().epoch == 0
    assert ControlState().frozen_from is None


def test_one_officer_s_pause_lapses() -> None:
    (objection,) = control_objections(PAUSED, NOW + 3_599)
    assert (objection.code, objection.not_before) == ("kernel-paused", NOW + 3_600)
    assert format_time(NOW + 3_600) in objection.limit
    assert codes(PAUSED, NOW + 3_600) == []


def test_of_two_officers_pauses_the_longer_counts() -> None:
    state = after(
        (10, CAROL, Pause(known(5), NOW + 3_600)), (11, DAVE, Pause(known(5), NOW + 7_200))
    )
    assert state.paused_until(NOW) == NOW + 7_200
    assert codes(state, NOW + 7_199) == ["kernel-paused"]
    assert codes(state, NOW + 7_200) == []


def test_a_confirmed_pause_lasts_until_the_quorum_resumes() -> None:
    state = apply_control(PAUSED, 12, NOW, CAROL, ConfirmPause(known(11)))
    (objection,) = control_objections(state, NOW + 365 * DAY)
    assert (objection.code, objection.not_before) == ("kernel-paused", None)
    assert codes(apply_control(state, 13, NOW, CAROL, Resume(known(13)))) == []


def test_a_resume_ends_what_its_officers_knew_of() -> None:
    """A resume that was kept back does not end a pause that comes after it was signed."""
    kept_back = Resume(known(11))
    assert codes(apply_control(PAUSED, 12, NOW, DAVE, kept_back)) == []
    later = apply_control(PAUSED, 11, NOW, DAVE, Pause(known(5), NOW + 3_600))
    state = apply_control(later, 12, NOW, DAVE, kept_back)
    assert codes(state) == ["kernel-paused"]
    assert [each.lives for each in state.pauses] == [False, True]
    confirmed = apply_control(PAUSED, 11, NOW, DAVE, ConfirmPause(known(11)))
    assert codes(apply_control(confirmed, 12, NOW, DAVE, kept_back)) == ["kernel-paused"]
    assert codes(apply_control(confirmed, 12, NOW, DAVE, Resume(known(12)))) == []


def test_an_unlock_ends_the_lock_that_its_officers_knew_of() -> None:
    state = after((20, CAROL, Lock(known(20))), (21, DAVE, Lock(known(20))))
    assert codes(state) == ["kernel-locked"]
    assert lock_objection(state) is not None
    early = apply_control(state, 22, NOW, CAROL, Unlock(known(21), NOW))
    assert codes(early) == ["kernel-locked"]
    late = apply_control(state, 22, NOW, CAROL, Unlock(known(22), NOW))
    assert codes(late) == []
    assert late.stated_time == early.stated_time == NOW


def test_the_time_that_an_unlock_stated_only_grows() -> None:
    state = after((20, CAROL, Unlock(known(20), NOW + 9)), (21, CAROL, Unlock(known(20), NOW)))
    assert state.stated_time == NOW + 9


def test_a_locked_and_paused_kernel_tells_both() -> None:
    assert codes(apply_control(PAUSED, 20, NOW, CAROL, Lock(known(20)))) == [
        "kernel-locked",
        "kernel-paused",
    ]


def test_a_quorum_opens_one_epoch() -> None:
    """Its acts are as many entries of one text; the first one counts."""
    act = NewEpoch(known(30), 40, ROOT, NOW)
    state = after((30, CAROL, act), (31, DAVE, act))
    assert state.epochs == (Epoch(1, 30, 40, ROOT, NOW),)
    assert (state.epoch, state.frozen_from) == (1, NOW)
    second = NewEpoch(known(32, epoch=1), 0, bytes(32), NOW + 5)
    state = apply_control(state, 32, NOW, CAROL, second)
    assert (state.epoch, state.frozen_from, len(state.epochs)) == (2, NOW + 5, 2)


def test_an_epoch_gives_up_heads_up_to_the_largest_that_it_names() -> None:
    state = after((30, CAROL, NewEpoch(known(30), 40, ROOT, NOW)))
    assert state.gave_up(40, 0)
    assert not state.gave_up(41, 0)
    assert not state.gave_up(40, 1)
    assert not PAUSED.gave_up(1, 0)


def test_a_reorganisation_locks_until_an_unlock_that_knows_of_it() -> None:
    undone = reorganised(ControlState(), 7)
    assert codes(undone) == ["chain-reorganised"]
    for size, locked in ((7, True), (8, False)):
        act = Unlock(known(size), NOW)
        assert (control_effect(undone, act, NOW) is None) is not locked
        assert (codes(apply_control(undone, 9, NOW, CAROL, act)) != []) is locked
    again = reorganised(apply_control(undone, 9, NOW, CAROL, Unlock(known(8), NOW)), 12)
    assert codes(again) == ["chain-reorganised"]


def test_a_quorums_lock_and_a_reorganisation_end_together() -> None:
    both = apply_control(reorganised(ControlState(), 7), 9, NOW, CAROL, Lock(known(8)))
    assert codes(both) == ["kernel-locked"]
    assert codes(apply_control(both, 11, NOW, CAROL, Unlock(known(9), NOW))) == ["kernel-locked"]
    first = apply_control(both, 11, NOW, CAROL, Unlock(known(10), NOW))
    assert codes(first) == []
    later = reorganised(both, 10)
    assert codes(apply_control(later, 11, NOW, CAROL, Unlock(known(10), NOW))) == [
        "chain-reorganised"
    ]


def test_a_release_changes_nothing_of_the_kernel() -> None:
    release = ReleaseWithdrawal(known(5), KEY, KEY, CLOSED, None, Txid(KEY))
    assert apply_control(PAUSED, 11, NOW, CAROL, release) == PAUSED
    assert control_effect(PAUSED, release, NOW) is None


def test_a_pause_is_forgotten_a_week_after_its_end() -> None:
    again = NOW + 3_600 + PAUSE_REST
    kept = apply_control(PAUSED, 11, again - 1, DAVE, Pause(known(5), again))
    gone = apply_control(PAUSED, 11, again, DAVE, Pause(known(5), again))
    assert [len(kept.pauses), len(gone.pauses)] == [2, 1]


def refusals(state: ControlState, officer: bytes, until: int, now: int = NOW) -> list[str]:
    found = pause_refusals(state, officer, until, (now, now + DAY))
    return [each.code for each in found]


def test_a_pause_ends_in_the_future_and_soon() -> None:
    assert refusals(ControlState(), CAROL, NOW + 1) == []
    assert refusals(ControlState(), CAROL, NOW) == ["pause-out-of-bounds"]
    assert refusals(ControlState(), CAROL, NOW + DAY) == []
    assert refusals(ControlState(), CAROL, NOW + DAY + 1) == ["pause-out-of-bounds"]


def test_an_officer_rests_a_week_after_a_pause() -> None:
    """One officer pauses again and again."""
    again = NOW + 3_600 + PAUSE_REST
    (objection,) = pause_refusals(PAUSED, CAROL, again, (again - 1, again + DAY))
    assert (objection.code, objection.not_before) == ("pause-repeated", again)
    assert refusals(PAUSED, CAROL, again + 1, again) == []
    assert refusals(PAUSED, DAVE, NOW + 9) == []
    resumed = apply_control(PAUSED, 11, NOW, CAROL, Resume(known(11)))
    assert refusals(resumed, CAROL, NOW + 9) == ["pause-repeated"]


LOCKED = after((20, CAROL, Lock(known(20))))
CONFIRMED = apply_control(PAUSED, 11, NOW, CAROL, ConfirmPause(known(11)))
EFFECTS: dict[str, tuple[ControlState, ControlAct, ControlAct]] = {
    "a pause that is not known": (PAUSED, ConfirmPause(known(10)), ConfirmPause(known(11))),
    "a resume of what is not known": (PAUSED, Resume(known(10)), Resume(known(11))),
    "a resume of a later confirmation": (
        apply_control(CONFIRMED, 12, NOW, CAROL, Resume(known(11))),
        Resume(known(11)),
        Resume(known(12)),
    ),
    "a lock of what is locked": (LOCKED, Lock(known(21)), Unlock(known(21), NOW)),
    "an unlock of a lock that is not known": (
        LOCKED,
        Unlock(known(20), NOW),
        Unlock(known(21), NOW),
    ),
}


@pytest.mark.parametrize(("state", "idle", "other"), EFFECTS.values(), ids=EFFECTS)
def test_an_act_without_effect_is_named(
    state: ControlState, idle: ControlAct, other: ControlAct
) -> None:
    objection = control_effect(state, idle, NOW)
    assert objection is not None
    assert objection.code == "control-without-effect"
    assert control_effect(state, other, NOW) is None


def test_without_a_pause_or_lock_there_is_nothing_to_confirm_or_end() -> None:
    idle = (ConfirmPause(known(99)), Resume(known(99)), Unlock(known(99), NOW))
    for act in idle:
        assert control_effect(ControlState(), act, NOW) is not None
    for act in (Lock(known(9)), Pause(known(9), NOW + 1), NewEpoch(known(9), 0, ROOT, NOW)):
        assert control_effect(ControlState(), act, NOW) is None
    assert control_effect(CONFIRMED, ConfirmPause(known(99)), NOW) is not None
    assert control_effect(PAUSED, Resume(known(99)), NOW + 3_600) is not None, "it has lapsed"
    assert control_effect(ControlState(confirmed=1), Resume(known(2)), NOW) is None
    assert control_effect(ControlState(locked=1), Unlock(known(2), NOW), NOW) is None


numbers = st.integers(0, 2**64 - 1)
states = st.builds(
    ControlState,
    pauses=st.lists(
        st.builds(OfficerPause, st.binary(max_size=64), numbers, numbers, st.booleans()),
        max_size=4,
    ).map(tuple),
    confirmed=numbers,
    locked=numbers,
    epochs=st.lists(
        st.builds(Epoch, numbers, numbers, numbers, st.binary(min_size=32, max_size=32), numbers),
        max_size=3,
    ).map(tuple),
    stated_time=numbers,
    reorganised=numbers,
)


@given(states)
def test_a_state_is_read_as_it_was_written(state: ControlState) -> None:
    assert decode_control(encode_control(state)) == state


@given(states, st.data())
def test_other_bytes_are_another_state_or_none(state: ControlState, data: st.DataObject) -> None:
    content = encode_control(state)
    at = data.draw(st.integers(0, len(content) - 1))
    changed = (
        content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    )
    try:
        read: object = decode_control(changed)
    except Malformed as error:
        read = error.code
    assert read == "entry-malformed" or read != state


def test_a_state_in_another_form_is_refused() -> None:
    content = encode_control(PAUSED)
    lives = content.index(b"\x00\x00\x00\x01\x01")
    changed = content[: lives + 4] + b"\x02" + content[lives + 5 :]
    with pytest.raises(Malformed, match="canonical"):
        decode_control(changed)
