"""The member's record as the state machine of agreement asks it (`signer.core.agreement.machine.Record`).

1. Our entries bind whether their vault had witnesses when they were recorded or not.
2. Of our entries that wait, those of this start may be voided; of an earlier start those that still wait
   after the import are held by somebody, for whom a signature may have left.
"""

from collections.abc import Iterable, Iterator

from signer.core.agreement.claim import Claim, Holding, Stage
from signer.core.agreement.claim_codec import read_claim
from signer.core.agreement.machine import OwnEntry
from signer.core.agreement.rules import Bound, may_void
from signer.journal.bearing import Bearing
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry
from signer.journal.database import Row, Tables
from signer.journal.entry import SignedEntry
from signer.journal.fold_agreement import name_of
from signer.journal.verdicts import Verdict, Verdicts


class JournalRecord:
    """What binds us, within the transaction that `tables` is in."""

    def __init__(
        self, tables: Tables, me: bytes, incarnation: bytes, verdicts: Verdicts | None = None
    ) -> None:
        """`verdicts`: of others' entries that wait."""
        self._tables = tables
        self._verdicts = verdicts or {}
        self._me = me
        self._incarnation = incarnation

    @property
    def me(self) -> bytes:
        """See Record."""
        return self._me

    @property
    def is_started(self) -> bool:
        """See Record."""
        return (
            self._row("SELECT 1 FROM starts WHERE incarnation = ?", self._incarnation) is not None
        )

    def is_taken(self, origin: bytes, number: int) -> bool:
        """See Record."""
        return (
            self._row("SELECT 1 FROM holdings WHERE name = ?", name_of(origin, number)) is not None
        )

    def is_forked(self, member: bytes) -> bool:
        """Whether two heads of that member's log contradict each other, and no new epoch came since."""
        return member in forked_members(self._tables)

    def own(self, number: int) -> OwnEntry | None:
        """See Record."""
        for leaf, entry in self._signed(number):
            live = self._row("SELECT entry FROM versions WHERE txid = ?", entry.claims.txid)
            if live == (number,) and entry.quorum:
                claim = claim_of(self._me, number, leaf, entry)
                waits = self._row("SELECT 1 FROM pending WHERE entry = ?", number)
                stage = Stage.AGREED if waits is None else Stage.PENDING
                return OwnEntry(claim, stage, entry.incarnation, entry.quorum)
        return None

    def pending(self) -> tuple[OwnEntry, ...]:
        """Our entries that wait for grants, oldest first."""
        rows = self._tables.execute("SELECT entry FROM pending ORDER BY entry").fetchall()
        found = (self.own(number) for (number,) in rows)
        return tuple(own for own in found if own is not None)

    def overdue(self, moment: int, limit: int) -> tuple[int, ...]:
        """The numbers of those that were recorded in this start, at that moment or before, oldest first."""
        rows = self._tables.execute(
            "SELECT entry FROM pending WHERE moment <= ? AND incarnation = ? ORDER BY entry LIMIT ?",
            (moment, self._incarnation, limit),
        )
        return tuple(number for (number,) in rows)

    def bound(self, claim: Claim) -> Bound:
        """See Record."""
        let_go = self._verdicts.get(claim.name, Verdict(None)).lets_pins_go
        bearing = Bearing(claim, self._tables, lets_pins_go=let_go)
        waiting, settled = bearing.ours()
        holdings = [Holding(each, Stage.PENDING) for each in self._ours(waiting)]
        holdings += [Holding(each, Stage.AGREED) for each in self._ours(settled)]
        holdings += [Holding(each, Stage.HELD) for each in self._held(bearing.held())]
        struck, closed = bearing.gone(each.claim for each in holdings)
        return Bound(holdings, struck, closed, self._may_void, let_go)

    def _ours(self, numbers: Iterable[int]) -> Iterator[Claim]:
        for number in numbers:
            for leaf, entry in self._signed(number):
                yield claim_of(self._me, number, leaf, entry)

    def _held(self, names: Iterable[bytes]) -> Iterator[Claim]:
        for name in names:
            for (claim,) in self._tables.execute(
                "SELECT claim FROM holdings WHERE name = ?", (name,)
            ):
                yield read_claim(claim)

    def _signed(self, number: int) -> Iterator[tuple[bytes, SignedEntry]]:
        """The signed entry of that number, if it is one."""
        rows = self._tables.execute("SELECT leaf, record FROM entries WHERE number = ?", (number,))
        for leaf, record in rows.fetchall():
            entry = decode_entry(record)
            if isinstance(entry, SignedEntry):
                yield leaf, entry

    def _may_void(self, claim: Claim) -> bool:
        row = self._row("SELECT incarnation FROM pending WHERE entry = ?", claim.number)
        return row is not None and may_void(row[0], self._incarnation, held_elsewhere=True)

    def _row(self, query: str, key: bytes | int) -> Row | None:
        return self._tables.execute(query, (key,)).fetchone()


def forked_members(tables: Tables) -> frozenset[bytes]:
    """Of whom two heads contradict each other, and no new epoch came since."""
    query = (
        "SELECT forks.member FROM forks LEFT JOIN member_epochs "
        "ON member_epochs.member = forks.member WHERE heard IS NULL OR heard <= forks.entry"
    )
    return frozenset(member for (member,) in tables.execute(query))
