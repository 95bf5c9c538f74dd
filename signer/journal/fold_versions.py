"""What a signed entry does to the claim tables, under the rules of `signer.journal.fold`.

1. A withdrawal is pinned once, and anew after a strike (J1), a batch has one root (J2), a sweep statement
   serves once, a txid is recorded once: keys hold it, in the transaction that records, should a decision
   ever be wrong.
2. Charges carry running totals, so that a window costs few look-ups however long the log is.
3. A version that binds nothing new needs no new word of an attestor: anyone who may ask can make as many as
   it likes of one withdrawal or batch. Their bytes are counted by caller.
4. One that waits for grants is kept with its claims in `pending`, so that a void can undo it
   (`signer.journal.undo`).
"""

from signer.core.payment import WithdrawalId
from signer.core.view import WithdrawalState
from signer.journal.claims_codec import encode_claims, outpoint_bytes
from signer.journal.database import Contradiction, Tables
from signer.journal.entry import SignedEntry


def apply_signed(number: int, entry: SignedEntry, tables: Tables) -> None:
    """Bring the tables from before that entry to after it."""
    if not binds_something(entry, tables):  # first: it looks at the tables of before
        row = (entry.caller, entry.clock, number, entry.received)
        tables.execute("INSERT INTO repeats VALUES (?,?,?,?)", row)
    _apply_version(number, entry, tables)
    fresh = _apply_withdrawals(entry, tables)
    _apply_relied(number, entry, tables)
    _apply_statements(number, entry, tables)
    _apply_coins(entry, tables)
    _apply_charge(number, entry, fresh, tables)
    if entry.quorum:
        vault, claims = entry.vault_fingerprint, encode_claims(entry.claims)
        whose = (number, entry.clock, entry.caller, vault, entry.incarnation, entry.quorum)
        waits = (*whose, claims, entry.received)
        tables.execute("INSERT INTO pending VALUES (?,?,?,?,?,?,?,?)", waits)  # 4
    elif entry.claims.payments:
        tables.execute("INSERT INTO events VALUES (?)", (number,))


def binds_something(entry: SignedEntry, tables: Tables) -> bool:
    """Whether the entry is the first for some withdrawal, batch or sweep statement (rule 3)."""
    claims = entry.claims
    if claims.sweep_nonce:
        return True
    for withdrawal_id in {pinned for pinned, _ in claims.new_pins}:
        query = "SELECT 1 FROM withdrawals WHERE withdrawal = ? AND pin IS NOT NULL"
        if tables.execute(query, (withdrawal_id,)).fetchone() is None:
            return True
    if claims.anchor is None:
        return False
    key = (claims.anchor.magic, batch_bytes(claims.anchor.batch))
    query = "SELECT 1 FROM batches WHERE magic = ? AND batch = ?"
    return tables.execute(query, key).fetchone() is None


def batch_bytes(batch: int) -> bytes:
    """8 bytes that sort as batches do."""
    return batch.to_bytes(8, "big")


def _apply_version(number: int, entry: SignedEntry, tables: Tables) -> None:
    claims = entry.claims
    first_pin = None if claims.first_pin is None else outpoint_bytes(claims.first_pin)
    row = (claims.txid, number, entry.clock, first_pin, claims.fee)
    tables.execute("INSERT INTO versions VALUES (?,?,?,?,?)", row)
    tables.executemany(
        "INSERT INTO payments VALUES (?,?,?)",
        [(payment.withdrawal_id, claims.txid, number) for payment in claims.payments],
    )


