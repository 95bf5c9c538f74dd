"""What the journal should answer, in plain Python."""

from signer.core.evidence import AnchorTerms
from signer.core.spend import VerifiedSpend
from tests.core.spends import USER_SCRIPT, Coin, withdrawal_id

AMOUNTS = {1: 10_000_000, 2: 15_000_000, 3: 9_000_000}


class Reference:
    """What design section 8 says, with nothing of ours but the transactions."""

    def __init__(self) -> None:
        self.pins: dict[int, Coin] = {}
        self.recorded: dict[bytes, tuple[frozenset[int], frozenset[Coin], int]] = {}
        self.charges: list[tuple[int, int, int]] = []
        self.roots: dict[tuple[bytes, int], bytes] = {}
        self.anchored: list[AnchorTerms] = []
        self.clocks: dict[tuple[int, bytes], int] = {}
        self.approvals: dict[tuple[int, bytes], int] = {}
        self.rejected: set[tuple[int, bytes]] = set()
        self.holds: dict[tuple[bytes, bytes], int] = {}

    def held_until(self, number: int) -> int:
        targets = (withdrawal_id(number), USER_SCRIPT)
        return max((end for (target, _), end in self.holds.items() if target in targets), default=0)

    def approvers(self, number: int) -> tuple[tuple[bytes, int], ...]:
        given = {
            officer: expiry
            for (each, officer), expiry in self.approvals.items()
            if each == number and (number, officer) not in self.rejected
        }
        return tuple(sorted(given.items()))

    def consents_to_anchor(self, terms: AnchorTerms, coin: Coin) -> bool:
        highest = max((batch for magic, batch in self.roots if magic == terms.magic), default=0)
        root = self.roots.get((terms.magic, terms.batch))
        before = self.roots.get((terms.magic, terms.previous_batch), terms.previous_root)
        in_order = root == terms.root or (root is None and terms.batch > highest)
        return in_order and before == terms.previous_root and coin not in self.pins.values()

    def record_anchor(self, spend: VerifiedSpend, terms: AnchorTerms, coin: Coin, now: int) -> None:
        self.roots[terms.magic, terms.batch] = terms.root
        self.anchored.append(terms)
        self.recorded[spend.transaction.txid] = (frozenset(), frozenset({coin}), spend.fee)
        self.charges.append((now, spend.fee, 0))

    def consents(self, spend: VerifiedSpend, paid: frozenset[int], coins: frozenset[Coin]) -> bool:
        for number in paid & self.pins.keys():
            if self.pins[number] not in coins:
                return False
        for number, pin in self.pins.items():
            if pin in coins and number not in paid:
                return False
        return all(self.pin_for(number, coins) for number in paid - self.pins.keys())

    def pin_for(self, number: int, coins: frozenset[Coin]) -> Coin | None:
        free = [
            coin
            for coin in coins
            if all(number in paid for paid, spent, _ in self.recorded.values() if coin in spent)
        ]
        return min(free, key=lambda coin: (-coin.amount, coin.outpoint), default=None)

    def record(
        self, spend: VerifiedSpend, paid: frozenset[int], coins: frozenset[Coin], now: int
    ) -> None:
        fresh = paid - self.pins.keys()
        self.pins |= {number: self.pin_for(number, coins) for number in fresh}  # type: ignore[misc]
        first = min(self.pins[number].outpoint for number in paid)
        dearest = max(
            (
                fee
                for others, _, fee in self.recorded.values()
                if others and min(self.pins[number].outpoint for number in others) == first
            ),
            default=0,
        )
        charge = sum(AMOUNTS[number] for number in fresh) + max(0, spend.fee - dearest)
        self.recorded[spend.transaction.txid] = (paid, coins, spend.fee)
        self.charges.append((now, charge, len(fresh)))
