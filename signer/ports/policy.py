"""What the kernel asks of a policy, and of the shelf that knows which one is in force."""

from collections.abc import Iterable
from typing import Protocol

from signer.bitcoin.network import Network
from signer.core.deposits import DepositTerms
from signer.core.errors import Objection
from signer.core.governance import GovernanceTerms, Verdict
from signer.core.question import ClockQuorum, Policy, Question, TraceLine
from signer.core.release import ReleasePolicy
from signer.core.vault import Vault
from signer.ports.reading import Reading


class ServedPolicy(Policy, ReleasePolicy, Protocol):
    """What the kernel, beside `approve`, reads of its policy."""

    @property
    def name(self) -> str:
        """As the policy calls itself."""

    @property
    def version(self) -> int:
        """Only grows."""

    @property
    def attestors(self) -> frozenset[bytes]:
        """x-only keys whose attestations are looked at."""

    @property
    def governance(self) -> GovernanceTerms | None:
        """Who may change the policy; None where nobody may."""

    @property
    def officer_keys(self) -> frozenset[bytes]:
        """The keys whose acts count."""

    @property
    def network(self) -> Network:
        """The network that it is for."""

    @property
    def vaults(self) -> tuple[Vault, ...]:
        """The registered vaults."""

    @property
    def expires(self) -> int | None:
        """Unix seconds from which only the fallback holds."""

    def clock_quorums(self, vault_id: str) -> tuple[ClockQuorum, ...]:
        """Whose complete word starts the clocks of that vault's `aged` rules, or lets officers be asked."""

    def proposal_quorums(self, vault_id: str) -> tuple[ClockQuorum, ...]:
        """Those of them whose word lets officers be asked about a withdrawal from that vault."""

    def rollup_magic(self, name: str) -> bytes:
        """The magic of that rollup; of the only one for "". Raises Refusal `rollup-unknown`."""

    def asks_chain(self, vault_fingerprint: bytes) -> bool:
        """Whether a rule about that vault asks our own headers."""

    def deposit_terms(self, vault_fingerprint: bytes) -> DepositTerms:
        """What it asks of deposits in that vault. Raises Refusal `vault-unknown`."""

    def evidence_objections(self, question: Question) -> tuple[tuple[Objection, ...], ...]:
        """For each way, what it lacks of attestors' words; of one that asks for none, of officers' approvals.
        Never empty."""

    def trace(self, question: Question) -> Iterable[TraceLine]:
        """Every way with its predicates and their verdicts."""

    def nearest_changes(self, question: Question) -> tuple[str, ...]:
        """Of the ways that do not hold the nearest ones, each as the changes that would make it hold."""


class Comparison(Protocol):
    """A policy compared with the one that it would follow."""

    @property
    def verdict(self) -> Verdict:
        """Whether it allows less."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What differs, in English."""


class PolicyShelf(Protocol):
    """Which policy is in force, by the record (docs/policy-changes.md)."""

    def in_force(self, reading: Reading) -> ServedPolicy:
        """The policy that decides at this look at the record."""

    def policy(self, policy_id: bytes, reading: Reading) -> ServedPolicy:
        """That policy, which is on record."""

    def load(self, content: bytes) -> ServedPolicy:
        """The policy of these bytes. Raises Refusal."""

    def compare(self, old: ServedPolicy, new: ServedPolicy) -> Comparison:
        """What would change."""
