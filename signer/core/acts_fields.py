"""Values of the lines of an officer's text.

1. Each value has one spelling: `signer.core.acts` writes what it read again and compares it with the text.
2. Readers raise ValueError (or Malformed, of an address or txid) for what is no such value.
"""

from signer.bitcoin.transaction import OutPoint, txid_from_display
from signer.bitcoin.units import COIN, MAX_MONEY, Sats
from signer.core.moments import read_time

Lines = tuple[tuple[str, str], ...]
"""(key, value) of each line between the genesis hash and the expiry."""
Values = dict[str, str]
"""The lines by their keys."""


def amount_text(amount: Sats) -> str:
    """`12.50000000 BTC`."""
    return f"{amount // COIN}.{amount % COIN:08d} BTC"


def read_amount(text: str) -> Sats:
    """The inverse."""
    amount = int(text.removesuffix(" BTC").replace(".", ""))
    if not 0 <= amount <= MAX_MONEY:
        raise ValueError(text)
    return Sats(amount)


def read_hash(text: str) -> bytes:
    """32 bytes."""
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise ValueError(text)
    return value


def read_moment(text: str) -> int:
    """Unix seconds."""
    moment = read_time(text)
    if moment is None:
        raise ValueError(text)
    return moment


def read_count(text: str, least: int, most: int) -> int:
    """A number of that range."""
    number = int(text)
    if not least <= number <= most:
        raise ValueError(text)
    return number


def read_outpoint(text: str) -> OutPoint:
    """The inverse of `str(outpoint)`."""
    txid, _, vout = text.partition(":")
    return OutPoint(txid_from_display(txid), read_count(vout, 0, 0xFFFF_FFFF))
