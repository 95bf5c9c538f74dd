"""What a member's files must agree on: policy, configuration and sealed keys.

1. Policy and configuration are for one network.
2. Exactly one key of each vault is ours, and each of our keys has its vault.
3. Each key is bound to its vault, to the genesis policy and to one journal.
4. The genesis policy is the file's, unless that has [governance]: then the file's policy is, or was, in force
   by the journal's entries, which begin with the genesis policy (`signer.descent`).
"""

from collections.abc import Mapping
from pathlib import Path

from keystore.header import Binding, Header
from policies.analysis.diff import compare
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.config import KernelConfig
from signer.core.errors import Fault, Objection, Refusal
from signer.core.vault import Vault
from signer.descent import verify_descent
from signer.ports.policy import Comparison, ServedPolicy
from signer.ports.reading import Reading
from signer.shelf import Shelf

MAX_POLICY_BYTES = 1 << 20


def read_policy(config: KernelConfig) -> LoadedPolicy:
    """The config's policy. Raises PolicyError, Refusal `policy-unreadable`, `policy-wrong-network`."""
    return policy_of(config, read_policy_bytes(config.policy))


def policy_of(config: KernelConfig, content: bytes) -> LoadedPolicy:
    """The policy of these bytes. Raises PolicyError, Refusal `policy-wrong-network`."""
    policy = load_policy(content)
    if policy.network is not config.network:
        detail = f"the policy is for {policy.network}, {config.path} for {config.network}"
        raise Refusal(Objection("policy-wrong-network", detail))
    return policy


def read_policy_bytes(path: Path) -> bytes:
    """The file's bytes. Raises Refusal `policy-unreadable`."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise Refusal(Objection("policy-unreadable", f"{path}: {error.strerror}")) from None


def key_of(vault: Vault, keys: dict[str, Path]) -> Path:
    """Which of our key files (by their text in a policy, `[origin]KEY`) is in the vault; exactly one is.

    Raises Refusal `vault-key-not-ours`.
    """
    texts = {key.text(vault.network) for key in vault.xpubs()}
    ours = [path for text, path in keys.items() if text.rpartition("]")[2] in texts]
    if len(ours) != 1:
        found = "none" if not ours else f"{len(ours)}: {', '.join(str(each) for each in ours)}"
        detail = (
            f"of the key files that the configuration lists exactly one must be a key of vault "
            f"{vault.vault_id}; found {found}"
        )
        raise Refusal(Objection("vault-key-not-ours", detail))
    return ours[0]


def require_bindings(
    policy: LoadedPolicy, headers: Mapping[Path, Header], first_leaf: bytes
) -> bytes:
    """Rules 2 and 3; the id of the genesis policy. The seals of these headers have been verified by opening
    the files.

    Raises Refusal `vault-key-not-ours`, `key-wrong-policy`, `key-wrong-vault`.
    """
    by_text = {header.public: path for path, header in headers.items()}
    used = {key_of(vault, by_text): vault for vault in policy.vaults}
    genesis = policy.policy_id
    for path, header in headers.items():
        if header.binding is None or path not in used:
            raise _wrong_vault(path, "no vault of the policy")
        if policy.governance is not None:
            genesis = header.binding.policy_id
        if header.binding.policy_id != genesis:
            raise _wrong_policy(path, genesis, header.binding)
        if header.binding != Binding(used[path].fingerprint, genesis, first_leaf):
            raise _wrong_vault(path, f"vault {used[path].vault_id}")
    return genesis


def shelf_of(genesis: LoadedPolicy) -> Shelf:
    """The shelf of a journal that begins with that policy."""
    return Shelf(genesis, load_policy, compare_policies)


def compare_policies(old: ServedPolicy, new: ServedPolicy) -> Comparison:
    """What would change."""
    if not isinstance(old, LoadedPolicy) or not isinstance(new, LoadedPolicy):
        raise Fault("a policy that was not loaded")
    return compare(old, new)


def shelf_by_record(policy: LoadedPolicy, genesis_id: bytes, reading: Reading) -> Shelf:
    """Rule 4: the shelf with the genesis policy, once the record proves that the file's policy descends
    from it. Raises Refusal `policy-not-descended`."""
    genesis = policy
    if policy.policy_id != genesis_id:
        content = reading.policy_bytes(genesis_id)
        if content is None:
            raise _not_descended(
                "the journal does not begin with the policy that the keys are bound to"
            )
        genesis = load_policy(content)
        if genesis.policy_id != genesis_id:
            raise _not_descended(
                "the journal begins with another policy than the keys are bound to"
            )
    shelf = shelf_of(genesis)
    if genesis.governance is None:
        return shelf
    if policy.policy_id not in verify_descent(shelf, genesis.network, reading).policy_ids:
        raise _not_descended("the policy file was never in force by the journal's entries")
    return shelf


def _not_descended(detail: str) -> Refusal:
    return Refusal(Objection("policy-not-descended", detail))


def _wrong_policy(path: Path, expected: bytes, binding: Binding) -> Refusal:
    detail = f"{path} is bound to another policy"
    return Refusal(Objection("key-wrong-policy", detail, expected.hex(), binding.policy_id.hex()))


def _wrong_vault(path: Path, place: str) -> Refusal:
    detail = f"{path} is bound to another vault or journal; its xpub is in {place}"
    return Refusal(Objection("key-wrong-vault", detail))
