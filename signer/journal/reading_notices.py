"""What the record says of clocks, officers' acts and policies: this part of signer.ports.Reading, under the
rules of `signer.journal.reading`.

Rule 1: an approved move that expired and a hold that ended are not looked at: what officers may write in a
        month bounds the rest.
"""

from typing import TypeVar

from signer.bitcoin.units import Sats
from signer.core.agreement.notices import AgreedNotice
from signer.core.control import ControlState
from signer.core.deposits import DepositNotice
from signer.core.errors import Fault
from signer.core.evidence import SweepTerms
from signer.core.evidence_codec import read_sweep
from signer.core.governance import GovernanceState
from signer.core.notices import AttestedNotice, Notice, OfficerNotice, PolicyNotice
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.journal.codec import decode_entry
from signer.journal.database import Tables, Value, the_row
from signer.journal.entry import Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.journal.fold_control import control_state
from signer.journal.fold_notices import HELD_DESTINATION, HELD_WITHDRAWAL, governance_state

Recorded = TypeVar(
    "Recorded", AttestedNotice, DepositNotice, OfficerNotice, PolicyNotice, SignedEntry
)


class NoticeReading:
    """A look at what notices said, within the transaction that `tables` is in."""

    def __init__(self, tables: Tables, now: int) -> None:
        self._query = tables.execute
        self._tables = tables
        self._now = now
        self._control: ControlState | None = None

    def first_attested(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorum: bytes
    ) -> int | None:
        """See View."""
        key = (terms.withdrawal_id, vault_fingerprint, terms.amount, terms.script_pubkey, quorum)
        row = self._query(
            "SELECT moment FROM first_seen WHERE withdrawal = ? AND vault = ? AND amount = ? "
            "AND script = ? AND quorum = ?",
            key,
        ).fetchone()
        return None if row is None else int(row[0])

    def attested_evidence(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorums: tuple[bytes, ...]
    ) -> bytes:
        """See Reading."""
        of_quorums = f"quorum IN ({_marks(quorums)})"
        query = (
            f"SELECT max(entry) FROM first_seen WHERE withdrawal = ? AND vault = ? AND {of_quorums} "  # noqa: S608
            "AND amount = ? AND script = ?"
        )
        exactly: tuple[Value, ...] = (terms.amount, terms.script_pubkey)
        key = (terms.withdrawal_id, vault_fingerprint, *quorums, *exactly)
        (newest,) = the_row(self._query(query, key))
        return b"" if newest is None else self._recorded(newest, AttestedNotice)[1].evidence

    def attested_pending(
        self, vault_fingerprint: bytes, quorums: tuple[bytes, ...], after: bytes, limit: int
    ) -> tuple[WithdrawalTerms, ...]:
        """See Reading. Terms of one id are never torn apart."""
        of_quorums = f"vault = ? AND unsigned = 1 AND quorum IN ({_marks(quorums)})"
        ids = (
            f"SELECT DISTINCT withdrawal FROM first_seen WHERE {of_quorums} "  # noqa: S608
            "AND withdrawal > ? ORDER BY withdrawal LIMIT ?"
        )
        query = (
            f"SELECT DISTINCT withdrawal, amount, script FROM first_seen WHERE {of_quorums} "  # noqa: S608
            f"AND withdrawal IN ({ids}) ORDER BY withdrawal, amount, script"
        )
        of = (vault_fingerprint, *quorums)
        rows = self._query(query, (*of, *of, after, limit))
        return tuple(WithdrawalTerms(each, Sats(amount), script) for each, amount, script in rows)

    def approvers(self, subject: bytes) -> tuple[tuple[bytes, int], ...]:
        """See View."""
        rows = self._query(
            "SELECT officer, expiry FROM approvals AS given WHERE subject = ? AND NOT EXISTS "
            "(SELECT 1 FROM rejections AS no WHERE no.subject = given.subject "
            "AND no.officer = given.officer) ORDER BY officer",
            (subject,),
        )
        return tuple(rows)

    def rejecters(self, subject: bytes) -> tuple[bytes, ...]:
        """See Reading."""
        query = "SELECT officer FROM rejections WHERE subject = ? ORDER BY officer"
        return tuple(officer for (officer,) in self._query(query, (subject,)))

    def acts_about(self, subject: bytes) -> tuple[tuple[bytes, OfficerNotice], ...]:
        """See Reading."""
        rows = self._query("SELECT entry FROM acts WHERE subject = ? ORDER BY entry", (subject,))
        return tuple(self._recorded(number, OfficerNotice) for (number,) in rows.fetchall())

    def approved_moves(self, vault_fingerprint: bytes) -> tuple[SweepTerms, ...]:
        """See View."""
        rows = self._query(
            "SELECT terms FROM moves WHERE vault = ? AND expiry > ? "
            "AND NOT EXISTS (SELECT 1 FROM nonces WHERE nonces.nonce = moves.nonce)",
            (vault_fingerprint, self._now),
        )
        return tuple(read_sweep(terms) for terms in sorted({terms for (terms,) in rows}))

    def held_until(self, withdrawal_id: WithdrawalId, script_pubkey: bytes) -> int:
        """See View."""
        query = "SELECT max(until) FROM holds WHERE kind = ? AND target = ? AND lifted = 0"
        targets = (HELD_WITHDRAWAL, withdrawal_id, HELD_DESTINATION, script_pubkey)
        rows = self._query(f"{query} UNION ALL {query}", targets)
        return max(until or 0 for (until,) in rows)

    def holds_by(self, officer: bytes) -> tuple[int, ...]:
        """See Reading."""
        query = (
            "SELECT until FROM holds WHERE officer = ? AND lifted = 0 AND until > ? ORDER BY until"
        )
        return tuple(until for (until,) in self._query(query, (officer, self._now)))

    def last_hold(self, officer: bytes) -> int:
        """See Reading."""
        query = "SELECT max(until) FROM holds WHERE officer = ? AND lifted = ?"
        ends = (the_row(self._query(query, (officer, lifted)))[0] for lifted in (0, 1))
        return max(end or 0 for end in ends)

    def governance(self) -> GovernanceState:
        """See Reading."""
        return governance_state(self._tables)

    def control(self) -> ControlState:
        """See View."""
        return control_state(self._tables) if self._control is None else self._control

    def policy_bytes(self, policy_id: bytes) -> bytes | None:
        """See Reading."""
        query = "SELECT entry FROM policies WHERE policy = ? ORDER BY entry DESC LIMIT 1"
        row = self._query(query, (policy_id,)).fetchone()
        return None if row is None else self._recorded(row[0], PolicyNotice)[1].policy

    def notices(self, after: int, limit: int) -> tuple[tuple[int, bytes, Notice | str], ...]:
        """See Reading."""
        rows = self._query(
            "SELECT number, leaf, record FROM events JOIN entries ON number = entry "
            "WHERE entry > ? ORDER BY entry LIMIT ?",
            (after, limit),
        )
        return tuple(
            (number, *self._event(leaf, decode_entry(record)))
            for number, leaf, record in rows.fetchall()
        )

    def policy_notices(self, after: int, limit: int) -> tuple[tuple[int, Notice], ...]:
        """See Reading."""
        rows = self._query(
            "SELECT number, record FROM policy_events JOIN entries ON number = entry "
            "WHERE entry > ? ORDER BY entry LIMIT ?",
            (after, limit),
        )
        return tuple((number, _notice(decode_entry(record))) for number, record in rows)

    def _event(self, leaf: bytes, entry: Entry) -> tuple[bytes, Notice | str]:
        """What is told of an entry, and its decision id: of one that says that another is agreed, that
        one's."""
        if isinstance(entry, AgreedNotice):
            leaf, entry = self._recorded(entry.number, SignedEntry)
        if isinstance(entry, SignedEntry):
            paid = " ".join(payment.withdrawal_id.hex() for payment in entry.claims.payments)
            return leaf, f"signed {paid}"
        return leaf, _notice(entry)

    def _recorded(self, number: int, kind: type[Recorded]) -> tuple[bytes, Recorded]:
        """That entry and its leaf hash. Raises Fault if it is of another kind."""
        query = "SELECT leaf, record FROM entries WHERE number = ?"
        leaf, record = the_row(self._query(query, (number,)))
        entry = decode_entry(record)
        if not isinstance(entry, kind):
            raise Fault(f"entry {number} is not of the kind that the tables say")
        return leaf, entry


def _marks(values: tuple[bytes, ...]) -> str:
    return ",".join("?" * len(values)) or "NULL"  # an empty list is no SQL of PostgreSQL's


def _notice(entry: Entry) -> Notice:
    if isinstance(entry, (GenesisEntry, SignedEntry, RefusedEntry)):
        raise Fault("the tables say that an entry is a notice, and it is none")
    return entry