def _apply_withdrawals(entry: SignedEntry, tables: Tables) -> int:
    """How many the entry is the first to pay from its vault: all that it pins but those pinned anew."""
    payments = {payment.withdrawal_id: payment for payment in entry.claims.payments}
    pins: dict[WithdrawalId, list[bytes]] = {}
    for withdrawal_id, coin in entry.claims.new_pins:
        pins.setdefault(withdrawal_id, []).append(outpoint_bytes(coin))
    fresh = 0
    for withdrawal_id, (pin, *loose) in pins.items():
        known = tables.execute(
            "SELECT vault, pin, state FROM withdrawals WHERE withdrawal = ?", (withdrawal_id,)
        ).fetchone()
        if known is None:
            payment = payments[withdrawal_id]
            terms = (entry.vault_fingerprint, payment.amount, payment.script_pubkey)
            row = (withdrawal_id, *terms, WithdrawalState.OPEN.value, pin)
            tables.execute("INSERT INTO withdrawals VALUES (?,?,?,?,?,?)", row)
        elif known[1] is None and known[2] == WithdrawalState.OPEN:  # its pin was struck
            anew = (entry.vault_fingerprint, pin, withdrawal_id)
            tables.execute("UPDATE withdrawals SET vault = ?, pin = ? WHERE withdrawal = ?", anew)
        elif known[1] not in (pin, *loose) or not _waits(withdrawal_id, tables):
            raise Contradiction(f"withdrawal {withdrawal_id.hex()} is pinned otherwise, or closed")
        fresh += known is None or (known[1] is None and known[0] != entry.vault_fingerprint)
        tables.execute("UPDATE first_seen SET unsigned = 0 WHERE withdrawal = ?", (withdrawal_id,))
    return fresh


def _waits(withdrawal_id: WithdrawalId, tables: Tables) -> bool:
    """Whether a version of it waits for grants: only then its pin may be stated again."""
    query = (
        "SELECT 1 FROM payments JOIN pending ON pending.entry = payments.entry "
        "WHERE withdrawal = ? LIMIT 1"
    )
    return tables.execute(query, (withdrawal_id,)).fetchone() is not None


def _apply_relied(number: int, entry: SignedEntry, tables: Tables) -> None:
    """The pins beside our own one of each withdrawal: only where it has several are any looked up."""
    pins: dict[WithdrawalId, set[bytes]] = {}
    for withdrawal_id, pin in (*entry.claims.new_pins, *entry.claims.relied):
        pins.setdefault(withdrawal_id, set()).add(outpoint_bytes(pin))
    for withdrawal_id, several in pins.items():
        if len(several) > 1:
            query = "SELECT pin FROM withdrawals WHERE withdrawal = ?"
            ours = tables.execute(query, (withdrawal_id,)).fetchone()
            others = sorted(several - {ours and ours[0]})
            tables.executemany(
                "INSERT INTO relied VALUES (?,?,?)",
                [(withdrawal_id, pin, number) for pin in others],
            )


def _apply_statements(number: int, entry: SignedEntry, tables: Tables) -> None:
    anchor, nonce = entry.claims.anchor, entry.claims.sweep_nonce
    if anchor is not None:  # the same row stays; another root meets the primary key
        key = (anchor.magic, batch_bytes(anchor.batch))
        known = "SELECT 1 FROM batches WHERE magic = ? AND batch = ? AND root = ?"
        if tables.execute(known, (*key, anchor.root)).fetchone() is None:
            tables.execute("INSERT INTO batches VALUES (?,?,?)", (*key, anchor.root))
        tables.execute("INSERT INTO anchors VALUES (?,?,?)", (*key, number))
    if nonce:
        tables.execute("INSERT INTO nonces VALUES (?,?)", (nonce, number))


def _apply_coins(entry: SignedEntry, tables: Tables) -> None:
    claims, vault = entry.claims, entry.vault_fingerprint
    keyed = [(outpoint_bytes(coin.outpoint), coin) for coin in claims.coins]
    tables.executemany("INSERT INTO spends VALUES (?,?)", [(key, claims.txid) for key, _ in keyed])
    tables.executemany(
        "INSERT INTO coins VALUES (?,?,?,?,?,?,?) ON CONFLICT (vault, coin) DO UPDATE "
        "SET height = excluded.height WHERE coins.height = -1",
        [
            (vault, key, coin.amount, coin.script_pubkey, coin.branch, coin.index,
             -1 if coin.height is None else coin.height)
            for key, coin in keyed
        ],
    )  # fmt: skip
    tables.executemany(
        "INSERT INTO places VALUES (?,?,?) ON CONFLICT (vault, branch) DO UPDATE "
        "SET next = excluded.next WHERE places.next < excluded.next",
        [(vault, branch, index + 1) for branch, index in claims.seen],
    )


def _apply_charge(number: int, entry: SignedEntry, fresh: int, tables: Tables) -> None:
    amount = entry.claims.charge
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
