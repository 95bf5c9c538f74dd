"""A vault as the policy has it: registered, and what its table says besides."""

from dataclasses import dataclass

from policies.expression import Expression, Leaf
from policies.predicates import CoinPredicate
from policies.predicates.attested import Attested
from signer.bitcoin.units import Height, Sats
from signer.core.vault import Vault, VaultDefinition


@dataclass(frozen=True, slots=True)
class VaultEntry:
    """A `[vaults.NAME]` table."""

    definition: VaultDefinition
    vault: Vault
    coins: Expression[CoinPredicate]
    """What proves that a coin exists; that it is unspent, where attestors are asked."""
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
    deposit_least: Sats
    """The least that a deposit brings; 0: any amount."""
    deposit_depth: int
    """Confirmations from which a deposit is attested."""
    deposits_until: Height | None
    """The last block whose deposits count; None: any."""
    release_work: int | None = None
    """Expected hashes that lie on a transaction that closes or strikes by our own chain; None: only
    attestors say what is buried."""

    @property
    def may_be_unattested(self) -> bool:
        """Whether `coins` can hold with no attestor's word at all."""
        return _unattested(self.coins)


def _unattested(coins: Expression[CoinPredicate]) -> bool:
    if isinstance(coins, Leaf):
        return not isinstance(coins.predicate, Attested)
    return sum(map(_unattested, coins.parts)) >= coins.needed
