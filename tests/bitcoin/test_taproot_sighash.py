"""Taproot digests: BIP-341's vectors, Core's consensus code on every type and path, refusals."""

from dataclasses import replace
from typing import Any

import pytest
from coincurve import PrivateKey

from signer.bitcoin import taproot_sighash
from signer.bitcoin.hashes import sha256, tagged_hash
from signer.bitcoin.script import witness_script_pubkey
from signer.bitcoin.secp import ORDER, verify_schnorr
from signer.bitcoin.taproot import TapLeaf, tap_tree, tweak
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT, SIGHASH_TYPES, TaprootSighash
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    parse_transaction,
    parse_unsigned,
)
from signer.bitcoin.units import Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from tests.bitcoin.multisigs import multi_a_script
from tests.bitcoin.refused import refused
from tests.vectors import load_json

SECRET = PrivateKey(b"\x05" * 32)
INTERNAL = SECRET.public_key_xonly.format()
LEAF = TapLeaf(0, multi_a_script(1, (INTERNAL,)))
TREE = tap_tree((LEAF,))
OUTPUT, PARITY = tweak(INTERNAL, TREE.merkle_root)
PREVOUTS = tuple(TxOut(Sats(50_000 + n), witness_script_pubkey(1, OUTPUT)) for n in range(3))
SPEND = Transaction(
    2,
    tuple(TxIn(OutPoint(Txid(sha256(bytes((n,)))), n), b"", 0xFFFFFFFD - n) for n in range(3)),
    tuple(TxOut(Sats(30_000 + n), bytes((0x51, 2, n, n))) for n in range(3)),
    17,
)


def key_path_vectors() -> dict[str, Any]:
    (case,) = load_json("bips/bip341/wallet-test-vectors.json")["keyPathSpending"]
    return dict(case)


def vector_prevouts(case: dict[str, Any]) -> tuple[TxOut, ...]:
    return tuple(
        TxOut(Sats(each["amountSats"]), bytes.fromhex(each["scriptPubKey"]))
        for each in case["given"]["utxosSpent"]
    )


def test_bip341_key_path_vectors() -> None:
    """All seven sighash types, to the digest and to the signature in the witness."""
    case = key_path_vectors()
    transaction = parse_unsigned(bytes.fromhex(case["given"]["rawUnsignedTx"]))
    sighash = TaprootSighash(transaction, vector_prevouts(case))
    types = []
    for spending in case["inputSpending"]:
        given, expected = spending["given"], spending["intermediary"]
        root = bytes.fromhex(given["merkleRoot"] or "")
        internal = PrivateKey.from_hex(given["internalPrivkey"]).public_key_xonly.format()
        assert internal.hex() == expected["internalPubkey"]
        output, _ = tweak(internal, root)
        digest = sighash.digest(given["txinIndex"], given["hashType"], None)
        assert digest.hex() == expected["sigHash"]
        assert digest == tagged_hash("TapSighash", bytes.fromhex(expected["sigMsg"]))
        (witness,) = spending["expected"]["witness"]
        verify_schnorr(output, digest, bytes.fromhex(witness)[:64])
        types.append(given["hashType"])
    assert set(types) == SIGHASH_TYPES
    assert len(types) == 7


def test_bip341_midstates() -> None:
    """What is hashed once is what the vectors list."""
    case = key_path_vectors()
    transaction = parse_unsigned(bytes.fromhex(case["given"]["rawUnsignedTx"]))
    auxiliary = case["intermediary"]
    message = bytes.fromhex(
        next(x for x in case["inputSpending"] if x["given"]["hashType"] == 0)["intermediary"][
            "sigMsg"
        ]
    )
    names = ("Prevouts", "Amounts", "ScriptPubkeys", "Sequences", "Outputs")
    assert message[10 : 10 + 160].hex() == "".join(auxiliary[f"hash{name}"] for name in names)
    assert message[2:10] == transaction.stripped[:4] + transaction.stripped[-4:]


