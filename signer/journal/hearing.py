"""What reading another member's log changed in what binds us, written so that every carrier can bring it.

1. What is taken at once may be more than any message holds: a start takes all that waits. So it goes on
   record in entries of at most MAX_PORTION bytes of claims, or of one claim, in one transaction.
2. What is released is named by 40 bytes each, and stands in the last of them.
"""

from collections.abc import Iterable, Iterator

from signer.core.agreement.claim_codec import claim_bytes
from signer.core.agreement.notices import Heard, HeardNotice, Released, Taken
from signer.journal.decide import Session

MAX_PORTION = 1 << 20


def write_heard(
    session: Session, heard: Heard, taken: Iterable[Taken], released: Iterable[Released] = ()
) -> None:
    """At least one entry (1)."""
    *first, last = _portions(taken)
    for each in first:
        session.write(HeardNotice(session.now, heard, each, ()))
    session.write(HeardNotice(session.now, heard, last, tuple(released)))


def _portions(taken: Iterable[Taken]) -> Iterator[tuple[Taken, ...]]:
    portion, size = list[Taken](), 0
    for each in taken:
        length = len(claim_bytes(each.claim))
        if portion and size + length > MAX_PORTION:
            yield tuple(portion)
            portion, size = [], 0
        portion.append(each)
        size += length
    yield tuple(portion)
