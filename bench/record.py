"""A record in memory that holds one version of one withdrawal: what `approve` asks while we measure.

Every answer is a dictionary's, as the journal's are an index's; nothing is written.
"""

from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.control import ControlState
from signer.core.evidence import SweepTerms
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.spend import ApprovedSpend, RecordedSpend, VerifiedSpend
from signer.core.view import RecordedVersion, RecordedWithdrawal, WithdrawalState
from signer.journal.record import Place, recorded_spend


class OneVersion:
    """`signer.core.view.View` of that version, or of nothing."""

    def __init__(self, approved: ApprovedSpend | None) -> None:
        self._charges: tuple[tuple[int, Sats, int], ...] = ()
        self._coins: dict[OutPoint, TxOut] = {}
        self._withdrawals: dict[WithdrawalId, RecordedWithdrawal] = {}
        self._pinned: dict[OutPoint, tuple[WithdrawalId, ...]] = {}
        self._spenders: tuple[Txid, ...] = ()
        self._fee = Sats(0)
        self._next = [0, 0]
        if approved is not None:
            self._fold(approved)

    def _fold(self, approved: ApprovedSpend) -> None:
        spend = approved.spend
        self._charges = ((approved.decided_at, approved.charge, len(approved.new_pins)),)
        self._coins = {coin.outpoint: coin.prevout for coin in spend.coins}
        self._spenders = (spend.transaction.txid,)
        self._fee = spend.fee
        terms = {payment.withdrawal_id: payment.terms for payment in spend.payments}
        for name, pin in approved.new_pins:
            self._withdrawals[name] = RecordedWithdrawal(
                terms[name], spend.vault.fingerprint, WithdrawalState.OPEN, pin
            )
            self._pinned[pin] = (*self._pinned.get(pin, ()), name)
        for branch, index in approved.seen:
            self._next[branch] = max(self._next[branch], index + 1)

    def withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        return self._withdrawals.get(withdrawal_id)

    def twins(
        self, vault_fingerprint: bytes, amount: Sats, script_pubkey: bytes
    ) -> tuple[RecordedWithdrawal, ...]:
        wanted = (vault_fingerprint, amount, script_pubkey)
        found = self._withdrawals.values()
        return tuple(
            each
            for each in found
            if (each.vault_fingerprint, each.terms.amount, each.terms.script_pubkey) == wanted
        )

    def is_closed(self, _: WithdrawalId) -> bool:
        return False

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

    def struck_of(self, _: WithdrawalId) -> frozenset[OutPoint]:
        return frozenset()

    def closing_since(self, _: bytes, __: tuple[WithdrawalTerms, ...]) -> int:
        return 0

    def pinned_to(self, coin: OutPoint) -> tuple[WithdrawalId, ...]:
        return self._pinned.get(coin, ())

    def recorded_coin(self, _: bytes, coin: OutPoint) -> TxOut | None:
        return self._coins.get(coin)

    def spenders(self, coin: OutPoint) -> tuple[Txid, ...]:
        return self._spenders if coin in self._coins else ()

    def payers(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        return frozenset(self._spenders if withdrawal_id in self._withdrawals else ())

    def version(self, _: Txid) -> RecordedVersion | None:
        return None

    def dearest_fee(self, _: OutPoint) -> Sats:
        return self._fee

    def outflow_since(self, _: bytes, moment: int) -> Sats:
        return Sats(sum(charge for at, charge, _ in self._charges if at > moment))

    def withdrawals_since(self, _: bytes, moment: int) -> int:
        return sum(count for at, _, count in self._charges if at > moment)

    def charges_since(self, _: bytes, moment: int) -> tuple[tuple[int, Sats, int], ...]:
        return tuple(each for each in self._charges if each[0] > moment)

    def next_index(self, _: bytes, branch: int) -> int:
        return self._next[branch]

    def batch_root(self, _: bytes, __: int) -> bytes | None:
        return None

    def highest_batch(self, _: bytes) -> int | None:
        return None

    def nonce_used(self, _: bytes) -> bool:
        return False

    def first_attested(self, _: bytes, __: WithdrawalTerms, ___: bytes) -> int | None:
        return None

    def approvers(self, _: bytes) -> tuple[tuple[bytes, int], ...]:
        return ()

    def approved_moves(self, _: bytes) -> tuple[SweepTerms, ...]:
        return ()

    def held_until(self, _: WithdrawalId, __: bytes) -> int:
        return 0

    def control(self) -> ControlState:
        return ControlState()


def on_record(spend: VerifiedSpend) -> RecordedSpend:
    """As if its entry were durable, of a vault without witnesses."""
    recorded = recorded_spend(spend, Place(1, bytes(32), waits=False, recorded_at=0), "")
    if not isinstance(recorded, RecordedSpend):
        raise TypeError("a spend that waits for nobody")
    return recorded
