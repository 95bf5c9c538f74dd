"""One member in agreement with the others, as a state machine without I/O (design J6).

Rule 1: each function answers what is to be recorded, as steps in this order, for one thing that happened. The
        state is the fold of the steps; who runs the machine records them durably before anything leaves.
Rule 2: a grant leaves only for a claim whose Take is on record, a signature only for an entry with its Agree.
Rule 3: until the start is complete nothing is granted, agreed or voided. It completes by taking every entry
        that stands in the others' logs, pending ones too: we may have granted them in a part that is lost.
Rule 4: agreed and void are final, each for one entry; a claim heard void is never taken again. We agree only
        to what still contradicts nothing that binds us.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from signer.core.agreement.claim import Claim, Stage
from signer.core.agreement.rules import Bound, Judgement, is_agreed, judge


class OwnEntry(NamedTuple):
    """An entry of ours that asked for grants and is not void."""

    claim: Claim
    stage: Stage
    """PENDING or AGREED."""
    incarnation: bytes
    """In which it was recorded."""
    quorum: int
    """q, as recorded with it."""


class Record(Protocol):
    """What the machine asks of the member's record."""

    @property
    def me(self) -> bytes:
        """Our log key."""

    @property
    def is_started(self) -> bool:
        """Whether the import of this start is complete."""

    def bound(self, claim: Claim) -> Bound:
        """What of the record bears on the claim."""

    def own(self, number: int) -> OwnEntry | None:
        """Our pending or agreed entry of that number."""

    def is_taken(self, origin: bytes, number: int) -> bool:
        """Whether we hold that entry's claim for its origin."""


class Take(NamedTuple):
    """From now on the claim binds us."""

    claim: Claim
    granted: bool
    """By our own judgement; else because it is agreed, or stood when we started."""


class Release(NamedTuple):
    """The claim binds us no longer: its origin voided it."""

    origin: bytes
    number: int


class Agree(NamedTuple):
    """Our entry is final: it may be signed."""

    number: int
    granted_by: tuple[bytes, ...]
    """The other members, ascending."""


class Void(NamedTuple):
    """Our entry is void for ever."""

    number: int
    reason: str


Step = Take | Release | Agree | Void

LOWER_RANK, TIMED_OUT, NOT_HELD = "lower-rank", "timed-out", "not-held-elsewhere"
"""Why entries are voided."""


def read_pending(record: Record, claim: Claim) -> tuple[tuple[Step, ...], Judgement | None]:
    """Another member's entry waits for grants: ours is the Take. None: not answered before the start."""
    if not record.is_started or claim.origin == record.me:
        return (), None
    judgement = judge(claim, record.bound(claim))
    if not judgement.granted or record.is_taken(claim.origin, claim.number):
        return (), judgement
    voids = tuple(Void(each.number, LOWER_RANK) for each in judgement.gives_way)
    return (*voids, Take(claim, granted=True)), judgement


def read_standing(record: Record, claim: Claim) -> tuple[Step, ...]:
    """Another member's entry binds us, whether we grant it or not: it is agreed, or at our start not void."""
    if claim.origin == record.me or record.is_taken(claim.origin, claim.number):
        return ()
    return (Take(claim, granted=False),)


def read_void(record: Record, origin: bytes, number: int) -> tuple[Step, ...]:
    """Another member voided its entry."""
    return (Release(origin, number),) if record.is_taken(origin, number) else ()


def hear_grants(record: Record, number: int, granted_by: Iterable[bytes]) -> tuple[Step, ...]:
    """These members granted our entry to this incarnation; signatures are verified."""
    own = record.own(number)
    if own is None or own.stage is not Stage.PENDING or not record.is_started:
        return ()
    others = tuple(sorted({*granted_by} - {record.me}))
    if not is_agreed(others, record.me, own.quorum) or not _stands(own.claim, record):
        return ()
    return (Agree(number, others),)


def _stands(claim: Claim, record: Record) -> bool:
    """Whether nothing that binds us now contradicts our own entry. Its void may be lost: we granted another's
    entry then, which the start after it imported. What a move lets go was settled when it was recorded."""
    bound = record.bound(claim)._replace(lets_pins_go=True)
    judgement = judge(claim, bound)
    return judgement.granted and not judgement.gives_way


def time_out(record: Record, number: int) -> tuple[Void, ...]:
    """Our entry waited too long."""
    own = record.own(number)
    if own is None or own.stage is not Stage.PENDING or not record.is_started:
        return ()
    return (Void(number, TIMED_OUT),) if record.bound(own.claim).may_void(own.claim) else ()


def complete_start(pending: Iterable[OwnEntry], held_elsewhere: frozenset[int]) -> tuple[Void, ...]:
    """The import is complete: our pending entries of earlier incarnations that none of the members holds are
    void; of the others a signature may have left, so they stay until they are agreed."""
    return tuple(
        Void(own.claim.number, NOT_HELD)
        for own in pending
        if own.claim.number not in held_elsewhere
    )
