"""How a change of time is said."""

from signer.core.moments import format_time


def or_waiting(not_before: int | None) -> str:
    """`, or waiting until ...`; nothing where waiting does not help."""
    return "" if not_before is None else f", or waiting until {format_time(not_before)}"
