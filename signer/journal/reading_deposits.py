"""What the record says of attested deposits: this part of signer.ports.Reading, under the rules of
`signer.journal.reading`.

Rule 1: what the attestation key signs is read from an entry, here and nowhere else.
"""

from signer.bitcoin.transaction import OutPoint
from signer.core.deposits import DepositNotice, RecordedDeposit
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.reading_notices import NoticeReading


class DepositReading(NoticeReading):
    """A look at attested deposits, within the transaction that `tables` is in."""

    def attested_deposit(
        self, outpoint: OutPoint, block_hash: bytes, key: bytes
    ) -> RecordedDeposit | None:
        """See Reading."""
        query = "SELECT entry FROM deposits WHERE coin = ? AND block = ? AND signer = ?"
        row = self._query(query, (outpoint_bytes(outpoint), block_hash, key)).fetchone()
        if row is None:
            return None
        leaf, notice = self._recorded(row[0], DepositNotice)
        return RecordedDeposit(notice, row[0], leaf)
