"""What another member's signed entries say, out of our copy of its log.

1. An entry that asked for no grants binds nobody else: it is passed over.
2. A member's versions of a withdrawal are found by its id, whatever became of them: what attestors said for
   an earlier one is what the member believed of a later one.
3. An entry of which the log says that it is agreed, without the grants of a quorum of the policy in force,
   still waits, but not among those that ask for grants: a former policy's quorum may have granted it. So what
   asks for grants depends on the log alone, and gets fewer as the log goes on.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signer.core.agreement.claim import Claim
from signer.core.payment import WithdrawalId
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.entry import SignedEntry
from signer.journal.members import MAX_NUMBER, followed_record
from signer.journal.merkle import leaf_hash

OPEN, SAID, HELD = range(3)
"""Of an entry that waits: nothing was said of it; it was said to be agreed; that, and it binds us already."""
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
    tables.execute("INSERT INTO member_pending VALUES (?,?,?)", (*claim.name, OPEN))
    rows = [(claim.origin, each, claim.number) for each in sorted(claim.paid)]
    tables.executemany("INSERT INTO member_versions VALUES (?,?,?)", rows)


def state_of(tables: Tables, member: bytes, number: int) -> int | None:
    """What was said of that entry (3); None where it does not wait."""
    query = "SELECT said FROM member_pending WHERE member = ? AND number = ?"
    row = tables.execute(query, (member, min(number, MAX_NUMBER))).fetchone()
    return None if row is None else int(row[0])


def keep_said(tables: Tables, member: bytes, number: int, said: int) -> None:
    """Remember that of an entry that waits."""
    query = "UPDATE member_pending SET said = ? WHERE member = ? AND number = ?"
    tables.execute(query, (said, member, number))


def judged_numbers(tables: Tables, member: bytes, oldest: int, newest: int) -> tuple[int, ...]:
    """Of the member's entries that wait: so many, the oldest, of which nothing was said, and so many, the
    newest, that are said to be agreed and do not bind us (3). Ascending."""
    query = "SELECT number FROM member_pending WHERE member = ? AND said = ? ORDER BY number"
    rows = tables.execute(f"{query} LIMIT ?", (member, OPEN, oldest)).fetchall()
    rows += tables.execute(f"{query} DESC LIMIT ?", (member, SAID, newest)).fetchall()
    return tuple(sorted(number for (number,) in rows))


def waiting_among(tables: Tables, member: bytes, numbers: Iterable[int]) -> Iterator[FollowedEntry]:
    """Those of these entries that wait, one read at a time."""
    for number in numbers:
        found = followed_entry(tables, member, number)
        if found is not None and state_of(tables, member, number) is not None:
            yield found


def waiting_of(tables: Tables, member: bytes, limit: int) -> Iterator[FollowedEntry]:
    """The member's entries that wait and are judged, at most so many of either kind (3), in their order."""
    yield from waiting_among(tables, member, judged_numbers(tables, member, limit, limit))


def is_settled(tables: Tables, claim: Claim) -> bool:
    """Whether our copy of its origin's log has that entry, and says that it waits no longer. Of a claim that
    still binds us: that it is agreed with the grants of a quorum, since a void would have released it."""
    found = followed_record(tables, claim.origin, claim.number)
    if found is None or leaf_hash(found) != claim.leaf:
        return False
    return state_of(tables, *claim.name) is None


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


def first_versions(
    tables: Tables, log: bytes, before: int, paid: Iterable[WithdrawalId]
) -> tuple[int, ...]:
    """The number of that log's first entry before one that pays each of these withdrawals, ascending (2)."""
    query = (
        "SELECT MIN(number) FROM member_versions WHERE member = ? AND withdrawal = ? AND number < ?"
    )
    rows = (tables.execute(query, (log, each, before)).fetchone() for each in paid)
    return tuple(sorted({row[0] for row in rows if row is not None and row[0] is not None}))
