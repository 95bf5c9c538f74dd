"""Invariant: a file is refused with a code and a line that it has, or is a policy that is known by the hash
of these bytes, allows something, and can be explained.
"""

from collections.abc import Iterator

from policies.explain import as_json, render
from policies.load import load_policy
from policies.source import PolicyError
from signer.bitcoin.hashes import sha256
from tests.fuzz.target import coded
from tests.policies.world import EXAMPLES


def seeds() -> Iterator[tuple[str, bytes]]:
    for path in sorted(EXAMPLES.glob("*.toml")):
        yield path.stem, path.read_bytes()


def _is_place(error: PolicyError, data: bytes) -> bool:
    assert 1 <= error.line <= data.count(b"\n") + 1
    assert error.column >= 1
    return True


def accepts(data: bytes) -> bool:
    try:
        policy = load_policy(data)
    except PolicyError as refusal:
        return coded(refusal) or not _is_place(refusal, data)
    assert policy.policy_id == sha256(data)
    assert policy.blocks
    assert render(policy)
    assert as_json(policy)
    return True
