"""How fast our log may grow: whoever asks for whatever, it stays within the pace at which others read it.

1. Each entry's bytes are owed by the log, and those of a decision, proposal or `heard` by its caller or
   member, too. With each hour of the log's clock PER_HOUR of the log's are paid, and SHARE of each one's.
   What is owed follows from the entries alone: a restart, a replica and a replay find the same.
2. While the log owes FREE at most, who comes first writes. Beyond, only who owes its SHARE at most; beyond
   FULL no caller. What one owes beyond its share is forgiven with its next entry: it waits for its last
   entry, not for all that it wrote while there was room.
3. So it is with what callers write as they like: transactions, also those that become void, refusals (only
   counted then), proposals, attested deposits. Clocks, steps and releases need new words of attestors or
   officers, officers have budgets; they are owed, but never refused.
4. So it is with grants as well, up to FULL_OF_GRANTS, so that callers leave room for them. What others agreed
   without us is taken always, and so is what a start imports: each claim takes less than half of its entry.
   What a dishonest member has ready for a start, half of `pace.BURST`, is within that burst beside all this.
   What others stand behind of forked logs may be more: a start takes it as it would grant it, and waits.
"""

from typing import NamedTuple

from signer.core.agreement.notices import HeardNotice
from signer.core.deposits import DepositNotice
from signer.core.errors import LimitExceeded, Objection
from signer.core.notices import PolicyNotice
from signer.journal import pace
from signer.journal.database import Tables
from signer.journal.entry import Entry, RefusedEntry, SignedEntry

HOUR = 3_600
PER_HOUR = pace.PER_HOUR // 4 * 3
FREE, FULL, FULL_OF_GRANTS = 512 << 20, 1 << 30, 2 << 30
SHARE = 8 << 20
LIMIT = (
    f"{FREE} bytes; then each caller {SHARE} an hour, up to {FULL}; {PER_HOUR} are paid each hour"
)
_THE_LOG = "the log"


class Wait(NamedTuple):
    """Why a caller writes nothing now."""

    observed: str
    not_before: int
    """When it may, unless others write meanwhile."""


def add_growth(tables: Tables, entry: Entry, size: int) -> None:
    """That entry of so many bytes is on record."""
    rows = [(_THE_LOG, entry.clock, _owed(tables, _THE_LOG, entry.clock) + size * HOUR)]
    name = _name_of(entry)
    if name:
        before = min(_owed(tables, name, entry.clock), SHARE * HOUR)
        rows.append((name, entry.clock, before + size * HOUR))
    tables.executemany(
        "INSERT INTO growth VALUES (?,?,?) ON CONFLICT (name) DO UPDATE "
        "SET moment = excluded.moment, owed = excluded.owed",
        rows,
    )


def wait_of(tables: Tables, caller: str, now: int) -> Wait | None:
    """What that caller must wait for (2); None where it may write."""
    return _wait(tables, _caller(caller), FULL, now)


def require_share(tables: Tables, caller: str, now: int) -> None:
    """Raises LimitExceeded `version-budget-exhausted` where that caller must wait."""
    wait = wait_of(tables, caller, now)
    if wait is not None:
        detail = "callers make the log grow too fast, and this one has used its share"
        found = (wait.observed, LIMIT)
        raise LimitExceeded(
            Objection("version-budget-exhausted", detail, *found, not_before=wait.not_before)
        )


def grants_more(tables: Tables, member: bytes, now: int) -> bool:
    """Whether that member's entries may be granted now (4)."""
    return _wait(tables, _member(member), FULL_OF_GRANTS, now) is None


def _wait(tables: Tables, name: str, full: int, now: int) -> Wait | None:
    log = _owed(tables, _THE_LOG, now)
    if log <= FREE * HOUR:
        return None
    own = _owed(tables, name, now)
    until_free = _seconds(log - FREE * HOUR, PER_HOUR)
    until_own = max(_seconds(log - full * HOUR, PER_HOUR), _seconds(own - SHARE * HOUR, SHARE))
    if until_own <= 0:
        return None
    observed = f"{log // HOUR} bytes, {own // HOUR} of this caller"
    return Wait(observed, now + min(until_free, until_own))


def _name_of(entry: Entry) -> str:
    """Who shares what that entry takes; empty for nobody."""
    if isinstance(entry, SignedEntry | RefusedEntry | PolicyNotice | DepositNotice):
        return _caller(entry.caller)
    return _member(entry.heard.member) if isinstance(entry, HeardNotice) else ""


def _caller(name: str) -> str:
    return f"caller {name}"


def _member(log_key: bytes) -> str:
    return f"member {log_key.hex()}"


def _owed(tables: Tables, name: str, now: int) -> int:
    """Bytes, times HOUR."""
    query = "SELECT moment, owed FROM growth WHERE name = ?"
    rate = PER_HOUR if name == _THE_LOG else SHARE
    row = tables.execute(query, (name,)).fetchone()
    return 0 if row is None else max(0, row[1] - (now - row[0]) * rate)


def _seconds(owed: int, rate: int) -> int:
    """In which it is paid."""
    return -(-owed // rate)
