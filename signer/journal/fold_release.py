"""The fold of releases (rules of `signer.journal.fold`).

1. A closed withdrawal has no pin and no further version, and stays closed whatever becomes of its versions.
2. A pin is struck for one withdrawal; others keep theirs, even to the same coin.
3. Every coin of ours that a buried transaction spends is gone.
4. What was released by our own chain is wrong if the killer's block leaves it.
"""

from signer.bitcoin.transaction import parse_unsigned
from signer.core.released import ReleasedNotice
from signer.core.view import WithdrawalState
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.database import Tables
from signer.journal.fold_deposits import rely

CLOSED_PIN = b""
"""In the place of a pin where a release closes."""


def apply_release(number: int, notice: ReleasedNotice, tables: Tables) -> None:
    """Bring the tables from before that notice to after it."""
    withdrawal_id = notice.terms.withdrawal_id
    pin = CLOSED_PIN if notice.pin is None else outpoint_bytes(notice.pin)
    row = (withdrawal_id, pin, notice.killer, number)
    tables.execute("INSERT INTO releases VALUES (?,?,?,?)", row)
    if notice.pin is None:
        _close(number, notice, tables)
    else:
        query = "UPDATE withdrawals SET pin = NULL WHERE withdrawal = ? AND pin = ?"
        tables.execute(query, (withdrawal_id, pin))
    _bury(notice, tables)
    if notice.proof is not None:
        block = notice.proof.block
        rely(tables, block.hash, block.height, number)


def _close(number: int, notice: ReleasedNotice, tables: Tables) -> None:
    terms = notice.terms
    tables.execute(
        "UPDATE withdrawals SET state = ?, pin = NULL WHERE withdrawal = ?",
        (WithdrawalState.CLOSED.value, terms.withdrawal_id),
    )
    tables.execute(
        "INSERT INTO closings VALUES (?,?,?,?,?) ON CONFLICT (vault, amount, script) "
        "DO UPDATE SET moment = excluded.moment, entry = excluded.entry",
        (notice.vault_fingerprint, terms.amount, terms.script_pubkey, notice.clock, number),
    )


def _bury(notice: ReleasedNotice, tables: Tables) -> None:
    for txin in parse_unsigned(notice.transactions[-1]).inputs:
        coin = outpoint_bytes(txin.previous)
        known = "SELECT 1 FROM coins WHERE vault = ? AND coin = ?"
        if tables.execute(known, (notice.vault_fingerprint, coin)).fetchone() is not None:
            tables.execute(
                "INSERT INTO buried VALUES (?,?) ON CONFLICT (coin) DO NOTHING",
                (coin, notice.killer),
            )
