"""The weight of spending from a descriptor, and the one witness that satisfies a path.

Rule 1: in P2WSH one witness is written: the empty dummy (BIP-147), exactly k signatures in the order
        of the script, the script. Nobody can shorten or reorder it.
Rule 2: in Taproot likewise: for each key of the leaf, the last one first, its signature or nothing,
        exactly k signatures; then script and control block. There is no annex.
Rule 3: weight is the worst case: 72-byte ECDSA signatures, 64-byte BIP-340 ones (type DEFAULT).
"""

from collections.abc import Mapping

from signer.bitcoin.codec import compact_size
from signer.bitcoin.descriptor.derive import leaf_script
from signer.bitcoin.descriptor.model import DerivedScript, Descriptor, SortedMulti, Wsh
from signer.bitcoin.descriptor.paths import spending_paths
from signer.bitcoin.script import multisig_script
from signer.bitcoin.units import Weight

TXIN_WEIGHT = Weight(4 * (36 + 1 + 4))
"""Outpoint, empty scriptSig and sequence."""
SIGNATURE_SIZE = 72
"""The longest DER signature with low S (71 bytes) and the sighash byte."""
SCHNORR_SIZE = 64
"""A BIP-340 signature of type DEFAULT."""


def input_weight(descriptor: Descriptor, path_index: int = 0) -> Weight:
    """The most that one input spent by that path can weigh, non-witness part included."""
    leaf_index = spending_paths(descriptor)[path_index].leaf_index
    if isinstance(descriptor, Wsh):
        return Weight(TXIN_WEIGHT + _wsh_witness(descriptor.inner))
    depth, leaf = descriptor.leaves[leaf_index or 0]
    script = len(leaf_script(leaf, (bytes(32),) * len(leaf.keys)))
    unsigned = len(leaf.keys) - leaf.threshold
    stack = leaf.threshold * (1 + SCHNORR_SIZE) + unsigned
    return Weight(TXIN_WEIGHT + 1 + stack + _with_length(script) + _with_length(33 + 32 * depth))


def _wsh_witness(inner: SortedMulti) -> int:
    """Item count, dummy, k signatures and the script, each with its length."""
    script = len(multisig_script(inner.threshold, (bytes(33),) * len(inner.keys)))
    return 1 + 1 + inner.threshold * (1 + SIGNATURE_SIZE) + _with_length(script)


def _with_length(size: int) -> int:
    return len(compact_size(size)) + size


def satisfaction(
    descriptor: Descriptor,
    derived: DerivedScript,
    signatures: Mapping[bytes, bytes],
    path_index: int = 0,
) -> tuple[bytes, ...] | None:
    """The witness from verified signatures by public key, or None while fewer than k are there.

    Keys are 33 bytes in P2WSH, x-only in Taproot, where signatures are of that path's leaf.
    Of more than k signatures the shortest are taken, among equals the first in the script.
    """
    path = spending_paths(descriptor)[path_index]
    if path.leaf_index is None:
        order = sorted(key.pubkey for key in derived.keys)
        chosen = _chosen(order, signatures, path.threshold)
        if chosen is None:
            return None
        stack = tuple(signatures[pubkey] for pubkey in order if pubkey in chosen)
        return (b"", *stack, derived.witness_script)
    leaf = derived.leaves[path.leaf_index]
    order = [key.xonly for key in leaf.keys]
    chosen = _chosen(order, signatures, path.threshold)
    if chosen is None:
        return None
    stack = tuple(signatures[key] if key in chosen else b"" for key in reversed(order))
    return (*stack, leaf.script, leaf.control_block)


def _chosen(
    order: list[bytes], signatures: Mapping[bytes, bytes], threshold: int
) -> frozenset[bytes] | None:
    signed = [key for key in order if key in signatures]
    if len(signed) < threshold:
        return None
    return frozenset(sorted(signed, key=lambda key: len(signatures[key]))[:threshold])
