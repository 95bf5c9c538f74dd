"""BIP-371's fields: read, written, and answered with our own signatures only."""

from collections import Counter

import pytest

from signer.bitcoin.descriptor import DerivedScript, derive
from signer.bitcoin.psbt.model import (
    PartialSignature,
    TapDerivation,
    TapLeafScript,
    TapScriptSignature,
    UnverifiedPsbt,
)
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import (
    InputDraft,
    OutputDraft,
    draft_psbt,
    serialize_psbt,
    with_our_signatures,
)
from signer.bitcoin.taproot import LEAF_VERSION, MAX_DEPTH, TapLeaf, tap_tree, verify_control_block
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from tests.bitcoin.psbt_mutation import join, pubkey, split
from tests.bitcoin.refused import refused
from tests.bitcoin.taproot_vaults import recovery_template, taproot
from tests.vectors import load_json

VAULT = taproot(recovery_template(2, 3, 1, 144), 3)
RECEIVED, CHANGE = derive(VAULT, 0, 4), derive(VAULT, 1, 9)
INPUT, OUTPUT = 1, 3
LEAF = RECEIVED.leaves[0]
DER = bytes.fromhex(
    "3044022074018ad4180097b873323c0015720b3684cc8123891048e7dbcd9b55ad679c99"
    "022073d369b740e3eb53dcefa33823c8070514ca55a7dd9544f157c167913261118c"
)


def derivations(derived: DerivedScript) -> tuple[TapDerivation, ...]:
    return tuple(
        TapDerivation(key.xonly, (leaf.leaf_hash,), key.fingerprint, key.path)
        for leaf in derived.leaves
        for key in leaf.keys
    )


def draft() -> bytes:
    """Two inputs that spend a Taproot vault, and its change."""
    inputs = tuple(
        InputDraft(
            OutPoint(Txid(bytes((vout,)) * 32), vout),
            0xFFFFFFFD,
            witness_utxo=TxOut(Sats(5_000), RECEIVED.script_pubkey),
            tap_leaf_scripts=(TapLeafScript(LEAF.control_block, LEAF.script, LEAF_VERSION),),
            tap_derivations=derivations(RECEIVED),
            tap_internal_key=RECEIVED.internal_key,
            tap_merkle_root=RECEIVED.merkle_root,
        )
        for vout in range(2)
    )
    change = OutputDraft(
        TxOut(Sats(4_000), CHANGE.script_pubkey),
        tap_internal_key=CHANGE.internal_key,
        tap_tree=tuple(TapLeaf(1, leaf.script) for leaf in CHANGE.leaves),
        tap_derivations=derivations(CHANGE),
    )
    return draft_psbt(2, 0, inputs, (change,))


GOOD = draft()


def signature(number: int) -> TapScriptSignature:
    return TapScriptSignature(LEAF.keys[number].xonly, LEAF.leaf_hash, bytes((number,)) * 64)


def having(*pairs: tuple[bytes, bytes]) -> UnverifiedPsbt:
    """The good PSBT with these pairs in front of its first input."""
    maps = split(GOOD)
    maps[INPUT] = [*pairs, *maps[INPUT]]
    return parse_psbt(join(maps))


def script_pair(number: int) -> tuple[bytes, bytes]:
    each = signature(number)
    return b"\x14" + each.xonly + each.leaf_hash, each.signature


def test_what_is_drafted_is_read() -> None:
    psbt = parse_psbt(GOOD)
    assert serialize_psbt(psbt) == GOOD
    for each in psbt.inputs:
        assert each.tap_leaf_scripts == (
            TapLeafScript(LEAF.control_block, LEAF.script, LEAF_VERSION),
        )
        assert sorted(each.tap_derivations, key=repr) == sorted(derivations(RECEIVED), key=repr)
        assert each.tap_internal_key == RECEIVED.internal_key
        assert each.tap_merkle_root == RECEIVED.merkle_root
        assert each.tap_key_signature is None
        assert each.tap_script_signatures == ()
    (change,) = psbt.outputs
    assert change.tap_internal_key == CHANGE.internal_key
    assert tap_tree(change.tap_tree).merkle_root == CHANGE.merkle_root
    assert sorted(change.tap_derivations, key=repr) == sorted(derivations(CHANGE), key=repr)


def test_a_draft_has_its_pairs_in_the_order_of_their_keys() -> None:
    for pairs in split(GOOD):
        assert pairs == sorted(pairs)
    assert Counter(key[0] for key, _ in split(GOOD)[INPUT]) == {
        0x01: 1,
        0x15: 1,
        0x16: 6,
        0x17: 1,
        0x18: 1,
    }
    assert Counter(key[0] for key, _ in split(GOOD)[OUTPUT]) == {0x05: 1, 0x06: 1, 0x07: 6}


def test_typed_fields_stay_among_the_others() -> None:
    """A P2WSH vault refuses what it does not understand: it must go on seeing it."""
    psbt = parse_psbt(GOOD)
    assert [key[0] for key, _ in psbt.inputs[0].other] == [0x15, *[0x16] * 6, 0x17, 0x18]
    assert [key[0] for key, _ in psbt.outputs[0].other] == [5, 6, *[7] * 6]
    assert psbt.inputs[0].unknown == psbt.outputs[0].unknown == ()


