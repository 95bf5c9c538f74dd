"""Acts about withdrawals and moves: approve, reject, hold, lift (docs/officers.md).

1. An approval binds a withdrawal's vault, id, amount and script, or a sweep statement: not the transaction
   and not the policy, so it survives re-batching, fee bumps and policy versions that keep the officer.
2. An approval and a rejection of one withdrawal are about the same; a hold is about its target alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.core.acts_fields import (
    Lines,
    Values,
    amount_text,
    read_amount,
    read_count,
    read_hash,
    read_moment,
)
from signer.core.evidence import SweepTerms, statement_bytes
from signer.core.moments import format_time
from signer.core.payment import WithdrawalTerms
from signer.core.ssh import format_officer, read_officer

_MOVES = {1: "sweep", 2: "rotation"}


@dataclass(frozen=True, slots=True)
class ApproveWithdrawal:
    """This withdrawal may be paid."""

    vault_fingerprint: bytes
    terms: WithdrawalTerms


@dataclass(frozen=True, slots=True)
class RejectWithdrawal:
    """This officer's approval of that withdrawal does not count, now or later."""

    vault_fingerprint: bytes
    terms: WithdrawalTerms


@dataclass(frozen=True, slots=True)
class ApproveMove:
    """One transaction may move coins as the sweep statement says."""

    vault_fingerprint: bytes
    terms: SweepTerms


@dataclass(frozen=True, slots=True)
class HoldWithdrawal:
    """No version of that withdrawal is signed before then."""

    withdrawal_id: bytes
    until: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class HoldDestination:
    """No withdrawal to that script is signed before then."""

    script_pubkey: bytes
    until: int


@dataclass(frozen=True, slots=True)
class LiftHolds:
    """Holds of that officer end: an act of the quorum."""

    officer: bytes
    """The officer's key."""


PaymentAct = (
    ApproveWithdrawal
    | RejectWithdrawal
    | ApproveMove
    | HoldWithdrawal
    | HoldDestination
    | LiftHolds
)


def payment_subject(act: PaymentAct, genesis_hash: bytes) -> bytes:
    """32 bytes: what the act is about."""
    match act:
        case ApproveWithdrawal(vault, terms) | RejectWithdrawal(vault, terms):
            return withdrawal_subject(genesis_hash, vault, terms)
        case ApproveMove(vault, terms):
            return move_subject(genesis_hash, vault, terms)
        case HoldWithdrawal(withdrawal_id):
            return sha256(b"hold withdrawal" + genesis_hash + withdrawal_id)
        case HoldDestination(script_pubkey):
            return sha256(b"hold destination" + genesis_hash + script_pubkey)
    return sha256(b"lift holds" + genesis_hash + act.officer)


def withdrawal_subject(genesis_hash: bytes, vault: bytes, terms: WithdrawalTerms) -> bytes:
    """What approvals of a withdrawal are counted by."""
    return sha256(b"withdrawal" + genesis_hash + vault + statement_bytes(terms))


def move_subject(genesis_hash: bytes, vault: bytes, terms: SweepTerms) -> bytes:
    """What approvals of a sweep or rotation are counted by."""
    return sha256(b"move" + genesis_hash + vault + statement_bytes(terms))


def payment_lines(act: PaymentAct, network: Network) -> tuple[str, Lines]:
    """The action, and the lines after the genesis hash."""
    match act:
        case ApproveWithdrawal(vault, terms):
            return "approve withdrawal", _withdrawal_lines(vault, terms, network)
        case RejectWithdrawal(vault, terms):
            return "reject withdrawal", _withdrawal_lines(vault, terms, network)
        case ApproveMove(vault, terms):
            return f"approve {_MOVES[terms.kind]}", _move_lines(vault, terms)
        case HoldWithdrawal(withdrawal_id, until):
            return "hold withdrawal", (
                ("withdrawal", withdrawal_id.hex()),
                ("until", format_time(until)),
            )
        case HoldDestination(script, until):
            return "hold destination", (
                ("address", address_of(script, network)),
                ("script", script.hex()),
                ("until", format_time(until)),
            )
    return "lift holds", (("officer", format_officer(act.officer)),)


def _withdrawal_lines(vault: bytes, terms: WithdrawalTerms, network: Network) -> Lines:
    return (
        ("vault", vault.hex()),
        ("withdrawal", terms.withdrawal_id.hex()),
        ("amount", amount_text(terms.amount)),
        ("address", address_of(terms.script_pubkey, network)),
        ("script", terms.script_pubkey.hex()),
    )


def _move_lines(vault: bytes, terms: SweepTerms) -> Lines:
    return (
        ("vault", vault.hex()),
        ("to", terms.to_fingerprint.hex()),
        ("path", str(terms.path)),
        ("highest fee", amount_text(terms.max_fee)),
        ("nonce", terms.nonce.hex()),
    )


def _read_withdrawal(value: Values, network: Network) -> tuple[bytes, WithdrawalTerms]:
    script = script_of(value["address"], network)
    terms = WithdrawalTerms(read_hash(value["withdrawal"]), read_amount(value["amount"]), script)
    return read_hash(value["vault"]), terms


def _read_move(kind: int) -> Callable[[Values, Network], ApproveMove]:
    def read(value: Values, _: Network) -> ApproveMove:
        fee, nonce = read_amount(value["highest fee"]), bytes.fromhex(value["nonce"])
        path = read_count(value["path"], 0, 0xFF)
        if len(nonce) != 16:
            raise ValueError
        terms = SweepTerms(kind, read_hash(value["to"]), path, fee, nonce)
        return ApproveMove(read_hash(value["vault"]), terms)

    return read


PAYMENT_READERS: Mapping[str, Callable[[Values, Network], PaymentAct]] = {
    "approve withdrawal": lambda value, network: ApproveWithdrawal(
        *_read_withdrawal(value, network)
    ),
    "reject withdrawal": lambda value, network: RejectWithdrawal(*_read_withdrawal(value, network)),
    "approve sweep": _read_move(1),
    "approve rotation": _read_move(2),
    "hold withdrawal": lambda value, _: HoldWithdrawal(
        read_hash(value["withdrawal"]), read_moment(value["until"])
    ),
    "hold destination": lambda value, network: HoldDestination(
        script_of(value["address"], network), read_moment(value["until"])
    ),
    "lift holds": lambda value, _: LiftHolds(read_officer(value["officer"])),
}
