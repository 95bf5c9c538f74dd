"""The tables of clocks, officers and policies: the fold of the notices (rules of `signer.journal.fold`).

1. A clock is kept from the first notice that starts it; a later one changes nothing.
2. Of an officer's approvals of one subject the latest expiry counts, and none beside a rejection, whichever
   was recorded first.
3. An officer holds a thing once (primary key). Any LiftHolds on record ends what that officer holds by then:
   the kernel records one only with a complete quorum of officers, all in one note.
4. Approved moves are kept until they are used.
5. What the steps of a policy mean is `signer.core.governance`'s to say; its state is kept as it encodes it.
"""

import sqlite3

from signer.bitcoin.hashes import sha256
from signer.core.acts import (
    ApproveMove,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    read_act,
    subject_of,
)
from signer.core.evidence import statement_bytes
from signer.core.governance import GovernanceState, apply
from signer.core.governance_codec import decode_state, encode_state
from signer.core.notices import (
    AttestedNotice,
    Notice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)

HELD_WITHDRAWAL, HELD_DESTINATION = "withdrawal", "destination"


def apply_notice(number: int, notice: Notice, tables: sqlite3.Connection) -> None:
    """Bring the tables from before that notice to after it."""
    match notice:
        case AttestedNotice():
            _start_clocks(number, notice, tables)
        case OfficerNotice():
            _apply_act(number, notice, tables)
        case PolicyNotice():
            compared = (notice.version, notice.base, notice.verdict)
            row = (sha256(notice.policy), number, *compared, notice.clock, notice.caller)
            tables.execute("INSERT INTO policies VALUES (?,?,?,?,?,?,?)", row)
            _govern(number, notice, tables)
        case _:
            _govern(number, notice, tables)


def governance_state(tables: sqlite3.Connection) -> GovernanceState:
    """Where change control stands."""
    row = tables.execute("SELECT state FROM governance").fetchone()
    return GovernanceState() if row is None else decode_state(row[0])


def _govern(
    number: int,
    notice: OfficerNotice | PolicyNotice | PolicyStepNotice,
    tables: sqlite3.Connection,
) -> None:
    state = apply(governance_state(tables), notice)
    row = (encode_state(state),)
    tables.execute("INSERT OR REPLACE INTO governance VALUES (1, ?)", row)
    tables.execute("UPDATE events SET governs = 1 WHERE entry = ?", (number,))


def _start_clocks(number: int, notice: AttestedNotice, tables: sqlite3.Connection) -> None:
    tables.executemany(
        "INSERT INTO first_seen SELECT ?1,?2,?3,?4,?5,?6,?7, "
        "NOT EXISTS (SELECT 1 FROM withdrawals WHERE withdrawal = ?1) WHERE true "
        "ON CONFLICT DO NOTHING",
        [
            (terms.withdrawal_id, notice.vault_fingerprint, terms.amount, terms.script_pubkey,
             quorum, notice.clock, number)
            for terms, quorum in notice.started
        ],
    )  # fmt: skip


def _apply_act(number: int, notice: OfficerNotice, tables: sqlite3.Connection) -> None:
    officer, stated = notice.signed.officer, read_act(notice.signed.text)
    subject = subject_of(stated.act, stated.network.genesis_hash)
    tables.execute("INSERT INTO acts VALUES (?,?,?,?)", (officer, notice.clock, number, subject))
    match stated.act:
        case ApproveWithdrawal():
            _approve(subject, officer, stated.expires, tables)
        case ApproveMove(vault, terms):
            _approve(subject, officer, stated.expires, tables)
            move = (vault, statement_bytes(terms), officer, terms.nonce, stated.expires)
            tables.execute(
                "INSERT INTO moves SELECT ?1,?2,?3,?4,?5 "
                "WHERE NOT EXISTS (SELECT 1 FROM nonces WHERE nonce = ?4) "
                "ON CONFLICT DO UPDATE SET expiry = max(expiry, excluded.expiry)",
                move,
            )
        case RejectWithdrawal():
            row = (subject, officer)
            tables.execute("INSERT INTO rejections VALUES (?,?) ON CONFLICT DO NOTHING", row)
        case HoldWithdrawal(withdrawal_id, until):
            _hold((HELD_WITHDRAWAL, withdrawal_id, officer, until), tables)
        case HoldDestination(script_pubkey, until):
            _hold((HELD_DESTINATION, script_pubkey, officer, until), tables)
        case LiftHolds(held_by):
            lift = "UPDATE holds SET lifted = 1 WHERE officer = ? AND lifted = 0"
            tables.execute(lift, (held_by,))
        case _:  # of a policy
            _govern(number, notice, tables)


def _approve(subject: bytes, officer: bytes, expiry: int, tables: sqlite3.Connection) -> None:
    tables.execute(
        "INSERT INTO approvals VALUES (?,?,?) "
        "ON CONFLICT DO UPDATE SET expiry = max(expiry, excluded.expiry)",
        (subject, officer, expiry),
    )


def _hold(row: tuple[str, bytes, bytes, int], tables: sqlite3.Connection) -> None:
    tables.execute("INSERT INTO holds VALUES (?,?,?,?,0)", row)
