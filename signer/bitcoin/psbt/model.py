"""The PSBT model: what a PSBT says, version-neutral and immutable. All of it is claims.

Rule 1: each map keeps its pairs as they came (`pairs`), so that writing gives the bytes that were
        read; the typed fields are readings of those pairs, made once, by `reader`.
Rule 2: pairs that we do not know are kept in `unknown` too, for `verify` to refuse.
Rule 3: `UnverifiedPsbt` is born in `reader` only.
Rule 4: what there are thousands of in one PSBT is a NamedTuple: as immutable as a frozen dataclass, and
        made in a quarter of the time.
Rule 5: Taproot's fields (BIP-371) are typed, and their pairs stay in `other` as well: whoever does not
        know them, as the verification of a P2WSH vault, still sees that there is something it must refuse.
"""

from dataclasses import dataclass
from typing import NamedTuple

from signer.bitcoin.keys import ExtendedPublicKey, KeyOrigin, KeyPath
from signer.bitcoin.taproot import TapLeaf
from signer.bitcoin.transaction import Transaction, TxOut

Pair = tuple[bytes, bytes]
"""(key type CompactSize and key data, value)."""


class Bip32Derivation(NamedTuple):
    """PSBT_IN/OUT_BIP32_DERIVATION: the origin that someone claims for a public key."""

    pubkey: bytes
    """33 bytes, compressed."""
    fingerprint: bytes
    path: KeyPath
    """From the master key on."""


@dataclass(frozen=True, slots=True)
class PartialSignature:
    """PSBT_IN_PARTIAL_SIG."""

    pubkey: bytes
    signature: bytes
    """DER, then the sighash byte."""


@dataclass(frozen=True, slots=True)
class TapScriptSignature:
    """PSBT_IN_TAP_SCRIPT_SIG."""

    xonly: bytes
    leaf_hash: bytes
    signature: bytes
    """BIP-340, then the sighash byte unless the type is DEFAULT."""


@dataclass(frozen=True, slots=True)
class TapLeafScript:
    """PSBT_IN_TAP_LEAF_SCRIPT."""

    control_block: bytes
    script: bytes
    leaf_version: int


class TapDerivation(NamedTuple):
    """PSBT_IN/OUT_TAP_BIP32_DERIVATION: the origin and the leaves that someone claims for a key."""

    xonly: bytes
    leaf_hashes: tuple[bytes, ...]
    """Empty for the internal key."""
    fingerprint: bytes
    path: KeyPath
    """From the master key on."""


@dataclass(frozen=True, slots=True)
class GlobalXpub:
    """PSBT_GLOBAL_XPUB."""

    xpub: ExtendedPublicKey
    version: bytes
    """The four version bytes that it carries."""
    origin: KeyOrigin


class PsbtInput(NamedTuple):
    """One input map."""

    pairs: tuple[Pair, ...]
    non_witness_utxo: bytes | None = None
    """The whole previous transaction. It hashes to the outpoint's txid."""
    proven_utxo: TxOut | None = None
    """The output of it that the outpoint names."""
    witness_utxo: TxOut | None = None
    partial_signatures: tuple[PartialSignature, ...] = ()
    sighash_type: int | None = None
    redeem_script: bytes | None = None
    witness_script: bytes | None = None
    bip32_derivations: tuple[Bip32Derivation, ...] = ()
    final_script_sig: bytes | None = None
    final_script_witness: bytes | None = None
    """Well-formed, but not taken apart: nothing uses it."""
    tap_key_signature: bytes | None = None
    tap_script_signatures: tuple[TapScriptSignature, ...] = ()
    tap_leaf_scripts: tuple[TapLeafScript, ...] = ()
    tap_derivations: tuple[TapDerivation, ...] = ()
    tap_internal_key: bytes | None = None
    tap_merkle_root: bytes | None = None
    other: tuple[Pair, ...] = ()
    """Pairs of types that BIP-174, 371 and 373 define and P2WSH does not use (rule 5)."""
    unknown: tuple[Pair, ...] = ()
    """Proprietary pairs and types nobody told us about."""


class PsbtOutput(NamedTuple):
    """One output map."""

    pairs: tuple[Pair, ...]
    redeem_script: bytes | None = None
    witness_script: bytes | None = None
    bip32_derivations: tuple[Bip32Derivation, ...] = ()
    tap_internal_key: bytes | None = None
    tap_tree: tuple[TapLeaf, ...] = ()
    """The leaves in depth-first order; they fill a tree."""
    tap_derivations: tuple[TapDerivation, ...] = ()
    other: tuple[Pair, ...] = ()
    unknown: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class UnverifiedPsbt:
    """A well-formed PSBT. Nothing in it is proven."""

    version: int
    """PSBT version, 0 or 2."""
    transaction: Transaction
    """The unsigned transaction: in version 2 the one that the maps add up to (BIP-370)."""
    global_pairs: tuple[Pair, ...]
    xpubs: tuple[GlobalXpub, ...]
    unknown: tuple[Pair, ...]
    inputs: tuple[PsbtInput, ...]
    outputs: tuple[PsbtOutput, ...]
    modifiable: int = 0
    """PSBT_GLOBAL_TX_MODIFIABLE; 0, in version 0 always: nothing may be added or taken away."""
