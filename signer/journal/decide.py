"""One decision within the writer's transaction.

1. A transaction on record is recalled: no new entry, no new consent, the same signatures.
2. Else `decide` is asked, and its consent becomes an entry and its claims. Where the vault has witnesses the
   entry waits for grants; a caller has MAX_WAITING of these, and nothing is recorded or recalled for such a
   vault before the start is complete (J6).
3. A refusal becomes an entry too. One that repeats (caller, request, code) within the hour is only
   counted, and so is what exceeds the caller's entries per hour: nobody fills the disk with refusals. Where
   little is free, one of each code is an entry; where the reserve is in use, none
   (`signer.journal.budget`), and versions that bind nothing new, of all callers together, take MAX_SCARCE
   of it.
4. A spend that waits for approvals or time is answered, and no entry.
5. Full input is kept with a refusal while the caller's bytes of the hour last.
6. A version that binds nothing new must fit into its caller's versions and bytes of the hour: nobody fills
   the disk with variations either. Where entries wait for grants the bytes of the void ones count, too.
   Retries and other callers are not affected.
7. Where the log grows too fast for its readers a caller that had its share waits, whatever it asks, and its
   refusals are only counted (`signer.journal.growth`).
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from signer.core.agreement.notices import AgreedNotice, VoidNotice
from signer.core.control import ControlState
from signer.core.errors import Fault, LimitExceeded, Objection, Pending, Refusal
from signer.core.recall import recall
from signer.core.spend import VerifiedSpend
from signer.journal import fold
from signer.journal.budget import CallerBudget
from signer.journal.database import Tables, the_row
from signer.journal.entry import Entry, SignedEntry
from signer.journal.fold_versions import binds_something
from signer.journal.gate import Gate
from signer.journal.growth import HOUR, require_share, wait_of
from signer.journal.header_chain import ChainSetting
from signer.journal.log import append
from signer.journal.merkle import Frontier
from signer.journal.reading import TableReading
from signer.journal.reading_agreement import JournalRecord
from signer.journal.record import refused_entry, signed_entry
from signer.journal.room import Space
from signer.ports.recording import Deliberation, Passage, RefusedRequest

UNLIMITED = 1 << 62
MAX_SCARCE = 2 << 20
"""Bytes that go on record for each member's log, and for versions of our callers that bind nothing new, while
the reserve is in use."""
MAX_WAITING = 64
"""Entries of one caller that wait for grants."""


class Self(NamedTuple):
    """Who records."""

    log_key: bytes
    """Of this member, 32 bytes."""
    incarnation: bytes
    """16 bytes, drawn at the start of the process."""


NOBODY = Self(bytes(32), bytes(16))
"""Whose record is only read again."""


@dataclass(slots=True)
class Session:
    """The writer's open transaction."""

    tables: Tables
    frontier: Frontier
    now: int
    budget: CallerBudget
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(caller, code) -> refusals that got no entry of their own."""
    gate: Gate = field(default_factory=Gate)
    began: Gate = field(default_factory=Gate)
    """As the gate stood when the time was read: what it shut then stays shut in this transaction."""
    myself: Self = NOBODY
    settled: list[int] = field(default_factory=list)
    """Own entries that became agreed or void."""
    space: Space = Space.AMPLE
    copied: Counter[bytes] = field(default_factory=Counter)
    """Bytes that went on record since the reserve is in use: for other members' logs, by log key, and under
    our own for versions of our callers that bind nothing new."""
    chain: ChainSetting | None = None
    """The chain that is configured."""
    _control: tuple[Frontier, ControlState] | None = None
    """As it was read last, and the log that it was read of."""

    @property
    def me(self) -> bytes:
        """Our log key."""
        return self.myself.log_key

    @property
    def incarnation(self) -> bytes:
        """Of this process."""
        return self.myself.incarnation

    def shut(self, passage: Passage) -> Objection | None:
        """Why such work does not pass; None where it does."""
        control = self.control
        return self.gate.objection(passage, control) or self.began.objection(passage, control)

    def reasons(self) -> tuple[Objection, ...]:
        """All for which the gate is shut; the record's own left out."""
        return (*self.gate.reasons(), *self.began.reasons())

    @property
    def control(self) -> ControlState:
        """The control state. It follows from the log, so while that does not grow it is asked for once."""
        if self._control is None or self._control[0] is not self.frontier:
            self._control = (self.frontier, self.reading().control())
        return self._control[1]

    def takes_room(self, log: bytes, size: int) -> bool:
        """Whether so many bytes more may go on record for that log; they are counted then."""
        fits = self.space is not Space.RESERVE or self.copied[log] + size <= MAX_SCARCE
        self.copied[log] += size if fits else 0
        return fits

    def reading(self, control: ControlState | None = None) -> TableReading:
        """The record with all that this transaction added so far. `control`: as `TableReading` takes it."""
        return TableReading(self.tables, self.now, control, self.chain)

    def write(self, entry: Entry) -> bytes:
        """Append the entry and fold it; its leaf hash."""
        number = self.frontier.size
        self.frontier, leaf = append(self.tables, self.frontier, entry)
        fold.apply(number, entry, self.tables)
        if isinstance(entry, AgreedNotice | VoidNotice):
            self.settled.append(entry.number)
        return leaf


