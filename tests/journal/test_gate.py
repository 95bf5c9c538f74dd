"""The gate. Invariant: what is shut lets only graver work pass, and the gravest reason is told."""

from signer.core.acts import Lock, Scope
from signer.core.control import ControlState, apply_control
from signer.core.errors import Objection
from signer.journal.gate import Gate
from signer.ports.recording import Passage

OPEN = ControlState()
LOCKED = apply_control(OPEN, 5, 0, b"officer", Lock(Scope(b"\x01" * 32, 0, 5)))
STEPPED = Objection("clock-stepped", "the clock")
OLD = Objection("state-rolled-back", "an old copy")


def test_an_open_gate_lets_everything_pass() -> None:
    gate = Gate()
    assert [gate.objection(each, OPEN) for each in Passage] == [None] * 4
    assert gate.reasons() == ()


def test_a_lock_of_the_quorum_stops_ordinary_work() -> None:
    stopped = Gate().objection(Passage.ORDINARY, LOCKED)
    assert stopped is not None
    assert stopped.code == "kernel-locked"
    assert Gate().objection(Passage.WHILE_LOCKED, LOCKED) is None
    assert Gate().objection(Passage.WHILE_OLD, LOCKED) is None


def test_the_gravest_reason_is_told_and_each_is_reopened_by_its_code() -> None:
    gate = Gate()
    gate.shut(STEPPED, Passage.WHILE_LOCKED)
    assert gate.objection(Passage.ORDINARY, OPEN) == STEPPED
    assert gate.objection(Passage.WHILE_LOCKED, OPEN) is None
    gate.shut(OLD, Passage.WHILE_OLD)
    assert gate.objection(Passage.ORDINARY, LOCKED) == OLD
    assert gate.objection(Passage.WHILE_LOCKED, OPEN) == OLD
    assert gate.objection(Passage.WHILE_OLD, OPEN) is None
    assert gate.reasons() == (OLD, STEPPED)
    gate.reopen("state-rolled-back")
    assert gate.reasons() == (STEPPED,)
    gate.reopen("clock-stepped")
    gate.reopen("clock-stepped")
    assert gate.objection(Passage.ORDINARY, OPEN) is None
