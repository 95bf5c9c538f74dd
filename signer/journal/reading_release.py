"""What the record says of releases: this part of signer.ports.Reading, under the rules of
`signer.journal.reading`."""

from dataclasses import replace

from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.agreement.claim_codec import read_claim
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.released import ReleasedNotice
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.codec import decode_entry
from signer.journal.fold_release import CLOSED_PIN
from signer.journal.followed import is_settled
from signer.journal.reading_agreement import forked_members
from signer.journal.reading_deposits import DepositReading


class ReleaseReading(DepositReading):
    """A look at what was released, within the transaction that `tables` is in."""

    def closing_since(self, vault_fingerprint: bytes, equals: tuple[WithdrawalTerms, ...]) -> int:
        """See View."""
        key = (vault_fingerprint, equals[0].amount, equals[0].script_pubkey)
        row = self._query(
            "SELECT moment, entry FROM closings WHERE vault = ? AND amount = ? AND script = ?", key
        ).fetchone()
        if row is None:
            return 0
        query = "SELECT txid FROM payments WHERE withdrawal = ? AND entry > ?"
        since = (
            {txid for (txid,) in self._query(query, (each.withdrawal_id, row[1]))}
            for each in equals
        )
        return 0 if set.intersection(*since) else int(row[0])

    def released(self, withdrawal_id: WithdrawalId, pin: OutPoint | None) -> bytes | None:
        """See Reading."""
        row = self._query(
            "SELECT leaf FROM releases JOIN entries ON number = entry WHERE withdrawal = ? AND pin = ?",
            (withdrawal_id, CLOSED_PIN if pin is None else outpoint_bytes(pin)),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def has_agreed(self, withdrawal_id: WithdrawalId, txid: Txid) -> bool:
        """See Reading."""
        query = (
            "SELECT 1 FROM payments LEFT JOIN pending ON pending.entry = payments.entry "
            "WHERE withdrawal = ? AND txid = ? AND pending.entry IS NULL"
        )
        return self._query(query, (withdrawal_id, txid)).fetchone() is not None

    def agreed_elsewhere(self, withdrawal_id: WithdrawalId, txid: Txid) -> tuple[bytes, ...]:
        """See Reading."""
        rows = self._query(
            "SELECT claim, holdings.name FROM holdings JOIN held_pays ON held_pays.name = holdings.name "
            "WHERE txid = ? AND withdrawal = ? ORDER BY holdings.name",
            (txid, withdrawal_id),
        ).fetchall()
        found, forked = dict[bytes, bytes](), forked_members(self._tables)
        for record, name in rows:
            claim = read_claim(record)
            if claim.origin not in forked | found.keys() and is_settled(self._tables, claim):
                found[claim.origin] = bytes(name)
        return tuple(found.values())

    def closed_by(self, killer: Txid, like: WithdrawalTerms) -> int:
        """See Reading."""
        rows = self._query(
            "SELECT record FROM releases JOIN entries ON number = entry "
            "WHERE killer = ? AND pin = ? AND withdrawal <> ?",
            (killer, CLOSED_PIN, like.withdrawal_id),
        )
        closings = [decode_entry(record) for (record,) in rows.fetchall()]
        return sum(
            isinstance(each, ReleasedNotice)
            and replace(each.terms, withdrawal_id=like.withdrawal_id) == like
            for each in closings
        )

    def is_buried(self, coin: OutPoint) -> bool:
        """Whether a transaction that spends that coin of ours is buried."""
        query = "SELECT 1 FROM buried WHERE coin = ?"
        return self._query(query, (outpoint_bytes(coin),)).fetchone() is not None
