"""Members, coins, withdrawals and claims of which the rules of agreement are asked."""

from collections.abc import Iterable

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim, Pin
from signer.core.payment import WithdrawalTerms

A, B, C = (bytes([number]) * 32 for number in range(1, 4))
"""Log keys; A is ours."""
LOW, MID, HIGH = (OutPoint(Txid(bytes([number]) * 32), 0) for number in (1, 2, 3))
FIRST, SECOND = (
    WithdrawalTerms(bytes([n]) * 32, Sats(5_000), b"\x00\x14" + bytes(20)) for n in (1, 2)
)
NOW, BEFORE = b"\x01" * 16, b"\x02" * 16
"""Incarnations."""


def pin(terms: WithdrawalTerms, coin: OutPoint) -> Pin:
    return terms.withdrawal_id, coin


def claim(
    origin: bytes = B,
    coins: Iterable[OutPoint] = (MID,),
    *,
    pays: Iterable[WithdrawalTerms] = (FIRST,),
    new: Iterable[Pin] = (),
    relied: Iterable[Pin] = (),
    bonds: Iterable[tuple[bytes, bytes]] = (),
    number: int = 7,
    leaf: bytes = b"\x07" * 32,
) -> Claim:
    coins, pays = frozenset(coins), frozenset(pays)
    told = (*sorted(map(str, coins)), *sorted(each.withdrawal_id.hex() for each in pays))
    return Claim(
        origin=origin,
        number=number,
        leaf=leaf,
        vault=bytes(32),
        txid=sha256(" ".join(told).encode()),
        spends=coins,
        pays=pays,
        new_pins=frozenset(new),
        relied=frozenset(relied),
        bonds=frozenset(bonds),
    )


HELD = claim(C, (MID,), new=(pin(FIRST, MID),))
OURS_HIGH = claim(A, (HIGH,), new=(pin(FIRST, HIGH),), number=3)
THEIRS_LOW = claim(B, (LOW,), new=(pin(FIRST, LOW),))
