"""A reference record: the plainest fold of approved spends, to hold rules and stores against."""

from dataclasses import dataclass, field

from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.control import ControlState
from signer.core.evidence import AnchorTerms, SweepTerms
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.spend import ApprovedSpend
from signer.core.view import RecordedVersion, RecordedWithdrawal, WithdrawalState


@dataclass
class ModelView:
    """Everything that was approved, in order, and what officers and attestors said."""

    approved: list[ApprovedSpend] = field(default_factory=list)
    clocks: dict[tuple[bytes, WithdrawalTerms, bytes], int] = field(default_factory=dict)
    """(vault, terms, quorum) -> when they were attested first."""
    approvals: dict[bytes, dict[bytes, int]] = field(default_factory=dict)
    """Subject -> officer -> expiry."""
    moves: dict[bytes, tuple[SweepTerms, ...]] = field(default_factory=dict)
    """Vault -> statements that an officer approved."""
    holds: dict[bytes, int] = field(default_factory=dict)
    """Withdrawal id or script -> until when."""
    said_of_kernel: ControlState = field(default_factory=ControlState)
    closed: dict[WithdrawalId, int] = field(default_factory=dict)
    """Withdrawal -> when it was closed."""
    struck: dict[WithdrawalId, frozenset[OutPoint]] = field(default_factory=dict)
    """Withdrawal -> its pins that were struck."""

    def record(self, spend: ApprovedSpend) -> None:
        self.approved.append(spend)

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """By its last pin: it is pinned anew after a strike."""
        for approved in reversed(self.approved):
            for new_id, pin in approved.new_pins:
                if new_id == withdrawal_id:
                    return self._recorded(approved, new_id, pin)
        return None

    def _recorded(
        self, approved: ApprovedSpend, withdrawal_id: WithdrawalId, pin: OutPoint
    ) -> RecordedWithdrawal:
        paid = {payment.withdrawal_id: payment.terms for payment in approved.spend.payments}
        is_closed = withdrawal_id in self.closed
        gone = is_closed or pin in self.struck_of(withdrawal_id)
        state = WithdrawalState.CLOSED if is_closed else WithdrawalState.OPEN
        fingerprint = approved.spend.vault.fingerprint
        return RecordedWithdrawal(paid[withdrawal_id], fingerprint, state, None if gone else pin)

    def _equal(self, withdrawal_id: WithdrawalId, wanted: tuple[bytes, Sats, bytes]) -> bool:
        each = self.withdrawal(withdrawal_id)
        return each is not None and wanted == (
            each.vault_fingerprint,
            each.terms.amount,
            each.terms.script_pubkey,
        )

    def is_closed(self, withdrawal_id: WithdrawalId) -> bool:
        return withdrawal_id in self.closed

    def pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        recorded = self.withdrawal(withdrawal_id)
        pin = recorded.pin if recorded else None
        return frozenset() if pin is None else frozenset((pin,))

    def terms_of(self, withdrawal_id: WithdrawalId) -> frozenset[WithdrawalTerms]:
        recorded = self.withdrawal(withdrawal_id)
        return frozenset() if recorded is None else frozenset((recorded.terms,))

    def loose_pins_of(self, _: WithdrawalId) -> frozenset[OutPoint]:
        return frozenset()

    def held_payers(self, _: WithdrawalId) -> frozenset[bytes]:
        return frozenset()

    def held_spenders(self, _: OutPoint) -> frozenset[bytes]:
        return frozenset()

    def struck_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        return self.struck.get(withdrawal_id, frozenset())

    def closing_since(self, vault_fingerprint: bytes, equals: tuple[WithdrawalTerms, ...]) -> int:
        wanted = (vault_fingerprint, equals[0].amount, equals[0].script_pubkey)
        moments = [moment for each, moment in self.closed.items() if self._equal(each, wanted)]
        latest = max(moments, default=0)
        ids = {each.withdrawal_id for each in equals}
        versions = [
            approved.decided_at
            for approved in self.approved
            if ids <= {each.withdrawal_id for each in approved.spend.payments}
        ]
        return 0 if max(versions, default=0) > latest else latest

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        ids = {new_id for approved in self.approved for new_id, _ in approved.new_pins}
        return tuple(sorted(each for each in ids if coin in self.pins_of(each)))

    def recorded_coin(self, vault_fingerprint: bytes, coin: OutPoint) -> TxOut | None:
        for approved in self.approved:
            for each in approved.spend.coins:
                if each.outpoint == coin:
                    return each.prevout
        return None

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        found = {
            approved.spend.transaction.txid
            for approved in self.approved
            if any(each.outpoint == coin for each in approved.spend.coins)
        }
        return tuple(sorted(found))

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        return frozenset(
            approved.spend.transaction.txid
            for approved in self.approved
            if any(each.withdrawal_id == withdrawal_id for each in approved.spend.payments)
        )

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        ids = {new_id for approved in self.approved for new_id, _ in approved.new_pins}
        wanted = (vault_fingerprint, amount, script_pubkey)
        found = (
            self.withdrawal(each)
            for each in sorted(ids)
            if self._equal(each, wanted) and each not in self.closed
        )
        return tuple(each for each in found if each is not None)

    def version(self, txid: Txid) -> RecordedVersion | None:
        for approved in self.approved:
            spend = approved.spend
            if spend.transaction.txid == txid:
                signing = tuple(
                    (task.input_index, task.pubkey, task.script, task.sighash_type, task.digest)
                    for task in spend.tasks
                )
                terms: frozenset[WithdrawalTerms] = frozenset(
                    payment.terms for payment in spend.payments
                )
                vault = spend.vault.fingerprint
                return RecordedVersion(b"", 0, False, txid, vault, terms, signing, 0)
        return None

    def dearest_fee(self, first_pin: OutPoint) -> Sats:
        fees = [each.spend.fee for each in self.approved if each.first_pin == first_pin]
        return max(fees, default=Sats(0))

    def outflow_since(self, vault_fingerprint: bytes, moment: int) -> Sats:
        return Sats(sum(charge for _, charge, _ in self.charges_since(vault_fingerprint, moment)))

    def withdrawals_since(self, vault_fingerprint: bytes, moment: int) -> int:
        return sum(count for _, _, count in self.charges_since(vault_fingerprint, moment))

    def charges_since(
        self, vault_fingerprint: bytes, moment: int
    ) -> tuple[tuple[int, Sats, int], ...]:
        return tuple(
            (each.decided_at, each.charge, self._first_pinned(place))
            for place, each in enumerate(self.approved)
            if each.decided_at > moment and each.spend.vault.fingerprint == vault_fingerprint
        )

    def _first_pinned(self, place: int) -> int:
        """How many that spend pins first in its vault, those pinned anew apart."""
        vault = self.approved[place].spend.vault.fingerprint
        before = {
            new_id
            for each in self.approved[:place]
            for new_id, _ in each.new_pins
            if each.spend.vault.fingerprint == vault
        }
        return sum(new_id not in before for new_id, _ in self.approved[place].new_pins)

    def next_index(self, vault_fingerprint: bytes, branch: int) -> int:
        seen = [
            index
            for approved in self.approved
            if approved.spend.vault.fingerprint == vault_fingerprint
            for its_branch, index in approved.seen
            if its_branch == branch
        ]
        return max(seen, default=-1) + 1

    def batch_root(self, magic: bytes, batch: int) -> bytes | None:
        for terms in self._anchored(magic):
            if terms.batch == batch:
                return terms.root
        return None

    def highest_batch(self, magic: bytes) -> int | None:
        return max((terms.batch for terms in self._anchored(magic)), default=None)

    def nonce_used(self, nonce: bytes) -> bool:
        return any(approved.sweep_nonce == nonce for approved in self.approved)

    def first_attested(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorum: bytes
    ) -> int | None:
        return self.clocks.get((vault_fingerprint, terms, quorum))

    def approvers(self, subject: bytes) -> tuple[tuple[bytes, int], ...]:
        return tuple(sorted(self.approvals.get(subject, {}).items()))

    def approved_moves(self, vault_fingerprint: bytes) -> tuple[SweepTerms, ...]:
        moves = self.moves.get(vault_fingerprint, ())
        return tuple(each for each in moves if not self.nonce_used(each.nonce))

    def held_until(self, withdrawal_id: WithdrawalId, script_pubkey: bytes) -> int:
        return max(self.holds.get(withdrawal_id, 0), self.holds.get(script_pubkey, 0))

    def control(self) -> ControlState:
        return self.said_of_kernel

    def _anchored(self, magic: bytes) -> list[AnchorTerms]:
        found = [approved.anchored for approved in self.approved]
        return [terms for terms in found if terms is not None and terms.magic == magic]
