"""Taproot's tree, tweak and control block: BIP-341's wallet vectors, BIP-386/387, refusals."""

import hmac
import re
from typing import Any

import pytest
from embit.bip32 import HDKey
from embit.ec import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin import taproot
from signer.bitcoin.address import address_of
from signer.bitcoin.hashes import sha256, tagged_hash
from signer.bitcoin.network import MAINNET
from signer.bitcoin.script import push_data, witness_script_pubkey
from signer.bitcoin.secp import ORDER, pubkey_tweak_add
from signer.bitcoin.taproot import (
    LEAF_VERSION,
    MAX_DEPTH,
    UNSPENDABLE_DOMAIN,
    UNSPENDABLE_H,
    TapLeaf,
    TapTree,
    fold_tree,
    is_unspendable,
    tap_tree,
    tweak,
    unspendable_xpub,
    verify_control_block,
)
from tests.bitcoin.multisigs import multi_a_script
from tests.bitcoin.refused import refused
from tests.vectors import load_json

GENERATOR = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)
KEYS = tuple(
    bytes.fromhex(text)
    for text in (
        "669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0",
        "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd",
        "d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d",
    )
)
LEAVES = (TapLeaf(1, b"\x51"), TapLeaf(2, b"\x52"), TapLeaf(2, b"\x53"))


def wallet_vectors() -> list[dict[str, Any]]:
    return list(load_json("bips/bip341/wallet-test-vectors.json")["scriptPubKey"])


def flat(tree: Any, depth: int = 0) -> list[TapLeaf]:
    """BIP-341's nested tree as leaves in depth-first order."""
    if isinstance(tree, dict):
        return [TapLeaf(depth, bytes.fromhex(tree["script"]), tree["leafVersion"])]
    return [leaf for subtree in tree or () for leaf in flat(subtree, depth + 1)]


# --- vectors ---


def test_bip341_wallet_vectors() -> None:
    """All seven: leaf hashes, roots, tweaks, output keys, addresses, control blocks."""
    cases = wallet_vectors()
    blocks = 0
    for case in cases:
        leaves = flat(case["given"]["scriptTree"])
        internal = bytes.fromhex(case["given"]["internalPubkey"])
        tree = tap_tree(tuple(leaves)) if leaves else TapTree(b"", ())
        root = tree.merkle_root
        assert root.hex() == (case["intermediary"]["merkleRoot"] or "")
        hashes = [leaf.leaf_hash.hex() for leaf in tree.leaves]
        assert hashes == case["intermediary"].get("leafHashes", [])
        output, parity = tweak(internal, root)
        scalar = tagged_hash("TapTweak", internal + root)
        assert scalar.hex() == case["intermediary"]["tweak"]
        assert output.hex() == case["intermediary"]["tweakedPubkey"]
        script_pubkey = witness_script_pubkey(1, output)
        assert script_pubkey.hex() == case["expected"]["scriptPubKey"]
        assert address_of(script_pubkey, MAINNET) == case["expected"]["bip350Address"]
        found = [leaf.control_block(internal, parity) for leaf in tree.leaves]
        expected = case["expected"].get("scriptPathControlBlocks", [])
        assert [block.hex() for block in found] == expected
        blocks += sum(map(verified, [output] * len(found), found, leaves, tree.leaves))
    assert len(cases) == 7
    assert blocks == 11


def verified(output: bytes, block: bytes, leaf: TapLeaf, placed: taproot.PlacedLeaf) -> bool:
    """Leaves of another version than tapscript's (one of them) are proven by nothing."""
    if leaf.version != LEAF_VERSION:
        with refused("taproot-leaf-version"):
            verify_control_block(output, block, leaf.script)
        return False
    return verify_control_block(output, block, leaf.script) == placed.leaf_hash


def xonly_of(text: str, index: int) -> bytes:
    """The x-only key that a key expression of BIP-386/387 means, through another library."""
    text = re.sub(r"^\[.*?\]", "", text)
    base, *steps = text.split("/")
    if re.fullmatch(r"[0-9a-f]{64,66}", base):
        return bytes.fromhex(base)[-32:]
    if base[0] in "LK5":
        return bytes(PrivateKey.from_wif(base).xonly())
    path = "m/" + "/".join(step.replace("*", str(index)) for step in steps)
    key = HDKey.from_string(base).derive(path if steps else "m")
    return bytes(key.xonly())


def bip_leaf(text: str, index: int) -> bytes | None:
    """The script of `pk`, `multi_a` or `sortedmulti_a`."""
    function, _, arguments = text.removesuffix(")").partition("(")
    if function == "pk":
        return push_data(xonly_of(arguments, index)) + b"\xac"
    if function not in ("multi_a", "sortedmulti_a"):
        return None
    threshold, *texts = arguments.split(",")
    keys = [xonly_of(key, index) for key in texts]
    ordered = sorted(keys) if function == "sortedmulti_a" else keys
    return multi_a_script(int(threshold), tuple(ordered))


