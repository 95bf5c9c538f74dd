"""What the start of a member's process imports, while it goes on (design J6, docs/agreement.md).

1. What a member wants read is fixed when its log is read up to the head that it named; what is taken is fixed
   when enough members are imported. So no log that grows keeps a start from its end.
2. Of logs that are forked here, what the imported members stand behind must be brought
   (`signer.journal.second_hand`); also of logs of which another history was shown that is no fork, or may be
   none, where our copy does not go as far as they did. It is taken in portions; one thread searches and
   verifies, the one that advances the start, and pieces that are brought meanwhile do not wait for it.
3. Each entry that waits is verified once, outside of the writer's turn, and let go: what is held of a log are
   its claims and what was found about them.
4. A log of which something was brought that is not what we read, or is lacking so, is said to be followed
   from nothing: whoever carries brings all histories of it again, which shows a fork and brings what is
   wanted. When a member was heard, histories are read from where they leave ours again.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, tee

from signer.core.agreement.notices import ForkedNotice, Heard
from signer.journal import second_hand
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
from signer.journal.reopening import Officers, epochs_read
from signer.journal.starting import (
    Wanted,
    complete,
    has,
    is_read_to,
    standing,
    standing_now,
    take_second_hand,
    wanted_by,
)
from signer.journal.verdicts import Verdict
from signer.ports.recording import Passage
from signer.vouching import Vouching

MAX_FORMER = 32
"""Logs of witnesses that were replaced which one member may have brought to a start at a time."""


@dataclass(slots=True)
class Importing:
    """Of one start. One thread at a time advances it; pieces come from any."""

    journal: Journal
    vouching: Vouching
    me: bytes
    """Our log key."""
    doubted: set[bytes] = field(default_factory=set)
    """Logs that are to be brought from their beginning (4)."""
    _beside: frozenset[bytes] = frozenset()
    """Logs that are not forked here, of which another history was shown (2)."""
    _wanted: dict[bytes, dict[bytes, Wanted]] = field(default_factory=dict)
    """By imported member, by log (1)."""
    _unlike: dict[bytes, Frontier] = field(default_factory=dict)
    """Edges of copies that are not what the member named: looked at once."""
    _histories: OtherHistories = field(default_factory=OtherHistories)
    _heard: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    """By member and origin: the epoch of our copy when that member's log was searched for it."""
    _enough: tuple[Heard, ...] = ()
    _stood: dict[bytes, tuple[int, ...]] = field(default_factory=dict)
    """Of each log the numbers of what waited when these were imported."""
    _verdicts: dict[tuple[bytes, int, bytes], Verdict] = field(default_factory=dict)
    """By log key, number and leaf (3)."""
    _keeping: threading.Lock = field(default_factory=threading.Lock)
    """One piece is read beside at a time, and no history is forgotten meanwhile. Nothing is searched or
    verified under it, and the writer never asks for it."""

    def wants_former(self, log_key: bytes, others: frozenset[bytes]) -> bool:
        """Whether a member whose log was read wants that log read, which is no member's of now: of a witness
        that was replaced. Of those that are not read yet the first MAX_FORMER of each member, since who lies
        may name any (1)."""
        with self.journal.tables() as tables:
            forked = forked_members(tables)
            for wanted in [*self._wanted.values()]:
                named = sorted(wanted.keys() - others - {self.me})
                unread = (x for x in named if x in forked or not has(tables, x, wanted[x]))
                if log_key in islice(unread, MAX_FORMER):
                    return True
        return False

    def doubt(self, log_key: bytes) -> None:
        """Something was brought of that log that is not what we read."""
        self.doubted.add(log_key)

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

            def keep(session: Session) -> None:
                if shown and shown.fork and not record_of(session).is_forked(piece.member):
                    session.write(ForkedNotice(session.now, piece.member, *shown.fork))
                if goes_on:
                    second_hand.keep_brought(session, piece, entries)

            self._in_turn(keep)
        return goes_on or shown is not None

    def imported(self, said: Iterable[Heard]) -> tuple[Heard, ...]:
        """Of the members that named these heads, those of whom all is read that they want (1, 2). What was
        brought of forked logs is taken."""
        return tuple(sorted(each for each in said if self._is_imported(each)))

    def _is_imported(self, heard: Heard) -> bool:
        with self.journal.tables() as tables:
            lacking = self._lacking(tables, heard)
            beside = forked_members(tables) | self._beside
        if lacking is None:
            return False
        settled = {log for log in lacking if log in beside and not self._is_asked(heard, log)}
        self.doubted.update(log for log in lacking.keys() - settled if lacking[log])
        return lacking.keys() == settled

    def _lacking(self, tables: Tables, heard: Heard) -> dict[bytes, bool] | None:
        """Logs that we do not have as that member wants, and whether they are to be brought from their
        beginning; None while its own is not read."""
        member, lacking = heard.member, dict[bytes, bool]()
        if member not in self._wanted:
            edge = read_edge(tables, member)
            if edge == self._unlike.get(member) or not is_read_to(tables, heard):
                self._unlike[member] = edge
                return None
            self._wanted[member] = wanted_by(tables, member)
        now, forked = wanted_by(tables, member), forked_members(tables)
        for log, wanted in self._wanted[member].items():
            if log == member:  # its own log is read
                continue
            if log == self.me:
                if _own_size(tables) < min(wanted.size, now[log].size):
                    return None
            elif log in forked or not (has(tables, log, wanted) or has(tables, log, now[log])):
                lacking[log] = log in forked or _is_long(tables, log, now[log])
        return lacking

    def _is_asked(self, heard: Heard, origin: bytes) -> bool:
        """Whether something that this member stands behind of that log is not settled, when what was brought
        of it is taken."""
        self._hear(heard, origin)
        with self.journal.reading() as reading, self.journal.tables() as tables:
            has_room = grants_more(tables, origin, reading.now())
            portion = second_hand.portion_of(tables, heard.member, origin) if has_room else []
        if portion:
            self._take_portion(heard.member, origin, portion)
        with self.journal.tables() as tables:
            return second_hand.is_asked(tables, heard.member, origin)

    def _hear(self, heard: Heard, origin: bytes) -> None:
        """Search that member's log for what it stands behind of that origin, once: with each new epoch of our
        copy other entries are in it. All of that origin is to be brought anew then: words for it may have
        been passed over."""
        member, number = heard.member, 0
        with self.journal.tables() as tables:
            epoch = epochs_read(tables, origin).number
        if self._heard.get((member, origin)) == epoch:
            return
        self._in_turn(lambda session: second_hand.forget_said(session, member, origin))
        while number < heard.size:
            with self.journal.tables() as tables:
                words, number = second_hand.words_of(tables, (member, number, heard.size), origin)
            self._in_turn(
                partial(second_hand.keep_words, member=member, origin=origin, words=words)
            )
        with self._keeping:
            self._histories.forget(origin)
            self._in_turn(lambda session: second_hand.forget_pool(session.tables, origin))
        self._heard[member, origin] = epoch

    def _take_portion(self, member: bytes, origin: bytes, portion: list[second_hand.Asked]) -> None:
        """What was brought of what that member stands behind, if it is vouched for."""
        with self.journal.tables() as tables:
            brought, again = tee(second_hand.found(tables, portion))
            logs, entries = (second_hand.pool_of(origin), origin), (entry for _, entry in again)
            now = read_checkpoint(tables).clock
            verdicts = self.vouching.at_start(tables, now, logs, entries)
            pairs = zip(brought, verdicts, strict=True)
            claims = [claim for (claim, _), (_, said) in pairs if said.objection is None]

        def take(session: Session) -> None:
            take_second_hand(session, origin, claims)
            second_hand.settle(session, member, portion)

        self._in_turn(take)

    def _in_turn(self, work: Callable[[Session], None]) -> None:
        self.journal.in_turn(work, Passage.WHILE_LOCKED)

    def end(self, imported: tuple[Heard, ...]) -> bool:
        """Take all that stands, of what was read when this is first called for these; whether that is on
        record."""
        with self.journal.tables() as tables:
            if imported != self._enough:
                self._enough, self._stood = imported, standing_now(tables)
            now = read_checkpoint(tables).clock
            for log in self._stood:
                fresh = (
                    each
                    for each in standing(tables, {log: self._stood[log]})
                    if (*each.claim.name, each.claim.leaf) not in self._verdicts
                )
                for claim, verdict in self.vouching.at_start(tables, now, (log,), fresh):
                    self._verdicts[*claim.name, claim.leaf] = verdict
        verdicts = {key[:2]: verdict for key, verdict in self._verdicts.items()}
        return self.journal.in_turn(
            lambda session: complete(session, imported, self._stood, verdicts),
            Passage.WHILE_LOCKED,
        )


def _own_size(tables: Tables) -> int:
    """Of our log, and of what our officers gave up: that is not lacking."""
    epochs = control_state(tables).epochs
    return max((read_checkpoint(tables).frontier.size, *(each.abandoned_size for each in epochs)))


def _is_long(tables: Tables, log: bytes, wanted: Wanted) -> bool:
    """Whether our copy goes that far: then it is of another history."""
    return read_edge(tables, log).size >= wanted.size
