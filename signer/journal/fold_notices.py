"""The tables of clocks, officers and policies: the fold of the notices (rules of `signer.journal.fold`).

1. A clock is kept from the first notice that starts it; a later one changes nothing.
2. Of an officer's approvals of one subject the latest expiry counts, and none beside a rejection, whichever
   was recorded first.
3. An officer holds a thing once (primary key). Any LiftHolds on record ends what that officer holds by then:
   the kernel records one only with a complete quorum of officers, all in one note.
4. An approved move counts until a spend uses it up, and again if that is voided.
5. What the steps of a policy mean is `signer.core.governance`'s to say, and what is said of the kernel as a
   whole `signer.core.control`'s; their states are kept as they encode them.
"""

from signer.bitcoin.hashes import sha256
from signer.core.acts import (
    CONTROL_ACTS,
    ApproveMove,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    read_act,
    subject_of,
)
from signer.core.deposits import DepositNotice, ReorganisedNotice
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
from signer.core.released import ReleasedNotice
from signer.journal.database import Tables
from signer.journal.fold_control import apply_control_act
from signer.journal.fold_deposits import apply_deposit, apply_undone
from signer.journal.fold_release import apply_release

HELD_WITHDRAWAL, HELD_DESTINATION = "withdrawal", "destination"


def apply_notice(number: int, notice: Notice, tables: Tables) -> None:
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
        case ReleasedNotice():
            apply_release(number, notice, tables)
        case DepositNotice():
            apply_deposit(number, notice, tables)
        case ReorganisedNotice():
            apply_undone(number, notice, tables)
        case PolicyStepNotice():
            _govern(number, notice, tables)


def governance_state(tables: Tables) -> GovernanceState:
    """Where change control stands."""
    row = tables.execute("SELECT state FROM governance").fetchone()
    return GovernanceState() if row is None else decode_state(row[0])


def _govern(
    number: int,
    notice: OfficerNotice | PolicyNotice | PolicyStepNotice,
    tables: Tables,
) -> None:
    state = apply(governance_state(tables), notice)
    tables.execute(
        "INSERT INTO governance VALUES (1,?) ON CONFLICT (one) DO UPDATE SET state = excluded.state",
        (encode_state(state),),
    )
    tables.execute("INSERT INTO policy_events VALUES (?)", (number,))


def _start_clocks(number: int, notice: AttestedNotice, tables: Tables) -> None:
    tables.executemany(
        "INSERT INTO first_seen VALUES (?,?,?,?,?,?,?, "
        "CASE WHEN EXISTS (SELECT 1 FROM withdrawals WHERE withdrawal = ?) THEN 0 ELSE 1 END) "
        "ON CONFLICT (withdrawal, vault, amount, script, quorum) DO NOTHING",
        [
            (terms.withdrawal_id, notice.vault_fingerprint, terms.amount, terms.script_pubkey,
             quorum, notice.clock, number, terms.withdrawal_id)
            for terms, quorum in notice.started
        ],
    )  # fmt: skip


def _apply_act(number: int, notice: OfficerNotice, tables: Tables) -> None:
    officer, stated = notice.signed.officer, read_act(notice.signed.text)
    subject = subject_of(stated.act, stated.network.genesis_hash)
    tables.execute("INSERT INTO acts VALUES (?,?,?,?)", (officer, notice.clock, number, subject))
    if isinstance(stated.act, CONTROL_ACTS):
        apply_control_act(number, notice, stated.act, tables)
        return
    match stated.act:
        case ApproveWithdrawal():
            _approve(subject, officer, stated.expires, tables)
        case ApproveMove(vault, terms):
            _approve(subject, officer, stated.expires, tables)
            _approve_move(
                (vault, statement_bytes(terms), officer, terms.nonce, stated.expires), tables
            )
        case RejectWithdrawal():
            row = (subject, officer)
            tables.execute(
                "INSERT INTO rejections VALUES (?,?) ON CONFLICT (subject, officer) DO NOTHING", row
            )
        case HoldWithdrawal(withdrawal_id, until):
            _hold((HELD_WITHDRAWAL, withdrawal_id, officer, until), tables)
        case HoldDestination(script_pubkey, until):
            _hold((HELD_DESTINATION, script_pubkey, officer, until), tables)
        case LiftHolds(held_by):
            lift = "UPDATE holds SET lifted = 1 WHERE officer = ? AND lifted = 0"
            tables.execute(lift, (held_by,))
        case _:  # of a policy
            _govern(number, notice, tables)


def _approve(subject: bytes, officer: bytes, expiry: int, tables: Tables) -> None:
    tables.execute(
        "INSERT INTO approvals VALUES (?,?,?) ON CONFLICT (subject, officer) DO UPDATE "
        "SET expiry = excluded.expiry WHERE approvals.expiry < excluded.expiry",
        (subject, officer, expiry),
    )


def _approve_move(move: tuple[bytes, bytes, bytes, bytes, int], tables: Tables) -> None:
    nonce = move[3]
    if tables.execute("SELECT 1 FROM nonces WHERE nonce = ?", (nonce,)).fetchone() is None:
        tables.execute(
            "INSERT INTO moves VALUES (?,?,?,?,?) ON CONFLICT (vault, terms, officer) DO UPDATE "
            "SET expiry = excluded.expiry WHERE moves.expiry < excluded.expiry",
            move,
        )


def _hold(row: tuple[str, bytes, bytes, int], tables: Tables) -> None:
    tables.execute("INSERT INTO holds VALUES (?,?,?,?,0)", row)
