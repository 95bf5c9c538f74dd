"""Following another member's log: what its entries bind us to, and what we answer to its pending ones.

1. Entries are read in order, each once, after the tree over them was verified (`signer.journal.members`).
2. What is agreed, with the grants of its quorum, binds us at once; what its origin voided binds us no longer.
   The first word about an entry settles it: agreed and void are final (`signer.core.agreement.machine`). Who
   says agreed without such grants is remembered to have said so (`signer.journal.followed`), no more.
3. Its entries that wait for grants are judged after that (`signer.journal.judging`).
4. What changes goes on record by our own entries, in the transaction that keeps the piece.
5. Two heads of one size with different roots, both signed by it: it forked. That is recorded, and nothing of
   it is read or granted any more, unless its officers opened a new epoch (`signer.journal.reopening`). Heads
   of different epochs are refused while an act that we have not read may excuse them.
6. While the reserve of the disk is in use (`signer.journal.room`), at most MAX_SCARCE bytes of a log are
   copied until there is room again: the reserve is for decisions, and a copy can be fetched later.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from signer.bitcoin.errors import Malformed
from signer.core.agreement.claim import Claim
from signer.core.agreement.machine import (
    Release,
    Step,
    Take,
    Void,
    read_standing,
    read_void,
)
from signer.core.agreement.messages import Granted, message_bytes, verify_message
from signer.core.agreement.notices import (
    AgreedNotice,
    ForkedNotice,
    Grant,
    Heard,
    HeardNotice,
    Released,
    Taken,
    VoidNotice,
)
from signer.core.agreement.rules import is_agreed
from signer.core.errors import Objection, Refusal
from signer.core.witnesses import Witnesses
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.decide import MAX_SCARCE, Session
from signer.journal.entry import Entry, SignedEntry
from signer.journal.followed import HELD, SAID, followed_entry, keep_said, keep_version, state_of
from signer.journal.hearing import write_heard
from signer.journal.members import (
    MAX_NUMBER,
    Piece,
    contradiction,
    followed_head,
    head_read,
    read_edge,
    store_piece,
    verify_piece,
)
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.pace import gone_on, keep_pace, read_pace
from signer.journal.reading_agreement import JournalRecord
from signer.journal.reopening import (
    Officers,
    give_up,
    is_given_up,
    may_be_given_up,
    read_epochs,
    reopened_from,
)
from signer.journal.room import Space
from signer.journal.verdicts import Verdicts

MAX_HEARD = 256
"""Logs of which it is kept how far a member read them: no honest one ever had so many others."""


@dataclass(frozen=True, slots=True)
class Federations:
    """What a reader of logs knows of the vaults."""

    genesis_hash: bytes
    of: Callable[[bytes], Witnesses]
    """By the vault's fingerprint, as the policy in force says; none for a vault that it does not have."""
    officers: Officers
    moment: int
    """Unix seconds until which they may have been written."""


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a piece."""

    size: int
    """How far that log is read now."""
    is_newest: bool
    """Whether the piece's head is the newest of that log that we have read."""


def entries_of(tables: Tables, piece: Piece) -> tuple[Entry, ...]:
    """The entries of a piece, outside of the writer's turn: who signs much, or what nobody can read, holds up
    nobody else. Raises Refusal `member-log-unread`, or `member-log-contradicts` where they are not even what
    the member signed."""
    entries, number = list[Entry](), piece.start
    try:
        for number, record in enumerate(piece.records, piece.start):
            entry = decode_entry(record)
            if isinstance(entry, SignedEntry) and entry.quorum:
                claim_of(
                    piece.member, number, leaf_hash(record), entry
                )  # no honest kernel's, if Malformed
            entries.append(entry)
    except Malformed as error:
        verify_piece(read_edge(tables, piece.member), piece)
        detail = f"entry {number} of that member's log: {error.detail}"
        raise Refusal(Objection("member-log-unread", detail)) from None
    return tuple(entries)


