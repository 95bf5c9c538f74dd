"""One decision within the writer's transaction.

1. A transaction on record is recalled: no new entry, no new consent, the same signatures.
2. Else `decide` is asked, and its consent becomes an entry and its claims.
3. A refusal becomes an entry too. One that repeats (caller, request, code) within the hour is only
   counted, and so is what exceeds the caller's entries per hour: nobody fills the disk with refusals.
4. A spend that waits for approvals or time is answered, and no entry.
5. Full input is kept with a refusal while the caller's bytes of the hour last.
6. A version that binds nothing new must fit into its caller's versions and bytes of the hour: nobody fills
   the disk with variations either. Retries and other callers are not affected.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

from signer.core.approve import recall
from signer.core.errors import Fault, LimitExceeded, Objection, Pending, Refusal
from signer.core.spend import VerifiedSpend
from signer.journal import fold
from signer.journal.entry import Entry, SignedEntry
from signer.journal.log import append
from signer.journal.merkle import Frontier
from signer.journal.reading import SqliteReading
from signer.journal.record import refused_entry, signed_entry
from signer.ports import Deliberation, RefusedRequest

HOUR = 3_600


@dataclass(frozen=True, slots=True)
class CallerBudget:
    """What one caller may write per hour, without a new word of an attestor."""

    refusals: int = 300
    refused_bytes: int = 1 << 20
    """Of requests that are kept with refusals."""
    versions: int = 300
    """That bind nothing new."""
    version_bytes: int = 64 << 20
    """PSBT and evidence of these."""


DEFAULT_BUDGET = CallerBudget()


@dataclass(slots=True)
class Session:
    """The writer's open transaction."""

    connection: sqlite3.Connection
    frontier: Frontier
    now: int
    budget: CallerBudget
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(caller, code) -> refusals that got no entry of their own."""

    def reading(self) -> SqliteReading:
        """The record with all that this transaction added so far."""
        return SqliteReading(self.connection, self.now)

    def write(self, entry: Entry) -> bytes:
        """Append the entry and fold it; its leaf hash."""
        number = self.frontier.size
        self.frontier, leaf = append(self.connection, self.frontier, entry)
        fold.apply(number, entry, self.connection)
        return leaf


@dataclass(frozen=True, slots=True)
class Decision:
    """What goes to the caller once the transaction is durable."""

    spend: VerifiedSpend | None
    """To be signed; None after a refusal."""
    decision_id: bytes = b""
    answer: Refusal | Pending | None = None
    """Raised in the caller's thread: nothing is signed, or noted."""
    noted: tuple[bytes, ...] = ()
    """Leaf hashes of what a note recorded."""


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
    earlier = session.connection.execute(
        "SELECT leaf FROM refusals JOIN entries ON number = entry "
        "WHERE caller = ? AND request = ? AND code = ? AND moment > ? ORDER BY moment DESC LIMIT 1",
        (refused.caller, refused.request_digest, refused.refusal.code, session.now - HOUR),
    ).fetchone()
    if earlier is not None:
        session.counts[refused.caller, refused.refusal.code] += 1
        return Decision(None, earlier[0], refused.refusal)
    entries, kept = session.connection.execute(
        "SELECT count(*), coalesce(sum(kept), 0) FROM refusals WHERE caller = ? AND moment > ?",
        (refused.caller, session.now - HOUR),
    ).fetchone()
    if entries >= session.budget.refusals:
        session.counts[refused.caller, refused.refusal.code] += 1
        return Decision(None, b"", refused.refusal)
    entry = refused_entry(refused, session.now, session.budget.refused_bytes - kept)
    return Decision(None, session.write(entry), refused.refusal)


def _consent(session: Session, deliberation: Deliberation) -> Decision:
    spend = deliberation.spend
    view = session.reading()
    recorded = view.version(spend.transaction.txid)
    if recorded is not None:
        recall(spend, recorded, view, session.now)
        return Decision(spend, recorded.decision_id)
    view.look_up(tuple(coin.outpoint for coin in spend.coins))
    approved = deliberation.decide(view, session.now)
    if approved.spend is not spend or approved.decided_at != session.now:
        raise Fault("consent to another spend or at another time than was asked for")
    entry = signed_entry(deliberation, approved)
    if not fold.binds_something(entry, session.connection):
        _require_budget(session, entry)
    return Decision(spend, session.write(entry))


def _require_budget(session: Session, entry: SignedEntry) -> None:
    """Raises LimitExceeded `version-budget-exhausted` (rule 6). One version always fits."""
    budget, versions, received = session.budget, 1, entry.received
    earlier = session.connection.execute(
        "SELECT moment, received FROM repeats WHERE caller = ? AND moment > ? "
        "ORDER BY moment DESC, entry DESC",
        (entry.caller, session.now - HOUR),
    )
    for moment, size in earlier:
        versions, received = versions + 1, received + size
        if versions > budget.versions or received > budget.version_bytes:
            raise LimitExceeded(
                Objection(
                    "version-budget-exhausted",
                    "too many transactions of this caller within the hour that bind no new withdrawal, "
                    "batch or sweep statement",
                    f"at least {versions} versions, {received} bytes",
                    f"{budget.versions} versions, {budget.version_bytes} bytes",
                    not_before=moment + HOUR,
                )
            )
