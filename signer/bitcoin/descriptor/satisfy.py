"""The weight of spending from a descriptor, and the one witness that satisfies a path.

Rule 1: in P2WSH the items that satisfy the Miniscript (BIP-379) under the path's locks, then the script.
Rule 2: in Taproot the same for one leaf of the path, the cheapest that the signatures open; then script and
        control block. There is no annex.
Rule 3: both are canonical: nobody without keys can shorten, reorder or exchange them.
Rule 4: weight is the worst case, whoever signs and whichever preimages are known: 72-byte ECDSA signatures,
        64-byte BIP-340 ones (type DEFAULT), the heaviest leaf.
"""

from collections.abc import Iterator, Mapping

from signer.bitcoin.codec import compact_size
from signer.bitcoin.descriptor.model import DerivedScript, Descriptor, Tr, Wsh
from signer.bitcoin.descriptor.paths import SpendingPath, spending_paths
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.limits import script_size, stack_size
from signer.bitcoin.miniscript.model import Miniscript
from signer.bitcoin.miniscript.satisfy import Assets, satisfy
from signer.bitcoin.miniscript.witness_size import Terms, witness_size
from signer.bitcoin.units import Weight

TXIN_WEIGHT = Weight(4 * (36 + 1 + 4))
"""Outpoint, empty scriptSig and sequence."""
SIGNATURE_SIZE = 72
"""The longest DER signature with low S (71 bytes) and the sighash byte."""
SCHNORR_SIZE = 64
"""A BIP-340 signature of type DEFAULT."""


def input_weight(descriptor: Descriptor, path_index: int = 0) -> Weight:
    """The most that one input spent by that path can weigh, non-witness part included."""
    path = spending_paths(descriptor)[path_index]
    if isinstance(descriptor, Wsh):
        return Weight(TXIN_WEIGHT + _witness_weight(descriptor.script, path, SIGNATURE_SIZE))
    return Weight(TXIN_WEIGHT + max(_leaf_weights(descriptor, path)))


def _leaf_weights(descriptor: Tr, path: SpendingPath) -> Iterator[int]:
    for leaf_index in path.leaves:
        depth, leaf = descriptor.leaves[leaf_index]
        control_block = _with_length(33 + 32 * depth)
        yield _witness_weight(leaf, path, SCHNORR_SIZE) + control_block


def _witness_weight(script: Miniscript, path: SpendingPath, signature_size: int) -> int:
    """Item count, items and script, each with its length."""
    items = witness_size(script, Terms(path.older or 0, path.after or 0), signature_size)
    if items is None:
        raise Malformed("miniscript-unsatisfiable", f"nothing satisfies it by path {path.name}")
    count = len(compact_size(stack_size(script) + 2))
    return count + items + _with_length(script_size(script))


def _with_length(size: int) -> int:
    return len(compact_size(size)) + size


def satisfaction(
    descriptor: Descriptor,
    derived: DerivedScript,
    signatures: Mapping[tuple[bytes, bytes], bytes],
    path_index: int = 0,
) -> tuple[bytes, ...] | None:
    """The cheapest witness from verified signatures, or None while they are too few.

    Signatures are by (leaf hash, x-only key) in Taproot, by (b"", key) in P2WSH. Of more than are needed,
    the shortest are taken, among equals the first in the script.
    """
    path = spending_paths(descriptor)[path_index]
    if isinstance(descriptor, Wsh):
        keys = tuple(key.pubkey for key in derived.keys)
        given = {place: (b"", key) for place, key in enumerate(keys)}
        held = {place: signatures[at] for place, at in given.items() if at in signatures}
        items = satisfy(descriptor.script, keys, _assets(path, held))
        return None if items is None else (*items, derived.witness_script)
    found = _leaf_witnesses(descriptor, derived, signatures, path)
    return min(found, key=lambda stack: sum(map(_with_length, map(len, stack))), default=None)


def _leaf_witnesses(
    descriptor: Tr,
    derived: DerivedScript,
    signatures: Mapping[tuple[bytes, bytes], bytes],
    path: SpendingPath,
) -> Iterator[tuple[bytes, ...]]:
    keys = tuple(key.xonly for key in derived.keys)
    for leaf_index in path.leaves:
        _, script = descriptor.leaves[leaf_index]
        leaf = derived.leaves[leaf_index]
        given = {place: (leaf.leaf_hash, keys[place]) for place in script.places}
        held = {place: signatures[at] for place, at in given.items() if at in signatures}
        items = satisfy(script, keys, _assets(path, held))
        if items is not None:
            yield (*items, leaf.script, leaf.control_block)


def _assets(path: SpendingPath, signatures: Mapping[int, bytes]) -> Assets:
    return Assets(signatures, {}, path.older or 0, path.after or 0)
