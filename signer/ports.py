"""What the kernel needs of the world, named by the kernel; wired in `signer/compose.py`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

from signer.bitcoin.keys import ExtendedPublicKey
from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.errors import Objection, Refusal, unverified
from signer.core.governance import GovernanceState
from signer.core.notices import Notice, OfficerNotice
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.spend import (
    ApprovedSpend,
    AwaitedSpend,
    RecordedSpend,
    SignedSpend,
    VerifiedSpend,
)
from signer.core.view import RecordedWithdrawal, View
from signer.core.witnesses import NO_WITNESSES, Witnesses


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
    witnesses: Witnesses = NO_WITNESSES
    """Whose grants the entry waits for before it is signed (J6), as the policy that decides says."""
    waiting_for: Callable[[], tuple[str, ...]] = tuple
    """Asked why the start is not complete, one sentence each."""


class MachineClock(Protocol):
    """What effective time is taken from at the start, and after the officers' unlock."""

    def wall(self) -> int:
        """What this machine's clock shows, Unix seconds."""

    def accept(self, moment: int) -> None:
        """The officers stated that time (Unix seconds): effective time goes on from there."""


class NoMachine:
    """Where no machine's clock is asked: no text that states the time is believed."""

    def wall(self) -> int:
        """See MachineClock."""
        return 0

    def accept(self, moment: int) -> None:
        """See MachineClock."""


class Passage(IntEnum):
    """Which work the journal's writer does while something stops it."""

    ORDINARY = 0
    """Only while nothing does."""
    WHILE_LOCKED = 1
    """Under a lock, or while the clock has stepped."""
    WHILE_OLD = 2
    """Even where the log may be an old copy."""


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

    def record(self, deliberation: Deliberation) -> RecordedSpend | AwaitedSpend:
        """The spend on record: new, or there already (`recall`); awaited while its entry waits for other
        members' grants. Raises the Refusal that `decide` raised, recorded too, with its decision_id; Fault
        when nothing could be recorded."""

    def wait_settled(self, number: int, seconds: float) -> bool:
        """Whether that entry of ours is agreed or void, now or within so many seconds."""

    def record_refusal(self, refused: RefusedRequest) -> None:
        """Record a refusal that was made before a deliberation (`verify`'s); sets its decision_id.
        Raises Refusal `journal-unavailable`."""

    def note(
        self,
        decide: "Callable[[Reading, int], Iterable[Notice]]",
        passage: Passage = Passage.ORDINARY,
    ) -> Noted:
        """Record what `decide` answers, in the writer's turn; nothing where it answers nothing. Raises the
        Refusal that `decide` raised (which is not recorded), Refusal `journal-unavailable` or Fault, and what
        stops work of that passage."""

    def count(self, caller: str, code: str) -> None:
        """Count a malformed or unauthorised request, which is not worth an entry."""

    def confirm_head(self, head: str) -> None:
        """Raises Refusal `head-malformed` unless that note is signed by our own log key, `head-abandoned`
        when a new epoch gave it up, and else `state-rolled-back` when our log does not have it (J6): from
        then on nothing is recorded but a new epoch."""

    def settle_heads(self) -> None:
        """After a new epoch, or when lost entries came back: look again whether the log is an old copy."""

    def contrary_head(self) -> tuple[int, bytes] | None:
        """(entries, root) of the largest head of ours that the log should have and has not."""

    def stopped_by(self) -> tuple[Objection, ...]:
        """What stops this process, whatever the record says: an old copy, a stepped clock, a start that is
        not complete. The gravest first."""

    def reading(self) -> AbstractContextManager["Reading"]:
        """A consistent read-only look at the record."""


class Reading(View, Protocol):
    """The view, with what the listing RPCs show besides."""

    def governance(self) -> GovernanceState:
        """Which policy is in force, and what is proposed; the state without a governed policy if the journal
        has none."""

    def next_indexes(self) -> Mapping[tuple[bytes, int], int]:
        """`next_index` of each (vault fingerprint, branch) where it is not 0."""

    def held_withdrawal(self, withdrawal_id: WithdrawalId) -> RecordedWithdrawal | None:
        """That withdrawal as others' versions, held for them, pay it, if all say the same of it: without a
        pin of ours."""

    def held_transactions(self, withdrawal_id: WithdrawalId) -> frozenset[Txid]:
        """The transactions of others' versions of it that are held for them."""

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

    def held_vault(self, withdrawal_id: WithdrawalId) -> bytes | None:
        """The vault from which another member's version, held for it, pays that withdrawal."""

    def released(self, withdrawal_id: WithdrawalId, pin: OutPoint | None) -> bytes | None:
        """Decision id of the release that struck that pin, or, without one, closed that withdrawal."""

    def head(self) -> str:
        """The newest signed head."""

    def tree(self) -> "LogTree":
        """The log's Merkle tree."""

    def size(self) -> int:
        """Entries of the log."""

    def last_entry(self) -> int:
        """Effective time of the newest entry."""

    def record(self, number: int) -> bytes:
        """The bytes of that entry, which is one of the log. Raises Refusal `journal-tampered`."""

    def records(self, start: int, limit: int, most_bytes: int) -> tuple[bytes, ...]:
        """Entries' bytes from that number on, at most `limit`; none after `most_bytes` are exceeded."""

    def number_of(self, decision_id: bytes) -> int | None:
        """The number of the entry with that leaf hash."""

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