def follow(
    session: Session, piece: Piece, entries: Sequence[Entry], federations: Federations
) -> Read:
    """Read the piece, with the entries that `entries_of` found in it. Raises Refusal
    `member-log-contradicts`, `member-forked` or `member-log-too-fast`; then nothing is kept."""
    tables, member = session.tables, piece.member
    first = reopened_from(tables, piece, federations.officers)
    if first is not None:
        give_up(session, member, first)
    elif record_of(session).is_forked(member):
        raise Refusal(
            Objection("member-forked", f"two histories are signed by the log key {member.hex()}")
        )
    edge = read_edge(tables, member)
    known = head_read(tables, member, piece.head.size)
    given_up = is_given_up(tables, member, piece.head)
    if known is not None and known.root != piece.head.root and not given_up:  # 5
        if may_be_given_up(tables, member, (known, piece.head)):
            raise contradiction(edge, piece.head)
        shown = (followed_head(tables, member, piece.head.size), piece.note)
        session.write(ForkedNotice(session.now, member, *shown, ()))
        return Read(edge.size, is_newest=False)
    if piece.start <= edge.size < piece.head.size:
        fresh = entries[edge.size - piece.start :]
        reading = _Reading(session, federations, piece, verify_piece(edge, piece))
        edge = reading.take_in(fresh)
    newest = (edge.size, edge.root())
    return Read(edge.size, is_newest=(piece.head.size, piece.head.root) == newest)


def record_of(session: Session, verdicts: Verdicts | None = None) -> JournalRecord:
    """The record as agreement sees it, with all that this transaction added so far."""
    return JournalRecord(session.tables, session.me, session.incarnation, verdicts)


