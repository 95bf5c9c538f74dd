"""What a void undoes (J6): the claims of an entry of ours that waited for grants.

1. Of what the entry bound goes what no other live version binds: the version, what it pays and spends, a
   withdrawal without a version, a pin that no version of it spends, a batch without one, a sweep statement.
2. Charges are then those that the live versions alone would have made: each withdrawal in full with the first
   of them, and of those with one first pin whatever each adds to the dearest fee before it. The rows of
   `charges` stay; `freed` says what is to be taken off them.
3. What was seen stays: coins, addresses, first attestations, what the caller used of its budget; `voids`
   counts by caller what void entries take on disk.
"""

from collections.abc import Iterator
from typing import NamedTuple

from signer.core.payment import Payment
from signer.journal.claims_codec import outpoint_bytes, read_claims
from signer.journal.database import Contradiction, Tables, the_row
from signer.journal.entry import Claims
from signer.journal.fold_versions import batch_bytes


class _Place(NamedTuple):
    """A version among the charges of its vault."""

    moment: int
    entry: int


class _Charge(NamedTuple):
    """What is taken off at a place, or put there."""

    place: _Place
    amount: int
    fresh: int


class _Voided(NamedTuple):
    """The entry that is undone."""

    place: _Place
    vault: bytes
    claims: Claims


def settle(number: int, tables: Tables) -> Claims:
    """The claims of that entry, which is agreed now. Raises Contradiction if it did not wait for grants."""
    return _taken_out(number, tables).claims


def undo(number: int, tables: Tables) -> None:
    """Bring the tables to what they were without that pending entry. Raises Contradiction if it is not
    pending: agreed and void are final."""
    tables.execute(
        "INSERT INTO voids SELECT caller, moment, entry, received FROM pending WHERE entry = ?",
        (number,),
    )
    voided = _taken_out(number, tables)
    fees = list(_freed_fees(voided, tables))
    claims, txid = voided.claims, voided.claims.txid
    tables.execute("DELETE FROM versions WHERE txid = ?", (txid,))
    coins = [(outpoint_bytes(coin.outpoint), txid) for coin in claims.coins]
    tables.executemany("DELETE FROM spends WHERE coin = ? AND txid = ?", coins)
    pins = [(each, outpoint_bytes(pin), number) for each, pin in claims.new_pins + claims.relied]
    tables.executemany("DELETE FROM relied WHERE withdrawal = ? AND coin = ? AND entry = ?", pins)
    paid = [charge for each in claims.payments for charge in _unpaid(each, voided, tables)]
    tables.executemany(
        "UPDATE withdrawals SET pin = NULL WHERE withdrawal = ? AND pin = ? AND NOT EXISTS "
        "(SELECT 1 FROM payments JOIN spends ON spends.txid = payments.txid "
        "WHERE payments.withdrawal = ? AND spends.coin = ?)",
        [(each, pin, each, pin) for each, pin, _ in pins],
    )
    moved = sum(rotation.amount for rotation in claims.rotations)
    for charge in (*fees, *paid, _Charge(voided.place, moved, 0)):
        _free(voided.vault, charge, tables)
    _undo_statements(number, claims, tables)


def _taken_out(number: int, tables: Tables) -> _Voided:
    query = "SELECT moment, vault, claims FROM pending WHERE entry = ?"
    row = tables.execute(query, (number,)).fetchone()
    if row is None:
        raise Contradiction(f"entry {number} does not wait for grants")
    tables.execute("DELETE FROM pending WHERE entry = ?", (number,))
    return _Voided(_Place(row[0], number), row[1], read_claims(row[2]))


