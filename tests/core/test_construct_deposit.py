"""Deposit construction for the user's own wallet."""

from dataclasses import replace

import pytest
from coincurve import PrivateKey
from embit import ec
from embit.psbt import PSBT

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160
from signer.bitcoin.psbt.maps import DEFAULT_LIMITS
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint, TxOut, parse_transaction
from signer.bitcoin.units import FeeRate, Sats, fee_for
from signer.consensus import verify_consensus
from signer.core.construct_deposit import (
    INPUT_WEIGHT,
    DepositRequest,
    UserUtxo,
    construct_deposit,
)
from signer.core.errors import Refusal
from signer.core.opreturn import Deposit, parse_op_return
from signer.core.registry import VaultRegistry
from tests.core.coins import funding
from tests.federation import vault

VAULT = vault()
REGISTRY = VaultRegistry((VAULT,))
REGISTRY.cover(VAULT, 0, 0)
REGISTRY.cover(VAULT, 1, 0)

USER = PrivateKey(b"\x07" * 32)
PUBKEY = USER.public_key.format()
P2WPKH = b"\x00\x14" + hash160(PUBKEY)
P2SH = b"\xa9\x14" + hash160(P2WPKH) + b"\x87"
P2PKH = b"\x76\xa9\x14" + hash160(PUBKEY) + b"\x88\xac"
P2TR = b"\x51\x20" + PUBKEY[1:]


def utxo(script_pubkey: bytes, amount: int, salt: int = 0, redeem: bytes | None = None) -> UserUtxo:
    return UserUtxo(funding(script_pubkey, amount, salt).serialize(), 1, redeem)


GOOD = DepositRequest(
    vault=VAULT,
    index=6,
    deposit=Deposit(b"PGWD", 31337, b"\x05" * 20),
    amount=Sats(100_000),
    utxos=(utxo(P2WPKH, 80_000, 1), utxo(P2SH, 70_000, 2, P2WPKH), utxo(P2PKH, 40_000, 3)),
    change_script=P2WPKH,
    fee_rate=FeeRate(3_000),
)


def built(request: DepositRequest):
    return construct_deposit(request, REGISTRY)


def code_of(request: DepositRequest) -> str:
    with pytest.raises((Refusal, Malformed)) as refusal:
        built(request)
    return refusal.value.code


def test_a_deposit():
    made = built(GOOD)
    outputs = made.transaction.outputs
    assert outputs[0].script_pubkey == VAULT.script(0, 6).script_pubkey
    assert outputs[0].amount == 100_000
    assert outputs[1].amount == 0
    assert parse_op_return(outputs[1].script_pubkey) == GOOD.deposit
    assert (outputs[2].script_pubkey, outputs[2].amount) == (P2WPKH, made.change)
    assert made.fee == fee_for(FeeRate(3_000), made.vsize)
    assert 100_000 + made.fee + made.change == 190_000
    previous = [parse_transaction(each.previous_tx).txid for each in GOOD.utxos]
    assert [txin.previous for txin in made.transaction.inputs] == [
        OutPoint(txid, 1) for txid in previous
    ]
    psbt = parse_psbt(made.psbt_bytes)
    assert psbt.transaction == made.transaction
    assert [each.witness_utxo is None for each in psbt.inputs] == [False, False, True]
    assert [each.redeem_script for each in psbt.inputs] == [None, P2WPKH, None]
    assert all(each.non_witness_utxo is not None for each in psbt.inputs)


def test_a_foreign_wallet_signs_it_and_consensus_accepts():
    """embit, the user's wallet, on every input type but P2TR; the worst-case size is not exceeded."""
    made = built(GOOD)
    wallet = PSBT.parse(made.psbt_bytes)
    assert wallet.sign_with(ec.PrivateKey(b"\x07" * 32)) == 3
    signature = [next(iter(each.partial_sigs.values())) for each in wallet.inputs]
    inputs = list(made.transaction.inputs)
    inputs[1] = inputs[1]._replace(script_sig=b"\x16" + P2WPKH)
    push = bytes((len(signature[2]),)) + signature[2] + b"\x21" + PUBKEY
    inputs[2] = inputs[2]._replace(script_sig=push)
    witnesses = ((signature[0], PUBKEY), (signature[1], PUBKEY), ())
    final = replace(made.transaction, inputs=tuple(inputs), witnesses=witnesses)
    prevouts = tuple(parse_transaction(each.previous_tx).outputs[1] for each in GOOD.utxos)
    verify_consensus(final, prevouts)
    assert made.vsize - 3 <= final.vsize <= made.vsize


