"""What of a vault's changed table weakens it: named, so that nobody overlooks it in a long difference.

1. Named is what asks for less of whoever stands behind a signature or a release: a witness that is gone, a
   lower quorum of witnesses or of officers, fewer confirmations, a lower f.
2. The verdict does not depend on it: a vault that changes is looser in any case (`sections`).
"""

from collections.abc import Iterator

from policies.literals import format_work
from policies.vault_entry import VaultEntry
from signer.core.vault import Vault


def weakenings(old: VaultEntry, new: VaultEntry) -> Iterator[str]:
    """In English, the witnesses first."""
    yield from _of_witnesses(old.vault, new.vault)
    if new.release_quorum < old.release_quorum:
        yield f"release_quorum goes down from {old.release_quorum} to {new.release_quorum}"
    if new.release_depth < old.release_depth:
        yield f"release_depth goes down from {old.release_depth} to {new.release_depth}"
    yield from _of_release_work(old.release_work, new.release_work)
    if new.deposit_depth < old.deposit_depth:
        yield f"deposit_depth goes down from {old.deposit_depth} to {new.deposit_depth}"
    if new.vault.tolerated < old.vault.tolerated:
        yield f"f goes down from {old.vault.tolerated} to {new.vault.tolerated}"


def _of_release_work(old: int | None, new: int | None) -> Iterator[str]:
    if new is None or new == old:
        return
    if old is None:
        yield f"our own chain's word releases now, with {format_work(new)} on it"
    elif new < old:
        yield f"release_work goes down from {format_work(old)} to {format_work(new)}"


def _of_witnesses(old: Vault, new: Vault) -> Iterator[str]:
    before, after = old.witnesses, new.witnesses
    if before.quorum and not after.quorum:
        yield f"nobody witnesses any more: {before.quorum} members granted each entry"
        return
    for key in before.log_keys:
        if key not in after.log_keys:
            yield f"witness {key.hex()} is gone"
    if after.quorum < before.quorum:
        yield f"witness_quorum goes down from {before.quorum} to {after.quorum}"