def _freed_fees(voided: _Voided, tables: Tables) -> Iterator[_Charge]:
    """What later versions with the same first pin now add to the dearest fee before them, and the voided no
    longer does. To be asked while its row stands."""
    claims, number = voided.claims, voided.place.entry
    if claims.first_pin is None:
        yield _Charge(voided.place, claims.fee, 0)
        return
    pin = outpoint_bytes(claims.first_pin)
    query = "SELECT max(fee) FROM versions WHERE first_pin = ? AND entry < ?"
    (before,) = the_row(tables.execute(query, (pin, number)))
    dearest = remaining = before or 0
    rows = tables.execute(
        "SELECT moment, entry, fee FROM versions WHERE first_pin = ? AND entry >= ? ORDER BY entry",
        (pin, number),
    )
    for moment, entry, fee in rows.fetchall():
        added, dearest = max(0, fee - dearest), max(dearest, fee)
        if entry != number:
            added, remaining = added - max(0, fee - remaining), max(remaining, fee)
        yield _Charge(_Place(moment, entry), added, 0)
        if remaining == dearest:
            return


def _unpaid(payment: Payment, voided: _Voided, tables: Tables) -> Iterator[_Charge]:
    """The withdrawal without that version: charged with its next one, or no longer known."""
    withdrawal_id, number = payment.withdrawal_id, voided.place.entry
    key = (withdrawal_id, voided.claims.txid)
    tables.execute("DELETE FROM payments WHERE withdrawal = ? AND txid = ?", key)
    first = tables.execute(
        "SELECT versions.moment, versions.entry FROM payments "
        "JOIN versions ON versions.txid = payments.txid "
        "WHERE payments.withdrawal = ? ORDER BY versions.entry LIMIT 1",
        (withdrawal_id,),
    ).fetchone()
    if first is None:
        tables.execute("DELETE FROM withdrawals WHERE withdrawal = ?", (withdrawal_id,))
        tables.execute("UPDATE first_seen SET unsigned = 1 WHERE withdrawal = ?", (withdrawal_id,))
    if first is None or first[1] > number:
        yield _Charge(voided.place, payment.amount, 1)
    if first is not None and first[1] > number:
        yield _Charge(_Place(*first), -payment.amount, -1)


def _free(vault: bytes, charge: _Charge, tables: Tables) -> None:
    """Take it off at its place. Later rows are few: what is voided was recorded lately."""
    if not charge.amount and not charge.fresh:
        return
    (moment, entry), amount, fresh = charge
    behind = "vault = ? AND (moment > ? OR (moment = ? AND entry > ?))"
    upto = "vault = ? AND (moment < ? OR (moment = ? AND entry <= ?))"
    where = (vault, moment, moment, entry)
    totals = tables.execute(
        f"SELECT total_amount, total_fresh FROM freed WHERE {upto} "  # noqa: S608
        "ORDER BY moment DESC, entry DESC LIMIT 1",
        where,
    ).fetchone() or (0, 0)
    tables.execute(
        "INSERT INTO freed VALUES (?,?,?,?,?,?,?) ON CONFLICT (vault, moment, entry) DO UPDATE "
        "SET amount = freed.amount + excluded.amount, fresh = freed.fresh + excluded.fresh, "
        "total_amount = excluded.total_amount, total_fresh = excluded.total_fresh",
        (vault, moment, entry, amount, fresh, totals[0] + amount, totals[1] + fresh),
    )
    tables.execute(
        f"UPDATE freed SET total_amount = total_amount + ?, total_fresh = total_fresh + ? WHERE {behind}",  # noqa: S608
        (amount, fresh, *where),
    )


def _undo_statements(number: int, claims: Claims, tables: Tables) -> None:
    anchor = claims.anchor
    if anchor is not None:
        key = (anchor.magic, batch_bytes(anchor.batch))
        tables.execute(
            "DELETE FROM anchors WHERE magic = ? AND batch = ? AND entry = ?", (*key, number)
        )
        query = "SELECT 1 FROM anchors WHERE magic = ? AND batch = ? LIMIT 1"
        if tables.execute(query, key).fetchone() is None:
            tables.execute("DELETE FROM batches WHERE magic = ? AND batch = ?", key)
    if claims.sweep_nonce:
        tables.execute("DELETE FROM nonces WHERE nonce = ?", (claims.sweep_nonce,))