@dataclass(slots=True)
class _Reading:
    """One piece of a log on its way into the record."""

    session: Session
    federations: Federations
    piece: Piece
    edge: Frontier
    """Behind the piece."""
    taken: list[Taken] = field(default_factory=list)
    released: list[Released] = field(default_factory=list)
    named: set[int] = field(default_factory=set)
    """By `agreed` entries: one for each is looked at, so that many cost no more."""

    def take_in(self, entries: Sequence[Entry]) -> Frontier:
        """Keep the piece and record what its new entries bind us to (2, 4)."""
        session, member = self.session, self.piece.member
        grown = zip(entries, self.piece.records[-len(entries) :], strict=True)
        sizes = ((entry.clock, len(record)) for entry, record in grown)
        now = max(session.now, self.federations.moment)
        pace = gone_on(read_pace(session.tables, member), sizes, now)
        self._take_room(sum(map(len, self.piece.records[-len(entries) :])))
        store_piece(session.tables, self.edge, self.piece)
        keep_pace(session.tables, member, pace)
        for number, entry in enumerate(entries, self.edge.size - len(entries)):
            self._read(number, entry)
        read_epochs(session, self.piece, self.edge.size - len(entries), self.federations.officers)
        if self.taken or self.released:
            heard = Heard(member, self.edge.size, self.edge.root())
            write_heard(session, heard, self.taken, self.released)
        return self.edge

    def _take_room(self, size: int) -> None:
        """While the reserve is in use a copy takes little of it (6). Raises Refusal `journal-disk-full`."""
        session, member = self.session, self.piece.member
        if session.space is Space.RESERVE:
            session.copied[member] += size
            if session.copied[member] > MAX_SCARCE:
                session.copied[member] -= size
                detail = "the journal's reserve is in use: that log is copied when there is room"
                raise Refusal(Objection("journal-disk-full", detail, limit=str(MAX_SCARCE)))

    def _read(self, number: int, entry: Entry) -> None:
        tables, member, ours = self.session.tables, self.piece.member, record_of(self.session)
        match entry:
            case SignedEntry() if entry.quorum:
                record = self.piece.records[number - self.piece.start]
                keep_version(tables, claim_of(member, number, leaf_hash(record), entry))
            case AgreedNotice() if entry.number not in self.named and self._waits(entry):
                self.named.add(entry.number)
                said = followed_entry(tables, member, entry.number)
                if said and self._is_agreed(said.claim, entry) and self._settle(entry):
                    self._apply(read_standing(ours, said.claim))
                else:
                    held = ours.is_taken(member, entry.number)
                    keep_said(tables, member, entry.number, HELD if held else SAID)
            case VoidNotice() if self._settle(entry):
                self._apply(read_void(ours, member, entry.number))
            case HeardNotice():
                self._hear(entry)

    def _is_agreed(self, claim: Claim, notice: AgreedNotice) -> bool:
        """Whether the notice shows the grants of a quorum."""
        witnesses = self.federations.of(claim.vault)
        if claim.origin not in witnesses.log_keys or notice.leaf != claim.leaf:
            return False
        granted_by = genuine(notice.grants, claim, self.federations)
        return is_agreed(granted_by, claim.origin, witnesses.quorum)

    def _waits(self, notice: AgreedNotice | VoidNotice) -> bool:
        return state_of(self.session.tables, self.piece.member, notice.number) is not None

    def _settle(self, notice: AgreedNotice | VoidNotice) -> bool:
        """Whether that entry waited until now. It does no longer."""
        tables, row = self.session.tables, (self.piece.member, min(notice.number, MAX_NUMBER))
        if not self._waits(notice):
            return False
        tables.execute("DELETE FROM member_pending WHERE member = ? AND number = ?", row)
        return True

    def _hear(self, notice: HeardNotice) -> None:
        """How far that member read another's log, less far after a new epoch; where it is ours, which of our
        entries it holds."""
        tables, member, heard = self.session.tables, self.piece.member, notice.heard
        size, named = min(heard.size, MAX_NUMBER), (member, heard.member)
        for claim in (taken.claim for taken in notice.taken):
            if claim.origin == self.session.me and claim.number < MAX_NUMBER:
                tables.execute(
                    "INSERT INTO member_holds VALUES (?,?,?) ON CONFLICT (member, number) "
                    "DO UPDATE SET leaf = excluded.leaf",
                    (member, claim.number, claim.leaf),
                )
        if not self._is_kept(heard.member):
            return
        taken = [each.claim for each in notice.taken if each.claim.origin == heard.member]
        newest = max(
            ((each.number, each.leaf) for each in taken if each.number < size), default=None
        )
        tables.execute(
            "INSERT INTO member_heard VALUES (?,?,?,?,?) ON CONFLICT (member, other) DO UPDATE SET "
            "size = excluded.size",
            (*named, size, 0, b""),
        )
        update = "UPDATE member_heard SET number = ?, leaf = ? WHERE member = ? AND other = ?"
        if newest is not None:
            tables.execute(f"{update} AND number <= ?", (*newest, *named, newest[0]))
        tables.execute(f"{update} AND number >= ?", (0, b"", *named, size))

    def _is_kept(self, log: bytes) -> bool:
        """Whether how far that member read this log is kept: of the first MAX_HEARD logs that it names."""
        query = "SELECT other FROM member_heard WHERE member = ?"
        named = {other for (other,) in self.session.tables.execute(query, (self.piece.member,))}
        return log in named or len(named) < MAX_HEARD

    def _apply(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Take):
                self.taken.append(Taken(step.claim, step.granted))
            elif isinstance(step, Release):
                self.released.append(Released(step.origin, step.number))


def genuine(grants: Iterable[Grant], claim: Claim, federations: Federations) -> frozenset[bytes]:
    """The witnesses of the claim's vault of whom one of these is indeed a grant of it."""
    witnesses = federations.of(claim.vault).log_keys
    found, first = set(), {grant.witness: grant for grant in reversed(tuple(grants))}
    for grant in (first[each] for each in witnesses if each in first):
        said = Granted(grant.witness, claim.origin, grant.incarnation, claim.number, claim.leaf)
        body = message_bytes(said, federations.genesis_hash)
        with suppress(Malformed):
            verify_message(body, grant.signature, grant.witness)
            found.add(grant.witness)
    return frozenset(found)


def write_void(session: Session, step: Void) -> None:
    """Our own entry is void for ever."""
    own = record_of(session).own(step.number)
    if own is not None:
        session.write(VoidNotice(session.now, step.number, own.claim.leaf, step.reason))
