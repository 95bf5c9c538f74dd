"""A claim in canonical bytes: in the entries that say what binds a member, and in its refusals to others.

Rule 1: fields as in `signer.core.fields`; an outpoint is its txid and the vout, big-endian.
Rule 2: a set stands in ascending order of its members' bytes, without repetition.
Rule 3: reading is strict and the inverse of writing, else Malformed `entry-malformed`.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeVar

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import sats_checked
from signer.core.agreement.claim import Bond, Claim, Pin
from signer.core.fields import (
    pack,
    read_number,
    refuse_entry,
    sized,
    u32_be,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.payment import WithdrawalTerms

Part = TypeVar("Part")


def claim_bytes(claim: Claim) -> bytes:
    """The canonical bytes."""
    return pack(
        (
            claim.origin,
            u64_be(claim.number),
            claim.leaf,
            claim.vault,
            claim.txid,
            _set(map(_coin, claim.spends)),
            _set(map(_terms, claim.pays)),
            _set(map(_pin, claim.new_pins)),
            _set(map(_pin, claim.relied)),
            _set(map(pack, claim.bonds)),
        )
    )


def read_claim(record: bytes) -> Claim:
    """The inverse of `claim_bytes`. Raises Malformed `entry-malformed`."""
    (origin, number, leaf, vault, txid, spends, pays, pins, relied,
     bonds) = unpack_exactly(record, 10)  # fmt: skip
    claim = Claim(
        origin=sized(origin, 32),
        number=read_number(number, 8),
        leaf=sized(leaf, 32),
        vault=sized(vault, 32),
        txid=sized(txid, 32),
        spends=_read_set(spends, _read_coin),
        pays=_read_set(pays, _read_terms),
        new_pins=_read_set(pins, _read_pin),
        relied=_read_set(relied, _read_pin),
        bonds=_read_set(bonds, _read_bond),
    )
    if not claim.spends:
        refuse_entry("a claim that spends nothing")
    return claim


def _set(records: Iterable[bytes]) -> bytes:
    return pack(sorted(records))


def _read_set(field: bytes, read: Callable[[bytes], Part]) -> frozenset[Part]:
    records = unpack(field)
    if not all(left < right for left, right in pairwise(records)):
        refuse_entry("a set that is not in ascending order")
    return frozenset(map(read, records))


def _coin(outpoint: OutPoint) -> bytes:
    return outpoint.txid + u32_be(outpoint.vout)


def _read_coin(field: bytes) -> OutPoint:
    sized(field, 36)
    return OutPoint(Txid(field[:32]), int.from_bytes(field[32:], "big"))


def _terms(terms: WithdrawalTerms) -> bytes:
    return pack((terms.withdrawal_id, u64_be(terms.amount), terms.script_pubkey))


def _read_terms(record: bytes) -> WithdrawalTerms:
    withdrawal_id, amount, script = unpack_exactly(record, 3)
    try:
        sats = sats_checked(read_number(amount, 8))
    except Malformed as error:
        refuse_entry(error.detail)
    return WithdrawalTerms(sized(withdrawal_id, 32), sats, script)


def _pin(pin: Pin) -> bytes:
    withdrawal_id, coin = pin
    return withdrawal_id + _coin(coin)


def _read_pin(field: bytes) -> Pin:
    return sized(field, 68)[:32], _read_coin(field[32:])


def _read_bond(record: bytes) -> Bond:
    key, value = unpack_exactly(record, 2)
    return key, value
