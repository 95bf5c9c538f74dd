"""`aged(duration)`: so long ago a complete quorum of attestors first vouched for exactly these withdrawals.

1. The clock of a withdrawal starts at the first request whose evidence had a quorum for exactly its id,
   amount, script and vault, whether that request was signed, refused or pending. It never starts again.
2. The quorum is that of the block: the attestations of one of those of its ways that say this `aged`. The
   record keeps a clock by its digest, over counts and keys: another name for a group starts nothing anew,
   other keys do.
3. A payment on record with equal terms has waited already.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_duration
from policies.predicates.attested import Attested
from policies.predicates.unrecorded import unrecorded
from signer.bitcoin.hashes import sha256
from signer.core.errors import Objection
from signer.core.moments import format_time
from signer.core.payment import WithdrawalTerms
from signer.core.question import Question
from signer.core.words import Words

Quorum = frozenset[Attested]
"""All of these."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Whose complete word starts it (`signer.core.question.ClockQuorum`). Made by `clock_of`."""

    quorums: frozenset[Quorum]
    """Any of these."""
    digest: bytes
    """32 bytes."""

    def is_complete(self, words: Words, terms: WithdrawalTerms, now: int) -> bool:
        """Whether the evidence has one of the quorums for exactly these terms."""
        return any(
            all(each.counted(words, terms, now) >= each.needed for each in quorum)
            for quorum in self.quorums
        )


def clock_of(quorums: Iterable[Quorum]) -> Clock:
    """The clock of these quorums. Its digest is SHA-256 over, for each quorum and each of its members, the
    needed count and the keys: counts u32 big-endian before what they count, everything in ascending order."""
    distinct = frozenset(quorums)
    rendered = sorted({_counted(sorted({_member(each) for each in quorum})) for quorum in distinct})
    return Clock(distinct, sha256(_counted(rendered)))


def _member(attested: Attested) -> bytes:
    """32-byte keys: only x-only keys attest."""
    return attested.needed.to_bytes(4, "big") + _counted(sorted(attested.group.keys))


def _counted(parts: list[bytes]) -> bytes:
    return len(parts).to_bytes(4, "big") + b"".join(parts)


NO_CLOCK = clock_of(())
"""Of a predicate whose block is not known yet."""


@dataclass(frozen=True, slots=True)
class Aged:
    """A delay between the first word and the signature, for somebody to see and to stop it."""

    NAME: ClassVar = "aged"
    SIGNATURE: ClassVar = "(duration)"
    CODES: ClassVar[tuple[str, ...]] = ("not-aged",)
    WAITABLE: ClassVar = True

    duration: int
    """Seconds."""
    clock: Clock = NO_CLOCK
    """Set by `policies.blocks` when the ways of the block are known."""

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`aged(6h)`. Raises PolicyError."""
        return cls(arguments.duration())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"aged({format_duration(self.duration)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return (
            f"{format_duration(self.duration)} passed since a request first brought the attestations for "
            "exactly this withdrawal"
        )

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too. Clocks of other quorums cannot be compared: the
        record may keep one and not the other."""
        if not isinstance(other, Aged):
            return False
        return self.clock.digest == other.clock.digest and self.duration >= other.duration

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment that has not waited long enough."""
        vault, now = question.spend.vault.fingerprint, question.now
        for terms in unrecorded(question):
            start = question.view.first_attested(vault, terms, self.clock.digest)
            if start is None or start + self.duration > now:
                yield self._objection(terms, start, now)

    def _objection(self, terms: WithdrawalTerms, start: int | None, now: int) -> Objection:
        wait = format_duration(self.duration)
        if start is None:
            observed, change = "not attested yet", f"all attestations, then waiting {wait}"
            not_before = None
        else:
            not_before = start + self.duration
            observed, change = f"{now - start}s", f"waiting until {format_time(not_before)}"
        return Objection(
            "not-aged",
            f"withdrawal {terms.withdrawal_id.hex()} was first attested too short a time ago",
            observed,
            f"at least {wait}",
            not_before,
            change,
        )