def test_bip341_fully_signed_transaction() -> None:
    """Core's consensus code accepts the nine inputs, and our digests verify its seven signatures."""
    case = key_path_vectors()
    signed = parse_transaction(bytes.fromhex(case["auxiliary"]["fullySignedTx"]))
    prevouts = vector_prevouts(case)
    verify_consensus(signed, prevouts)
    sighash = TaprootSighash(signed, prevouts)
    verified = 0
    for index, (stack, prevout) in enumerate(zip(signed.witnesses, prevouts, strict=True)):
        if prevout.script_pubkey[:2] == b"\x51\x20":
            kind = stack[0][64] if len(stack[0]) == 65 else SIGHASH_DEFAULT
            digest = sighash.digest(index, kind, None)
            verify_schnorr(prevout.script_pubkey[2:], digest, stack[0][:64])
            verified += 1
    assert (verified, len(prevouts)) == (7, 9)


def leaf_witness(signature: bytes) -> tuple[bytes, ...]:
    return (signature, LEAF.script, TREE.leaves[0].control_block(INTERNAL, PARITY))


def key_witness(signature: bytes) -> tuple[bytes, ...]:
    return (signature,)


def tweaked_secret() -> PrivateKey:
    """The output key's secret (BIP-341, `taproot_tweak_seckey`)."""
    secret = SECRET.to_int() if SECRET.public_key.format()[0] == 2 else ORDER - SECRET.to_int()
    scalar = int.from_bytes(tagged_hash("TapTweak", INTERNAL + TREE.merkle_root), "big")
    return PrivateKey.from_int((secret + scalar) % ORDER)


@pytest.mark.parametrize("leaf_hash", [None, TREE.leaves[0].leaf_hash], ids=["key", "script"])
@pytest.mark.parametrize("kind", sorted(SIGHASH_TYPES))
def test_core_accepts_signatures_of_every_type_and_path(kind: int, leaf_hash: bytes | None) -> None:
    """Three inputs each; and a twin, one field of one prevout or output away, that Core refuses."""
    sighash = TaprootSighash(SPEND, PREVOUTS)
    secret, witness = (
        (SECRET, leaf_witness) if leaf_hash is not None else (tweaked_secret(), key_witness)
    )
    suffix = bytes((kind,)) if kind else b""
    stacks = tuple(
        witness(secret.sign_schnorr(sighash.digest(index, kind, leaf_hash)) + suffix)
        for index in range(3)
    )
    verify_consensus(replace(SPEND, witnesses=stacks), PREVOUTS)
    wrong = (PREVOUTS[0]._replace(amount=Sats(49_999)), *PREVOUTS[1:])
    with pytest.raises(Refusal):
        verify_consensus(replace(SPEND, witnesses=stacks), wrong)


def test_the_two_paths_and_two_leaves_are_told_apart() -> None:
    sighash = TaprootSighash(SPEND, PREVOUTS)
    digests = {sighash.digest(0, 0, leaf) for leaf in (None, bytes(32), b"\x01" * 32)}
    assert len(digests) == 3


@pytest.mark.parametrize("kind", [0x04, 0x05, 0x80, 0x84, 0x41, 0xFF, 0x100, -1])
def test_undefined_types_have_no_digest(kind: int) -> None:
    sighash = TaprootSighash(SPEND, PREVOUTS)
    for leaf_hash in (None, bytes(32)):
        with refused("sighash-type-undefined"):
            sighash.digest(0, kind, leaf_hash)


@pytest.mark.parametrize("kind", [0x03, 0x83])
def test_single_needs_its_output(kind: int) -> None:
    sighash = TaprootSighash(replace(SPEND, outputs=SPEND.outputs[:2]), PREVOUTS)
    assert len(sighash.digest(1, kind, None)) == 32
    with refused("sighash-type-undefined"):
        sighash.digest(2, kind, None)


def test_there_is_one_prevout_for_each_input() -> None:
    with pytest.raises(ValueError, match="shorter"):
        TaprootSighash(SPEND, PREVOUTS[:2])


def test_what_inputs_share_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """500 inputs: five shared hashes, and not one of them again for a digest of type DEFAULT."""
    inputs = SPEND.inputs[:1] * 500
    hashed = []

    def counting(data: bytes) -> bytes:
        hashed.append(len(data))
        return sha256(data)

    monkeypatch.setattr(taproot_sighash, "sha256", counting)
    sighash = TaprootSighash(replace(SPEND, inputs=inputs), PREVOUTS[:1] * 500)
    assert len(hashed) == 5
    digests = {sighash.digest(index, 0, TREE.leaves[0].leaf_hash) for index in range(500)}
    assert len(digests) == 500
    assert len(hashed) == 5
