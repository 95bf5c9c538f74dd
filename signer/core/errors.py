"""Who is at fault, and how it is said.

Rule 1: a `Refusal` is the caller's side, a `Fault` is ours; nothing else leaves the kernel.
Rule 2: every refusal has a code of `signer.core.catalogue.CATALOGUE`; an unknown code is a bug and raises.
Rule 3: a detail names what was seen in words; it never carries a secret or a stack trace.
Rule 4: observed values and limits are for auditors and officers, and for relayers where the code is public.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from signer.core.caller import Role
from signer.core.catalogue import CATALOGUE, CodeEntry

if TYPE_CHECKING:
    from signer.core.receipt import Receipt

MAX_OBJECTIONS = 8
"""More would be lost in gRPC trailers; the whole trace is ExplainPsbt's."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why one rule says no."""

    code: str
    detail: str
    observed: str = ""
    """What was seen, with its unit."""
    limit: str = ""
    """What the rule allows, with its unit."""
    not_before: int | None = None
    """Unix seconds from which the same request may pass, where time helps."""
    change: str = ""
    """The nearest change that would pass, `a fee of at most 4210 sat`; shown as `limit` is."""


def sees_all(roles: frozenset[Role]) -> bool:
    """Whether rule 4 hides nothing from them."""
    return not roles.isdisjoint((Role.AUDITOR, Role.OFFICER))


def shown_to(roles: frozenset[Role], objection: Objection) -> Objection:
    """The objection as rule 4 lets these roles see it."""
    if sees_all(roles) or (Role.RELAYER in roles and CATALOGUE[objection.code].public):
        return objection
    return replace(objection, observed="", limit="", change="")


class Refusal(Exception):
    """The kernel says no. The first objection gives the code."""

    def __init__(self, *objections: Objection) -> None:
        self.objections = objections
        self.decision_id = b""
        """Leaf hash of the journal entry that records this refusal; empty when none does."""
        self.head = ""
        """Signed tree head that includes that entry."""
        self.receipt: Receipt | None = None
        """For the caller, where an entry records the refusal."""
        super().__init__(f"{self.code}: {objections[0].detail}")

    @property
    def code(self) -> str:
        """The stable code of the first objection."""
        return self.objections[0].code

    @property
    def entry(self) -> CodeEntry:
        """The catalogue entry of the code. KeyError is a bug in the kernel."""
        return CATALOGUE[self.code]


class Pending(Exception):
    """No refusal: all but approvals or time is there. Nothing is signed, and the same request may pass."""

    def __init__(self, *missing: Objection) -> None:
        self.missing = missing
        super().__init__("; ".join(each.detail for each in missing))

    @property
    def not_before(self) -> int | None:
        """Unix seconds before which the same request cannot pass; None where no time is known."""
        return max((each.not_before for each in self.missing if each.not_before), default=None)


class MalformedRequest(Refusal):
    """The bytes are not a request."""


class VerificationError(Refusal):
    """Claims that are not facts."""


class PolicyDenied(Refusal):
    """Facts without consent, or consent that the record forbids."""


class Unauthorized(Refusal):
    """This caller may not ask this."""


class LimitExceeded(Refusal):
    """Too large, too many or too often."""


class Fault(Exception):
    """Our side failed. The caller sees an incident id and nothing else."""


def malformed(code: str, detail: str) -> MalformedRequest:
    """A MalformedRequest with one objection."""
    return MalformedRequest(Objection(code, detail))


def unverified(code: str, detail: str, observed: str = "", limit: str = "") -> VerificationError:
    """A VerificationError with one objection."""
    return VerificationError(Objection(code, detail, observed, limit))
