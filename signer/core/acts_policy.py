"""The act about a policy (docs/policy-changes.md)."""

from dataclasses import dataclass

from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.core.acts_fields import Lines, Values, read_count, read_hash

MAX_VERSION = 1_000_000_000
"""Of a policy, as `policies/load.py` reads it."""
GENESIS_POLICY = bytes(32)
"""What the first policy replaces."""


@dataclass(frozen=True, slots=True)
class ApprovePolicy:
    """That policy may follow this one."""

    policy_id: bytes
    replaces: bytes
    """Id of the policy in force; GENESIS_POLICY for the first."""
    version: int


def policy_subject(act: ApprovePolicy, genesis_hash: bytes) -> bytes:
    """What approvals of a policy are counted by."""
    version = act.version.to_bytes(8, "big")
    return sha256(b"policy" + genesis_hash + act.policy_id + act.replaces + version)


def policy_lines(act: ApprovePolicy) -> tuple[str, Lines]:
    """The action, and the lines after the genesis hash."""
    return "approve policy", (
        ("policy", act.policy_id.hex()),
        ("version", str(act.version)),
        ("replaces", act.replaces.hex()),
    )


def read_policy_act(value: Values, _: Network) -> ApprovePolicy:
    """The inverse of `policy_lines`."""
    version = read_count(value["version"], 1, MAX_VERSION)
    return ApprovePolicy(read_hash(value["policy"]), read_hash(value["replaces"]), version)
