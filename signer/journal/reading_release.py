"""What the record says of releases: this part of signer.ports.Reading, under the rules of
`signer.journal.reading`."""

from signer.bitcoin.transaction import OutPoint
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.fold_release import CLOSED_PIN
from signer.journal.reading_notices import NoticeReading


class ReleaseReading(NoticeReading):
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

    def is_buried(self, coin: OutPoint) -> bool:
        """Whether a transaction that spends that coin of ours is buried."""
        query = "SELECT 1 FROM buried WHERE coin = ?"
        return self._query(query, (outpoint_bytes(coin),)).fetchone() is not None