def test_signatures_are_read() -> None:
    psbt = having(script_pair(0), script_pair(1), (b"\x13", bytes(65)))
    assert psbt.inputs[0].tap_script_signatures == (signature(0), signature(1))
    assert psbt.inputs[0].tap_key_signature == bytes(65)


def test_bip371_valid_vectors_have_their_fields() -> None:
    """Six; their leaf scripts are proven by their control blocks."""
    vectors = load_json("bips/bip371/psbt_vectors.json")["vectors"]
    psbts = [
        parse_psbt(psbt_from_base64(vector["base64"]))
        for vector in vectors
        if vector["section"] == "valid"
    ]
    assert len(psbts) == 6
    inputs = [each for psbt in psbts for each in psbt.inputs]
    found: Counter[str] = Counter()
    for each in inputs:
        found["key signature"] += each.tap_key_signature is not None
        found["script signatures"] += len(each.tap_script_signatures)
        found["internal key"] += each.tap_internal_key is not None
        found["derivations"] += len(each.tap_derivations)
        for leaf in each.tap_leaf_scripts:
            assert each.witness_utxo is not None
            output = each.witness_utxo.script_pubkey[2:]
            leaf_hash = verify_control_block(output, leaf.control_block, leaf.script)
            signed = {one.leaf_hash for one in each.tap_script_signatures}
            found["leaf"] += 1
            found["signed leaf"] += leaf_hash in signed
    assert dict(found) == {
        "internal key": 6,
        "derivations": 12,
        "leaf": 6,
        "signed leaf": 3,
        "key signature": 1,
        "script signatures": 3,
    }
    trees = [output.tap_tree for psbt in psbts for output in psbt.outputs if output.tap_tree]
    assert [[leaf.depth for leaf in tree] for tree in trees] == [[2, 2, 1]]


# --- our answer ---


def test_an_answer_carries_our_signatures_and_no_others() -> None:
    """Incoming ones go, of whatever type: Taproot key and script signatures and ECDSA's."""
    ecdsa = PartialSignature(pubkey(5), DER + b"\x01")
    asked = having(script_pair(2), (b"\x13", bytes(64)), (b"\x02" + ecdsa.pubkey, ecdsa.signature))
    answer = parse_psbt(
        with_our_signatures(asked, ((0, signature(1)), (1, signature(0)), (0, signature(0))))
    )
    assert set(answer.inputs[0].tap_script_signatures) == {signature(0), signature(1)}
    assert answer.inputs[1].tap_script_signatures == (signature(0),)
    assert answer.inputs[0].tap_key_signature is None
    assert answer.inputs[0].partial_signatures == ()
    assert with_our_signatures(asked, ()) == with_our_signatures(asked, ()) == GOOD


def test_an_answer_keeps_all_else_in_its_place() -> None:
    asked = parse_psbt(GOOD)
    answer = split(with_our_signatures(asked, ((0, signature(2)), (0, signature(1)))))
    assert all(pairs == sorted(pairs) for pairs in answer)
    assert join([[pair for pair in pairs if pair[0][:1] != b"\x14"] for pairs in answer]) == GOOD
    assert with_our_signatures(asked, ()) == GOOD


# --- form, each refusal with its twin in the draft above ---

_, TREE_VALUE = split(GOOD)[OUTPUT][1]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "psbt-value-malformed"),
        (TREE_VALUE + b"\x00", "psbt-value-malformed"),
        (TREE_VALUE[:-1], "psbt-value-malformed"),
        (b"\x00\xc1\x00", "psbt-value-malformed"),
        (b"\x01\xc0\x00", "psbt-value-malformed"),
        (b"\x00\xc0\x00\x00\xc0\x00", "psbt-value-malformed"),
        (b"\x02\xc0\x00\x01\xc0\x00\x02\xc0\x00", "psbt-value-malformed"),
        (bytes((MAX_DEPTH + 1,)) + b"\xc0\x00", "psbt-value-malformed"),
        (b"\xff\xc0\x00" * 100_000, "psbt-too-many"),
    ],
)
def test_a_tree_that_is_none(value: bytes, code: str) -> None:
    maps = split(GOOD)
    maps[OUTPUT][1] = (b"\x06", value)
    with refused(code):
        parse_psbt(join(maps))


@pytest.mark.parametrize(
    ("value", "leaves"),
    [
        (b"\x00\xc0\x00", (TapLeaf(0, b""),)),
        (b"\x01\xc0\x00\x01\xfa\x01\x51", (TapLeaf(1, b""), TapLeaf(1, b"\x51", 0xFA))),
    ],
)
def test_a_tree_of_any_even_version(value: bytes, leaves: tuple[TapLeaf, ...]) -> None:
    maps = split(GOOD)
    maps[OUTPUT][1] = (b"\x06", value)
    assert parse_psbt(join(maps)).outputs[0].tap_tree == leaves
