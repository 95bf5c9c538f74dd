"""Which keys are ours, for a kernel that signs nothing: as the configuration names them, or as the record
shows them.

1. One key of each vault is ours. A signed entry shows it: its public keys stand in the signing list.
2. Until the record shows it, each key of the vault could be ours, and all are taken for it: whether a path
   has our key cannot be told then.
"""

from collections.abc import Iterable
from typing import NoReturn

from signer.bitcoin.keys import MemberKey
from signer.core.deposits import RecordedDeposit
from signer.core.errors import Fault, Objection
from signer.core.spend import RecordedSpend, VerifiedSpend
from signer.core.vault import Vault
from signer.journal.entry import GenesisEntry, SignedEntry


class RecordedKeys:
    """signer.ports.Keystore without a secret."""

    def __init__(
        self,
        genesis: GenesisEntry,
        vaults: Iterable[Vault],
        ours: Iterable[MemberKey] = (),
    ) -> None:
        self._genesis = genesis
        self._vaults = {vault.fingerprint: vault for vault in vaults}
        self._ours = {
            vault.fingerprint: xpub
            for xpub in ours
            for vault in self._vaults.values()
            if vault.positions_of(xpub)
        }

    def learn(self, entry: SignedEntry) -> None:
        """Rule 1."""
        vault = self._vaults.get(entry.vault_fingerprint)
        if vault is None or vault.fingerprint in self._ours or not entry.signing:
            return
        place, pubkey = entry.signing[0][:2]
        coin = entry.claims.coins[place]
        for position, key in enumerate(vault.script(coin.branch, coin.index).keys):
            if key.pubkey == pubkey:
                self._ours[vault.fingerprint] = vault.places[position].xpub

    def is_known(self, vault: Vault) -> bool:
        """Whether it is known which key of that vault is ours."""
        return vault.fingerprint in self._ours

    def xpubs(self) -> tuple[MemberKey, ...]:
        """See signer.ports.Keystore; rule 2."""
        unknown = (
            xpub
            for vault in self._vaults.values()
            if vault.fingerprint not in self._ours
            for xpub in vault.xpubs()
        )
        return (*self._ours.values(), *unknown)

    @property
    def statement_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return self._genesis.statement_key

    @property
    def log_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return self._genesis.log_key

    @property
    def attestation_key(self) -> bytes:
        """See signer.ports.Keystore. It is not on record until it attests; no replay asks for it."""
        return b""

    def objections(
        self, _: VerifiedSpend, __: int, ___: int | None = None
    ) -> tuple[Objection, ...]:
        """See signer.ports.Keystore. Caps and ledger are not on record; what was refused by them is not
        derived again (`signer.replay.deeds`)."""
        return ()

    def sign(self, _: RecordedSpend) -> NoReturn:
        """See signer.ports.Keystore."""
        raise Fault(_NO_SECRET)

    def attest(self, _: RecordedDeposit) -> NoReturn:
        """See signer.ports.Keystore."""
        raise Fault(_NO_SECRET)

    def sign_statement(self, _: bytes) -> NoReturn:
        """See signer.ports.Keystore."""
        raise Fault(_NO_SECRET)

    def sign_head(self, _: bytes) -> NoReturn:
        """See signer.ports.Keystore."""
        raise Fault(_NO_SECRET)

    def sign_message(self, _: bytes) -> NoReturn:
        """See signer.ports.Keystore."""
        raise Fault(_NO_SECRET)


_NO_SECRET = "a replay signs nothing"  # noqa: S105 (no password)
