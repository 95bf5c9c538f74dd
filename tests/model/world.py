"""The world of the model: a chain, burns on the rollup, coins of the vault, attestors that tell the truth.

1. An attestor says of a coin only that it is confirmed, of a burn what it is, of a transaction that
   spends an output only what the chain shows.
2. Of equal burns it says r of m by one signature only while at most m - r payments of them are confirmed
   (docs/releases.md). It signs anew at each request, for a week.
3. Who called a transaction buried relies on it: the chain keeps it from then on.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

from clients.messages import attestation_message
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import (
    AnchorTerms,
    Attestation,
    CoinTerms,
    SpentTerms,
    Statement,
    attestation_digest,
)
from signer.core.payment import WithdrawalTerms
from signer.core.vault import Vault
from tests.core.spends import previous_transaction, withdrawal_id
from tests.kernel.histories import _WATCHERS as WITH_KEYS
from tests.kernel.history_world import Owned
from tests.model.chain import Chain
from tests.model.hosts import DEPTH

HOUR, WEEK = 3_600, 7 * 86_400 - 150
"""An attestation lasts at most a week by a kernel whose clock lags a little."""
ELSEWHERE = b"\x00\x14" + b"\x44" * 20
MAGIC = b"PGWD"
WATCHERS = WITH_KEYS[:2]


@dataclass
class World:
    """What is true outside the kernels."""

    random: Random
    vault: Vault
    chain: Chain = field(default_factory=Chain)
    burns: list[WithdrawalTerms] = field(default_factory=list)
    coins: dict[OutPoint, Owned] = field(default_factory=dict)
    """Of the vault, whether or not they exist on the chain that is the longest now."""
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    wanted: Counter[TxOut] = field(default_factory=Counter)
    """How many burns want that output."""
    roots: Counter[int] = field(default_factory=Counter)
    """How often the rollup reorganised that batch away."""

    # --- what happens

    def burn(self, like: WithdrawalTerms | None = None) -> WithdrawalTerms:
        """A withdrawal is asked for on the rollup, sometimes equal to another one."""
        number = next(self.numbers)
        if like is None:
            script = b"\x00\x14" + sha256(b"user %d" % number)[:20]
            like = WithdrawalTerms(b"", Sats(1_000_000 * self.random.randrange(5, 40)), script)  # type: ignore[arg-type]
        made = replace(like, withdrawal_id=withdrawal_id(number))
        self.burns.append(made)
        self.wanted[out_of(made)] += 1
        return made

    def deposit(self, amount: int = 0) -> Owned:
        """Somebody pays to the vault; confirmed in the next block that takes it."""
        number = next(self.numbers)
        index = number % 15
        amount = amount or 1_000_000 * self.random.randrange(40, 120)
        script = self.vault.script(0, index).script_pubkey
        coin = Owned(self.vault, 0, index, previous_transaction(script, amount, number), 1)
        self.coins[coin.outpoint] = coin
        self.chain.publish(coin.previous)
        return coin

    def taken(self, outpoint: OutPoint) -> Transaction:
        """A transaction of somebody else's that spends the output: a depositor's, or by the recovery path."""
        amount = Sats(1_000 + next(self.numbers))
        inputs = (TxIn(outpoint, b"", 0xFFFFFFFD),)
        made = Transaction(2, inputs, (TxOut(amount, ELSEWHERE),), 0)
        self.chain.publish(made)
        return made

    def signed(self, transaction: Transaction, change: tuple[int, int] | None) -> None:
        """It is complete; (vout, index) of its change."""
        self.chain.publish(transaction)
        if change is not None:
            vout, index = change
            coin = Owned(self.vault, 1, index, transaction, vout)
            self.coins[coin.outpoint] = coin

    # --- what is true

    def unspent(self) -> list[Owned]:
        return [
            each
            for outpoint, each in self.coins.items()
            if outpoint.txid in self.chain.heights and outpoint not in self.chain.spenders
        ]

    def equals(self, burn: WithdrawalTerms) -> int:
        """Burns of its amount and script, itself included."""
        return self.wanted[out_of(burn)]

    def paid(self, burn: WithdrawalTerms) -> int:
        """Confirmed payments of its amount and script."""
        return self.chain.paid[out_of(burn)]

    def is_overpaid(self) -> bool:
        """Whether some burn is, or can be from here, paid more than once."""
        paid = Counter(out for each in self.chain.broadcast.values() for out in each.outputs)
        return any(
            paid[out] > times and self.chain.can_be_paid_more_than(out, times)
            for out, times in self.wanted.items()
        )

    # --- what attestors say

    def words_for(
        self, burns: tuple[WithdrawalTerms, ...], coins: tuple[Owned, ...], now: int
    ) -> list[t.Attestation]:
        """For a payment, as far as they can say it."""
        wanted = Counter(out_of(each) for each in burns)
        said = tuple(
            each
            for each in burns
            if self.equals(each) == 1 or self.paid(each) + wanted[out_of(each)] <= self.equals(each)
        )
        seen = tuple(
            CoinTerms(
                each.outpoint,
                each.prevout.amount,
                Height(self.chain.heights[each.outpoint.txid]),
                each.prevout.script_pubkey,
            )
            for each in coins
            if each.outpoint.txid in self.chain.heights
        )
        return self._said(now + WEEK, said) + self._said(now + HOUR // 2, seen)

    def words_of_anchor(self, anchor: AnchorTerms, now: int) -> list[t.Attestation]:
        return self._said(now + HOUR // 2, (anchor,))

    def words_of_spend(
        self, outpoint: OutPoint, spender: Transaction, now: int
    ) -> list[t.Attestation]:
        """That the confirmed transaction spends the output (3)."""
        height = self.chain.heights[spender.txid]
        if self.chain.depth(spender.txid) >= DEPTH:
            self.chain.final = max(self.chain.final, height)
        terms = SpentTerms(outpoint, spender.txid, Height(height), Height(self.chain.tip))
        return self._said(now + HOUR // 2, (terms,))

    def anchor(self, batch: int) -> AnchorTerms:
        """The batch as the rollup has it now."""
        before = self._root(batch - 1) if batch > 1 else bytes(32)
        root, eth = self._root(batch), sha256(b"eth %d" % batch)
        return AnchorTerms(MAGIC, batch - 1, before, batch, root, eth)

    def _root(self, batch: int) -> bytes:
        return sha256(b"root %d %d" % (batch, self.roots[batch]))

    def _said(self, expiry: int, statements: tuple[Statement, ...]) -> list[t.Attestation]:
        if not statements:
            return []
        digest = attestation_digest(self.vault.realm, expiry, statements)
        return [
            attestation_message(
                Attestation(each.key, expiry, statements, each.secret.sign_schnorr(digest, None))
            )
            for each in WATCHERS
        ]


def out_of(burn: WithdrawalTerms) -> TxOut:
    """What pays it."""
    return TxOut(burn.amount, burn.script_pubkey)
