"""Which address of a vault a PSBT's key derivations point to.

Rule 1: a derivation is a hint where to derive, never a reason to believe: the script is derived from the
        registered descriptor and compared by whoever asks.
Rule 2: only the vault's own origins, its two branches and non-hardened indexes can be named. A vault of fixed
        keys has one address, which needs no hint; a fixed key beside xpubs names none.
Rule 3: every derivation beside the hint must be exactly one of that address's keys (checklist C10), in
        Taproot with exactly the leaf that the key stands in; the internal key may be named too.
"""

from functools import lru_cache

from signer.bitcoin.descriptor import DerivedScript, Descriptor, Tr, derive
from signer.bitcoin.psbt.model import Bip32Derivation, PsbtInput, PsbtOutput, TapDerivation
from signer.core.errors import unverified
from signer.core.vault import RECEIVE, Vault, key_origin


def derive_hinted(
    hints: PsbtInput | PsbtOutput, vault: Vault, where: object
) -> DerivedScript | None:
    """The vault's script at the place that the derivations name, or its only one; None when there is neither.

    `where`: what carries the hints; it becomes text only when an error names it. Raises VerificationError
    `derivation-mismatch`; Malformed `derivation-impossible`.
    """
    derivations: tuple[Bip32Derivation | TapDerivation, ...] = hints.bip32_derivations
    if vault.is_taproot:
        derivations = hints.tap_derivations
    place = _place_named(derivations, vault)
    if place is None:
        return None
    _match(derivations, _named(vault.descriptor, *place), where)
    return vault.script(*place)


def _place_named(
    derivations: tuple[Bip32Derivation | TapDerivation, ...], vault: Vault
) -> tuple[int, int] | None:
    if vault.is_fixed:
        return RECEIVE, 0
    for derivation in derivations:
        place = vault.place_of(derivation.fingerprint, derivation.path)
        if place is not None:
            return place
    return None


def _match(
    derivations: tuple[Bip32Derivation | TapDerivation, ...],
    named: dict[bytes, Bip32Derivation | TapDerivation],
    where: object,
) -> None:
    for derivation in derivations:
        if named.get(derivation[0]) != derivation:
            raise unverified(
                "derivation-mismatch",
                f"{where}: a key derivation is not one of the vault's keys at that address",
                derivation[0].hex(),
                f"the keys of that address: {', '.join(key.hex() for key in named)}",
            )


@lru_cache(maxsize=1_024)
def _named(
    descriptor: Descriptor, branch: int, index: int
) -> dict[bytes, Bip32Derivation | TapDerivation]:
    """Key -> how a PSBT names it, for each key of that address. Nobody changes it."""
    derived = derive(descriptor, branch, index)
    if not isinstance(descriptor, Tr):
        return {
            key.pubkey: Bip32Derivation(key.pubkey, key.fingerprint, key.path)
            for key in derived.keys
        }
    named: dict[bytes, Bip32Derivation | TapDerivation] = {
        key.xonly: TapDerivation(key.xonly, (leaf.leaf_hash,), key.fingerprint, key.path)
        for leaf in derived.leaves
        for key in leaf.keys
    }
    if descriptor.internal is not None:  # as wallets name it: derived from an xpub, in no leaf
        fingerprint, path = key_origin(descriptor.internal)
        place = (*path, descriptor.internal.branches[branch], index)
        named[derived.internal_key] = TapDerivation(derived.internal_key, (), fingerprint, place)
    return named
