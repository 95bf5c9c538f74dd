"""What one caller may write within an hour, and what of it remains where little room is free.

1. A caller exhausts its own budget, never another's.
2. Where room is low one refusal of each code is an entry, and no request is kept with it; where the reserve
   is in use no refusal is, and a caller's variations are few.
"""

from dataclasses import dataclass

from signer.journal.room import Space


@dataclass(frozen=True, slots=True)
class CallerBudget:
    """What one caller may write per hour, without a new word of an attestor."""

    refusals: int = 300
    refused_bytes: int = 1 << 20
    """Of requests that are kept with refusals."""
    versions: int = 300
    """That bind nothing new."""
    version_bytes: int = 64 << 20
    """PSBT and evidence of these."""
    alike: int = 300
    """Refusals with one code."""


DEFAULT_BUDGET = CallerBudget()
SCARCE_VERSIONS, SCARCE_VERSION_BYTES = 30, 4 << 20
"""Of a caller and hour while the reserve is in use, so that one caller does not use it up with variations."""


def budget_in(space: Space, budget: CallerBudget) -> CallerBudget:
    """What remains of it: one entry for each code of a caller's refusals, then none."""
    if space is Space.AMPLE:
        return budget
    if space is Space.LOW:
        return CallerBudget(budget.refusals, 0, budget.versions, budget.version_bytes, alike=1)
    return CallerBudget(
        refusals=0,
        refused_bytes=0,
        versions=min(budget.versions, SCARCE_VERSIONS),
        version_bytes=min(budget.version_bytes, SCARCE_VERSION_BYTES),
    )
