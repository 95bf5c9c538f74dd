"""What a member's files must agree on: policy, configuration and sealed keys.

1. Policy and configuration are for one network.
2. Exactly one xpub of each vault is ours, and each of our keys has its vault.
3. Each key is bound to its vault, to this policy and to one journal.
"""

from pathlib import Path

from keystore.file_keystore import FileKeystore
from keystore.header import Binding, read_file
from keystore.sealed import read_sealed
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.config import KernelConfig
from signer.core.errors import Objection, Refusal
from signer.core.vault import Vault

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
    """Which of our key files (by their `[origin]xpub` text) is in the vault; exactly one is.

    Raises Refusal `vault-key-not-ours`.
    """
    texts = {xpub.text(vault.network) for xpub in vault.xpubs()}
    ours = [path for text, path in keys.items() if text.rpartition("]")[2] in texts]
    if len(ours) != 1:
        found = "none" if not ours else f"{len(ours)}: {', '.join(str(each) for each in ours)}"
        detail = (
            f"of the key files that the configuration lists exactly one must be a key of vault "
            f"{vault.vault_id}; found {found}"
        )
        raise Refusal(Objection("vault-key-not-ours", detail))
    return ours[0]


def require_bindings(config: KernelConfig, policy: LoadedPolicy, keys: FileKeystore) -> None:
    """Rules 2 and 3. The seals of these headers have been verified by opening the files.

    Raises Refusal `vault-key-not-ours`, `key-wrong-policy`, `key-wrong-vault`.
    """
    headers = {path: read_file(read_sealed(path))[0] for path in config.keys.vaults}
    by_text = {header.public: path for path, header in headers.items()}
    used = {key_of(vault, by_text): vault for vault in policy.vaults}
    for path, header in headers.items():
        expected = None
        if path in used:
            expected = Binding(used[path].fingerprint, policy.policy_id, keys.first_leaf)
        if header.binding is None or expected is None:
            raise _wrong_vault(path, "no vault of the policy")
        if header.binding.policy_id != expected.policy_id:
            raise Refusal(
                Objection(
                    "key-wrong-policy",
                    f"{path} is bound to another policy than {config.policy}",
                    policy.policy_id.hex(),
                    header.binding.policy_id.hex(),
                )
            )
        if header.binding != expected:
            raise _wrong_vault(path, f"vault {used[path].vault_id}")


def _wrong_vault(path: Path, place: str) -> Refusal:
    detail = f"{path} is bound to another vault or journal; its xpub is in {place}"
    return Refusal(Objection("key-wrong-vault", detail))