def bip_leaves(tree: str, index: int) -> list[TapLeaf]:
    """The leaves of a tree whose functions nest no further."""
    depth, leaves = 0, []
    for token in re.findall(r"[{}]|[a-z_]+\([^()]*\)", tree):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if token not in "{}":
            script = bip_leaf(token, index)
            assert script is not None
            leaves.append(TapLeaf(depth, script))
    return leaves


def test_bip386_and_387_outputs() -> None:
    """Every row with an expansion (5 and 6): our tree, leaf and tweak give its script."""
    rows = expansions = 0
    for bip in (386, 387):
        for case in load_json(f"bips/descriptors/bip{bip}.json")["valid"]:
            internal, _, tree = case["descriptor"][3:-1].partition(",")
            for index, expected in enumerate(case["expands"]):
                leaves = bip_leaves(tree, index)
                root = tap_tree(tuple(leaves)).merkle_root if leaves else b""
                output, _ = tweak(xonly_of(internal, index), root)
                assert witness_script_pubkey(1, output).hex() == expected, case["descriptor"]
                expansions += 1
            rows += bool(case["expands"])
    assert (rows, expansions) == (11, 17)


# --- the tree ---


def test_a_tree_of_one_leaf_is_its_hash() -> None:
    tree = tap_tree((TapLeaf(0, b"\x51"),))
    assert tree.merkle_root == tree.leaves[0].leaf_hash == TapLeaf(9, b"\x51").leaf_hash()
    assert tree.leaves[0].merkle_path == b""


@pytest.mark.parametrize(
    "depths", [[], [1], [0, 0], [1, 1, 1], [2, 1, 2], [1, 2], [-1], [129], [2, 2, 2, 1], [0, 1, 1]]
)
def test_leaves_that_are_no_tree(depths: list[int]) -> None:
    with refused("taproot-tree-malformed"):
        tap_tree(tuple(TapLeaf(depth, b"") for depth in depths))


@pytest.mark.parametrize("depths", [[0], [1, 1], [1, 2, 2], [2, 2, 1], [2, 2, 2, 2]])
def test_leaves_that_are_a_tree(depths: list[int]) -> None:
    assert len(tap_tree(tuple(TapLeaf(depth, b"") for depth in depths)).leaves) == len(depths)


