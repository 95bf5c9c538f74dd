"""What another member's signed entries say, out of our copy of its log.

1. An entry that asked for no grants binds nobody else: it is passed over.
2. A member's versions of a withdrawal are found by its id, whatever became of them: what attestors said for
   an earlier one is what the member believed of a later one.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signer.core.agreement.claim import Claim
from signer.core.payment import WithdrawalId
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.entry import SignedEntry
from signer.journal.members import followed_record
from signer.journal.merkle import leaf_hash

MAX_EARLIER = 512
"""Versions before an entry whose evidence is looked at, the newest ones."""


class FollowedEntry(NamedTuple):
    """A signed entry of another member that asked for grants."""

    claim: Claim
    entry: SignedEntry


def followed_entry(tables: Tables, member: bytes, number: int) -> FollowedEntry | None:
    """That entry of the member's log; None if we have not read it or it asked for no grants.
    Raises Malformed."""
    record = followed_record(tables, member, number)
    entry = None if record is None else decode_entry(record)
    if record is None or not isinstance(entry, SignedEntry) or not entry.quorum:
        return None
    return FollowedEntry(claim_of(member, number, leaf_hash(record), entry), entry)


def keep_version(tables: Tables, claim: Claim) -> None:
    """Remember that the entry waits for grants, and what it pays."""
    tables.execute("INSERT INTO member_pending VALUES (?,?)", (claim.origin, claim.number))
    rows = [(claim.origin, each, claim.number) for each in sorted(claim.paid)]
    tables.executemany("INSERT INTO member_versions VALUES (?,?,?)", rows)


def waiting_of(tables: Tables, member: bytes, limit: int) -> Iterator[FollowedEntry]:
    """The member's entries that wait for grants, the oldest first."""
    rows = tables.execute(
        "SELECT number FROM member_pending WHERE member = ? ORDER BY number LIMIT ?",
        (member, limit),
    )
    for (number,) in rows.fetchall():
        found = followed_entry(tables, member, number)
        if found is not None:
            yield found


def is_settled(tables: Tables, claim: Claim) -> bool:
    """Whether our copy of its origin's log has that entry, and says that it waits no longer. Of a claim that
    still binds us: that it is agreed with the grants of a quorum, since a void would have released it."""
    found = followed_record(tables, claim.origin, claim.number)
    if found is None or leaf_hash(found) != claim.leaf:
        return False
    query = "SELECT 1 FROM member_pending WHERE member = ? AND number = ?"
    return tables.execute(query, claim.name).fetchone() is None


def earlier_versions(
    tables: Tables, log: bytes, before: int, paid: Iterable[WithdrawalId]
) -> tuple[int, ...]:
    """The numbers of that log's entries before one that pay any of these withdrawals, newest first (2)."""
    ids = sorted(paid)
    if not ids:
        return ()
    marks = ",".join("?" * len(ids))
    query = (
        "SELECT DISTINCT number FROM member_versions WHERE member = ? AND number < ? "  # noqa: S608
        f"AND withdrawal IN ({marks}) ORDER BY number DESC LIMIT {MAX_EARLIER}"
    )
    rows = tables.execute(query, (log, before, *ids)).fetchall()
    return tuple(number for (number,) in rows)
