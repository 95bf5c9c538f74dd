"""All registered vaults together, and every script of their lookahead windows.

1. No vault shares a key with another one (`vault-key-shared`), nor has it a key that follows from one of
   another (`descriptor-key-related`): windows and pins would start afresh.
2. Windows grow as indexes are seen (`cover`); beyond a window a script is found by claim only. A vault
   of fixed keys has no windows but one script.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor import federation_keys, refuse_related_keys
from signer.core.errors import Objection, unverified
from signer.core.vault import CHANGE, Vault

REMEMBERED = 10_000
"""Used addresses that are recognised without a hint."""


@dataclass(frozen=True, slots=True)
class ScriptPlace:
    """Whose script it is."""

    vault_id: str
    branch: int
    index: int


class VaultRegistry:
    """All registered vaults, and every script of their lookahead windows.

    Windows grow as indexes are seen (`cover`); beyond a window a script is found by claim only.
    """

    def __init__(self, vaults: tuple[Vault, ...]) -> None:
        self._vaults = {vault.vault_id: vault for vault in vaults}
        self._places: dict[bytes, ScriptPlace] = {}
        self._covered: dict[tuple[str, int], int] = {}
        _refuse_shared_keys(vaults)

    def get(self, vault_id: str) -> Vault:
        """Raises VerificationError `vault-unknown`."""
        try:
            return self._vaults[vault_id]
        except KeyError:
            raise unverified(
                "vault-unknown", "no vault of that name", repr(vault_id), ", ".join(self._vaults)
            ) from None

    def all(self) -> tuple[Vault, ...]:
        """In the policy's order."""
        return tuple(self._vaults.values())

    def cover(self, vault: Vault, branch: int, next_index: int) -> None:
        """Derive the scripts of that branch below next_index + lookahead, and the last REMEMBERED
        below next_index: start-up must not take longer for ever."""
        if vault.is_fixed and branch == CHANGE:
            return  # its change goes to the one script of the other branch
        key = (vault.vault_id, branch)
        end = vault.window_end(next_index)
        begin = max(self._covered.get(key, 0), next_index - REMEMBERED)
        for index in range(begin, end):
            script = vault.script(branch, index).script_pubkey
            self._places[script] = ScriptPlace(vault.vault_id, branch, index)
        self._covered[key] = max(end, self._covered.get(key, 0))

    def find(self, script_pubkey: bytes) -> ScriptPlace | None:
        """Whose script that is, as far as the windows reach."""
        return self._places.get(script_pubkey)


def beyond_window(vault: Vault, index: int, next_index: int) -> Objection | None:
    """Why an index of one of its branches is not looked at by a wallet restored from its seed. `next_index`:
    the first above what is on record there."""
    end = vault.window_end(next_index)
    if index < end:
        return None
    detail = "the address lies beyond the vault's lookahead"
    return Objection("address-index-too-high", detail, f"index {index}", f"below {end}")


def _refuse_shared_keys(vaults: tuple[Vault, ...]) -> None:
    refuse_related_keys(tuple(key for vault in vaults for key in federation_keys(vault.descriptor)))
    owner: dict[bytes, str] = {}
    for vault in vaults:
        for xpub in vault.xpubs():
            other = owner.setdefault(xpub.pubkey, vault.vault_id)
            if other != vault.vault_id:
                raise unverified(
                    "vault-key-shared", f"vaults {other} and {vault.vault_id} share a key"
                )