def test_the_deepest_tree() -> None:
    """128 levels, and no recursion: one more is refused."""
    deep = (*range(1, MAX_DEPTH + 1), MAX_DEPTH)
    tree = tap_tree(tuple(TapLeaf(depth, bytes((depth,))) for depth in deep))
    assert [len(leaf.merkle_path) // 32 for leaf in tree.leaves] == list(deep)
    output, parity = tweak(KEYS[0], tree.merkle_root)
    block = tree.leaves[-1].control_block(KEYS[0], parity)
    assert verify_control_block(output, block, bytes((MAX_DEPTH,))) == tree.leaves[-1].leaf_hash
    with refused("taproot-tree-malformed"):
        tap_tree(tuple(TapLeaf(depth, b"") for depth in (*range(1, 130), 129)))


def nested(depths: list[int]) -> str:
    return fold_tree(((depth, str(depth)) for depth in depths), lambda a, b: f"{{{a},{b}}}")


def test_folding_keeps_order_and_nesting() -> None:
    assert nested([0]) == "0"
    assert nested([1, 2, 2]) == "{1,{2,2}}"
    assert nested([2, 2, 1]) == "{{2,2},1}"


@given(st.recursive(st.binary(max_size=3), lambda tree: st.tuples(tree, tree), max_leaves=20))
def test_every_leaf_of_a_random_tree_is_proven(nest: Any) -> None:
    """Invariant: a control block proves its own leaf, and no other script, key or place."""

    def leaves_of(tree: Any, depth: int) -> list[TapLeaf]:
        if isinstance(tree, bytes):
            return [TapLeaf(depth, tree)]
        return leaves_of(tree[0], depth + 1) + leaves_of(tree[1], depth + 1)

    leaves = leaves_of(nest, 0)
    tree = tap_tree(tuple(leaves))
    output, parity = tweak(KEYS[0], tree.merkle_root)
    for leaf, placed in zip(leaves, tree.leaves, strict=True):
        block = placed.control_block(KEYS[0], parity)
        assert verify_control_block(output, block, leaf.script) == placed.leaf_hash
        with refused("taproot-control-block"):
            verify_control_block(output, block, leaf.script + b"\x00")
        for other in (KEYS[1] + block[33:], KEYS[0] + block[33:] + bytes(32)):
            with refused("taproot-control-block"):
                verify_control_block(output, block[:1] + other, leaf.script)


# --- the control block, each refusal with a twin one field away ---


def good_proof() -> tuple[bytes, bytes, bytes]:
    tree = tap_tree(LEAVES)
    output, parity = tweak(KEYS[0], tree.merkle_root)
    return output, tree.leaves[1].control_block(KEYS[0], parity), LEAVES[1].script


def test_the_good_proof() -> None:
    assert verify_control_block(*good_proof()) == LEAVES[1].leaf_hash()


@pytest.mark.parametrize("at", [0, 33, 64, 65, 96])
def test_a_flipped_bit_is_refused(at: int) -> None:
    """Parity (byte 0), and each sibling's first and last byte."""
    output, block, script = good_proof()
    forged = bytearray(block)
    forged[at] ^= 1
    with refused("taproot-control-block"):
        verify_control_block(output, bytes(forged), script)


def test_siblings_in_another_order_are_refused() -> None:
    output, block, script = good_proof()
    with refused("taproot-control-block"):
        verify_control_block(output, block[:33] + block[65:] + block[33:65], script)


@pytest.mark.parametrize("size", [0, 1, 32, 34, 64, 96, 33 + 32 * 129])
def test_a_control_block_has_33_and_32_times_the_depth(size: int) -> None:
    output, block, script = good_proof()
    with refused("taproot-control-block"):
        verify_control_block(output, (block + bytes(5_000))[:size], script)


@pytest.mark.parametrize("version", [0xFE, 0x00, 0x50, 0xC2])
def test_a_leaf_of_another_version_is_refused(version: int) -> None:
    """Even where the output does commit to it: anyone could spend it."""
    leaf = TapLeaf(0, b"\x51", version)
    tree = tap_tree((leaf,))
    output, parity = tweak(KEYS[0], tree.merkle_root)
    with refused("taproot-leaf-version"):
        verify_control_block(output, tree.leaves[0].control_block(KEYS[0], parity), leaf.script)


def test_both_parities_occur_and_are_told_apart() -> None:
    parities = set()
    for number in range(20):
        tree = tap_tree((TapLeaf(0, bytes((number,))),))
        output, parity = tweak(KEYS[1], tree.merkle_root)
        parities.add(parity)
        placed = tree.leaves[0]
        verify_control_block(output, placed.control_block(KEYS[1], parity), bytes((number,)))
        with refused("taproot-control-block"):
            verify_control_block(
                output, placed.control_block(KEYS[1], 1 - parity), bytes((number,))
            )
    assert parities == {0, 1}


def test_an_internal_key_off_the_curve_is_refused() -> None:
    for off_curve in (bytes(32), b"\xff" * 32, ORDER.to_bytes(32, "big")[:31]):
        with refused("pubkey-malformed"):
            tweak(off_curve, b"")


def test_a_tweak_that_is_not_below_the_order_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taproot, "tagged_hash", lambda *_: ORDER.to_bytes(32, "big"))
    with refused("derivation-impossible"):
        tweak(KEYS[0], b"")
    monkeypatch.setattr(taproot, "tagged_hash", lambda *_: (ORDER - 1).to_bytes(32, "big"))
    assert len(tweak(KEYS[0], b"")[0]) == 32


# --- the unspendable key ---


def test_h_is_the_hash_of_the_generator() -> None:
    """Nothing up the sleeve: that is why nobody knows its logarithm (BIP-341)."""
    assert sha256(GENERATOR) == UNSPENDABLE_H
    assert tweak(UNSPENDABLE_H, b"")[0] != UNSPENDABLE_H


def test_the_unspendable_xpub_vector() -> None:
    """The vector of the manual."""
    xpub = unspendable_xpub()
    assert xpub.chain_code == sha256(UNSPENDABLE_DOMAIN)
    assert xpub.chain_code.hex().startswith("d3d624c9")
    assert (xpub.depth, xpub.parent_fingerprint, xpub.child_number) == (0, bytes(4), 0)
    assert xpub.text(MAINNET) == (
        "xpub661MyMwAqRbcGekz3pGycWEoataP33t9eabxL7rrLrt3Nad4CKEHsMdS"
        "Ef27CCSx28nwhtg1z8pGSvEfCGXDULKjiwvMYxFFY6zpq1LaPJL"
    )


def test_children_of_the_unspendable_xpub_are_h_plus_what_everybody_knows() -> None:
    xpub = unspendable_xpub()
    data = xpub.pubkey + (7).to_bytes(4, "big")
    scalar = hmac.digest(xpub.chain_code, data, "sha512")[:32]
    assert xpub.child_pubkey(7) == pubkey_tweak_add(b"\x02" + UNSPENDABLE_H, scalar)


def test_only_h_is_unspendable() -> None:
    xpub = unspendable_xpub()
    assert is_unspendable(xpub)
    assert not is_unspendable(xpub.child(0))
    other = type(xpub)(0, bytes(4), 0, xpub.chain_code, b"\x02" + KEYS[0])
    assert not is_unspendable(other)
    whatever = type(xpub)(0, bytes(4), 0, bytes(32), xpub.pubkey)
    assert is_unspendable(whatever)
