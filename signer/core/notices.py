"""What goes on record beside signatures and refusals: clocks, officers' acts, policies and their steps.

Each is an entry of its own kind (`signer.journal.codec`); the record's tables are the fold of them.
"""

from dataclasses import dataclass

from signer.core.acts import SignedAct
from signer.core.agreement.notices import AgreementNotice
from signer.core.deposits import DepositNotice, ReorganisedNotice
from signer.core.payment import WithdrawalTerms
from signer.core.released import ReleasedNotice


@dataclass(frozen=True, slots=True)
class AttestedNotice:
    """Withdrawals that a complete quorum of attestors vouched for: the clocks of `aged` start."""

    clock: int
    """Effective time, Unix seconds."""
    caller: str
    policy_id: bytes
    vault_fingerprint: bytes
    evidence: bytes
    """`signer.core.evidence_codec`."""
    started: tuple[tuple[WithdrawalTerms, bytes], ...]
    """(terms, quorum): the quorum by its 32-byte digest (`View.first_attested`)."""


@dataclass(frozen=True, slots=True)
class OfficerNotice:
    """An officer's act, its signature verified before it was recorded."""

    clock: int
    caller: str
    policy_id: bytes
    """The policy whose officer it is."""
    signed: SignedAct


@dataclass(frozen=True, slots=True)
class PolicyNotice:
    """A policy was proposed. The first one of a journal, with an empty base, is the genesis policy."""

    clock: int
    caller: str
    policy: bytes
    """The file's bytes; its id is their SHA-256."""
    base: bytes
    """Id of the policy that it was compared with; empty for the genesis policy."""
    version: int
    verdict: str
    """`signer.core.governance.Verdict`, as computed when it was proposed."""


@dataclass(frozen=True, slots=True)
class PolicyStepNotice:
    """The policy in force changed, or will."""

    clock: int
    step: str
    """`signer.core.governance.Step`."""
    policy_id: bytes
    """The policy that the step is about."""
    moment: int
    """Unix seconds: from when it is in force (scheduled), or until when it must be confirmed (tightened);
    else 0."""
    officer: bytes
    """Who tightened alone; else empty."""


Notice = (
    AttestedNotice
    | OfficerNotice
    | PolicyNotice
    | PolicyStepNotice
    | ReleasedNotice
    | DepositNotice
    | ReorganisedNotice
    | AgreementNotice
)
