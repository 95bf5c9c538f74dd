"""What a signed entry binds, in its canonical bytes (docs/journal.md has the table).

Rule 1: parts of fixed size stand in one field, one after another; whatever varies is a field of its own.
Rule 2: decoding is strict: only what encoding writes is read, else Malformed `entry-malformed`.
Rule 3: these bytes are for ever, as the entry's are.
"""

from collections.abc import Iterable

from signer.bitcoin.errors import Malformed
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats, sats_checked
from signer.core.evidence import statement_bytes
from signer.core.evidence_codec import read_anchor
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
from signer.core.payment import Payment, WithdrawalId
from signer.core.spend import Change
from signer.journal.entry import Claims, CoinClaim, RotationClaim, SigningRow


def outpoint_bytes(outpoint: OutPoint) -> bytes:
    """36 bytes that sort as outpoints do: txid, vout big-endian."""
    return outpoint.txid + outpoint.vout.to_bytes(4, "big")


def read_outpoint(field: bytes) -> OutPoint:
    """The inverse of `outpoint_bytes`. Raises Malformed `entry-malformed`."""
    sized(field, 36)
    return OutPoint(Txid(field[:32]), int.from_bytes(field[32:], "big"))


def encode_claims(claims: Claims) -> bytes:
    """The claims field."""
    change = claims.change
    return pack(
        (
            claims.txid,
            pack(map(_encode_payment, claims.payments)),
            _encode_pins(claims.new_pins),
            _encode_pins(claims.relied),
            b"" if claims.first_pin is None else outpoint_bytes(claims.first_pin),
            u64_be(claims.fee),
            u64_be(claims.charge),
            pack(map(_encode_coin, claims.coins)),
            b"" if change is None else _encode_change(change),
            pack(map(_encode_rotation, claims.rotations)),
            b"" if claims.anchor is None else statement_bytes(claims.anchor),
            claims.sweep_nonce,
            pack(u32_be(branch) + u32_be(index) for branch, index in claims.seen),
        )
    )


def read_claims(record: bytes) -> Claims:
    """The inverse of `encode_claims`. Raises Malformed `entry-malformed`."""
    (txid, payments, pins, relied, first_pin, fee, charge, coins, change,
     rotations, anchor, nonce, seen) = unpack_exactly(record, 13)  # fmt: skip
    return Claims(
        txid=Txid(sized(txid, 32)),
        payments=tuple(_read_payment(field) for field in unpack(payments)),
        new_pins=_read_pins(pins),
        relied=_read_pins(relied),
        first_pin=read_outpoint(first_pin) if first_pin else None,
        fee=_read_amount(fee),
        charge=_read_amount(charge),
        coins=tuple(_read_coin(field) for field in unpack(coins)),
        change=_read_change(change) if change else None,
        rotations=tuple(_read_rotation(field) for field in unpack(rotations)),
        anchor=read_anchor(anchor) if anchor else None,
        sweep_nonce=sized(nonce, 0, 16),
        seen=tuple(_read_place(field) for field in unpack(seen)),
    )


def _encode_pins(pins: Iterable[tuple[WithdrawalId, OutPoint]]) -> bytes:
    return pack(withdrawal_id + outpoint_bytes(coin) for withdrawal_id, coin in pins)


def _read_pins(record: bytes) -> tuple[tuple[WithdrawalId, OutPoint], ...]:
    return tuple((sized(pin, 68)[:32], read_outpoint(pin[32:])) for pin in unpack(record))


def _read_amount(field: bytes) -> Sats:
    try:
        return sats_checked(read_number(field, 8))
    except Malformed as error:
        refuse_entry(error.detail)


def _encode_payment(payment: Payment) -> bytes:
    fixed = payment.withdrawal_id + u32_be(payment.vout) + u64_be(payment.amount)
    return pack((fixed, payment.script_pubkey))


def _read_payment(record: bytes) -> Payment:
    fixed, script = unpack_exactly(record, 2)
    sized(fixed, 44)
    vout = int.from_bytes(fixed[32:36], "big")
    return Payment(fixed[:32], vout, _read_amount(fixed[36:]), script)


def _encode_coin(coin: CoinClaim) -> bytes:
    place = u64_be(coin.amount) + u32_be(coin.branch) + u32_be(coin.index)
    height = b"" if coin.height is None else u32_be(coin.height)
    return pack((outpoint_bytes(coin.outpoint) + place, coin.script_pubkey, height))


def _read_coin(record: bytes) -> CoinClaim:
    fixed, script, height = unpack_exactly(record, 3)
    sized(fixed, 52)
    return CoinClaim(
        outpoint=read_outpoint(fixed[:36]),
        amount=_read_amount(fixed[36:44]),
        script_pubkey=script,
        branch=int.from_bytes(fixed[44:48], "big"),
        index=int.from_bytes(fixed[48:], "big"),
        height=read_number(height, 4) if sized(height, 0, 4) else None,
    )


def _encode_change(change: Change) -> bytes:
    return u32_be(change.vout) + u64_be(change.amount) + u32_be(change.index)


def _read_change(field: bytes) -> Change:
    sized(field, 16)
    vout, index = int.from_bytes(field[:4], "big"), int.from_bytes(field[12:], "big")
    return Change(vout, _read_amount(field[4:12]), index)


def _encode_rotation(rotation: RotationClaim) -> bytes:
    output = u32_be(rotation.vout) + u64_be(rotation.amount) + u32_be(rotation.index)
    return rotation.to_fingerprint + output


def _read_rotation(field: bytes) -> RotationClaim:
    output = _read_change(sized(field, 48)[32:])
    return RotationClaim(field[:32], output.vout, output.amount, output.index)


def _read_place(field: bytes) -> tuple[int, int]:
    place = read_number(field, 8)
    return place >> 32, place & 0xFFFFFFFF


def encode_signing(row: SigningRow) -> bytes:
    """One row of the signing list."""
    index, pubkey, script, sighash_type, digest = row
    return pack((u32_be(index), pubkey, script, u32_be(sighash_type), digest))


def read_signing(record: bytes) -> SigningRow:
    """The inverse of `encode_signing`. Raises Malformed `entry-malformed`."""
    index, pubkey, script, sighash, digest = unpack_exactly(record, 5)
    sighash_type = read_number(sighash, 4)
    if sighash_type not in (SIGHASH_DEFAULT, SIGHASH_ALL):
        refuse_entry(f"sighash type {sighash_type}")
    return read_number(index, 4), sized(pubkey, 33), script, sighash_type, sized(digest, 32)
