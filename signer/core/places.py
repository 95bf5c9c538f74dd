"""Which address of a vault a PSBT's key derivations point to.

Rule 1: a derivation is a hint where to derive, never a reason to believe: the script is derived from the
        registered descriptor and compared by whoever asks.
Rule 2: only the vault's own origins, its two branches and non-hardened indexes can be named.
Rule 3: every derivation beside the hint must be exactly one of that address's keys (checklist C10).
"""

from signer.bitcoin.descriptor import DerivedScript
from signer.bitcoin.keys import HARDENED
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.core.errors import unverified
from signer.core.vault import Vault


def derive_hinted(
    derivations: tuple[Bip32Derivation, ...], vault: Vault, where: str
) -> DerivedScript | None:
    """The vault's script at the place that the derivations name; None when they name none of its keys.

    Raises VerificationError `derivation-mismatch`; Malformed `derivation-impossible`.
    """
    for derivation in derivations:
        place = _place(derivation, vault)
        if place is not None:
            derived = vault.script(*place)
            _match(derivations, derived, where)
            return derived
    return None


def _place(derivation: Bip32Derivation, vault: Vault) -> tuple[int, int] | None:
    prefix, tail = derivation.path[:-2], derivation.path[-2:]
    branches = vault.branches_of(derivation.fingerprint, prefix)
    if branches is None or len(tail) != 2 or tail[0] not in branches or tail[1] >= HARDENED:
        return None
    return branches.index(tail[0]), tail[1]


def _match(derivations: tuple[Bip32Derivation, ...], derived: DerivedScript, where: str) -> None:
    expected = {key.pubkey: (key.fingerprint, key.path) for key in derived.keys}
    for derivation in derivations:
        if expected.get(derivation.pubkey) != (derivation.fingerprint, derivation.path):
            raise unverified(
                "derivation-mismatch",
                f"{where}: a key derivation is not one of the vault's keys at that address",
                derivation.pubkey.hex(),
                f"the {len(expected)} keys of branch {derived.branch}, index {derived.index}",
            )
