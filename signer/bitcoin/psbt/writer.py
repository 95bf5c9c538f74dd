"""Writing PSBTs: what was read in its own version, what we draft in version 0.

Rule 1: what was read is written byte for byte: a map is its pairs, in the order they came in.
Rule 2: what we create has its pairs in the order of their keys: equal drafts give equal bytes.
Rule 3: an answer carries our own signatures and no one else's.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from signer.bitcoin.codec import compact_size, u32, var_bytes
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import (
    Bip32Derivation,
    Pair,
    PartialSignature,
    TapDerivation,
    TapLeafScript,
    TapScriptSignature,
    UnverifiedPsbt,
)
from signer.bitcoin.psbt.reader import MAGIC
from signer.bitcoin.taproot import TapLeaf
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut

_SIGNATURES = frozenset((fields.IN_PARTIAL_SIG, fields.IN_TAP_KEY_SIG, fields.IN_TAP_SCRIPT_SIG))


@dataclass(frozen=True, slots=True)
class InputDraft:
    """An input to be, with what its signers need to know."""

    outpoint: OutPoint
    sequence: int
    non_witness_utxo: bytes | None = None
    """The whole previous transaction."""
    witness_utxo: TxOut | None = None
    witness_script: bytes | None = None
    redeem_script: bytes | None = None
    bip32_derivations: tuple[Bip32Derivation, ...] = ()
    sighash_type: int | None = None
    tap_leaf_scripts: tuple[TapLeafScript, ...] = ()
    tap_derivations: tuple[TapDerivation, ...] = ()
    tap_internal_key: bytes | None = None
    tap_merkle_root: bytes | None = None


@dataclass(frozen=True, slots=True)
class OutputDraft:
    """An output to be, with what a signer needs to recognise it as its own."""

    txout: TxOut
    witness_script: bytes | None = None
    bip32_derivations: tuple[Bip32Derivation, ...] = ()
    tap_internal_key: bytes | None = None
    tap_tree: tuple[TapLeaf, ...] = ()
    """In depth-first order."""
    tap_derivations: tuple[TapDerivation, ...] = ()


def serialize_psbt(psbt: UnverifiedPsbt) -> bytes:
    """The bytes from which the PSBT was read."""
    maps = [psbt.global_pairs]
    maps.extend(each.pairs for each in psbt.inputs)
    maps.extend(each.pairs for each in psbt.outputs)
    return serialize_maps(maps)


def with_our_signatures(
    psbt: UnverifiedPsbt,
    signatures: tuple[tuple[int, PartialSignature | TapScriptSignature], ...],
) -> bytes:
    """The PSBT with these signatures, (input index, signature), and no others (rule 3)."""
    ours: list[list[Pair]] = [[] for _ in psbt.inputs]
    for index, signature in signatures:
        ours[index].append(_signature_pair(signature))
    maps: list[Iterable[Pair]] = [psbt.global_pairs]
    for each, new in zip(psbt.inputs, ours, strict=True):
        kept = [pair for pair in each.pairs if pair[0][:1] not in _SIGNATURES]
        maps.append(_inserted(kept, sorted(new)))
    maps.extend(each.pairs for each in psbt.outputs)
    return serialize_maps(maps)


def _signature_pair(signature: PartialSignature | TapScriptSignature) -> Pair:
    if isinstance(signature, PartialSignature):
        return fields.IN_PARTIAL_SIG + signature.pubkey, signature.signature
    return fields.IN_TAP_SCRIPT_SIG + signature.xonly + signature.leaf_hash, signature.signature


def _inserted(kept: list[Pair], new: list[Pair]) -> list[Pair]:
    """The new pairs, all of one type, in front of the first pair of a later type."""
    if not new:
        return kept
    later = (at for at, pair in enumerate(kept) if pair[0][:1] > new[0][0][:1])
    place = next(later, len(kept))
    return kept[:place] + new + kept[place:]


def draft_psbt(
    version: int, locktime: int, inputs: tuple[InputDraft, ...], outputs: tuple[OutputDraft, ...]
) -> bytes:
    """A new PSBT for the transaction with that version, locktime, inputs and outputs (rule 2)."""
    transaction = Transaction(
        version,
        tuple(TxIn(each.outpoint, b"", each.sequence) for each in inputs),
        tuple(each.txout for each in outputs),
        locktime,
    )
    maps = [[(fields.GLOBAL_UNSIGNED_TX, transaction.stripped)]]
    maps.extend(_input_pairs(each) for each in inputs)
    maps.extend(_output_pairs(each) for each in outputs)
    return serialize_maps(sorted(pairs) for pairs in maps)


def serialize_maps(maps: Iterable[Iterable[Pair]]) -> bytes:
    """Magic, then each map with its separator."""
    parts = [MAGIC]
    for pairs in maps:
        for key, value in pairs:
            parts.append(var_bytes(key))
            parts.append(var_bytes(value))
        parts.append(b"\x00")
    return b"".join(parts)


def _input_pairs(draft: InputDraft) -> list[Pair]:
    pairs = _derivation_pairs(fields.IN_BIP32_DERIVATION, draft.bip32_derivations)
    if draft.non_witness_utxo is not None:
        pairs.append((fields.IN_NON_WITNESS_UTXO, draft.non_witness_utxo))
    if draft.witness_utxo is not None:
        pairs.append((fields.IN_WITNESS_UTXO, draft.witness_utxo.serialize()))
    if draft.sighash_type is not None:
        pairs.append((fields.IN_SIGHASH_TYPE, u32(draft.sighash_type)))
    if draft.redeem_script is not None:
        pairs.append((fields.IN_REDEEM_SCRIPT, draft.redeem_script))
    if draft.witness_script is not None:
        pairs.append((fields.IN_WITNESS_SCRIPT, draft.witness_script))
    return pairs + _tap_input_pairs(draft)


def _tap_input_pairs(draft: InputDraft) -> list[Pair]:
    pairs = _tap_derivation_pairs(fields.IN_TAP_BIP32_DERIVATION, draft.tap_derivations)
    for leaf in draft.tap_leaf_scripts:
        value = leaf.script + bytes((leaf.leaf_version,))
        pairs.append((fields.IN_TAP_LEAF_SCRIPT + leaf.control_block, value))
    if draft.tap_internal_key is not None:
        pairs.append((fields.IN_TAP_INTERNAL_KEY, draft.tap_internal_key))
    if draft.tap_merkle_root is not None:
        pairs.append((fields.IN_TAP_MERKLE_ROOT, draft.tap_merkle_root))
    return pairs


def _output_pairs(draft: OutputDraft) -> list[Pair]:
    pairs = _derivation_pairs(fields.OUT_BIP32_DERIVATION, draft.bip32_derivations)
    if draft.witness_script is not None:
        pairs.append((fields.OUT_WITNESS_SCRIPT, draft.witness_script))
    pairs += _tap_derivation_pairs(fields.OUT_TAP_BIP32_DERIVATION, draft.tap_derivations)
    if draft.tap_internal_key is not None:
        pairs.append((fields.OUT_TAP_INTERNAL_KEY, draft.tap_internal_key))
    if draft.tap_tree:
        leaves = (bytes((x.depth, x.version)) + var_bytes(x.script) for x in draft.tap_tree)
        pairs.append((fields.OUT_TAP_TREE, b"".join(leaves)))
    return pairs


def _derivation_pairs(kind: bytes, derivations: tuple[Bip32Derivation, ...]) -> list[Pair]:
    return [
        (kind + each.pubkey, each.fingerprint + b"".join(map(u32, each.path)))
        for each in derivations
    ]


def _tap_derivation_pairs(kind: bytes, derivations: tuple[TapDerivation, ...]) -> list[Pair]:
    return [
        (
            kind + each.xonly,
            compact_size(len(each.leaf_hashes))
            + b"".join(each.leaf_hashes)
            + each.fingerprint
            + b"".join(map(u32, each.path)),
        )
        for each in derivations
    ]
