"""BIP-341's wallet vectors as a whole: nine inputs signed anew, assembled by us, accepted by consensus."""

from dataclasses import replace

import pytest
from coincurve import PrivateKey

from signer.bitcoin.secp import ORDER
from signer.bitcoin.taproot import tweak
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT, TaprootSighash
from signer.bitcoin.transaction import Transaction, TxOut, parse_transaction, parse_unsigned
from signer.bitcoin.units import Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from tests.vectors import load_json

NO_AUXILIARY_RANDOMNESS = bytes(32)
"""What the vectors were signed with."""


def tweaked(secret: PrivateKey, scalar: bytes) -> PrivateKey:
    """BIP-341's taproot_tweak_seckey."""
    number = secret.to_int() if secret.public_key.format()[0] == 2 else ORDER - secret.to_int()
    return PrivateKey.from_int((number + int.from_bytes(scalar, "big")) % ORDER)


def signed_anew() -> tuple[Transaction, tuple[TxOut, ...]]:
    """The unsigned transaction with seven Taproot witnesses of ours.

    The other two inputs, P2PKH and P2WPKH, are no vault's: their published signatures are taken over.
    """
    (case,) = load_json("bips/bip341/wallet-test-vectors.json")["keyPathSpending"]
    prevouts = tuple(
        TxOut(Sats(each["amountSats"]), bytes.fromhex(each["scriptPubKey"]))
        for each in case["given"]["utxosSpent"]
    )
    unsigned = parse_unsigned(bytes.fromhex(case["given"]["rawUnsignedTx"]))
    published = parse_transaction(bytes.fromhex(case["auxiliary"]["fullySignedTx"]))
    sighash = TaprootSighash(unsigned, prevouts)
    stacks = list(published.witnesses)
    for spending in case["inputSpending"]:
        given, expected = spending["given"], spending["intermediary"]
        index, kind = given["txinIndex"], given["hashType"]
        key = tweaked(
            PrivateKey.from_hex(given["internalPrivkey"]), bytes.fromhex(expected["tweak"])
        )
        assert key.secret.hex() == expected["tweakedPrivkey"]
        internal = bytes.fromhex(expected["internalPubkey"])
        output, _ = tweak(internal, bytes.fromhex(given["merkleRoot"] or ""))
        assert prevouts[index].script_pubkey == b"\x51\x20" + output
        digest = sighash.digest(index, kind, None)
        suffix = bytes((kind,)) if kind != SIGHASH_DEFAULT else b""
        stacks[index] = (key.sign_schnorr(digest, NO_AUXILIARY_RANDOMNESS) + suffix,)
        assert [item.hex() for item in stacks[index]] == spending["expected"]["witness"]
    signed = replace(unsigned, inputs=published.inputs, witnesses=tuple(stacks))
    assert len(case["inputSpending"]) == 7
    assert signed.serialize() == published.serialize()
    return signed, prevouts


def test_nine_inputs_signed_and_assembled_are_the_published_transaction() -> None:
    verify_consensus(*signed_anew())


@pytest.mark.parametrize("index", range(9))
def test_each_of_its_prevouts_is_committed_to(index: int) -> None:
    """One satoshi off in any prevout: a Taproot input of type ALL or DEFAULT no longer verifies."""
    signed, prevouts = signed_anew()
    wrong = list(prevouts)
    wrong[index] = wrong[index]._replace(amount=Sats(wrong[index].amount + 1))
    with pytest.raises(Refusal) as refusal:
        verify_consensus(signed, tuple(wrong))
    assert refusal.value.code == "consensus-refused"
