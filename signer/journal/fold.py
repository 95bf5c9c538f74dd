"""The claim tables as the fold of the entries (design section 2): used live and by `journal verify`.

Rule 1: what goes into a claim table depends on the entry, its number and the tables, and nothing else.
Rule 2: a withdrawal is pinned once (J1), a batch has one root (J2), a sweep statement serves once, a txid
        is recorded once: the primary keys hold it, in the transaction that records, should a decision
        ever be wrong.
Rule 3: charges carry running totals, so that a window costs two look-ups however long the log is.
Rule 4: a version that binds nothing new needs no new word of an attestor: anyone who may ask can make as
        many as it likes of one withdrawal or batch. Their bytes are counted by caller.
"""

import sqlite3

from signer.core.view import WithdrawalState
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.entry import Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.journal.fold_notices import apply_notice


def apply(number: int, entry: Entry, tables: sqlite3.Connection) -> None:
    """Bring the claim tables from before that entry to after it."""
    if isinstance(entry, SignedEntry):
        _apply_repeat(number, entry, tables)  # first: it looks at the tables of before
        _apply_version(number, entry, tables)
        _apply_withdrawals(entry, tables)
        _apply_statements(entry, tables)
        _apply_coins(entry, tables)
        _apply_charge(number, entry, tables)
        if entry.claims.payments:
            tables.execute("INSERT INTO events VALUES (?, 0)", (number,))
    elif isinstance(entry, RefusedEntry):
        row = (entry.caller, entry.clock, number, entry.request_digest, entry.code)
        tables.execute("INSERT INTO refusals VALUES (?,?,?,?,?,?)", (*row, len(entry.request)))
    elif not isinstance(entry, GenesisEntry):
        tables.execute("INSERT INTO events VALUES (?, 0)", (number,))
        apply_notice(number, entry, tables)


def binds_something(entry: SignedEntry, tables: sqlite3.Connection) -> bool:
    """Whether the entry is the first for some withdrawal, batch or sweep statement (rule 4)."""
    claims = entry.claims
    if claims.new_pins or claims.sweep_nonce:
        return True
    if claims.anchor is None:
        return False
    key = (claims.anchor.magic, batch_bytes(claims.anchor.batch))
    query = "SELECT 1 FROM batches WHERE magic = ? AND batch = ?"
    return tables.execute(query, key).fetchone() is None


def batch_bytes(batch: int) -> bytes:
    """8 bytes that sort as batches do."""
    return batch.to_bytes(8, "big")


def _apply_repeat(number: int, entry: SignedEntry, tables: sqlite3.Connection) -> None:
    if not binds_something(entry, tables):
        row = (entry.caller, entry.clock, number, entry.received)
        tables.execute("INSERT INTO repeats VALUES (?,?,?,?)", row)


def _apply_version(number: int, entry: SignedEntry, tables: sqlite3.Connection) -> None:
    claims = entry.claims
    first_pin = None if claims.first_pin is None else outpoint_bytes(claims.first_pin)
    tables.execute(
        "INSERT INTO versions VALUES (?,?,?,?)", (claims.txid, number, first_pin, claims.fee)
    )
    tables.executemany(
        "INSERT INTO payments VALUES (?,?,?)",
        [(payment.withdrawal_id, claims.txid, number) for payment in claims.payments],
    )


def _apply_withdrawals(entry: SignedEntry, tables: sqlite3.Connection) -> None:
    payments = {payment.withdrawal_id: payment for payment in entry.claims.payments}
    rows = []
    for withdrawal_id, pin in entry.claims.new_pins:
        payment = payments[withdrawal_id]
        terms = (entry.vault_fingerprint, payment.amount, payment.script_pubkey)
        rows.append((withdrawal_id, *terms, WithdrawalState.OPEN.value, outpoint_bytes(pin)))
    tables.executemany("INSERT INTO withdrawals VALUES (?,?,?,?,?,?)", rows)
    tables.executemany(
        "UPDATE first_seen SET unsigned = 0 WHERE withdrawal = ?", [row[:1] for row in rows]
    )


def _apply_statements(entry: SignedEntry, tables: sqlite3.Connection) -> None:
    anchor, nonce = entry.claims.anchor, entry.claims.sweep_nonce
    if anchor is not None:  # the same row stays; another root meets the primary key
        row = (anchor.magic, batch_bytes(anchor.batch), anchor.root)
        tables.execute(
            "INSERT INTO batches SELECT ?1,?2,?3 WHERE NOT EXISTS "
            "(SELECT 1 FROM batches WHERE magic = ?1 AND batch = ?2 AND root = ?3)",
            row,
        )
    if nonce:
        tables.execute("INSERT INTO nonces VALUES (?)", (nonce,))
        tables.execute("DELETE FROM moves WHERE nonce = ?", (nonce,))


def _apply_coins(entry: SignedEntry, tables: sqlite3.Connection) -> None:
    claims, vault = entry.claims, entry.vault_fingerprint
    keyed = [(outpoint_bytes(coin.outpoint), coin) for coin in claims.coins]
    tables.executemany("INSERT INTO spends VALUES (?,?)", [(key, claims.txid) for key, _ in keyed])
    tables.executemany(
        "INSERT INTO coins VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE "
        "SET height = excluded.height WHERE height = -1",
        [
            (vault, key, coin.amount, coin.script_pubkey, coin.branch, coin.index,
             -1 if coin.height is None else coin.height)
            for key, coin in keyed
        ],
    )  # fmt: skip
    tables.executemany(
        "INSERT INTO places VALUES (?,?,?) ON CONFLICT DO UPDATE SET next = max(next, excluded.next)",
        [(vault, branch, index + 1) for branch, index in claims.seen],
    )


def _apply_charge(number: int, entry: SignedEntry, tables: sqlite3.Connection) -> None:
    amount, fresh = entry.claims.charge, len(entry.claims.new_pins)
    if amount or fresh:
        totals = tables.execute(
            "SELECT total_amount, total_fresh FROM charges WHERE vault = ? "
            "ORDER BY moment DESC, entry DESC LIMIT 1",
            (entry.vault_fingerprint,),
        ).fetchone() or (0, 0)
        tables.execute(
            "INSERT INTO charges VALUES (?,?,?,?,?,?,?)",
            (entry.vault_fingerprint, entry.clock, number, amount, fresh,
             totals[0] + amount, totals[1] + fresh),
        )  # fmt: skip
