"""A spend that is only described. `approve` consents to none: it is no VerifiedSpend.

It answers what rules ask (`signer.core.spend.SpendFacts`) with what it was made of; nothing is derived but
its coins, which are all alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from policies.example_fields import USUAL_WEIGHT
from signer.bitcoin.descriptor import SpendingPath
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import COIN, Sats, VBytes, Weight, vbytes_of
from signer.core.opreturn import Anchor
from signer.core.payment import Payment
from signer.core.spend import Change, Kind, SpentCoin
from signer.core.vault import Vault

NO_SATS = Sats(0)
FAR = 1 << 62
"""An expiry that no described moment reaches."""
_SHOWN_COINS = 16
"""Coins that stand for all inputs: more than the rules about coins tell apart."""


@dataclass(frozen=True, slots=True)
class DescribedSpend:
    """A spend of a registered vault (`signer.core.spend.SpendFacts`)."""

    vault: Vault
    kind: Kind = Kind.WITHDRAWAL
    payments: tuple[Payment, ...] = ()
    """`payments_of` numbers them."""
    fee: Sats = NO_SATS
    weight: Weight = USUAL_WEIGHT
    input_count: int = 1
    output_count: int = 1
    path_index: int = 0
    anchor: Anchor | None = None
    to: Vault | None = None
    """For a sweep the vault itself."""
    moved: Sats = NO_SATS
    """What a rotation pays to the next vault."""
    is_replaceable: bool = True
    change: Change | None = None

    @property
    def path(self) -> SpendingPath:
        """The spending path."""
        return self.vault.paths[self.path_index]

    @property
    def coins(self) -> tuple[SpentCoin, ...]:
        """At most 16, all alike, for all inputs."""
        return described_coins(self.vault, min(self.input_count, _SHOWN_COINS))

    @property
    def vsize(self) -> VBytes:
        """Of the weight."""
        return vbytes_of(self.weight)

    @property
    def outflow(self) -> Sats:
        """Payments, what is moved, and the fee."""
        return Sats(sum(payment.amount for payment in self.payments) + self.moved + self.fee)


def payments_of(owed: Iterable[tuple[int, bytes]]) -> tuple[Payment, ...]:
    """Payments of (amount in sat, script), to the withdrawals 1, 2, ... in their order."""
    return tuple(
        Payment((vout + 1).to_bytes(32, "big"), vout, Sats(amount), script)
        for vout, (amount, script) in enumerate(owed)
    )


@lru_cache(maxsize=256)
def described_coins(vault: Vault, count: int) -> tuple[SpentCoin, ...]:
    """So many coins of the vault."""
    derived = vault.script(0, 0)
    prevout = TxOut(Sats(100 * COIN), derived.script_pubkey)
    return tuple(
        SpentCoin(OutPoint(Txid(bytes(32)[:-1] + b"\x01"), vout), prevout, derived)
        for vout in range(count)
    )
