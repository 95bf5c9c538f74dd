"""A vault as the policy has it: registered, and what its table says besides."""

from dataclasses import dataclass

from policies.expression import Expression
from policies.predicates.attested import Attested
from signer.bitcoin.units import Sats
from signer.core.vault import Vault, VaultDefinition


@dataclass(frozen=True, slots=True)
class VaultEntry:
    """A `[vaults.NAME]` table."""

    definition: VaultDefinition
    vault: Vault
    coins: Expression[Attested]
    """What proves that a coin exists and is unspent."""
    release_depth: int
    """Confirmations with which a transaction closes a withdrawal or strikes a pin."""
    release_quorum: int
    """Officers of [governance] who consent to each of that; 0 for none."""
    weaker_after: int | None
    """Blocks that a coin must be old before fewer than k members can move it, where stated."""
    weaker_from: int | None
    """Height below which fewer than k members can not, where stated."""
    deposit_cap: Sats | None
    """The most that a deposit may bring while the vault rehearses; None: any amount."""
