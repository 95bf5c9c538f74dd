"""Grants for our own pending entries: with those of a quorum an entry is agreed, and its signature may leave.

Rule 1: only a witness of the entry's vault counts, once, and only for exactly this entry.
Rule 2: what is recorded shows the grants, so that whoever reads our log can count them, too.
"""

from collections.abc import Iterable

from signer.core.agreement.claim import Stage
from signer.core.agreement.machine import Agree, hear_grants
from signer.core.agreement.notices import AgreedNotice, Grant
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.following import Federations, genuine, record_of


def settle(
    entry: tuple[int, bytes], grants: Iterable[Grant], federations: Federations, session: Session
) -> bool:
    """Record that our entry (number, leaf) is agreed, if these are its quorum. Whether it still waits."""
    number, leaf = entry
    own = record_of(session).own(number)
    if own is None or own.claim.leaf != leaf or own.stage is not Stage.PENDING:
        return False
    given = {grant.witness: grant for grant in grants}
    granted_by = genuine(given.values(), own.claim, federations)
    for step in hear_grants(record_of(session), number, granted_by):
        if isinstance(step, Agree):
            counted = tuple(given[witness] for witness in step.granted_by)
            session.write(AgreedNotice(session.now, number, leaf, counted))
            return False
    return True


def awaits(tables: Tables, number: int, leaf: bytes) -> bool:
    """Whether exactly that entry of ours waits for grants."""
    query = "SELECT 1 FROM pending JOIN entries ON number = entry WHERE entry = ? AND leaf = ?"
    return number < 2**63 and tables.execute(query, (number, leaf)).fetchone() is not None


def waiting_numbers(tables: Tables) -> tuple[int, ...]:
    """Our entries that wait for grants, oldest first."""
    rows = tables.execute("SELECT entry FROM pending ORDER BY entry")
    return tuple(number for (number,) in rows)
