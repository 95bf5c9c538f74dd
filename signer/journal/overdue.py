"""Our entries that waited for grants too long are void (J6), before any signature left: what they bound is
free.

Only what this start recorded: of an earlier one's entries somebody may hold the grants.
"""

from signer.core.agreement.machine import time_out
from signer.journal.decide import Session
from signer.journal.following import record_of, write_void

MAX_VOIDED = 64
"""In one turn of the writer."""


def void_overdue(session: Session, timeout: int) -> None:
    """Record that those are void which wait for so many seconds or longer."""
    record = record_of(session)
    for number in record.overdue(session.now - timeout, MAX_VOIDED):
        for void in time_out(record, number):
            write_void(session, void)
