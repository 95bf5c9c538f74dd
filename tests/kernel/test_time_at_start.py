"""A member that was down for a day: until its clock is judged nothing happens that rests on the time, and
nobody who was asked is forgotten."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from signer.bitcoin.hashes import hash256
from signer.clock import EffectiveClock, Machine
from signer.core.agreement.messages import Recollection
from signer.core.control import ControlState
from signer.core.errors import Refusal
from signer.journal.decide import Session
from signer.journal.gate import Gate
from signer.journal.journal import Journal, JournalSetting
from signer.journal.store import create_journal
from signer.ports.recording import Passage
from signer.start import Start
from tests.core.spends import NOW
from tests.journal.desk import FIRST_LEAF, GENESIS, Signer
from tests.journal.headers import bring, chain_of, trunk
from tests.journal.test_header_burial import TIMED

DAY = 86_400
RAWS = trunk(12)
OTHER, THIRD = b"\x07" * 32, b"\x08" * 32


class StandingSigner(Signer):
    """Signs its standing, too."""

    def sign_message(self, message: bytes) -> bytes:
        return self.key.sign(message)


@dataclass
class Room:
    """A start as it is after a day, its journal, and the other members' clocks, ahead of ours by so much."""

    journal: Journal
    clock: EffectiveClock
    start: Start
    vaults: list[Any]
    imports: Any = field(default_factory=lambda: SimpleNamespace(imported=lambda said: ()))

    def hear(self, member: bytes = OTHER, ahead: int = 0) -> None:
        ours = self.start.setting.signer.log_key, self.journal.incarnation
        moment = self.clock.wall() + ahead
        self.start.hear(Recollection(member, *ours, 1, bytes(32), "", moment))
        self.start.advance()

    def end(self) -> None:
        """All is imported."""
        self.imports.imported, self.imports.end = tuple, lambda enough: True
        self.start.advance()
        assert self.start.is_complete

    def refused(self, passage: Passage) -> str:
        """Why such work does not pass."""
        found = self.journal.gate.objection(passage, ControlState())
        return "" if found is None else found.code

    def confirmations(self) -> int:
        with chain_of(self.journal) as chain:
            return chain.burial(hash256(RAWS[0])).blocks


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    create_journal(tmp_path / "journal", GENESIS, StandingSigner())
    gate = Gate()
    clock = EffectiveClock(gate, machine=Machine(lambda: NOW + DAY, lambda: 0.0))
    clock.begin(NOW)
    setting = JournalSetting(StandingSigner(), clock, FIRST_LEAF, chain=TIMED, gate=gate)
    journal = Journal(tmp_path / "journal", setting)
    log_keys = (StandingSigner().log_key, OTHER, THIRD)
    witnesses = SimpleNamespace(quorum=2, log_keys=log_keys)
    vaults: list[Any] = [
        SimpleNamespace(witnesses=witnesses, importers=1, vault_id="peg", fingerprint=b"peg")
    ]
    given: Any = SimpleNamespace(
        journal=journal,
        signer=StandingSigner(),
        clock=clock,
        vaults=lambda: tuple(vaults),
        vouching=None,
    )
    made = Room(journal, clock, Start(given), vaults)
    made.start.importing = made.imports
    yield made
    journal.close()


def test_headers_are_as_young_as_they_are(room: Room) -> None:
    """A chain made in secret and shown during the start would be a day old at its end."""
    for _ in range(2):
        with pytest.raises(Refusal, match="agreement-starting"):
            bring(room.journal, RAWS)
        room.hear()
    room.end()
    bring(room.journal, RAWS)
    assert room.confirmations() == 1
    assert room.clock.now() == NOW + DAY


def test_what_rests_on_the_time_waits_for_the_end(room: Room) -> None:
    """What expired during the day would count again. Officers may change the policy all the same."""
    assert room.refused(Passage.WHILE_LOCKED) == "agreement-starting"
    room.hear()
    assert room.clock.now() == NOW
    assert [room.refused(each) for each in Passage] == ["agreement-starting", "", "", ""]
    room.end()
    assert room.refused(Passage.TIMELY) == ""


def test_a_policy_that_comes_due_meanwhile_takes_nobody_away(room: Room) -> None:
    """It has no witnesses; what the members that were asked hold is read all the same."""
    room.hear()
    room.vaults.clear()
    room.start.advance()
    assert room.start.waiting_for()
    assert room.refused(Passage.TIMELY) == "agreement-starting"
    room.end()
    assert room.start.waiting_for() == ()


