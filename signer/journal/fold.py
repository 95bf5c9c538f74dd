"""The claim tables as the fold of the entries (design section 2): used live and by `journal verify`.

Rule 1: what goes into a claim table depends on the entry, its number and the tables, and nothing else.
Rule 2: a withdrawal is pinned once and a txid is recorded once: the primary keys hold it, in the
        transaction that records (J1), should a decision ever be wrong.
Rule 3: charges carry running totals, so that a window costs two look-ups however long the log is.
"""

import sqlite3

from signer.core.vault import CHANGE
from signer.core.view import WithdrawalState
from signer.journal.codec import outpoint_bytes
from signer.journal.entry import Claims, Entry, RefusedEntry, SignedEntry


def apply(number: int, entry: Entry, tables: sqlite3.Connection) -> None:
    """Bring the claim tables from before that entry to after it."""
    if isinstance(entry, SignedEntry):
        _apply_version(number, entry, tables)
        _apply_withdrawals(entry, tables)
        _apply_coins(entry, tables)
        _apply_charge(number, entry, tables)
    elif isinstance(entry, RefusedEntry):
        row = (entry.caller, entry.clock, number, entry.request_digest, entry.code)
        tables.execute("INSERT INTO refusals VALUES (?,?,?,?,?,?)", (*row, len(entry.request)))


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
        [(vault, branch, index + 1) for branch, index in sorted(_highest(claims).items())],
    )


def _highest(claims: Claims) -> dict[int, int]:
    highest = {CHANGE: claims.change.index} if claims.change is not None else {}
    for coin in claims.coins:
        highest[coin.branch] = max(coin.index, highest.get(coin.branch, 0))
    return highest


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
