"""A policy that decides what others decided (`pegwarden policy simulate`).

1. Clocks of `aged` are those on record: what another policy would have started is not imagined.
2. Nothing is signed, so no key is ours: the spend has no signing tasks.
3. What the kernel's own headers said is on record where a spend was signed; a request that was refused is
   judged as by a kernel without a chain.
"""

from dataclasses import dataclass

from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.chain_word import chain_word
from signer.core.errors import unverified
from signer.core.evidence import authorize
from signer.core.proven_coins import prove
from signer.core.question import Question, ask
from signer.core.registry import VaultRegistry
from signer.core.spend import VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.core.verify import SpendClaims, verify
from signer.journal.reading import TableReading
from signer.ports.policy import ServedPolicy
from signer.replay.asked import Asked


@dataclass(frozen=True, slots=True)
class Court:
    """The policy with its vaults."""

    policy: ServedPolicy
    registry: VaultRegistry

    def hear(self, asked: Asked, before: TableReading) -> tuple[VerifiedSpend, Question]:
        """The facts, and the question that the policy answers. Raises Refusal or Malformed."""
        vault = self._vault(asked.vault)
        for branch in (RECEIVE, CHANGE):
            self.registry.cover(vault, branch, before.next_index(vault.fingerprint, branch))
        psbt = parse_psbt(asked.psbt)
        words = authorize(asked.attestations, vault.realm, self.policy.attestors)
        spend = verify(SpendClaims(psbt, asked.psbt, asked.payments), vault, self.registry, ())
        now, word = before.now(), None
        if asked.chain is not None:
            word = chain_word(prove(asked.proofs, spend, asked.chain), asked.chain, now)
        return spend, ask(spend, words, before, now, caller=asked.caller, chain=word)

    def _vault(self, named: bytes | str) -> Vault:
        return (
            self.registry.get(named) if isinstance(named, str) else named_by(self.registry, named)
        )


def named_by(registry: VaultRegistry, fingerprint: bytes) -> Vault:
    """The vault with that fingerprint. Raises VerificationError `vault-unknown`."""
    for vault in registry.all():
        if vault.fingerprint == fingerprint:
            return vault
    detail = "the policy has no vault of that fingerprint"
    raise unverified("vault-unknown", detail, fingerprint.hex())
