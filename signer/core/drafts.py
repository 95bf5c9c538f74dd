"""Drafts: offered coins proven, and the inputs and outputs of a vault as its signers need them.

1. A coin's previous transaction hashes to the outpoint and has that output. P2WSH vaults need it
   (CVE-2020-14199); in Taproot an amount suffices, since every signature commits to all of them (BIP-341).
2. The script is the vault's at the branch and index named; only coins that are spent are derived.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor import DerivedScript, Tr
from signer.bitcoin.previous import Allowance, read_previous
from signer.bitcoin.psbt.model import Bip32Derivation, TapDerivation, TapLeafScript
from signer.bitcoin.psbt.writer import InputDraft, OutputDraft
from signer.bitcoin.taproot import LEAF_VERSION, TapLeaf
from signer.bitcoin.transaction import OutPoint, TxOut, display
from signer.bitcoin.units import Sats
from signer.core.errors import unverified
from signer.core.vault import Vault, key_origin


@dataclass(frozen=True, slots=True)
class OfferedCoin:
    """A coin of the vault, as the caller describes it."""

    previous_tx: bytes | None
    """The transaction that created it, raw."""
    outpoint: OutPoint
    amount: Sats | None
    """None: as in the previous transaction."""
    branch: int
    index: int


@dataclass(frozen=True, slots=True)
class ProvenCoin:
    """An offered coin with what it is said, or proven, to hold."""

    offered: OfferedCoin
    previous: bytes | None
    """The transaction that created it, without witness."""
    prevout: TxOut | None
    """The output of it that the coin is."""
    amount: Sats


def prove(coin: OfferedCoin, vault: Vault, allowance: Allowance) -> ProvenCoin:
    """Rule 1. Raises VerificationError or Malformed."""
    if coin.previous_tx is None:
        if vault.is_taproot and coin.amount is not None:
            return ProvenCoin(coin, None, None, coin.amount)
        raise unverified(
            "previous-transaction-missing",
            f"no signer of a P2WSH vault would accept {coin.outpoint} without it (CVE-2020-14199); a "
            "Taproot coin needs at least its amount",
        )
    previous = read_previous(coin.previous_tx, allowance)
    prevout = previous.output(coin.outpoint.vout)
    if previous.txid != coin.outpoint.txid or prevout is None:
        raise unverified(
            "previous-transaction-mismatch",
            f"the previous transaction given for {coin.outpoint} does not have that output",
            f"{display(previous.txid)} with {len(previous.outputs_at)} outputs",
            str(coin.outpoint),
        )
    if coin.amount not in (None, prevout.amount):
        raise unverified(
            "coin-amount-mismatch",
            str(coin.outpoint),
            f"{coin.amount} sat",
            f"{prevout.amount} sat",
        )
    return ProvenCoin(coin, previous.stripped, prevout, prevout.amount)


def input_draft(coin: ProvenCoin, vault: Vault, sequence: int) -> InputDraft:
    """The input that spends it (rule 2). Raises VerificationError `input-foreign`."""
    offered = coin.offered
    derived = vault.script(offered.branch, offered.index)
    prevout = TxOut(coin.amount, derived.script_pubkey)
    if coin.prevout is not None and coin.prevout != prevout:
        raise unverified(
            "input-foreign",
            f"{offered.outpoint} is not at branch {offered.branch}, index {offered.index} of the vault",
            coin.prevout.script_pubkey.hex(),
            derived.script_pubkey.hex(),
        )
    if not vault.is_taproot:
        return InputDraft(
            outpoint=offered.outpoint,
            sequence=sequence,
            non_witness_utxo=coin.previous,
            witness_utxo=prevout,
            witness_script=derived.witness_script,
            bip32_derivations=_derivations(derived),
        )
    return InputDraft(
        outpoint=offered.outpoint,
        sequence=sequence,
        non_witness_utxo=coin.previous,
        witness_utxo=prevout,
        tap_leaf_scripts=tuple(
            TapLeafScript(leaf.control_block, leaf.script, LEAF_VERSION) for leaf in derived.leaves
        ),
        tap_derivations=_tap_derivations(derived, vault),
        tap_internal_key=derived.internal_key,
        tap_merkle_root=derived.merkle_root,
    )


def vault_output(vault: Vault, derived: DerivedScript, amount: Sats) -> OutputDraft:
    """An output to that address of the vault, with what its members recognise it by."""
    txout, descriptor = TxOut(amount, derived.script_pubkey), vault.descriptor
    if not isinstance(descriptor, Tr):
        return OutputDraft(txout, derived.witness_script, _derivations(derived))
    depths = [depth for depth, _ in descriptor.leaves]
    leaves = zip(depths, derived.leaves, strict=True)
    return OutputDraft(
        txout,
        tap_internal_key=derived.internal_key,
        tap_tree=tuple(TapLeaf(depth, leaf.script) for depth, leaf in leaves),
        tap_derivations=_tap_derivations(derived, vault),
    )


def _derivations(script: DerivedScript) -> tuple[Bip32Derivation, ...]:
    return tuple(Bip32Derivation(key.pubkey, key.fingerprint, key.path) for key in script.keys)


def _tap_derivations(script: DerivedScript, vault: Vault) -> tuple[TapDerivation, ...]:
    found = [
        TapDerivation(key.xonly, (leaf.leaf_hash,), key.fingerprint, key.path)
        for leaf in script.leaves
        for key in leaf.keys
    ]
    descriptor = vault.descriptor
    if isinstance(descriptor, Tr) and descriptor.internal is not None:
        fingerprint, path = key_origin(descriptor.internal)
        place = (*path, descriptor.internal.branches[script.branch], script.index)
        found.append(TapDerivation(script.internal_key, (), fingerprint, place))
    return tuple(found)