def test_a_policy_without_witnesses_that_comes_due_before_waits_for_those_of_before(
    room: Room,
) -> None:
    """Else who keeps all others silent for the delay has a member that was put back sign anew."""
    room.vaults.clear()
    room.start.advance()
    assert not room.start.is_open
    assert room.refused(Passage.WHILE_LOCKED) == "agreement-starting"
    room.hear()
    room.end()
    assert room.journal.stopped_by() == ()


def test_who_is_replaced_before_the_log_is_opened_is_not_waited_for(room: Room) -> None:
    """A restart would begin at the last entry's time again, and wait for the one that is silent for ever."""
    witnesses = SimpleNamespace(quorum=2, log_keys=(StandingSigner().log_key, THIRD))
    room.start.advance()
    room.vaults[:] = [
        SimpleNamespace(witnesses=witnesses, importers=1, vault_id="peg", fingerprint=b"peg")
    ]
    room.imports.imported, room.imports.end = tuple, lambda enough: True
    room.hear(THIRD)
    assert room.start.is_complete


def test_a_batch_that_began_before_the_end_goes_on_by_the_time_of_then(room: Room) -> None:
    """The writer has read the time; the start ends, and what waits in that batch is refused all the same."""
    room.hear()
    room.imports.imported, room.imports.end = tuple, lambda enough: True
    journal, answers = room.journal, list[object]()
    holds, goes_on = threading.Event(), threading.Event()

    def in_turn(work: Callable[[Session], object], passage: Passage) -> None:
        try:
            answers.append(journal.in_turn(work, passage))
        except Refusal as refusal:
            answers.append(refusal.code)

    def holding(_: Session) -> None:
        holds.set()
        goes_on.wait(20)

    def ending(session: Session) -> int:
        room.start.advance()
        return session.now

    def headers(session: Session) -> object:
        assert journal.headers is not None
        return journal.headers._take(session, "one", b"".join(RAWS))

    with ThreadPoolExecutor(4) as pool:
        pool.submit(in_turn, holding, Passage.WHILE_OLD)
        assert holds.wait(20)
        waiting: tuple[tuple[Callable[[Session], object], Passage], ...] = (
            (ending, Passage.WHILE_LOCKED),
            (headers, Passage.WHILE_LOCKED),
            (lambda session: session.now, Passage.TIMELY),
        )
        for count, (work, passage) in enumerate(waiting, 1):
            pool.submit(in_turn, work, passage)
            while journal._writer._waiting.qsize() < count:
                time.sleep(0.001)
        goes_on.set()
    assert room.start.is_complete
    assert sorted(map(str, answers)) == sorted(["None", str(NOW), *["agreement-starting"] * 2])
    assert room.clock.now() == NOW + DAY
    assert journal.in_turn(lambda session: session.now, Passage.TIMELY) == NOW + DAY


def test_a_policy_that_comes_due_meanwhile_may_bring_others(room: Room) -> None:
    witnesses = SimpleNamespace(quorum=2, log_keys=(StandingSigner().log_key, THIRD))
    room.hear()
    room.vaults[:] = [
        SimpleNamespace(witnesses=witnesses, importers=1, vault_id="peg", fingerprint=b"peg")
    ]
    room.imports.imported, room.imports.end = tuple, lambda enough: True
    room.start.advance()
    assert not room.start.is_complete
    assert THIRD.hex()[:16] in str(room.start.waiting_for())
    room.hear(THIRD)
    assert room.start.is_complete


def test_what_the_officers_state_meanwhile_counts_at_the_end(room: Room) -> None:
    """If the members' clocks do not fit ours; and moves no time before."""
    room.hear(ahead=-3_600)
    room.clock.accept(NOW + DAY - 7_200)
    assert room.clock.now() == NOW
    room.end()
    assert room.journal.stopped_by() == ()
    assert room.clock.now() == NOW + DAY - 7_200


def test_without_their_word_a_clock_that_does_not_fit_has_stepped(room: Room) -> None:
    room.hear(ahead=-3_600)
    room.end()
    with pytest.raises(Refusal, match="clock-stepped"):
        bring(room.journal, RAWS)
    room.clock.accept(NOW + DAY)
    assert bring(room.journal, RAWS).added == 12
