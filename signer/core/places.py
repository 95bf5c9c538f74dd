"""Which address of a vault a PSBT's key derivations point to.

Rule 1: a derivation is a hint where to derive, never a reason to believe: the script is derived from the
        registered descriptor and compared by whoever asks.
Rule 2: only the vault's own origins, its two branches and non-hardened indexes can be named.
Rule 3: every derivation beside the hint must be exactly one of that address's keys (checklist C10), in
        Taproot with exactly the leaf that the key stands in; the internal key may be named too.
"""

from signer.bitcoin.descriptor import DerivedScript, Tr
from signer.bitcoin.psbt.model import Bip32Derivation, PsbtInput, PsbtOutput, TapDerivation
from signer.core.errors import VerificationError, unverified
from signer.core.vault import Vault, key_origin


def derive_hinted(hints: PsbtInput | PsbtOutput, vault: Vault, where: str) -> DerivedScript | None:
    """The vault's script at the place that the derivations name; None when they name none of its keys.

    Raises VerificationError `derivation-mismatch`; Malformed `derivation-impossible`.
    """
    derivations = hints.tap_derivations if vault.is_taproot else hints.bip32_derivations
    for derivation in derivations:
        place = vault.place_of(derivation.fingerprint, derivation.path)
        if place is not None:
            derived = vault.script(*place)
            if vault.is_taproot:
                _match_taproot(hints.tap_derivations, derived, vault, where)
            else:
                _match(hints.bip32_derivations, derived, where)
            return derived
    return None


def _match(derivations: tuple[Bip32Derivation, ...], derived: DerivedScript, where: str) -> None:
    expected = {key.pubkey: (key.fingerprint, key.path) for key in derived.keys}
    for derivation in derivations:
        if expected.get(derivation.pubkey) != (derivation.fingerprint, derivation.path):
            raise _mismatch(derivation.pubkey, derived, where)


def _match_taproot(
    derivations: tuple[TapDerivation, ...], derived: DerivedScript, vault: Vault, where: str
) -> None:
    expected = {
        key.xonly: ((leaf.leaf_hash,), key.fingerprint, key.path)
        for leaf in derived.leaves
        for key in leaf.keys
    } | _internal(derived, vault)
    for derivation in derivations:
        said = (derivation.leaf_hashes, derivation.fingerprint, derivation.path)
        if expected.get(derivation.xonly) != said:
            raise _mismatch(derivation.xonly, derived, where)


def _internal(
    derived: DerivedScript, vault: Vault
) -> dict[bytes, tuple[tuple[bytes, ...], bytes, tuple[int, ...]]]:
    """The unspendable internal key, as wallets name it: derived from an xpub, in no leaf."""
    descriptor = vault.descriptor
    if not isinstance(descriptor, Tr) or descriptor.internal is None:
        return {}
    fingerprint, path = key_origin(descriptor.internal)
    place = (*path, descriptor.internal.branches[derived.branch], derived.index)
    return {derived.internal_key: ((), fingerprint, place)}


def _mismatch(key: bytes, derived: DerivedScript, where: str) -> VerificationError:
    return unverified(
        "derivation-mismatch",
        f"{where}: a key derivation is not one of the vault's keys at that address",
        key.hex(),
        f"the keys of branch {derived.branch}, index {derived.index}",
    )
