"""Which policy is in force: the record says the id, its entries have the bytes.

1. In a journal without change control the policy is the file's, for ever.
2. A step whose time has come counts at once, though its entry follows with the next transaction.
3. Only the rules change: a policy that follows has network and vaults of the genesis policy, which our keys
   are bound to.
4. A policy is loaded once; at most MAX_KEPT are kept, the genesis policy always.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from signer.core.errors import Fault, Objection, Refusal
from signer.core.policy_steps import in_force_id_at
from signer.ports.policy import Comparison, ServedPolicy
from signer.ports.reading import Reading

MAX_KEPT = 64

Load = Callable[[bytes], ServedPolicy]
Compare = Callable[[ServedPolicy, ServedPolicy], Comparison]


class Shelf:
    """The policies of one journal. Thread-safe."""

    def __init__(self, genesis: ServedPolicy, load: Load, compare: Compare) -> None:
        self.genesis = genesis
        self._load = load
        self.compare = compare
        self._kept: OrderedDict[bytes, ServedPolicy] = OrderedDict()
        self._guard = Lock()

    def load(self, content: bytes) -> ServedPolicy:
        """The policy of these bytes. Raises Refusal: PolicyError, `policy-wrong-network`,
        `policy-vaults-changed`."""
        policy, genesis = self._load(content), self.genesis
        if policy.network is not genesis.network:  # 3
            detail = f"the policy is for {policy.network}, this kernel for {genesis.network}"
            raise Refusal(Objection("policy-wrong-network", detail))
        if _vaults(policy) != _vaults(genesis):
            raise Refusal(
                Objection(
                    "policy-vaults-changed",
                    "the vaults, their keys and their lookahead are those that our keys are bound to",
                    ", ".join(sorted(vault.vault_id for vault in policy.vaults)),
                    ", ".join(sorted(vault.vault_id for vault in genesis.vaults)),
                )
            )
        return policy

    def in_force(self, reading: Reading) -> ServedPolicy:
        """The policy that decides at this look at the record."""
        state = reading.governance()
        if not state.in_force:  # 1
            return self.genesis
        return self.policy(in_force_id_at(state, reading.now()), reading)  # 2

    def policy(self, policy_id: bytes, reading: Reading) -> ServedPolicy:
        """That policy, which is on record."""
        if policy_id == self.genesis.policy_id:
            return self.genesis
        with self._guard:
            kept = self._kept.get(policy_id)
        if kept is not None:
            return kept
        content = reading.policy_bytes(policy_id)
        if content is None:
            raise Fault(f"policy {policy_id.hex()} is not on record")
        loaded = self.load(content)
        if loaded.policy_id != policy_id:  # tables that name another entry
            raise Fault(f"what is on record for policy {policy_id.hex()} is another one")
        with self._guard:  # 4
            self._kept[policy_id] = loaded
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return loaded


def _vaults(policy: ServedPolicy) -> set[tuple[str, bytes, int]]:
    return {(vault.vault_id, vault.fingerprint, vault.lookahead) for vault in policy.vaults}
