"""The view and the listings (signer.ports.Reading), answered by point queries on the claim tables.

Rule 1: one reading lives in one transaction: the writer's (it sees the batch's earlier decisions) or a
        read-only snapshot. The writer makes a new one for each decision.
Rule 2: no answer takes longer because the log is longer.
"""

from collections.abc import Iterable, Iterator, Mapping

from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.control import ControlState
from signer.core.payment import WithdrawalId
from signer.core.view import RecordedVersion
from signer.journal.claims_codec import outpoint_bytes, read_outpoint
from signer.journal.database import Tables, the_row
from signer.journal.entry import SignedEntry
from signer.journal.fold_versions import batch_bytes
from signer.journal.header_chain import ChainSetting, TableChain
from signer.journal.log import number_of, read_checkpoint, record_of
from signer.journal.reading_pins import PinReading
from signer.journal.tiles import StoredTree
from signer.ports.chain import ChainReading
from signer.ports.reading import CoinRow, VersionRow

_CHARGED, _FREED = (
    f"SELECT total_amount, total_fresh FROM {table} WHERE vault = ? AND moment <= ? "  # noqa: S608
    "ORDER BY moment DESC, entry DESC LIMIT 1"
    for table in ("charges", "freed")
)


class TableReading(PinReading):
    """A look at the record within the transaction that `tables` is in."""

    def __init__(
        self,
        tables: Tables,
        now: int,
        control: ControlState | None = None,
        chain: ChainSetting | None = None,
    ) -> None:
        """`control`: the record's control state, where it is known already. Only for a reading that ends
        before the next entry is written. `chain`: what is configured; a record that is only read again has
        none."""
        super().__init__(tables, now)
        self._control = control
        self._chain = chain
        self._following: Mapping[tuple[bytes, int], int] | None = None

    def look_up(self, coins: Iterable[OutPoint], withdrawal_ids: Iterable[WithdrawalId]) -> None:
        """What every decision asks, once. Only for a reading that ends before the next entry is written."""
        super().look_up(coins, withdrawal_ids)
        self._control, self._following = self.control(), self.next_indexes()

    def recorded_coin(self, vault_fingerprint: bytes, coin: OutPoint) -> TxOut | None:
        """See View."""
        row = self._query(
            "SELECT amount, script FROM coins WHERE vault = ? AND coin = ?",
            (vault_fingerprint, outpoint_bytes(coin)),
        ).fetchone()
        return None if row is None else TxOut(Sats(row[0]), row[1])

    def version(self, txid: Txid) -> RecordedVersion | None:
        """See View."""
        row = self._query(
            "SELECT versions.entry, pending.entry FROM versions "
            "LEFT JOIN pending ON pending.entry = versions.entry WHERE txid = ?",
            (txid,),
        ).fetchone()
        if row is None:
            return None
        leaf, entry = self._recorded(row[0], SignedEntry)
        return RecordedVersion(
            decision_id=leaf,
            number=row[0],
            waits=row[1] is not None,
            txid=txid,
            vault_fingerprint=entry.vault_fingerprint,
            terms=frozenset(payment.terms for payment in entry.claims.payments),
            signing=entry.signing,
            recorded_at=entry.clock,
        )

    def is_waiting(self, number: int) -> bool:
        """Whether that entry of ours waits for grants."""
        query = "SELECT 1 FROM pending WHERE entry = ?"
        return self._query(query, (number,)).fetchone() is not None

    def dearest_fee(self, first_pin: OutPoint) -> Sats:
        """See View."""
        query = "SELECT max(fee) FROM versions WHERE first_pin = ?"
        (fee,) = the_row(self._query(query, (outpoint_bytes(first_pin),)))
        return Sats(fee or 0)

    def outflow_since(self, vault_fingerprint: bytes, moment: int) -> Sats:
        """See View."""
        return Sats(self._charged_since(vault_fingerprint, moment)[0])

    def withdrawals_since(self, vault_fingerprint: bytes, moment: int) -> int:
        """See View."""
        return self._charged_since(vault_fingerprint, moment)[1]

    def charges_since(
        self, vault_fingerprint: bytes, moment: int
    ) -> tuple[tuple[int, Sats, int], ...]:
        """See View."""
        rows = self._query(
            "SELECT moment, CAST(sum(amount) AS BIGINT), CAST(sum(fresh) AS BIGINT) FROM ("
            "SELECT moment, entry, amount, fresh FROM charges WHERE vault = ? AND moment > ? "
            "UNION ALL SELECT moment, entry, -amount, -fresh FROM freed WHERE vault = ? AND moment > ?"
            ") AS charged GROUP BY moment, entry HAVING sum(amount) <> 0 OR sum(fresh) <> 0 "
            "ORDER BY moment, entry",
            (vault_fingerprint, moment) * 2,
        )
        return tuple((when, Sats(amount), fresh) for when, amount, fresh in rows)

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        """See View."""
        if self._following is not None:
            return self._following.get((vault_fingerprint, branch), 0)
        row = self._query(
            "SELECT next FROM places WHERE vault = ? AND branch = ?", (vault_fingerprint, branch)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def next_indexes(self) -> Mapping[tuple[bytes, int], int]:
        """See Reading."""
        rows = self._query("SELECT vault, branch, next FROM places ORDER BY vault, branch")
        return {(vault, branch): following for vault, branch, following in rows}

    def batch_root(self, magic: bytes, batch: int) -> bytes | None:
        """See View."""
        return self._first(
            "SELECT root FROM batches WHERE magic = ? AND batch = ?", magic, batch_bytes(batch)
        )

    def highest_batch(self, magic: bytes) -> int | None:
        """See View."""
        batch = self._first(
            "SELECT batch FROM batches WHERE magic = ? ORDER BY batch DESC LIMIT 1", magic
        )
        return None if batch is None else int.from_bytes(batch, "big")

    def nonce_used(self, nonce: bytes) -> bool:
        """See View."""
        return self._first("SELECT nonce FROM nonces WHERE nonce = ?", nonce) is not None

    def chain(self) -> ChainReading | None:
        """See Reading."""
        return None if self._chain is None else TableChain(self._tables, self._chain, self._now)

    def tree(self) -> StoredTree:
        """The log's Merkle tree."""
        return StoredTree(self._tables, read_checkpoint(self._tables).frontier)

    def size(self) -> int:
        """See Reading."""
        return read_checkpoint(self._tables).frontier.size

    def last_entry(self) -> int:
        """See Reading."""
        return read_checkpoint(self._tables).clock

    def record(self, number: int) -> bytes:
        """See Reading."""
        return record_of(number, self._tables)

    def records(self, start: int, limit: int, most_bytes: int) -> tuple[bytes, ...]:
        """See Reading."""
        query = "SELECT record FROM entries WHERE number >= ? AND number < ? ORDER BY number"
        found, size = list[bytes](), 0
        for (record,) in self._tables.scan(query, (start, start + limit)):
            found.append(record)
            size += len(record)
            if size >= most_bytes:
                break
        return tuple(found)

    def number_of(self, decision_id: bytes) -> int | None:
        """See Reading."""
        return number_of(decision_id, self._tables)

    def head(self) -> str:
        """See Reading."""
        return read_checkpoint(self._tables).note

    def now(self) -> int:
        """See Reading."""
        return self._now

    def versions_of(self, withdrawal_id: WithdrawalId, after: int = 0) -> Iterator[VersionRow]:
        """See Reading."""
        rows = self._query(
            "SELECT entry FROM payments WHERE withdrawal = ? AND entry > ? ORDER BY entry",
            (withdrawal_id, after),
        ).fetchall()
        return (self._version_row(number) for (number,) in rows)

    def withdrawals(self, after: bytes, limit: int) -> tuple[WithdrawalId, ...]:
        """See Reading."""
        rows = self._query(
            "SELECT withdrawal FROM withdrawals WHERE withdrawal > ? ORDER BY withdrawal LIMIT ?",
            (after, limit),
        )
        return tuple(withdrawal for (withdrawal,) in rows)

    def coins(
        self, vault_fingerprint: bytes, after: OutPoint | None, limit: int
    ) -> tuple[CoinRow, ...]:
        """See Reading."""
        rows = self._query(
            "SELECT coin, amount, script, branch, place, height FROM coins "
            "WHERE vault = ? AND coin > ? ORDER BY coin LIMIT ?",
            (vault_fingerprint, b"" if after is None else outpoint_bytes(after), limit),
        ).fetchall()
        return tuple(
            CoinRow(
                coin,
                amount,
                script,
                branch,
                place,
                height,
                self.spenders(coin),
                self.is_buried(coin),
            )
            for coin, amount, script, branch, place, height in (
                (read_outpoint(row[0]), *row[1:]) for row in rows
            )
        )

    def _first(self, query: str, *arguments: bytes | int) -> bytes | None:
        row = self._query(query, arguments).fetchone()
        return None if row is None else bytes(row[0])

    def _charged_since(self, vault_fingerprint: bytes, moment: int) -> tuple[int, int]:
        """What was charged, less what voids freed of it."""
        amounts = [0, 0]
        for query, sign in ((_CHARGED, 1), (_FREED, -1)):
            latest = self._query(query, (vault_fingerprint, 2**63 - 1)).fetchone()
            if latest is not None:
                before = self._query(query, (vault_fingerprint, moment)).fetchone() or (0, 0)
                for at in (0, 1):
                    amounts[at] += sign * (latest[at] - before[at])
        return amounts[0], amounts[1]

    def _version_row(self, number: int) -> VersionRow:
        leaf, entry = self._recorded(number, SignedEntry)
        return VersionRow(
            entry=number,
            decision_id=leaf,
            txid=entry.claims.txid,
            psbt=entry.psbt,
            inputs=tuple(coin.outpoint for coin in entry.claims.coins),
            fee=entry.claims.fee,
            signed_at=entry.clock,
            awaits_grants=self._awaits_grants(number),
        )

    def _awaits_grants(self, number: int) -> bool:
        query = "SELECT 1 FROM pending WHERE entry = ?"
        return self._query(query, (number,)).fetchone() is not None
