"""Holds: an officer stops a withdrawal, or all that is paid to a destination, for a bounded time.

A hold stops new versions and retries alike. It ends by itself; what one officer holds the quorum can lift,
and no officer holds the same thing twice (`signer.approvals`).
"""

from collections.abc import Iterable, Iterator

from signer.core.errors import Objection
from signer.core.moments import format_time
from signer.core.payment import Payment
from signer.core.view import View


def hold_objections(payments: Iterable[Payment], view: View, now: int) -> Iterator[Objection]:
    """One for each payment that is held, or whose destination is."""
    for payment in payments:
        until = view.held_until(payment.withdrawal_id, payment.script_pubkey)
        if until > now:
            yield Objection(
                "withdrawal-held",
                f"an officer holds withdrawal {payment.withdrawal_id.hex()} or its destination",
                limit=f"until {format_time(until)}",
                not_before=until,
            )
