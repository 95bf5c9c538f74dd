"""A small federation: its sizes, and the coins, withdrawals and transactions that its members are asked for.

Members, coins and withdrawals are small numbers here, sets of them bit masks; what the rules of agreement are
asked about is built from them once (`claim_of`).
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim, Pin
from signer.core.agreement.rules import Quorums
from signer.core.payment import WithdrawalTerms

COINS = 8
"""More than any search uses: a pin is bit `withdrawal * COINS + coin`."""


class Federation(NamedTuple):
    """Who takes part, and about what."""

    threshold: int
    """k."""
    members: int
    """n."""
    witnesses: int
    """q."""
    dishonest: int = 0
    """Of the n. They sign and grant everything, and remember nothing when they are asked."""
    coins: int = 2
    withdrawals: int = 2
    cloned: int = 0
    """Of the honest ones, the last: two processes of each run."""
    torn: int = 0
    """Of the honest ones, the first: restored before, over entries that only a carrier has the heads of."""
    equal: bool = False
    """Whether all withdrawals have one amount and script."""

    @property
    def quorums(self) -> Quorums:
        """As the rules know it."""
        return Quorums(self.threshold, self.members, self.witnesses)

    @property
    def honest(self) -> int:
        """Members 0 .. honest - 1 are."""
        return self.members - self.dishonest

    def __str__(self) -> str:
        """As in 2-of-4 q=3 f=1, 2 coins."""
        sizes = f"{self.threshold}-of-{self.members} q={self.witnesses} f={self.dishonest}"
        equal = " of equal terms" * self.equal
        return f"{sizes}, {self.coins} coins, {self.withdrawals} withdrawals{equal}"


class Tx(NamedTuple):
    """A transaction: which coins it spends, which withdrawals it pays (bit masks)."""

    spends: int
    pays: int
    equal: bool = False
    """Whether withdrawals have equal terms. Which it pays is a label then, that each entry has for itself."""

    def __str__(self) -> str:
        """As in c0+c1>w0."""
        spent = "+".join(f"c{coin}" for coin in bits(self.spends))
        return spent + ">" + "+".join(f"w{each}" for each in bits(self.pays))


@cache
def on_chain(tx: Tx) -> Tx:
    """What is seen of it there: of equal terms only how many it pays, written as the lowest labels."""
    return tx._replace(pays=(1 << tx.pays.bit_count()) - 1) if tx.equal else tx


def seen(tx: Tx) -> str:
    """The same in words."""
    if not tx.equal:
        return f"{tx}"
    return str(tx._replace(pays=0)) + f"{tx.pays.bit_count()}"


class Proposed(NamedTuple):
    """An entry that asks for grants."""

    tx: Tx
    new: int
    """Pins (mask) that its origin may still give up."""
    relied: int
    """Pins that it cannot."""
    incarnation: int
    again: int = 0
    """How many equal ones stood in its log before."""

    def __str__(self) -> str:
        """As in c0+c1>w0 (new w0@c1, relied none, incarnation 0)."""
        new, relied = _shown(self.new), _shown(self.relied)
        return f"{self.tx} (new {new}, relied {relied}, incarnation {self.incarnation})"


def all_transactions(federation: Federation) -> tuple[Tx, ...]:
    """Some coins, some withdrawals; the smallest first."""
    spends, pays = range(1, 1 << federation.coins), range(1, 1 << federation.withdrawals)
    found = [Tx(*each, federation.equal) for each in product(spends, pays)]
    return tuple(sorted(found, key=lambda tx: (tx.spends.bit_count() + tx.pays.bit_count(), tx)))


@cache
def bits(mask: int) -> tuple[int, ...]:
    """The numbers in a set."""
    return tuple(number for number in range(mask.bit_length()) if mask >> number & 1)


def pin(withdrawal: int, coin: int) -> int:
    """The mask of one pin."""
    return 1 << withdrawal * COINS + coin


@cache
def pins_of(mask: int) -> tuple[tuple[int, int], ...]:
    """Withdrawal and coin of each."""
    return tuple(divmod(number, COINS) for number in bits(mask))


@cache
def pins_with(mask: int, withdrawals: int) -> int:
    """Those of these withdrawals (mask)."""
    return sum(pin(each, coin) for each, coin in pins_of(mask) if withdrawals >> each & 1)


@cache
def pins_on(mask: int, coins: int) -> int:
    """Those on these coins (mask)."""
    return sum(pin(each, coin) for each, coin in pins_of(mask) if coins >> coin & 1)


@cache
def key_of(member: int) -> bytes:
    """Its log key."""
    return bytes([member + 1]) * 32


def member_of(key: bytes) -> int:
    """The inverse."""
    return key[0] - 1


@cache
def outpoint(coin: int) -> OutPoint:
    """A coin as the rules see it."""
    return OutPoint(Txid(bytes([coin + 1]) * 32), 0)


@cache
def terms(withdrawal: int) -> WithdrawalTerms:
    """A withdrawal as the rules see it."""
    return WithdrawalTerms(bytes([withdrawal + 1]) * 32, Sats(1_000 + withdrawal), b"\x51")


@cache
def pin_set(mask: int) -> frozenset[Pin]:
    """Pins as the rules see them."""
    return frozenset((terms(each).withdrawal_id, outpoint(coin)) for each, coin in pins_of(mask))


@cache
def claim_of(origin: int, entry: Proposed) -> Claim:
    """What that entry of that member's log binds."""
    return Claim(
        origin=key_of(origin),
        number=number_of(entry),
        leaf=f"{origin} {entry} {entry.again}".encode(),
        vault=b"\x00" * 32,
        txid=f"{on_chain(entry.tx)}".encode(),
        spends=frozenset(outpoint(coin) for coin in bits(entry.tx.spends)),
        pays=frozenset(terms(each) for each in bits(entry.tx.pays)),
        new_pins=pin_set(entry.new),
        relied=pin_set(entry.relied),
        bonds=frozenset(),
    )


_NUMBERS: dict[Proposed, int] = {}
_ENTRIES: list[Proposed] = []


def number_of(entry: Proposed) -> int:
    """A number for it, one in all logs: places in logs play no part here."""
    number = _NUMBERS.setdefault(entry, len(_ENTRIES))
    if number == len(_ENTRIES):
        _ENTRIES.append(entry)
    return number


def entry_of(number: int) -> Proposed:
    """The inverse."""
    return _ENTRIES[number]


def _shown(pins: int) -> str:
    return "+".join(f"w{each}@c{coin}" for each, coin in pins_of(pins)) or "none"


def choices(withdrawals: int, coins: int) -> Iterator[int]:
    """One coin of these (mask) for each of these withdrawals (mask), as pins."""
    options = [[pin(each, coin) for coin in bits(coins)] for each in bits(withdrawals)]
    for chosen in product(*options):
        yield sum(chosen)