def test_small_change_is_left_to_the_fee():
    enough = replace(GOOD, utxos=(utxo(P2WPKH, 100_800),))
    made = built(enough)
    assert (made.change, made.fee, len(made.transaction.outputs)) == (0, 800, 2)
    kept = built(replace(GOOD, utxos=(utxo(P2WPKH, 101_500),)))
    assert kept.change >= 294
    assert kept.change == 1_500 - kept.fee


def test_p2tr_by_its_key():
    made = built(replace(GOOD, utxos=(utxo(P2TR, 200_000),)))
    assert parse_psbt(made.psbt_bytes).inputs[0].witness_utxo is not None
    assert {kind.value: weight for kind, weight in INPUT_WEIGHT.items()} == {
        "p2pkh": 593,
        "p2wpkh": 272,
        "p2sh": 364,
        "p2tr": 231,
    }


def test_the_same_request_gives_the_same_bytes():
    assert built(GOOD) == built(replace(GOOD))


VAULT_COIN = utxo(VAULT.script(1, 2).script_pubkey, 200_000)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fee_rate": FeeRate(99)}, "fee-rate-refused"),
        ({"utxos": ()}, "coins-insufficient"),
        ({"utxos": (utxo(P2WPKH, 100_400),)}, "coins-insufficient"),
        ({"utxos": (GOOD.utxos[0],) * 2}, "coins-duplicate"),
        ({"utxos": (GOOD.utxos[0],) * 501}, "coins-too-many"),
        ({"utxos": (replace(GOOD.utxos[0], vout=2),)}, "previous-transaction-mismatch"),
        ({"utxos": (replace(GOOD.utxos[0], previous_tx=b""),)}, "transaction-malformed"),
        ({"utxos": (utxo(P2SH, 200_000),)}, "input-type-unsupported"),
        ({"utxos": (utxo(P2SH, 200_000, 0, P2PKH),)}, "input-type-unsupported"),
        ({"utxos": (utxo(P2SH, 200_000, 0, b"\x00\x14" + bytes(20)),)}, "input-type-unsupported"),
        ({"utxos": (utxo(P2WPKH, 200_000, 0, P2WPKH),)}, "input-type-unsupported"),
        ({"utxos": (VAULT_COIN,)}, "input-type-unsupported"),
        ({"index": 20}, "address-index-too-high"),
        ({"index": 2**31}, "derivation-impossible"),
        ({"amount": Sats(329)}, "output-dust"),
        ({"change_script": b"\x6a\x00"}, "change-script-refused"),
        ({"change_script": b"\x51\x20" + b"\xff" * 32}, "change-script-refused"),
        ({"change_script": VAULT.script(0, 2).script_pubkey}, "deposit-output"),
        ({"deposit": replace(GOOD.deposit, l2_address=bytes(20))}, "op-return-zero"),
    ],
)
def test_one_field_away(change, code):
    assert code_of(replace(GOOD, **change)) == code


def large(size: int, salt: int) -> UserUtxo:
    """Its previous transaction has so many bytes more."""
    before = funding(P2WPKH, 80_000, salt)
    padded = (*before.outputs, TxOut(Sats(0), bytes(size)))
    return UserUtxo(replace(before, outputs=padded).serialize(), 1)


def test_previous_transactions_are_bounded_as_where_deposits_are_verified():
    size = (
        DEFAULT_LIMITS.total_bytes - sum(len(large(70_000, i).previous_tx) for i in (1, 2))
    ) // 2
    fits = (large(70_000 + size, 1), large(70_000 + size, 2))
    assert sum(len(each.previous_tx) for each in fits) == DEFAULT_LIMITS.total_bytes
    assert built(replace(GOOD, utxos=fits)).fee > 0
    more = (fits[0], large(70_001 + size, 2))
    assert code_of(replace(GOOD, utxos=more)) == "coins-too-many"


def test_twins_that_pass():
    for change in (
        {"fee_rate": FeeRate(100)},
        {"utxos": (utxo(P2WPKH, 101_000),)},
        {"utxos": (utxo(P2SH, 200_000, 0, P2WPKH),)},
        {"index": 19},
        {"amount": Sats(330)},
        {"change_script": P2TR},
    ):
        assert built(replace(GOOD, **change)).fee > 0
