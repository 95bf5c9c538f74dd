"""Inputs: each spends a coin of the one vault named, proven as far as its signature needs.

1. No final script, nothing that we do not understand, and the one sighash type of the vault's kind: ALL
   in P2WSH, DEFAULT in Taproot (A7, D1, G2).
2. P2WSH: the full previous transaction is there (that it hashes to the outpoint's txid and has the output
   is proven by `psbt.reader`). A segwit v0 signature commits to its own amount only, so a lie about
   another input's amount is a theft by fee (CVE-2020-14199; C1, C2). Taproot: a signature commits to all
   amounts and scripts (BIP-341), so the witness UTXO suffices (C3). Both given: they agree.
3. The script is derived from the registered descriptor and equals the prevout's; scripts, leaves, control
   blocks, internal key and root in the PSBT are compared, never used (C5, C6, E1, E2).
"""

from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import PsbtInput, UnverifiedPsbt
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.bitcoin.taproot import LEAF_VERSION
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.core.errors import unverified
from signer.core.places import derive_hinted
from signer.core.spend import SpentCoin
from signer.core.vault import Vault

_TAPROOT_FIELDS = frozenset(
    kind[0]
    for kind in (
        fields.IN_TAP_SCRIPT_SIG,
        fields.IN_TAP_LEAF_SCRIPT,
        fields.IN_TAP_BIP32_DERIVATION,
        fields.IN_TAP_INTERNAL_KEY,
        fields.IN_TAP_MERKLE_ROOT,
    )
)


def sighash_type_of(vault: Vault) -> int:
    """The one sighash type that is signed for a vault of its kind."""
    return SIGHASH_DEFAULT if vault.is_taproot else SIGHASH_ALL


def verify_inputs(psbt: UnverifiedPsbt, vault: Vault) -> tuple[SpentCoin, ...]:
    """The coins that the transaction spends, in input order. Raises VerificationError."""
    return tuple(
        _verify_input(claims, txin.previous, vault)
        for claims, txin in zip(psbt.inputs, psbt.transaction.inputs, strict=True)
    )


def _verify_input(claims: PsbtInput, outpoint: OutPoint, vault: Vault) -> SpentCoin:
    _verify_understood(claims, outpoint, vault)  # 1
    prevout = _prevout(claims, outpoint, vault)  # 2
    derived = derive_hinted(claims, vault, outpoint)  # 3
    if derived is None or derived.script_pubkey != prevout.script_pubkey:
        raise unverified(
            "input-foreign",
            f"input {outpoint} does not spend an address of vault {vault.vault_id}",
            prevout.script_pubkey.hex(),
            "an address that the vault's descriptor gives at the index that the PSBT names",
        )
    if not (
        _leaves_match(claims, derived) if vault.is_taproot else _script_matches(claims, derived)
    ):
        raise unverified(
            "input-script-mismatch",
            f"input {outpoint} carries a script, leaf, control block, internal key or root that is "
            "not the vault's",
        )
    return SpentCoin(outpoint, prevout, derived)


def _verify_understood(claims: PsbtInput, outpoint: OutPoint, vault: Vault) -> None:
    if claims.final_script_sig is not None or claims.final_script_witness is not None:
        raise unverified("input-already-final", f"input {outpoint} is finalised already")
    if claims.unknown or _has_foreign_fields(claims, vault):
        raise unverified(
            "psbt-field-not-understood",
            f"input {outpoint} has a field that has no meaning in this vault",
        )
    allowed = sighash_type_of(vault)
    if claims.sighash_type not in (None, allowed):
        raise unverified(
            "sighash-type-refused",
            f"input {outpoint} asks for another sighash type than commits to the whole transaction",
            f"0x{claims.sighash_type:02x}",
            f"0x{allowed:02x} or absent",
        )


def _has_foreign_fields(claims: PsbtInput, vault: Vault) -> bool:
    """Fields of the other kind of script, a key-path signature, preimages, MuSig2: all are refused."""
    if not vault.is_taproot:
        return bool(claims.other)
    ecdsa = claims.partial_signatures or claims.bip32_derivations or claims.witness_script
    kinds = {key[0] for key, _ in claims.other}
    return bool(ecdsa or claims.redeem_script or kinds - _TAPROOT_FIELDS)


def _prevout(claims: PsbtInput, outpoint: OutPoint, vault: Vault) -> TxOut:
    proven, claimed = claims.proven_utxo, claims.witness_utxo
    if proven is not None:
        if claimed in (None, proven):
            return proven
        raise unverified(
            "witness-utxo-mismatch",
            f"the witness UTXO of {outpoint} is not the output of its previous transaction",
            f"{claimed.amount} sat",
            f"{proven.amount} sat",
        )
    if claimed is None or not vault.is_taproot:
        raise unverified(
            "previous-transaction-missing",
            f"input {outpoint} lacks what proves its amount: in P2WSH its whole previous transaction, "
            "in Taproot that or the witness UTXO",
        )
    return claimed


def _script_matches(claims: PsbtInput, derived: DerivedScript) -> bool:
    return claims.witness_script in (None, derived.witness_script) and not claims.redeem_script


def _leaves_match(claims: PsbtInput, derived: DerivedScript) -> bool:
    ours = {leaf.control_block: (leaf.script, LEAF_VERSION) for leaf in derived.leaves}
    return (
        all(
            ours.get(leaf.control_block) == (leaf.script, leaf.leaf_version)
            for leaf in claims.tap_leaf_scripts
        )
        and claims.tap_internal_key in (None, derived.internal_key)
        and claims.tap_merkle_root in (None, derived.merkle_root)
    )
