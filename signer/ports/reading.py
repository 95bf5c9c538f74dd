"""A look at the record: the view that consent asks, with what the listing RPCs show besides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.deposits import RecordedDeposit
from signer.core.governance import GovernanceState
from signer.core.notices import Notice, OfficerNotice
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.view import RecordedWithdrawal, View
from signer.ports.chain import ChainReading


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
    """As attested or proven when it was proven first; -1 when it was spent by a version without new proof."""
    spent_by: tuple[bytes, ...]
    """Txids of the recorded versions that spend it, ascending."""
    spent_deep: bool
    """Whether a transaction that spends it is buried: it closed a withdrawal, or struck a pin."""


class LogTree(Protocol):
    """The Merkle tree of a log (`signer.journal.proofs`)."""

    def hashes(self, height: int, place: int, count: int) -> Sequence[bytes]:
        """Roots of that many perfect subtrees of that height, a multiple of 8, from that place on."""


class Reading(View, Protocol):
    """The view, with what the listing RPCs show besides."""

    def governance(self) -> GovernanceState:
        """Which policy is in force, and what is proposed; the state without a governed policy if the journal
        has none."""

    def next_indexes(self) -> Mapping[tuple[bytes, int], int]:
        """`next_index` of each (vault fingerprint, branch) where it is not 0."""

    def released_of(
        self, withdrawal_id: WithdrawalId, pin: OutPoint | None, killer: Txid
    ) -> RecordedWithdrawal | None:
        """That withdrawal, in the vault of the pin to be struck, or of what pays it with that transaction: by
        our record, or as others' versions that we hold for them say (all the same), then without a pin."""

    def has_agreed(self, withdrawal_id: WithdrawalId, txid: Txid) -> bool:
        """Whether an entry of ours that does not wait pays that withdrawal with that transaction."""

    def agreed_elsewhere(self, withdrawal_id: WithdrawalId, txid: Txid) -> tuple[bytes, ...]:
        """Of each other member an entry (log key 32, number 8) that pays it so, is held here and is agreed
        with the grants of a quorum, as far as we read that log; none of those whose log is forked here."""

    def closed_by(self, killer: Txid, like: WithdrawalTerms) -> int:
        """How many other withdrawals of its amount and script that transaction has closed, in any vault: its
        outputs are used up."""

    def chain(self) -> ChainReading | None:
        """The kernel's own chain of headers; None where the configuration names none."""

    def attested_deposit(
        self, outpoint: OutPoint, block_hash: bytes, key: bytes
    ) -> RecordedDeposit | None:
        """What is on record for that output in that block, to be attested by that key."""

    def policy_bytes(self, policy_id: bytes) -> bytes | None:
        """A policy on record."""

    def notices(self, after: int, limit: int) -> tuple[tuple[int, bytes, Notice | str], ...]:
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

    def released(self, withdrawal_id: WithdrawalId, pin: OutPoint | None) -> bytes | None:
        """Decision id of the release that struck that pin, or, without one, closed that withdrawal."""

    def head(self) -> str:
        """The newest signed head."""

    def tree(self) -> LogTree:
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

    def versions_of(self, withdrawal_id: WithdrawalId, after: int = 0) -> Iterator[VersionRow]:
        """Signed versions of that withdrawal, oldest first, of entries above `after`. What is not taken
        is not decoded; to be used within the look."""

    def withdrawals(self, after: bytes, limit: int) -> tuple[WithdrawalId, ...]:
        """Withdrawal ids on record above `after`, ascending, at most `limit`."""

    def coins(
        self, vault_fingerprint: bytes, after: OutPoint | None, limit: int
    ) -> tuple[CoinRow, ...]:
        """Coins of that vault on record above `after`, ascending, at most `limit`."""
