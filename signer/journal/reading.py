"""The view and the listings (signer.ports.Reading), answered by point queries on the claim tables.

Rule 1: one reading lives in one transaction: the writer's (it sees the batch's earlier decisions) or a
        read-only snapshot. The writer makes a new one for each decision.
Rule 2: no answer takes longer because the log is longer.
"""

import sqlite3
from collections.abc import Iterator

from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.view import RecordedVersion, RecordedWithdrawal, WithdrawalState
from signer.journal.claims_codec import outpoint_bytes, read_outpoint
from signer.journal.entry import SignedEntry
from signer.journal.fold import batch_bytes
from signer.journal.log import read_checkpoint
from signer.journal.reading_notices import NoticeReading
from signer.ports import CoinRow, VersionRow


class SqliteReading(NoticeReading):
    """A look at the record within the transaction that `connection` is in."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        super().__init__(connection, now)
        self._spenders: dict[OutPoint, tuple[bytes, ...]] = {}
        self._pinned: dict[OutPoint, tuple[bytes, ...]] = {}

    def look_up(self, coins: tuple[OutPoint, ...]) -> None:
        """Answer `spenders` and `pinned_to` of these coins from here on: two queries instead of some for
        each coin and payment. Only for a reading that ends before the next entry is written."""
        marks = ",".join("?" * len(coins))
        spenders = f"SELECT coin, txid FROM spends WHERE coin IN ({marks}) ORDER BY txid"  # noqa: S608
        pinned = (
            f"SELECT pin, withdrawal FROM withdrawals WHERE pin IN ({marks}) AND state = 'open' "  # noqa: S608
            "ORDER BY withdrawal"
        )
        self._spenders = self._by_coin(spenders, coins)
        self._pinned = self._by_coin(pinned, coins)

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """See View."""
        row = self._query(
            "SELECT * FROM withdrawals WHERE withdrawal = ?", (withdrawal_id,)
        ).fetchone()
        return None if row is None else _recorded(row)

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        """See View."""
        rows = self._query(
            "SELECT * FROM withdrawals WHERE script = ? AND amount = ? AND vault = ? "
            "AND state = 'open' ORDER BY withdrawal",
            (script_pubkey, amount, vault_fingerprint),
        )
        return tuple(map(_recorded, rows))

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        """See View."""
        if coin in self._pinned:
            return self._pinned[coin]
        rows = self._query(
            "SELECT withdrawal FROM withdrawals WHERE pin = ? AND state = 'open' ORDER BY withdrawal",
            (outpoint_bytes(coin),),
        )
        return tuple(withdrawal for (withdrawal,) in rows)

    def recorded_coin(self, vault_fingerprint: bytes, coin: OutPoint) -> TxOut | None:
        """See View."""
        row = self._query(
            "SELECT amount, script FROM coins WHERE vault = ? AND coin = ?",
            (vault_fingerprint, outpoint_bytes(coin)),
        ).fetchone()
        return None if row is None else TxOut(Sats(row[0]), row[1])

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        """See View."""
        if coin in self._spenders:
            return tuple(map(Txid, self._spenders[coin]))
        rows = self._query(
            "SELECT txid FROM spends WHERE coin = ? ORDER BY txid", (outpoint_bytes(coin),)
        )
        return tuple(Txid(txid) for (txid,) in rows)

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        """See View."""
        rows = self._query("SELECT txid FROM payments WHERE withdrawal = ?", (withdrawal_id,))
        return frozenset(Txid(txid) for (txid,) in rows)

    def version(self, txid: Txid) -> RecordedVersion | None:
        """See View."""
        row = self._query("SELECT entry FROM versions WHERE txid = ?", (txid,)).fetchone()
        if row is None:
            return None
        leaf, entry = self._recorded(row[0], SignedEntry)
        return RecordedVersion(
            decision_id=leaf,
            txid=txid,
            vault_fingerprint=entry.vault_fingerprint,
            terms=frozenset(payment.terms for payment in entry.claims.payments),
            signing=entry.signing,
        )

    def dearest_fee(self, first_pin: OutPoint) -> Sats:
        """See View."""
        (fee,) = self._query(
            "SELECT max(fee) FROM versions WHERE first_pin = ?", (outpoint_bytes(first_pin),)
        ).fetchone()
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
            "SELECT moment, amount, fresh FROM charges WHERE vault = ? AND moment > ? "
            "ORDER BY moment, entry",
            (vault_fingerprint, moment),
        )
        return tuple((when, Sats(amount), fresh) for when, amount, fresh in rows)

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        """See View."""
        row = self._query(
            "SELECT next FROM places WHERE vault = ? AND branch = ?", (vault_fingerprint, branch)
        ).fetchone()
        return 0 if row is None else int(row[0])

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

    def released_root(self, size: int) -> bytes | None:
        """The root of the head that this log released with that many entries."""
        return self._first("SELECT root FROM roots WHERE size = ?", size)

    def head(self) -> str:
        """See Reading."""
        return read_checkpoint(self._connection).note

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
            CoinRow(coin, amount, script, branch, place, height, self.spenders(coin))
            for coin, amount, script, branch, place, height in (
                (read_outpoint(row[0]), *row[1:]) for row in rows
            )
        )

    def _first(self, query: str, *arguments: bytes | int) -> bytes | None:
        row = self._query(query, arguments).fetchone()
        return None if row is None else bytes(row[0])

    def _by_coin(
        self, query: str, coins: tuple[OutPoint, ...]
    ) -> dict[OutPoint, tuple[bytes, ...]]:
        keys = {outpoint_bytes(coin): coin for coin in coins}
        found: dict[OutPoint, list[bytes]] = {coin: [] for coin in coins}
        for key, value in self._query(query, tuple(keys)):
            found[keys[key]].append(value)
        return {coin: tuple(values) for coin, values in found.items()}

    def _charged_since(self, vault_fingerprint: bytes, moment: int) -> tuple[int, int]:
        query = (
            "SELECT total_amount, total_fresh FROM charges WHERE vault = ? AND moment <= ? "
            "ORDER BY moment DESC, entry DESC LIMIT 1"
        )
        latest = self._query(query, (vault_fingerprint, 2**63 - 1)).fetchone() or (0, 0)
        before = self._query(query, (vault_fingerprint, moment)).fetchone() or (0, 0)
        return latest[0] - before[0], latest[1] - before[1]

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
        )


def _recorded(row: tuple[bytes, bytes, int, bytes, str, bytes]) -> RecordedWithdrawal:
    withdrawal_id, vault, amount, script, state, pin = row
    terms = WithdrawalTerms(withdrawal_id, Sats(amount), script)
    return RecordedWithdrawal(terms, vault, WithdrawalState(state), read_outpoint(pin))
