"""One decision within the writer's transaction.

1. A transaction on record is recalled: no new entry, no new consent, the same signatures.
2. Else `decide` is asked, and its consent becomes an entry and its claims.
3. A refusal becomes an entry too. One that repeats (caller, request, code) within the hour is only
   counted, and so is what exceeds the caller's entries per hour: nobody fills the disk with refusals.
4. Full input is kept with a refusal while the caller's bytes of the hour last.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

from signer.core.approve import recall
from signer.core.errors import Fault, Refusal
from signer.core.spend import VerifiedSpend
from signer.journal import fold
from signer.journal.entry import Entry
from signer.journal.log import append
from signer.journal.merkle import Frontier
from signer.journal.reading import SqliteReading
from signer.journal.record import refused_entry, signed_entry
from signer.ports import Deliberation, RefusedRequest

HOUR = 3_600


@dataclass(frozen=True, slots=True)
class RefusalBudget:
    """What one caller's refusals may cost per hour."""

    entries: int = 300
    input_bytes: int = 1 << 20


DEFAULT_BUDGET = RefusalBudget()


@dataclass(slots=True)
class Session:
    """The writer's open transaction."""

    connection: sqlite3.Connection
    frontier: Frontier
    now: int
    budget: RefusalBudget
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(caller, code) -> refusals that got no entry of their own."""

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
    refusal: Refusal | None = None


def deliberate(session: Session, deliberation: Deliberation) -> Decision:
    """Decide and record. Any Refusal is part of the answer."""
    try:
        return _consent(session, deliberation)
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
    if entries >= session.budget.entries:
        session.counts[refused.caller, refused.refusal.code] += 1
        return Decision(None, b"", refused.refusal)
    entry = refused_entry(refused, session.now, session.budget.input_bytes - kept)
    return Decision(None, session.write(entry), refused.refusal)


def _consent(session: Session, deliberation: Deliberation) -> Decision:
    spend = deliberation.spend
    view = SqliteReading(session.connection, session.now)
    recorded = view.version(spend.transaction.txid)
    if recorded is not None:
        recall(spend, recorded)
        return Decision(spend, recorded.decision_id)
    view.look_up(tuple(coin.outpoint for coin in spend.coins))
    approved = deliberation.decide(view, session.now)
    if approved.spend is not spend or approved.decided_at != session.now:
        raise Fault("consent to another spend or at another time than was asked for")
    return Decision(spend, session.write(signed_entry(deliberation, approved)))
