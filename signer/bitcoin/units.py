"""Numbers with a unit. Integers only; rates are compared by cross-multiplication, never divided.

Rule 1: an amount is 0..MAX_MONEY; `sats_checked` is the only door from an untrusted integer.
Rule 2: a fee rate is an integer number of satoshi per 1000 virtual bytes (sat/kvB).
Rule 3: weight to virtual bytes rounds up (BIP-141); a fee for a rate rounds up.
"""

from typing import NewType

from signer.bitcoin.errors import Malformed

Sats = NewType("Sats", int)
"""Satoshi."""
Weight = NewType("Weight", int)
"""Weight units (BIP-141)."""
VBytes = NewType("VBytes", int)
"""Virtual bytes: weight / 4, rounded up (BIP-141)."""
FeeRate = NewType("FeeRate", int)
"""Satoshi per 1000 virtual bytes."""
Height = NewType("Height", int)
"""Block height; the genesis block is 0."""

COIN = 100_000_000
MAX_MONEY = Sats(21_000_000 * COIN)


def sats_checked(amount: int) -> Sats:
    """The amount, if 0 <= amount <= MAX_MONEY. Raises Malformed `amount-out-of-range`."""
    if not 0 <= amount <= MAX_MONEY:
        raise Malformed("amount-out-of-range", f"{amount} sat is not between 0 and {MAX_MONEY}")
    return Sats(amount)


def vbytes_of(weight: Weight) -> VBytes:
    """Virtual size of a weight, rounded up (BIP-141)."""
    return VBytes((weight + 3) // 4)


def fee_for(rate: FeeRate, size: VBytes) -> Sats:
    """The smallest fee that pays at least `rate` for `size`."""
    return Sats((rate * size + 999) // 1000)


def rate_below(fee: Sats, size: VBytes, limit: FeeRate) -> bool:
    """Whether fee / size < limit, exactly."""
    return fee * 1000 < limit * size


def rate_above(fee: Sats, size: VBytes, limit: FeeRate) -> bool:
    """Whether fee / size > limit, exactly."""
    return fee * 1000 > limit * size


def format_rate(rate: FeeRate) -> str:
    """A rate as people read it: `12.5 sat/vB`."""
    whole, part = divmod(rate, 1000)
    return f"{whole}.{part:03d}".rstrip("0").rstrip(".") + " sat/vB"
