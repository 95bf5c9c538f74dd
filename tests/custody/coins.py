"""Coins of a vault, honest spends of them, and what truly leaves by a transaction.

1. What leaves is reckoned from the transaction, the amounts that we gave the coins, and the scripts of the
   vault's change and of its successor: nothing that a core says goes into it.
2. Coins come in batches, and a transaction spends coins of one: so all conflict-free sets can be tried.
"""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint
from signer.bitcoin.units import FeeRate, Sats
from signer.core.construct import (
    Funding,
    SweepRequest,
    WithdrawalRequest,
    construct_sweep,
    construct_withdrawal,
)
from signer.core.drafts import OfferedCoin
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.spend import VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.core.verify import SpendClaims, verify
from tests import federation
from tests.core.spends import USER_SCRIPT, previous_transaction, withdrawal_id

BATCH = 5
"""Coins of which any may be spent together."""
INDEXES = 4
"""Change indexes in use."""
RATE = FeeRate(1_000)


class House(NamedTuple):
    """A vault, and those that are not it."""

    name: str
    vault: Vault
    successor: Vault
    foreign: Vault
    """Has our key too, beside a thief's."""
    ours: tuple[int, ...]
    """Places of our key."""

    def registry(self) -> VaultRegistry:
        """Of all three, a few addresses known."""
        made = VaultRegistry((self.vault, self.successor, self.foreign))
        for vault in made.all():
            made.cover(vault, RECEIVE, 0)
            made.cover(vault, CHANGE, 0)
        return made


HOUSES = (
    House(
        "wsh", federation.vault(), federation.vault(2, 3, 3, "next"), federation.vault(2, 2), (0,)
    ),
    House(
        "tr",
        federation.taproot_vault(),
        federation.taproot_vault(first=3, name="next"),
        federation.taproot_vault(older=200),
        (0, 3),
    ),
)


class Order(NamedTuple):
    """A withdrawal from some coins."""

    number: int
    coins: tuple[int, ...]
    amount: int
    fee: int
    change_index: int


@dataclass
class Wallet:
    """All coins of a life."""

    house: House
    random: Random
    amounts: dict[OutPoint, int] = field(default_factory=dict)
    """What each coin truly holds."""
    made: dict[int, OfferedCoin] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.registry = self.house.registry()
        vault, successor = self.house.vault, self.house.successor
        indexes = range(INDEXES)
        self.change = {vault.script(vault.change_branch, each).script_pubkey for each in indexes}
        self.next = {successor.script(RECEIVE, each).script_pubkey for each in indexes}

    def coin(self, number: int) -> OfferedCoin:
        """The coin of that number."""
        if number not in self.made:
            amount, index = self.random.randrange(20_000_000, 100_000_000), number % 20
            script = self.house.vault.script(RECEIVE, index).script_pubkey
            previous = previous_transaction(script, amount, number)
            outpoint = OutPoint(previous.txid, 1)
            self.amounts[outpoint] = amount
            self.made[number] = OfferedCoin(previous.serialize(), outpoint, Sats(amount), 0, index)
        return self.made[number]

    def draw(self, number: int, batch: int) -> Order:
        """An order for coins of that batch."""
        count = self.random.choice((1, 1, 2, 3))
        coins = tuple(sorted(self.random.sample(range(batch * BATCH, (batch + 1) * BATCH), count)))
        held = sum(self.coin(each).amount or 0 for each in coins)
        fee = self.random.randrange(1_000, 50_000)
        amount = self.random.choice((held - fee, self.random.randrange(100_000, held - fee)))
        return Order(number, coins, amount, fee, self.random.randrange(INDEXES))

    def build(self, order: Order) -> VerifiedSpend:
        """What an honest core understands of it. Raises Refusal where the coins do not suffice."""
        coins = tuple(self.coin(each) for each in order.coins)
        terms = WithdrawalTerms(withdrawal_id(order.number), Sats(order.amount), USER_SCRIPT)
        spent = frozenset(each.outpoint for each in coins)
        funding = Funding(self.house.vault, coins, order.change_index, RATE, spent, Sats(order.fee))
        built = construct_withdrawal(WithdrawalRequest(funding, (terms,)), self.registry)
        return self._ours(built.psbt_bytes, (PaymentClaim(terms.withdrawal_id, 0),))

    def rotate(self, coins: tuple[int, ...], fee: int) -> VerifiedSpend:
        """All of these coins to the successor."""
        offered = tuple(self.coin(each) for each in coins)
        request = SweepRequest(
            self.house.vault, self.house.successor, 0, 0, offered, RATE, Sats(fee)
        )
        return self._ours(construct_sweep(request, self.registry).psbt_bytes, ())

    def leaves(self, spend: VerifiedSpend, *, to_successor: bool) -> int:
        """What truly leaves (1); `to_successor`: whether what the successor gets stays."""
        staying = self.change | self.next if to_successor else self.change
        entered = sum(self.amounts[each.previous] for each in spend.transaction.inputs)
        outputs = spend.transaction.outputs
        return entered - sum(each.amount for each in outputs if each.script_pubkey in staying)

    def _ours(self, raw: bytes, payments: tuple[PaymentClaim, ...]) -> VerifiedSpend:
        claims = SpendClaims(parse_psbt(raw), raw, payments)
        return verify(claims, self.house.vault, self.registry, self.house.ours)