@dataclass(frozen=True, slots=True)
class Decision:
    """What goes to the caller once the transaction is durable."""

    spend: VerifiedSpend | None
    """To be signed, now or when its entry is agreed; None after a refusal."""
    decision_id: bytes = b""
    answer: Refusal | Pending | None = None
    """Raised in the caller's thread: nothing is signed, or noted."""
    noted: tuple[bytes, ...] = ()
    """Leaf hashes of what a note or another turn recorded."""
    number: int = 0
    """Of the spend's entry."""
    waits: bool = False
    """Whether that waits for grants."""
    recorded_at: int = 0
    """Effective time of that entry, Unix seconds."""


def deliberate(session: Session, deliberation: Deliberation) -> Decision:
    """Decide and record. Any Refusal or Pending is part of the answer."""
    try:
        return _consent(session, deliberation)
    except Pending as pending:
        return Decision(None, answer=pending)
    except Refusal as refusal:
        refused = RefusedRequest(
            deliberation.caller,
            deliberation.request_digest,
            deliberation.request,
            deliberation.policy_id,
            refusal,
        )
        return record_refusal(session, refused)


def record_refusal(session: Session, refused: RefusedRequest) -> Decision:
    """Record the refusal, or count it."""
    earlier = session.tables.execute(
        "SELECT leaf FROM refusals JOIN entries ON number = entry "
        "WHERE caller = ? AND request = ? AND code = ? AND moment > ? ORDER BY moment DESC LIMIT 1",
        (refused.caller, refused.request_digest, refused.refusal.code, session.now - HOUR),
    ).fetchone()
    if earlier is not None:
        session.counts[refused.caller, refused.refusal.code] += 1
        return Decision(None, earlier[0], refused.refusal)
    entries, alike, kept = the_row(
        session.tables.execute(
            "SELECT count(*), count(CASE WHEN code = ? THEN 1 END), "
            "CAST(coalesce(sum(kept), 0) AS BIGINT) FROM refusals WHERE caller = ? AND moment > ?",
            (refused.refusal.code, refused.caller, session.now - HOUR),
        )
    )
    waits = wait_of(session.tables, refused.caller, session.now)
    if entries >= session.budget.refusals or alike >= session.budget.alike or waits is not None:
        session.counts[refused.caller, refused.refusal.code] += 1
        return Decision(None, b"", refused.refusal)
    entry = refused_entry(refused, session.now, session.budget.refused_bytes - kept)
    return Decision(None, session.write(entry), refused.refusal)


