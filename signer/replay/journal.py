"""The journal of a kernel that decides again: the record rebuilt, at the time of the entry.

Rule 1: what is written is written by the writer's own code (`decide_work`), into the record rebuilt.
Rule 2: nothing is released: no head is signed, and nobody waits for a disk.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from signer.core.errors import Fault, Objection, Pending, Refusal
from signer.core.notices import Notice
from signer.core.spend import RecordedSpend
from signer.journal.reading import TableReading
from signer.journal.work import Work, decide_work
from signer.ports.reading import Reading
from signer.ports.recording import Deliberation, Noted, Passage, RefusedRequest
from signer.replay.chain import ReplaySession


class ReplayJournal:
    """signer.ports.Journal for one entry after another."""

    session: ReplaySession
    """The turn in which everything is decided."""
    stopped: tuple[Objection, ...] = ()
    """What stopped the process then."""

    def decide(self, work: Work) -> Noted:
        """What the writer would have done with it. Raises Refusal, Pending or Fault as it would have."""
        decision = decide_work(self.session, work)
        if isinstance(decision, Fault):
            raise decision
        if isinstance(decision.answer, Refusal | Pending):
            raise decision.answer
        return Noted(decision.noted, "")

    def record(self, deliberation: Deliberation) -> RecordedSpend:
        """See signer.ports.Journal."""
        self.decide(deliberation)
        raise Fault("a replay releases nothing")

    def wait_settled(self, number: int, seconds: float) -> bool:  # noqa: ARG002 (nobody waits)
        """See signer.ports.Journal."""
        return False

    def record_refusal(self, refused: RefusedRequest) -> None:
        """See signer.ports.Journal."""
        decide_work(self.session, refused)

    def note(
        self,
        decide: Callable[[Reading, int], Iterable[Notice]],
        passage: Passage = Passage.ORDINARY,  # noqa: ARG002 (what was recorded had passed)
    ) -> Noted:
        """See signer.ports.Journal."""
        return self.decide(decide)

    def count(self, caller: str, code: str) -> None:
        """See signer.ports.Journal."""

    def confirm_head(self, head: str) -> None:
        """See signer.ports.Journal."""

    def settle_heads(self) -> None:
        """See signer.ports.Journal."""

    def contrary_head(self) -> None:
        """See signer.ports.Journal."""

    def stopped_by(self) -> tuple[Objection, ...]:
        """See signer.ports.Journal."""
        return self.stopped

    @contextmanager
    def reading(self) -> Iterator[TableReading]:
        """See signer.ports.Journal."""
        yield self.session.reading()
