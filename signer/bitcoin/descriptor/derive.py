"""Scripts of a descriptor.

Rule 1: `derive` is pure; its cache changes its speed only, and is bounded.
Rule 2: keys of a sorted multisig are sorted by their bytes (BIP-67; x-only in BIP-387).
Rule 3: a Taproot output is computed from our own tree: internal key, every leaf, root, tweak.
"""

from functools import lru_cache
from itertools import islice

from signer.bitcoin.descriptor.model import (
    DerivedKey,
    DerivedLeaf,
    DerivedScript,
    Descriptor,
    KeyExpression,
    KeyOrder,
    MultiA,
    Tr,
)
from signer.bitcoin.descriptor.paths import key_places
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import branch_key
from signer.bitcoin.script import multisig_script, p2wsh, witness_script_pubkey
from signer.bitcoin.taproot import (
    UNSPENDABLE_H,
    TapLeaf,
    multi_a_script,
    older_prefix,
    tap_tree,
    tweak,
)


@lru_cache(maxsize=4_096)
def derive(descriptor: Descriptor, branch: int, index: int) -> DerivedScript:
    """The script at that place; branch 0 is receive, 1 change.

    Raises Malformed `derivation-impossible`.
    """
    if branch not in (0, 1):
        raise Malformed("derivation-impossible", f"branch {branch} is neither receive nor change")
    keys = tuple(
        _derive_key(key, position, branch, index)
        for position, key in enumerate(key_places(descriptor))
    )
    if isinstance(descriptor, Tr):
        return _derive_taproot(descriptor, branch, index, keys)
    ordered = tuple(sorted(key.pubkey for key in keys))
    script = multisig_script(descriptor.inner.threshold, ordered)
    return DerivedScript(branch, index, p2wsh(script), script, keys)


def _derive_key(key: KeyExpression, position: int, branch: int, index: int) -> DerivedKey:
    step = key.branches[branch]
    pubkey = branch_key(key.xpub, step).child_pubkey(index)
    if key.origin is None:
        return DerivedKey(position, pubkey, key.xpub.fingerprint(), (step, index))
    return DerivedKey(position, pubkey, key.origin.fingerprint, (*key.origin.path, step, index))


def _derive_taproot(
    descriptor: Tr, branch: int, index: int, keys: tuple[DerivedKey, ...]
) -> DerivedScript:
    internal = _internal_key(descriptor.internal, branch, index)
    remaining, drafts = iter(keys), []
    for depth, leaf in descriptor.leaves:
        its_keys = _in_script_order(leaf, tuple(islice(remaining, len(leaf.keys))))
        script = leaf_script(leaf, tuple(key.xonly for key in its_keys))
        drafts.append((leaf, its_keys, TapLeaf(depth, script)))
    tree = tap_tree(tuple(draft for _, _, draft in drafts))
    output, parity = tweak(internal, tree.merkle_root)
    leaves = tuple(
        DerivedLeaf(
            draft.script,
            placed.leaf_hash,
            placed.control_block(internal, parity),
            its_keys,
            leaf.threshold,
            leaf.older,
        )
        for (leaf, its_keys, draft), placed in zip(drafts, tree.leaves, strict=True)
    )
    script_pubkey = witness_script_pubkey(1, output)
    return DerivedScript(
        branch, index, script_pubkey, b"", keys, leaves, internal, tree.merkle_root
    )


def _internal_key(internal: KeyExpression | None, branch: int, index: int) -> bytes:
    if internal is None:
        return UNSPENDABLE_H
    return branch_key(internal.xpub, internal.branches[branch]).child_pubkey(index)[1:]


def _in_script_order(leaf: MultiA, keys: tuple[DerivedKey, ...]) -> tuple[DerivedKey, ...]:
    if leaf.order is KeyOrder.WRITTEN:
        return keys
    return tuple(sorted(keys, key=lambda key: key.xonly))


def leaf_script(leaf: MultiA, xonly_keys: tuple[bytes, ...]) -> bytes:
    """The script of a leaf with these keys, in the order given."""
    prefix = b"" if leaf.older is None else older_prefix(leaf.older)
    return prefix + multi_a_script(leaf.threshold, xonly_keys)
