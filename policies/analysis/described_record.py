"""A record that is only described (`signer.core.view.View`).

What is not described stands in no rule's way: nothing is pinned elsewhere, no twin is open, no address was
used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policies.analysis.described_spend import FAR, NO_SATS, described_coins
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.control import ControlState
from signer.core.evidence import SweepTerms
from signer.core.payment import Payment, WithdrawalId, WithdrawalTerms
from signer.core.vault import Vault
from signer.core.view import RecordedVersion, RecordedWithdrawal, WithdrawalState


@dataclass(frozen=True, slots=True)
class DescribedRecord:
    """What is on record (`signer.core.view.View`)."""

    charges: tuple[tuple[int, Sats, int], ...] = ()
    """(Unix seconds, charge, new withdrawals), oldest first, of whichever vault is asked about."""
    withdrawals: Mapping[WithdrawalId, RecordedWithdrawal] = field(default_factory=dict)
    """With a version on record: `recorded_payments`."""
    fee_on_record: Sats = NO_SATS
    """The dearest fee of an earlier version."""
    attested_since: int | None = None
    """When whatever quorum a rule asks for was first complete, for whatever is paid."""
    officers: frozenset[bytes] = frozenset()
    """Those who approved whatever is asked about."""
    moves: tuple[SweepTerms, ...] = ()
    """Sweeps and rotations that some officer approved."""
    nonces: frozenset[bytes] = frozenset()
    """Of sweep statements that are used up."""
    batches: Mapping[tuple[bytes, int], bytes] = field(default_factory=dict)
    """(magic, batch) -> root."""
    held: int = 0
    """Until when whatever is paid is held."""

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """As described."""
        return self.withdrawals.get(withdrawal_id)

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        """None."""
        return ()

    def is_closed(self, withdrawal_id: WithdrawalId) -> bool:
        """Nothing is."""
        return False

    def pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """Of what is on record the first described coin."""
        recorded = self.withdrawals.get(withdrawal_id)
        return (
            frozenset() if recorded is None or recorded.pin is None else frozenset((recorded.pin,))
        )

    def terms_of(self, withdrawal_id: WithdrawalId) -> frozenset[WithdrawalTerms]:
        """As described."""
        recorded = self.withdrawals.get(withdrawal_id)
        return frozenset() if recorded is None else frozenset((recorded.terms,))

    def loose_pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """None: what is on record is final."""
        return frozenset()

    def held_payers(self, withdrawal_id: WithdrawalId) -> frozenset[bytes]:
        """None."""
        return frozenset()

    def held_spenders(self, coin: OutPoint) -> frozenset[bytes]:
        """None."""
        return frozenset()

    def struck_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        """None."""
        return frozenset()

    def closing_since(self, vault_fingerprint: bytes, equals: tuple[WithdrawalTerms, ...]) -> int:
        """Never."""
        return 0

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        """None but what is paid."""
        return ()

    def recorded_coin(self, vault_fingerprint: bytes, coin: OutPoint) -> TxOut | None:
        """None."""
        return None

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        """None."""
        return ()

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        """None."""
        return frozenset()

    def version(self, txid: Txid) -> RecordedVersion | None:
        """None."""
        return None

    def dearest_fee(self, first_pin: OutPoint) -> Sats:
        """As described."""
        return self.fee_on_record

    def outflow_since(self, vault_fingerprint: bytes, moment: int) -> Sats:
        """The charges later than `moment`."""
        return Sats(sum(charge for when, charge, _ in self.charges if when > moment))

    def withdrawals_since(self, vault_fingerprint: bytes, moment: int) -> int:
        """The withdrawals begun later than `moment`."""
        return sum(count for when, _, count in self.charges if when > moment)

    def charges_since(
        self, vault_fingerprint: bytes, moment: int
    ) -> tuple[tuple[int, Sats, int], ...]:
        """The charges later than `moment`, oldest first."""
        return tuple(each for each in self.charges if each[0] > moment)

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        """No address was used."""
        return 0

    def batch_root(self, magic: bytes, batch: int) -> bytes | None:
        """As described."""
        return self.batches.get((magic, batch))

    def highest_batch(self, magic: bytes) -> int | None:
        """The highest that is described."""
        return max((batch for its_magic, batch in self.batches if its_magic == magic), default=None)

    def nonce_used(self, nonce: bytes) -> bool:
        """As described."""
        return nonce in self.nonces

    def first_attested(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorum: bytes
    ) -> int | None:
        """As described, for every quorum."""
        return self.attested_since

    def approvers(self, subject: bytes) -> tuple[tuple[bytes, int], ...]:
        """The described officers, whatever the subject."""
        return tuple((officer, FAR) for officer in sorted(self.officers))

    def approved_moves(self, vault_fingerprint: bytes) -> tuple[SweepTerms, ...]:
        """As described."""
        return self.moves

    def held_until(self, withdrawal_id: WithdrawalId, script_pubkey: bytes) -> int:
        """As described, for every payment."""
        return self.held

    def control(self) -> ControlState:
        """Nothing stops the kernel."""
        return ControlState()


def recorded_payments(
    vault: Vault, payments: Iterable[Payment]
) -> dict[WithdrawalId, RecordedWithdrawal]:
    """These payments as withdrawals on record, pinned to the first described coin."""
    pin, state = described_coins(vault, 1)[0].outpoint, WithdrawalState.OPEN
    return {
        each.withdrawal_id: RecordedWithdrawal(each.terms, vault.fingerprint, state, pin)
        for each in payments
    }
