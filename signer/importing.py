"""What the start of a member's process imports, while it goes on (design J6, docs/agreement.md).

1. What a member wants read is fixed when its log is read up to the head that it named; what is taken is fixed
   when enough members are imported. So no log that grows keeps a start from its end.
2. Of logs that are forked here, what the imported members stand behind must be brought
   (`signer.journal.second_hand`), portion by portion; also of logs of which another history was shown that is
   no fork, or may be none, where our copy does not go as far as they did.
3. Each entry that waits is verified once, outside of the writer's turn, and let go: what is held of a log are
   its claims and what was found about them.
4. A log of which something was brought that is not what we read, or is lacking so, is said to be followed
   from nothing: whoever carries brings all histories of it again, which shows a fork and brings what is
   wanted. When something new is wanted, histories are read from where they leave ours again.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import tee

from signer.core.agreement.notices import ForkedNotice, Heard
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.fold_control import control_state
from signer.journal.following import entries_of, record_of
from signer.journal.forks import OtherHistories, history_shown
from signer.journal.growth import grants_more
from signer.journal.journal import Journal
from signer.journal.log import read_checkpoint
from signer.journal.members import Piece, read_edge
from signer.journal.merkle import Frontier
from signer.journal.reading_agreement import forked_members
from signer.journal.reopening import Officers
from signer.journal.second_hand import Pool, SecondHand, pool_of
from signer.journal.starting import (
    Wanted,
    complete,
    has,
    is_read_to,
    limits_now,
    standing,
    take_second_hand,
    wanted_by,
)
from signer.journal.verdicts import Verdict
from signer.ports.recording import Passage
from signer.vouching import Vouching


@dataclass(slots=True)
class Importing:
    """Of one start. One thread at a time advances it; pieces come from any."""

    journal: Journal
    vouching: Vouching
    me: bytes
    """Our log key."""
    doubted: frozenset[bytes] = frozenset()
    """Logs that are to be brought from their beginning (4)."""
    _beside: frozenset[bytes] = frozenset()
    """Logs that are not forked here, of which another history was shown (2)."""
    _wanted: dict[bytes, dict[bytes, Wanted]] = field(default_factory=dict)
    """By imported member, by log (1)."""
    _unlike: dict[bytes, Frontier] = field(default_factory=dict)
    """Edges of copies that are not what the member named: looked at once."""
    _histories: OtherHistories = field(default_factory=OtherHistories)
    _second_hand: SecondHand = field(default_factory=SecondHand)
    _enough: tuple[Heard, ...] = ()
    _limits: dict[bytes, int] = field(default_factory=dict)
    """Of each log the number before which it is taken, as it was when these were imported."""
    _verdicts: dict[tuple[bytes, int, bytes], Verdict] = field(default_factory=dict)
    """By log key, number and leaf (3)."""
    _keeping: threading.Lock = field(default_factory=threading.Lock)
    """What is kept of one piece counts before the next is kept, and nothing is wanted anew, or taken, while a
    piece is looked at. The writer never asks for it."""

    def doubt(self, log_key: bytes) -> None:
        """Something was brought of that log that is not what we read."""
        self.doubted |= {log_key}

    def read_beside(self, piece: Piece, caller: str, officers: Officers) -> bool:
        """Whether the piece that this caller brings is of a log of which there are several histories. Then
        that is on record, and what is wanted of it is kept (2)."""
        with self._keeping:
            with self.journal.tables() as tables:
                is_forked = piece.member in forked_members(tables)
                shown = None if is_forked else history_shown(tables, piece, officers)
                if shown is not None:
                    self._beside |= {piece.member}
                elif not is_forked and piece.member not in self._beside:
                    return False
                goes_on = self._histories.read(tables, piece, caller)
                entries = entries_of(tables, piece) if goes_on else ()

            def keep(session: Session) -> Pool | None:
                if shown and shown.fork and not record_of(session).is_forked(piece.member):
                    session.write(ForkedNotice(session.now, piece.member, *shown.fork))
                return self._second_hand.keep(session, piece, entries) if goes_on else None

            new = self.journal.in_turn(keep, Passage.WHILE_LOCKED)
            if new is not None:
                self._second_hand.count_in(piece.member, new)
        return goes_on or shown is not None

    def imported(self, said: Iterable[Heard]) -> tuple[Heard, ...]:
        """Of the members that named these heads, those of whom all is read that they want (1, 2)."""
        with self._keeping:
            for origin in self._second_hand.ready():
                self._take_portion(origin)
            with self.journal.tables() as tables:
                forked = forked_members(tables)
                own = _own_size(tables)
                found = (each for each in said if self._is_imported(tables, each, own, forked))
                return tuple(sorted(found))

    def _take_portion(self, origin: bytes) -> None:
        """What was brought of what members stand behind of that log, if it is vouched for; when our log has
        room for it, as for grants: who fork it may tell of much."""
        with self.journal.reading() as reading, self.journal.tables() as tables:
            if not grants_more(tables, origin, reading.now()):
                return
            found, again = tee(self._second_hand.found(tables, origin))
            logs, entries = (pool_of(origin), origin), (entry for _, entry in again)
            now = read_checkpoint(tables).clock
            verdicts = self.vouching.at_start(tables, now, logs, entries)
            pairs = zip(found, verdicts, strict=True)
            claims = [claim for (claim, _), (_, said) in pairs if said.objection is None]
        self.journal.in_turn(
            lambda session: take_second_hand(session, origin, claims), Passage.WHILE_LOCKED
        )
        self._second_hand.settle(origin)
        self._histories.forget(origin)

    def _is_imported(
        self, tables: Tables, heard: Heard, own: int, forked: frozenset[bytes]
    ) -> bool:
        member = heard.member
        if member not in self._wanted:
            edge = read_edge(tables, member)
            if edge == self._unlike.get(member) or not is_read_to(tables, heard):
                self._unlike[member] = edge
                return False
            self._wanted[member] = wanted_by(tables, member)
        now, lacking = wanted_by(tables, member), set[bytes]()
        for log, wanted in self._wanted[member].items():
            if log == self.me:
                if own < min(wanted.size, now[log].size):
                    return False
            elif log in forked or not (has(tables, log, wanted) or has(tables, log, now[log])):
                if log in forked | self._beside:
                    if self._second_hand.hear(tables, member, heard.size, log):
                        self._histories.forget(log)
                    if not self._second_hand.lacks(member, log):
                        continue
                lacking.add(log)
        self.doubted |= {log for log in lacking if log in forked or _is_long(tables, log, now[log])}
        return not lacking

    def end(self, imported: tuple[Heard, ...]) -> bool:
        """Take all that stands, of what was read when this is first called for these; whether that is on
        record."""
        with self.journal.tables() as tables:
            if imported != self._enough:
                self._enough, self._limits = imported, limits_now(tables)
            now = read_checkpoint(tables).clock
            for log in self._limits:
                fresh = (
                    each
                    for each in standing(tables, {log: self._limits[log]})
                    if (*each.claim.name, each.claim.leaf) not in self._verdicts
                )
                for claim, verdict in self.vouching.at_start(tables, now, (log,), fresh):
                    self._verdicts[*claim.name, claim.leaf] = verdict
        verdicts = {key[:2]: verdict for key, verdict in self._verdicts.items()}
        return self.journal.in_turn(
            lambda session: complete(session, imported, self._limits, verdicts),
            Passage.WHILE_LOCKED,
        )


def _own_size(tables: Tables) -> int:
    """Of our log, and of what our officers gave up: that is not lacking."""
    epochs = control_state(tables).epochs
    return max((read_checkpoint(tables).frontier.size, *(each.abandoned_size for each in epochs)))


def _is_long(tables: Tables, log: bytes, wanted: Wanted) -> bool:
    """Whether our copy goes that far: then it is of another history."""
    return read_edge(tables, log).size >= wanted.size