class LogTree(Protocol):
    """The Merkle tree of a log (`signer.journal.proofs`)."""

    def hashes(self, height: int, place: int, count: int) -> Sequence[bytes]:
        """Roots of that many perfect subtrees of that height, a multiple of 8, from that place on."""


class BroughtLog(NamedTuple):
    """A piece of a member's log as it was brought. Nothing of it is verified."""

    log_key: bytes
    head: str
    start: int
    records: tuple[bytes, ...]


class Told(NamedTuple):
    """What a carrier tells us of the other members."""

    log: BroughtLog | None
    standing: bytes
    """Of the member whose log it is; empty for none."""
    messages: tuple[bytes, ...]
    """Of other members, for us."""
    own_tail: BroughtLog | None
    """Of our own log, as another member kept it."""
    cosigned_head: str
    """Of our own log; empty for none."""


class Replies(NamedTuple):
    """What we say to it."""

    followed_size: int
    messages: tuple[bytes, ...]
    """For the member whose log it is."""
    cosignature: str
    """Signature line; empty for none."""


class Witnessing(Protocol):
    """Where this member stands with the others (design J6), as GetHead tells it."""

    def standing(self) -> bytes:
        """Our signed incarnation and start; empty where there are no witnesses."""

    def waiting_for(self) -> tuple[str, ...]:
        """Why we neither grant nor sign, one sentence each; nothing when we do."""

    def pending_entries(self) -> tuple[int, ...]:
        """Own entries that wait for grants."""

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        """(log key, entries) of each log that we follow, as far as we do."""

    def followed_head(self, log_key: bytes, size: int) -> str:
        """A head of that log as its member signed it: the first of that size or above that we know, or the
        newest for 0. Raises Refusal `log-unknown` or `head-size-unknown`."""

    def followed_records(self, log_key: bytes, start: int, limit: int) -> tuple[bytes, ...]:
        """Our copy of that log from that number on, some 1 MiB at most. Raises Refusal `log-unknown`."""

    def cosignatures(self, text: str) -> tuple[str, ...]:
        """Signature lines of witnesses that we know for that checkpoint text of our own log."""

    def granted(self, number: int) -> frozenset[bytes]:
        """The other members whose grants of our pending entry are in, by log key."""

    def refusals(self, number: int) -> tuple[str, ...]:
        """Why other members do not grant our pending entry, as they said, a sentence each."""

    def tell(self, told: Told) -> Replies:
        """Take in what other members recorded and said; idempotent. Raises Refusal or Malformed."""


class NoWitnesses:
    """A member whose policy names no witnesses: Witnessing, with nothing to tell."""

    def standing(self) -> bytes:
        """See Witnessing."""
        return b""

    def waiting_for(self) -> tuple[str, ...]:
        """See Witnessing."""
        return ()

    def pending_entries(self) -> tuple[int, ...]:
        """See Witnessing."""
        return ()

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        """See Witnessing."""
        return ()

    def followed_head(self, log_key: bytes, size: int) -> str:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        raise _no_such_log()

    def followed_records(
        self,
        log_key: bytes,  # noqa: ARG002 (Witnessing's)
        start: int,  # noqa: ARG002
        limit: int,  # noqa: ARG002
    ) -> tuple[bytes, ...]:
        """See Witnessing."""
        raise _no_such_log()

    def cosignatures(self, text: str) -> tuple[str, ...]:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        return ()

    def granted(self, number: int) -> frozenset[bytes]:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        return frozenset()

    def refusals(self, number: int) -> tuple[str, ...]:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        return ()

    def tell(self, told: Told) -> Replies:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        raise _no_such_log()


def _no_such_log() -> Refusal:
    return unverified("log-unknown", "this member follows no other log")


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
    awaits_grants: bool = False
    """No signature exists: its entry waits for other members' grants."""


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
    spent_deep: bool
    """Whether a transaction that spends it is buried: it closed a withdrawal, or struck a pin."""


class Keystore(Protocol):
    """The only holder of secrets."""

    def xpubs(self) -> tuple[ExtendedPublicKey, ...]:
        """Our federation keys."""

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """Our signatures for a spend on durable record, each verified by us before it leaves."""

    def sign_statement(self, digest: bytes) -> bytes:
        """Ed25519 by the statement key over a 32-byte digest of a domain-separated statement."""

    def sign_head(self, text: bytes) -> bytes:
        """Ed25519 by the log key over a checkpoint text."""

    def sign_message(self, text: bytes) -> bytes:
        """Ed25519 by the log key over a text that begins with `pegwarden/receipt/v1` or
        `pegwarden/agreement/v1` and a line end."""

    @property
    def statement_key(self) -> bytes:
        """The statement key's 32-byte Ed25519 public key."""

    @property
    def log_key(self) -> bytes:
        """The log key's 32-byte Ed25519 public key."""
