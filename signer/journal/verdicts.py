"""What a witness found out about other members' entries, outside of the writer's turn (`signer.vouching`)."""

from collections.abc import Mapping
from typing import NamedTuple

from signer.core.errors import Objection


class Verdict(NamedTuple):
    """Of one entry."""

    objection: Objection | None
    """Why it is not vouched for."""
    lets_pins_go: bool = False
    """Whether the officers' quorum lets it spend pinned coins without paying, by our own record."""
    stands_alone: bool = True
    """Whether a start would take it without our own record."""


Verdicts = Mapping[tuple[bytes, int], Verdict]
"""By log key and number."""
