"""What a policy gives names to: definitions, groups, lists and rollups."""

from collections.abc import Iterator

from policies.arguments import AddressList, Group
from policies.loaded import LoadedPolicy
from signer.bitcoin.address import address_of
from signer.core.ssh import format_officer


def name_lines(policy: LoadedPolicy) -> Iterator[str]:
    """All of them, whole."""
    for name, text in policy.definitions:
        yield f"Definition {name}: {' '.join(text.split())}"
    for group in policy.groups:
        yield f"Group {group.name}, {len(group.keys)} keys:"
        yield from (f"  {key}" for key in group_keys(group))
    for listed in policy.lists:
        yield f"List {listed.name}, {len(listed.scripts)} addresses:"
        yield from (f"  {address}" for address in addresses(policy, listed))
    for rollup in policy.rollups:
        yield (
            f"Rollup {rollup.name}: magic {rollup.magic.hex()}, batches from {rollup.first_batch}, "
            f"{rollup.sequence}"
        )


def addresses(policy: LoadedPolicy, listed: AddressList) -> list[str]:
    """The list's destinations."""
    return sorted(address_of(script, policy.network) for script in listed.scripts)


def group_keys(group: Group) -> list[str]:
    """x-only keys in hexadecimal, OpenSSH keys as their lines."""
    return sorted(format_officer(key) for key in group.keys)
