"""Coins that are not what they seem: the PSBT lies, the whole kernel reads it (checklist A to E, G)."""

from collections.abc import Callable

import pytest

from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import Pair
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from tests import federation
from tests.attacks.bridge import TAP, Maps, coin, maps_of, pay, refused, with_psbt
from tests.kernel.room import Running

FIRST = 1
"""The first input's map."""
THIEFS_KEY = federation.WATCHERS[0].key
Lie = Callable[[Maps], Maps]


def swap(kind: bytes, change: Callable[[Pair], Pair]) -> Lie:
    """The first pair of that type in the first input, changed."""

    def lie(maps: Maps) -> Maps:
        pair = maps.pairs(FIRST, kind)[0]
        others = tuple(each for each in maps.maps[FIRST] if each != pair)
        return maps.but(FIRST, (*others, change(pair)))

    return lie


def put(key: bytes, value: bytes, number: int = FIRST) -> Lie:
    """One more pair, or another one under the same key."""

    def lie(maps: Maps) -> Maps:
        others = tuple(each for each in maps.maps[number] if each[0] != key)
        return maps.but(number, (*others, (key, value)))

    return lie


def drop(kind: bytes) -> Lie:
    return lambda maps: maps.without(FIRST, kind)


def spend(**changes: object) -> Lie:
    """The unsigned transaction, changed."""
    return lambda maps: maps.with_transaction(**changes)


def twice(maps: Maps) -> Maps:
    changed = maps.with_transaction(inputs=maps.transaction.inputs * 2)
    return Maps((*changed.maps[:2], changed.maps[1], *changed.maps[2:]))


def sequence(number: int) -> Lie:
    def lie(maps: Maps) -> Maps:
        return maps.with_transaction(
            inputs=tuple(each._replace(sequence=number) for each in maps.transaction.inputs)
        )

    return lie


def richer(maps: Maps) -> Maps:
    """CVE-2020-14199: the coin seems to hold one satoshi less, and the signature is used for a fee."""
    prevout = coin(0).previous.outputs[1]
    poor = prevout._replace(amount=Sats(prevout.amount - 1)).serialize()
    return put(fields.IN_WITNESS_UTXO, poor)(maps)


def signature(maps: Maps) -> Pair:
    """A pair with a signature of member b over something else."""
    key = coin(0).derived.keys[1]
    member = next(each for each in federation.MEMBERS if each.fingerprint == key.fingerprint)
    return fields.IN_PARTIAL_SIG + key.pubkey, member.sign(*key.path[-2:], b"\x05" * 32)


def foreign_signature(_: Maps) -> Pair:
    stranger = federation.MEMBERS[9]
    pubkey = stranger.secret(0, 0).public_key.format()
    return fields.IN_PARTIAL_SIG + pubkey, stranger.sign(0, 0, b"\x05" * 32)


P2WSH_LIES: dict[str, tuple[Lie, str]] = {
    "A7: an unknown field as a covert channel": (put(b"\xf0", b"x"), "psbt-field-not-understood"),
    "A7: a proprietary field": (put(b"\xfc\x03abc\x00", b"x"), "psbt-field-not-understood"),
    "A7: the same in the global map": (put(b"\xf0", b"x", 0), "psbt-field-not-understood"),
    "B2: one coin spent twice (CVE-2018-17144)": (twice, "input-repeated"),
    "B5: version 1 switches BIP-68 off": (spend(version=1), "transaction-version-refused"),
    "B5: version 3 pins and evicts by other rules": (
        spend(version=3),
        "transaction-version-refused",
    ),
    "B6: a locktime that is a time": (spend(locktime=1_700_000_000), "locktime-refused"),
    "B6: a relative lock that is no path's": (sequence(1), "sequence-refused"),
    "C1: no previous transaction": (
        drop(fields.IN_NON_WITNESS_UTXO),
        "previous-transaction-missing",
    ),
    "C1: the previous transaction of another coin": (
        put(fields.IN_NON_WITNESS_UTXO, coin(1).previous.serialize()),
        "psbt-previous-transaction",
    ),
    "C2: the amount lie of CVE-2020-14199": (richer, "witness-utxo-mismatch"),
    "C5: the derivations of another address": (
        lambda maps: Maps((maps.maps[0], _elsewhere(maps), *maps.maps[2:])),
        "input-foreign",
    ),
    "C6: another witness script": (put(fields.IN_WITNESS_SCRIPT, b"\x51"), "input-script-mismatch"),
    "C6: a redeem script": (put(fields.IN_REDEEM_SCRIPT, b"\x51"), "input-script-mismatch"),
    "C10: the key of one member under the path of another": (
        lambda maps: maps.but(FIRST, _swapped_paths(maps)),
        "derivation-mismatch",
    ),
    "D1: SIGHASH_NONE": (put(fields.IN_SIGHASH_TYPE, b"\x02\0\0\0"), "sighash-type-refused"),
    "D1: SIGHASH_SINGLE with ANYONECANPAY": (
        put(fields.IN_SIGHASH_TYPE, b"\x83\0\0\0"),
        "sighash-type-refused",
    ),
    "G1: a signature over something else": (
        lambda maps: maps.plus(FIRST, signature(maps)),
        "signature-invalid",
    ),
    "G1: a signature of a stranger": (
        lambda maps: maps.plus(FIRST, foreign_signature(maps)),
        "signature-foreign-key",
    ),
    "G2: finalised already": (
        put(fields.IN_FINAL_SCRIPTWITNESS, b"\x01\x00"),
        "input-already-final",
    ),
}


