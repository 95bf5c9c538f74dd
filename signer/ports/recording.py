"""The durable record, and what it is asked to record."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from signer.core.errors import Objection, Refusal
from signer.core.notices import Notice
from signer.core.spend import ApprovedSpend, AwaitedSpend, RecordedSpend, VerifiedSpend
from signer.core.witnesses import NO_WITNESSES, Witnesses
from signer.ports.reading import Reading


@dataclass(frozen=True, slots=True)
class Deliberation:
    """A verified spend that waits for its decision. The journal's writer calls `decide` inside the
    transaction that records what it answers."""

    spend: VerifiedSpend
    caller: str
    request_digest: bytes
    """SHA-256 of the request's bytes."""
    decide: Callable[[Reading, int], ApprovedSpend]
    """(view, effective time) -> approved, or raises Refusal."""
    request: bytes
    """The request as received: kept with a refusal, within the caller's byte budget."""
    policy_id: bytes
    """The policy that decides: kept with a refusal."""
    notices: Callable[[Reading, int], tuple[Notice, ...]] | None = None
    """(view, effective time) -> what goes on record before the decision, whatever that is: the clocks of
    `aged` that its evidence starts. None where the policy has no such clocks."""
    witnesses: Witnesses = NO_WITNESSES
    """Whose grants the entry waits for before it is signed (J6), as the policy that decides says."""
    waiting_for: Callable[[], tuple[str, ...]] = tuple
    """Asked why the start is not complete, one sentence each."""


class Passage(IntEnum):
    """Which work the journal's writer does while something stops it."""

    TIMELY = 0
    """Only while nothing does, and effective time is known to be right: who signs by it, or attests."""
    ORDINARY = 1
    """Also while a start goes on: effective time may lag by all that we were down."""
    WHILE_LOCKED = 2
    """Under a lock, or while the clock has stepped."""
    WHILE_OLD = 3
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
        decide: Callable[[Reading, int], Iterable[Notice]],
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

    def reading(self) -> AbstractContextManager[Reading]:
        """A consistent read-only look at the record."""
