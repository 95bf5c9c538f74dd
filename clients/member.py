"""A member's kernel as clients see it: the channel of the carrier's package (docs/adr/0010)."""

from carrier.member import (
    DEADLINE,
    MAX_MESSAGE,
    Answer,
    Credentials,
    Member,
    Refused,
    Unreachable,
)

__all__ = ["DEADLINE", "MAX_MESSAGE", "Answer", "Credentials", "Member", "Refused", "Unreachable"]