def _consent(session: Session, deliberation: Deliberation) -> Decision:
    spend = deliberation.spend
    view = session.reading(session.control)
    recorded = view.version(spend.transaction.txid)
    if deliberation.witnesses.quorum or (recorded is not None and recorded.waits):
        _require_started(session, deliberation)
    if recorded is not None:
        recall(spend, recorded, view, session.now)
        return Decision(
            spend,
            recorded.decision_id,
            number=recorded.number,
            waits=recorded.waits,
            recorded_at=recorded.recorded_at,
        )
    coins = (coin.outpoint for coin in spend.coins)
    view.look_up(coins, (payment.withdrawal_id for payment in spend.payments))
    approved = deliberation.decide(view, session.now)
    if approved.spend is not spend or approved.decided_at != session.now:
        raise Fault("consent to another spend or at another time than was asked for")
    require_share(session.tables, deliberation.caller, session.now)  # 7
    entry = signed_entry(deliberation, approved, session.incarnation)
    binds = binds_something(entry, session.tables)
    if entry.quorum or not binds:
        _require_budget(session, entry, UNLIMITED if binds else session.budget.versions)
    if not binds and not session.takes_room(session.me, entry.received):
        raise no_room("versions that bind nothing new are recorded when there is room")
    if entry.quorum:
        _require_few_waiting(session, entry)
    return Decision(
        spend,
        number=session.frontier.size,
        decision_id=session.write(entry),
        waits=bool(entry.quorum),
        recorded_at=entry.clock,
    )


def no_room(detail: str) -> Refusal:
    """What is not needed for decisions does not take the reserve."""
    detail = f"the journal's reserve is in use: {detail}"
    return Refusal(Objection("journal-disk-full", detail, limit=f"{MAX_SCARCE} bytes"))


def _require_started(session: Session, deliberation: Deliberation) -> None:
    """Raises Refusal `agreement-starting`."""
    is_started = JournalRecord(session.tables, session.me, session.incarnation).is_started
    if not is_started or session.shut(Passage.TIMELY) is not None:
        detail = "the import of other members' claims at this start is not complete"
        raise Refusal(
            Objection("agreement-starting", detail, observed="; ".join(deliberation.waiting_for()))
        )


def _require_few_waiting(session: Session, entry: SignedEntry) -> None:
    """Raises LimitExceeded `agreement-too-many-pending`."""
    query = "SELECT count(*) FROM pending WHERE caller = ?"
    (waiting,) = the_row(session.tables.execute(query, (entry.caller,)))
    if waiting >= MAX_WAITING:
        raise LimitExceeded(
            Objection(
                "agreement-too-many-pending",
                "too many transactions of this caller wait for other members' grants",
                f"{waiting} wait",
                f"{MAX_WAITING}",
            )
        )


def _require_budget(session: Session, entry: SignedEntry, most: int) -> None:
    """Raises LimitExceeded `version-budget-exhausted` (rule 6), with so many versions at most. One version
    always fits."""
    budget, versions, received = session.budget, 1, entry.received
    earlier = session.tables.execute(
        "SELECT moment, received, 1 FROM repeats WHERE caller = ? AND moment > ? "
        "UNION ALL SELECT moment, received, 0 FROM voids WHERE caller = ? AND moment > ? "
        "ORDER BY moment DESC",
        (entry.caller, session.now - HOUR) * 2,
    )
    for moment, size, counted in earlier:
        versions, received = versions + counted, received + size
        if versions > most or received > budget.version_bytes:
            raise LimitExceeded(
                Objection(
                    "version-budget-exhausted",
                    "too many transactions of this caller within the hour that bind no new withdrawal, "
                    "batch or sweep statement, or are void",
                    f"at least {versions} versions, {received} bytes",
                    f"{budget.versions} versions, {budget.version_bytes} bytes",
                    not_before=moment + HOUR,
                )
            )
