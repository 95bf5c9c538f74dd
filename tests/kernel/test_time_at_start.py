"""A member that was down for a day: at no step of a start is anything taken in as if it were a day old."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from signer.bitcoin.hashes import hash256
from signer.clock import EffectiveClock, Machine
from signer.core.agreement.messages import Recollection
from signer.core.errors import Refusal
from signer.journal.gate import Gate
from signer.journal.journal import Journal, JournalSetting
from signer.journal.store import create_journal
from signer.start import Start
from tests.core.spends import NOW
from tests.journal.desk import FIRST_LEAF, GENESIS, Signer
from tests.journal.headers import bring, chain_of, trunk
from tests.journal.test_header_burial import TIMED

DAY = 86_400
RAWS = trunk(12)
OTHER, THIRD, FOURTH = b"\x07" * 32, b"\x08" * 32, b"\x09" * 32


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
    log_keys = (StandingSigner().log_key, OTHER, THIRD, FOURTH)
    witnesses = SimpleNamespace(quorum=2, log_keys=log_keys)
    vault = SimpleNamespace(witnesses=witnesses, importers=1, vault_id="peg")
    given: Any = SimpleNamespace(
        journal=journal,
        signer=StandingSigner(),
        clock=clock,
        vaults=lambda: (vault,),
        vouching=None,
    )
    made = Room(journal, clock, Start(given))
    made.start.importing = made.imports
    yield made
    journal.close()


def test_headers_of_a_start_are_as_young_as_they_are(room: Room) -> None:
    """While the other members' logs are read: a chain made in secret, shown now, is not a day old by then."""
    with pytest.raises(Refusal, match="agreement-starting"):
        bring(room.journal, RAWS)
    room.hear()
    bring(room.journal, RAWS)
    assert room.confirmations() == 1
    room.end()
    assert room.confirmations() == 1
    assert room.clock.now() == NOW + DAY


def test_where_the_members_clocks_do_not_fit_no_headers_are_taken(room: Room) -> None:
    room.hear(ahead=-3_600)
    with pytest.raises(Refusal, match="clock-stepped"):
        bring(room.journal, RAWS)


def test_more_members_at_the_end_outvote_one_that_lied_at_the_beginning(room: Room) -> None:
    room.hear(ahead=-3_600)
    room.hear(THIRD)
    room.hear(FOURTH)
    room.end()
    assert room.journal.stopped_by() == ()


def test_what_the_officers_stated_meanwhile_stays(room: Room) -> None:
    """Their quorum opened what a wrong clock had shut; the end of the start does not shut it again."""
    room.hear(ahead=-3_600)
    room.clock.accept(NOW + DAY)
    room.end()
    assert room.journal.stopped_by() == ()
