"""Scripts of a vault's descriptor.

Rule 1: `derive` is pure; its cache changes its speed only, and is bounded.
Rule 2: each key is derived once, whatever the script; `script_bytes` does the rest.
Rule 3: a Taproot output is computed from our own tree: internal key, every leaf, root, tweak.
Rule 4: where no key has children there is one address: receive index 0. A fixed key beside xpubs is the
        same in all addresses.
"""

from functools import lru_cache

from signer.bitcoin.descriptor.model import (
    DerivedKey,
    DerivedLeaf,
    DerivedScript,
    Descriptor,
    KeyExpression,
    Tr,
    is_fixed,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import FixedKey, KeyOrigin, branch_key
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.script import p2wsh, witness_script_pubkey
from signer.bitcoin.taproot import UNSPENDABLE_H, TapLeaf, tap_tree, tweak


@lru_cache(maxsize=4_096)
def derive(descriptor: Descriptor, branch: int, index: int) -> DerivedScript:
    """The script at that place; branch 0 is receive, 1 change.

    Raises Malformed `derivation-impossible`, `vault-one-address`.
    """
    if branch not in (0, 1):
        raise Malformed("derivation-impossible", f"branch {branch} is neither receive nor change")
    if (branch, index) != (0, 0) and is_fixed(descriptor):
        raise Malformed(
            "vault-one-address",
            f"branch {branch}, index {index} of a vault whose keys have no children: its one address is "
            "receive index 0",
        )
    keys = tuple(
        _derive_key(key, position, branch, index) for position, key in enumerate(descriptor.keys)
    )
    if isinstance(descriptor, Tr):
        return _derive_taproot(descriptor, branch, index, keys)
    script = script_bytes(descriptor.script, tuple(key.pubkey for key in keys))
    return DerivedScript(branch, index, p2wsh(script), script, keys)


def _derive_key(key: KeyExpression, position: int, branch: int, index: int) -> DerivedKey:
    origin = key.origin or KeyOrigin(key.xpub.fingerprint(), ())
    if isinstance(key.xpub, FixedKey):
        return DerivedKey(position, key.xpub.pubkey, origin.fingerprint, origin.path)
    step = key.branches[branch]
    pubkey = branch_key(key.xpub, step).child_pubkey(index)
    return DerivedKey(position, pubkey, origin.fingerprint, (*origin.path, step, index))


def _derive_taproot(
    descriptor: Tr, branch: int, index: int, keys: tuple[DerivedKey, ...]
) -> DerivedScript:
    internal = _internal_key(descriptor.internal, branch, index)
    xonly = tuple(key.xonly for key in keys)
    drafts = tuple(TapLeaf(depth, script_bytes(leaf, xonly)) for depth, leaf in descriptor.leaves)
    tree = tap_tree(drafts)
    output, parity = tweak(internal, tree.merkle_root)
    leaves = tuple(
        DerivedLeaf(
            draft.script,
            placed.leaf_hash,
            placed.control_block(internal, parity),
            tuple(keys[place] for place in leaf.places),
        )
        for (_, leaf), draft, placed in zip(descriptor.leaves, drafts, tree.leaves, strict=True)
    )
    script_pubkey = witness_script_pubkey(1, output)
    return DerivedScript(
        branch, index, script_pubkey, b"", keys, leaves, internal, tree.merkle_root
    )


def _internal_key(internal: KeyExpression | None, branch: int, index: int) -> bytes:
    if internal is None:
        return UNSPENDABLE_H
    return _derive_key(internal, 0, branch, index).xonly
