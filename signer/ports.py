"""What the kernel needs of the world, named by the kernel; wired in `signer/compose.py`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.keys import ExtendedPublicKey
from signer.bitcoin.transaction import OutPoint
from signer.core.errors import Refusal
from signer.core.governance import GovernanceState
from signer.core.notices import Notice, OfficerNotice
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.spend import ApprovedSpend, RecordedSpend, SignedSpend, VerifiedSpend
from signer.core.view import View


class Clock(Protocol):
    """Effective time (design J7)."""

    def now(self) -> int:
        """Unix seconds; never goes back."""


@dataclass(frozen=True, slots=True)
class Deliberation:
    """A verified spend that waits for its decision. The journal's writer calls `decide` inside the
    transaction that records what it answers."""

    spend: VerifiedSpend
    caller: str
    request_digest: bytes
    """SHA-256 of the request's bytes."""
    decide: "Callable[[Reading, int], ApprovedSpend]"
    """(view, effective time) -> approved, or raises Refusal."""
    request: bytes
    """The request as received: kept with a refusal, within the caller's byte budget."""
    policy_id: bytes
    """The policy that decides: kept with a refusal."""
    notices: "Callable[[Reading, int], tuple[Notice, ...]]" = lambda _, __: ()
    """(view, effective time) -> what goes on record before the decision, whatever that is: the clocks of
    `aged` that its evidence starts."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What `Journal.note` recorded."""

    decision_ids: tuple[bytes, ...]
    head: str
    """Signed tree head that includes the entries."""


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request that was refused before its deliberation, for the record."""

    caller: str
    request_digest: bytes
    request: bytes
    """As received; kept within the caller's byte budget."""
    policy_id: bytes
    refusal: Refusal


class Journal(Protocol):
    """The durable record (J4: it answers when the entry is on disk)."""

    def record(self, deliberation: Deliberation) -> RecordedSpend:
        """The recorded spend: new, or on record already (`recall`). Raises the Refusal that `decide`
        raised, recorded too, with its decision_id; Fault when nothing could be recorded."""

    def record_refusal(self, refused: RefusedRequest) -> None:
        """Record a refusal that was made before a deliberation (`verify`'s); sets its decision_id.
        Raises Refusal `journal-unavailable`."""

    def note(self, decide: "Callable[[Reading, int], tuple[Notice, ...]]") -> Noted:
        """Record what `decide` answers, in the writer's turn; nothing where it answers nothing. Raises the
        Refusal that `decide` raised (which is not recorded), Refusal `journal-unavailable` or Fault."""

    def count(self, caller: str, code: str) -> None:
        """Count a malformed or unauthorised request, which is not worth an entry."""

    def confirm_head(self, head: str) -> None:
        """Raises Refusal `head-malformed` unless that note is signed by our own log key, and
        `state-rolled-back` when our log never released it (J6); then `record` does too, until the
        process starts again."""

    def reading(self) -> AbstractContextManager["Reading"]:
        """A consistent read-only look at the record."""


class Reading(View, Protocol):
    """The view, with what the listing RPCs show besides."""

    def governance(self) -> GovernanceState:
        """Which policy is in force, and what is proposed; the state without a governed policy if the journal
        has none."""

    def policy_bytes(self, policy_id: bytes) -> bytes | None:
        """A policy on record."""

    def notices(self, after: int, limit: int) -> tuple[tuple[int, bytes, "Notice | str"], ...]:
        """(entry number, decision id, notice) above `after`, ascending; signed entries of withdrawals as
        the text `signed <withdrawal id hex> ...`. At most `limit`. For Watch."""

    def policy_notices(self, after: int, limit: int) -> tuple[tuple[int, Notice], ...]:
        """(entry number, notice) above `after`, ascending: policies, their steps, and officers' approvals of
        policies. At most `limit`."""

    def acts_about(self, subject: bytes) -> tuple[tuple[bytes, OfficerNotice], ...]:
        """(decision id, act) of every officer's act about that subject (`signer.core.acts.subject_of`),
        oldest first."""

    def rejecters(self, subject: bytes) -> tuple[bytes, ...]:
        """The officers whose approval of that subject counts neither now nor later, by key, ascending."""

    def holds_by(self, officer: bytes) -> tuple[int, ...]:
        """The ends (Unix seconds) of that officer's holds, the lifted taken out; they may lie in the past."""

    def last_hold(self, officer: bytes) -> int:
        """The latest end (Unix seconds) of all that officer ever held, lifted or not; 0 for none."""

    def attested_evidence(
        self, vault_fingerprint: bytes, terms: WithdrawalTerms, quorums: tuple[bytes, ...]
    ) -> bytes:
        """The newest evidence (`signer.core.evidence_codec`) with which one of these quorums (digests) was
        complete for exactly these terms; empty for none."""

    def attested_pending(
        self, vault_fingerprint: bytes, quorums: tuple[bytes, ...], after: bytes, limit: int
    ) -> tuple[WithdrawalTerms, ...]:
        """Withdrawals for which one of these quorums (digests) was complete and of which no version is
        signed, by id above `after`; `limit` counts ids."""

    def head(self) -> str:
        """The newest signed head."""

    def now(self) -> int:
        """Effective time of this look."""

    def versions_of(self, withdrawal_id: WithdrawalId, after: int = 0) -> Iterator["VersionRow"]:
        """Signed versions of that withdrawal, oldest first, of entries above `after`. What is not taken
        is not decoded; to be used within the look."""

    def withdrawals(self, after: bytes, limit: int) -> tuple[WithdrawalId, ...]:
        """Withdrawal ids on record above `after`, ascending, at most `limit`."""

    def coins(
        self, vault_fingerprint: bytes, after: OutPoint | None, limit: int
    ) -> tuple["CoinRow", ...]:
        """Coins of that vault on record above `after`, ascending, at most `limit`."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A signed version as a relayer that lost its memory needs it."""

    entry: int
    """Number of the entry that records it."""
    decision_id: bytes
    txid: bytes
    psbt: bytes
    """As received when it was signed first."""
    inputs: tuple[OutPoint, ...]
    fee: int
    signed_at: int
    """Effective time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class CoinRow:
    """A coin on record."""

    outpoint: OutPoint
    amount: int
    script_pubkey: bytes
    branch: int
    index: int
    height: int
    """As attested when it was proven first; -1 when it was spent by a version without new proof."""
    spent_by: tuple[bytes, ...]
    """Txids of the recorded versions that spend it, ascending."""


class Keystore(Protocol):
    """The only holder of secrets."""

    def xpubs(self) -> tuple[ExtendedPublicKey, ...]:
        """Our federation keys."""

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """Our signatures for a spend on durable record, each verified by us before it leaves."""

    def sign_statement(self, digest: bytes) -> bytes:
        """Ed25519 by the statement key over a 32-byte digest of a domain-separated statement."""

    @property
    def statement_key(self) -> bytes:
        """The statement key's 32-byte Ed25519 public key."""

    @property
    def log_key(self) -> bytes:
        """The log key's 32-byte Ed25519 public key."""
