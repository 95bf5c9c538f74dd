"""What rules may ask of the record: the view is the fold of the journal's earlier entries (design 2, 8).

Rule 1: an answer depends on recorded entries alone, never on the clock or on the request.
Rule 2: inside the writer's transaction the view includes the batch's earlier decisions.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.control import ControlState
from signer.core.evidence import SweepTerms
from signer.core.payment import WithdrawalId, WithdrawalTerms


class WithdrawalState(StrEnum):
    """Where a withdrawal on record stands."""

    OPEN = "open"
    """A version is signed; nothing that pays it is buried."""
    CLOSED = "closed"
    """Its payment is buried: nothing of it is signed again."""


@dataclass(frozen=True, slots=True)
class RecordedWithdrawal:
    """A withdrawal of which at least one version was signed here."""

    terms: WithdrawalTerms
    vault_fingerprint: bytes
    state: WithdrawalState
    pin: OutPoint | None
    """The coin that is spent if and only if the withdrawal is paid (J1). None once it is closed, and from the
    strike of a pin until the next version pins it anew."""


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    """A transaction that was signed here, or will be once it is granted."""

    decision_id: bytes
    number: int
    """Of its entry."""
    waits: bool
    """For other members' grants (J6): nothing was signed."""
    txid: Txid
    vault_fingerprint: bytes
    terms: frozenset[WithdrawalTerms]
    """What it pays."""
    signing: tuple[tuple[int, bytes, bytes, int, bytes], ...]
    """Per SigningTask: (input index, pubkey, script, sighash type, digest)."""
    recorded_at: int
    """Effective time of its entry, Unix seconds."""


class View(Protocol):
    """Questions to the record."""

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """That withdrawal, if a version of it was signed, in whatever vault."""

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        """The open withdrawals of that vault with exactly these terms, by id."""

    def is_closed(self, withdrawal_id: WithdrawalId) -> bool:
        """Whether its payment is buried, by whichever version."""

    def pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """What each of its versions spends: our pin, those that our versions rely on, and those held for
        other members (J6); the struck ones are taken out, and all of them once it is closed."""

    def terms_of(self, withdrawal_id: WithdrawalId) -> frozenset[WithdrawalTerms]:
        """As what versions on record, or held for other members, pay it: one, unless a member lied."""

    def loose_pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """Those of `pins_of` that we could still give up: only entries of ours carry them that this start
        recorded and that wait for grants."""

    def held_payers(self, withdrawal_id: WithdrawalId) -> frozenset[bytes]:
        """The entries (log key, number) held for other members that pay that withdrawal."""

    def held_spenders(self, coin: OutPoint) -> frozenset[bytes]:
        """The entries (log key, number) held for other members that spend that coin."""

    def struck_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """The pins that were struck: it is never pinned to them again."""

    def closing_since(self, vault_fingerprint: bytes, equals: tuple[WithdrawalTerms, ...]) -> int:
        """When the last withdrawal with the amount and script of these equal ones was closed in that vault
        (Unix seconds), if no version on record after that pays all of them; else 0."""

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        """The open withdrawals pinned to that coin, in the sense of `pins_of`, ascending."""

    def recorded_coin(self, vault_fingerprint: bytes, coin: OutPoint) -> TxOut | None:
        """That coin as a recorded version spends it: its proven amount and script."""

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        """The recorded transactions that spend that coin, ascending."""

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        """The recorded transactions that pay that withdrawal."""

    def version(self, txid: Txid) -> RecordedVersion | None:
        """That transaction, if it was signed here."""

    def dearest_fee(self, first_pin: OutPoint) -> Sats:
        """The highest fee among recorded transactions with that first pin (J3); 0 for none."""

    def outflow_since(self, vault_fingerprint: bytes, moment: int) -> Sats:
        """Charges of that vault recorded later than `moment` (Unix seconds, exclusive)."""

    def withdrawals_since(self, vault_fingerprint: bytes, moment: int) -> int:
        """Withdrawals of that vault first signed later than `moment` (Unix seconds, exclusive)."""

    def charges_since(
        self, vault_fingerprint: bytes, moment: int
    ) -> tuple[tuple[int, Sats, int], ...]:
        """(time, charge, new withdrawals) of each charge later than `moment`, oldest first."""

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        """One above the highest address index seen on that branch (0 receive, 1 change); 0 for none."""

    def batch_root(self, magic: bytes, batch: int) -> bytes | None:
        """The root recorded for that batch of that rollup (J2)."""

    def highest_batch(self, magic: bytes) -> int | None:
        """The highest batch on record of that rollup."""

    def nonce_used(self, nonce: bytes) -> bool:
        """Whether a recorded sweep or rotation used up that statement."""

    def first_attested(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorum: bytes
    ) -> int | None:
        """When that quorum (32-byte digest) was first complete for exactly these terms, Unix seconds."""

    def approvers(self, subject: bytes) -> tuple[tuple[bytes, int], ...]:
        """(officer key, expiry) of the approvals of that subject (`signer.core.acts`), the rejected taken
        out; of an officer's several the latest expiry. By key, ascending."""

    def approved_moves(self, vault_fingerprint: bytes) -> tuple[SweepTerms, ...]:
        """The sweep statements of that vault that some officer approved and no spend used up."""

    def held_until(self, withdrawal_id: WithdrawalId, script_pubkey: bytes) -> int:
        """The latest end of the holds on that withdrawal or that destination, the lifted taken out; 0 for
        none. It may lie in the past."""

    def control(self) -> ControlState:
        """What the officers said about the kernel as a whole."""