def _elsewhere(maps: Maps) -> tuple[Pair, ...]:
    kept = maps.without(FIRST, fields.IN_BIP32_DERIVATION).maps[FIRST]
    moved = [
        (fields.IN_BIP32_DERIVATION + key.pubkey, key.fingerprint + _path(key.path))
        for key in coin(1).derived.keys
    ]
    return tuple(sorted((*kept, *moved)))


def _path(path: tuple[int, ...]) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in path)


def _swapped_paths(maps: Maps) -> tuple[Pair, ...]:
    (first, one), (second, two), *rest = maps.pairs(FIRST, fields.IN_BIP32_DERIVATION)
    kept = maps.without(FIRST, fields.IN_BIP32_DERIVATION).maps[FIRST]
    return (*kept, (first, two), (second, one), *rest)


@pytest.mark.parametrize("name", P2WSH_LIES)
def test_a_lie_about_a_p2wsh_coin(kernel: Running, name: str) -> None:
    """One field of an honest PSBT lies, each in the way that a known attack does.
    The kernel proves, derives and recomputes, and signs the twin without the lie."""
    lie, code = P2WSH_LIES[name]
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    assert refused(kernel, with_psbt(honest, lie(maps_of(honest.psbt)).psbt)) == code
    assert kernel.sign(honest).signatures == 1


def control_block(change: Callable[[bytes], bytes]) -> Lie:
    return swap(
        fields.IN_TAP_LEAF_SCRIPT, lambda pair: (pair[0][:1] + change(pair[0][1:]), pair[1])
    )


TAPROOT_LIES: dict[str, tuple[Lie, str]] = {
    "C6: a forged control block": (
        control_block(lambda block: block[:-1] + bytes([block[-1] ^ 1])),
        "input-script-mismatch",
    ),
    "C8: leaf version 0xfe, which anyone can spend": (
        swap(
            fields.IN_TAP_LEAF_SCRIPT,
            lambda pair: (
                pair[0][:1] + bytes([0xFE | pair[0][1] & 1]) + pair[0][2:],
                pair[1][:-1] + b"\xfe",
            ),
        ),
        "input-script-mismatch",
    ),
    "C8: a leaf of OP_SUCCESS": (
        swap(fields.IN_TAP_LEAF_SCRIPT, lambda pair: (pair[0], b"\x50" + pair[1][-1:])),
        "input-script-mismatch",
    ),
    "C12: an annex, which only a finalised witness can carry": (
        put(fields.IN_FINAL_SCRIPTWITNESS, b"\x01\x02\x50\x00"),
        "input-already-final",
    ),
    "D1: an explicit SIGHASH_SINGLE": (
        put(fields.IN_SIGHASH_TYPE, b"\x03\0\0\0"),
        "sighash-type-refused",
    ),
    "D3: a signature for the key path": (
        put(fields.IN_TAP_KEY_SIG, bytes(64)),
        "psbt-field-not-understood",
    ),
    "E1: a spendable internal key": (
        put(fields.IN_TAP_INTERNAL_KEY, THIEFS_KEY),
        "input-script-mismatch",
    ),
    "E2: another merkle root": (
        put(fields.IN_TAP_MERKLE_ROOT, b"\x07" * 32),
        "input-script-mismatch",
    ),
    "C3: an amount that no previous transaction has": (
        put(
            fields.IN_WITNESS_UTXO,
            TxOut(Sats(99_999_999), coin(0, TAP).derived.script_pubkey).serialize(),
        ),
        "witness-utxo-mismatch",
    ),
    "C6: fields of another kind of script": (
        put(fields.IN_WITNESS_SCRIPT, b"\x51"),
        "psbt-field-not-understood",
    ),
}


@pytest.mark.parametrize("name", TAPROOT_LIES)
def test_a_lie_about_a_taproot_coin(kernel: Running, name: str) -> None:
    """The tree, the internal key, the leaf or the amount that the PSBT shows is not the vault's.
    Everything is rebuilt from the descriptor, and the twin without the lie is signed."""
    lie, code = TAPROOT_LIES[name]
    honest = pay(kernel, (coin(0, TAP),), ((1, 60_000_000),))
    assert refused(kernel, with_psbt(honest, lie(maps_of(honest.psbt)).psbt)) == code
    assert kernel.sign(honest).signatures == 1


def test_an_amount_lie_that_nothing_contradicts(kernel: Running) -> None:
    """Without a previous transaction a Taproot amount is the PSBT's word, and I say more than there is.
    The coin's attestation is for another amount; and the signature would commit to mine, for no block."""
    honest = pay(kernel, (coin(0, TAP),), ((1, 60_000_000),))
    bare = maps_of(honest.psbt).without(FIRST, fields.IN_NON_WITNESS_UTXO)
    script = coin(0, TAP).derived.script_pubkey
    lied = put(fields.IN_WITNESS_UTXO, TxOut(Sats(100_000_900), script).serialize())(bare)
    assert refused(kernel, with_psbt(honest, lied.psbt)) == "coin-unproven"
    assert kernel.sign(with_psbt(honest, bare.psbt)).signatures == 1
