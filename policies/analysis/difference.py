"""What a comparison of two policies finds."""

from dataclasses import dataclass

from policies.analysis.sections import SectionDifference
from policies.analysis.witness import Witness
from policies.loaded import Route
from signer.core.governance import Verdict


@dataclass(frozen=True, slots=True)
class RouteDifference:
    """A route that is not proven equal, or that touches who agrees."""

    route: Route
    verdict: Verdict
    touches: tuple[str, ...]
    """How it touches who agrees."""
    refused_now: Witness | None
    """What the old policy signs and the new one does not."""
    allowed_now: Witness | None
    """What the new policy signs and the old one did not."""


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """The new policy compared with the old one."""

    verdict: Verdict
    touches_governance: bool
    """Whether it changes who agrees (rule 4)."""
    routes: tuple[RouteDifference, ...]
    sections: tuple[SectionDifference, ...]
    lines: tuple[str, ...]
    """In English."""
