"""What we answer to another member's entries that wait for grants (design J6).

1. They are judged after what was read of its log is on record, the oldest first, each against all that was
   recorded before. Where the log grows too fast (`growth`), or the reserve of the disk is in use, as many as
   the member's share of either allows; the others wait.
2. Only those that are vouched for (`signer.vouching`), or that bind us already and were vouched for once, are
   granted, not while we may not grant, and not for a vault of which the member is no witness.
3. What a grant binds us to, and the entries of ours that give way to it, go on record with it.
4. What its log says to be agreed, though not by a quorum that we can see, is judged likewise, the newest of
   it: a former policy's quorum may have granted it. It binds us if nothing stands against it, but gets no
   answer: it asks for no grants any more. So who takes the oldest that ask for grants takes all that we may
   have granted (`signer.journal.starting`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from signer.core.agreement.claim import Claim
from signer.core.agreement.claim_codec import claim_bytes
from signer.core.agreement.machine import Take, Void, read_pending
from signer.core.agreement.notices import Heard, HeardNotice, Taken
from signer.core.agreement.rules import Judgement
from signer.core.errors import Objection
from signer.journal.decide import Session
from signer.journal.followed import HELD, OPEN, keep_said, state_of, waiting_of
from signer.journal.following import Federations, record_of, write_void
from signer.journal.growth import grants_more
from signer.journal.members import read_edge
from signer.journal.verdicts import Verdict, Verdicts
from signer.ports.recording import Passage

MAX_JUDGED = 512
"""Pending entries of one member that are judged at once, and of those that it says to be agreed."""


class Answer(NamedTuple):
    """What we say to an entry that waits; a granted one is on record as ours to stand behind."""

    claim: Claim
    judgement: Judgement
    unvouched: Objection | None = None
    """Why it is not vouched for."""

    @property
    def granted(self) -> bool:
        """Whether we stand behind it."""
        return self.judgement.granted and self.unvouched is None


def judge_waiting(
    session: Session, federations: Federations, member: bytes, verdicts: Verdicts
) -> tuple[Answer, ...]:
    """What we say to the member's entries that wait (3)."""
    if session.shut(Passage.ORDINARY) is not None or record_of(session).is_forked(member):
        return ()
    answers: list[Answer] = []
    for claim, _ in waiting_of(session.tables, member, MAX_JUDGED):
        verdict = verdicts.get(claim.name)
        if member in federations.of(claim.vault).log_keys and verdict is not None:
            asks = state_of(session.tables, *claim.name) == OPEN
            found = tuple(_answers(session, claim, verdict))
            answers += found if asks else ()
            if not asks and record_of(session).is_taken(*claim.name):
                keep_said(session.tables, *claim.name, HELD)
    return tuple(answers)


def _has_room(session: Session, claim: Claim) -> bool:
    """Whether it goes on record now (1)."""
    grants = grants_more(session.tables, claim.origin, session.now)
    return grants and session.takes_room(claim.origin, len(claim_bytes(claim)))


def _answers(session: Session, claim: Claim, verdict: Verdict) -> Iterable[Answer]:
    ours, unvouched = record_of(session, {claim.name: verdict}), verdict.objection
    is_held = verdict.stands_alone and ours.is_taken(*claim.name)
    if unvouched is not None and not is_held:
        yield Answer(claim, Judgement((), (), frozenset()), unvouched)
        return
    steps, judgement = read_pending(ours, claim)
    if steps and not _has_room(session, claim):
        return
    edge = read_edge(session.tables, claim.origin)
    for step in steps:
        if isinstance(step, Void):
            write_void(session, step)
        elif isinstance(step, Take):
            heard = Heard(claim.origin, edge.size, edge.root())
            session.write(HeardNotice(session.now, heard, (Taken(claim, step.granted),), ()))
    if judgement is not None:
        yield Answer(claim, judgement)
