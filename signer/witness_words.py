"""What a witness says to the member whose log it read, and how a refusal of ours reads (J6).

1. Grants come first: an answer holds MAX_REPLY bytes, and what does not fit is said when it is asked again.
2. A refusal shows what stands against the entry, or why it is not vouched for.
"""

from collections.abc import Iterable
from itertools import accumulate

from signer.core.agreement.messages import (
    MAX_CONTRARY,
    MAX_REASON,
    Contrary,
    Granted,
    Message,
    Recollection,
    Standing,
)
from signer.journal import members
from signer.journal.journal import Journal
from signer.journal.judging import Answer
from signer.journal.log import read_checkpoint
from signer.journal.note import verify_head

MAX_REPLY = 1 << 20
"""Bytes of one answer's messages."""
MAX_SHOWN = 4
"""Pins and withdrawals of a refusal that our relayer is told."""


def said(me: bytes, standing: Standing, answers: Iterable[Answer]) -> Iterable[Message]:
    """Grants, then refusals."""
    for answer in sorted(answers, key=lambda each: not each.granted):
        if answer.claim.origin == standing.origin:
            yield _message(me, standing.incarnation, answer)


def _message(me: bytes, incarnation: bytes, answer: Answer) -> Message:
    claim, judgement, objection = answer
    entry = (me, claim.origin, incarnation, claim.number, claim.leaf)
    if answer.granted:
        return Granted(*entry)
    against = judgement.contrary[:MAX_CONTRARY]
    reason = "" if objection is None else f"{objection.code}: {objection.detail}"[:MAX_REASON]
    return Contrary(*entry, against, tuple(sorted(judgement.closed)), reason)


def reason(said: Contrary) -> str:
    """What would have to be spent and paid, or what is wrong."""
    pins = {pin for claim in said.claims for pin in claim.pins}
    asked = [f"spend {coin} and pay {each.hex()}" for each, coin in sorted(pins)[:MAX_SHOWN]]
    closed = [f"{each.hex()} is closed" for each in said.closed[:MAX_SHOWN]]
    return ", ".join((*asked, *closed, *filter(None, (said.unvouched,)))) or "refused"


def bounded(signed: list[bytes]) -> tuple[bytes, ...]:
    """As many as one answer holds."""
    sizes = accumulate(map(len, signed))
    return tuple(each for each, size in zip(signed, sizes, strict=True) if size <= MAX_REPLY)


def recollection(journal: Journal, me: bytes, standing: Standing, now: int) -> Recollection:
    """What we know, of one look at the record."""
    with journal.tables() as tables:
        head = verify_head(read_checkpoint(tables).note, me)
        known = members.followed_head(tables, standing.origin)
    return Recollection(
        witness=me,
        origin=standing.origin,
        incarnation=standing.incarnation,
        size=head.size,
        root=head.root,
        known_head=known,
        clock=now,
    )
