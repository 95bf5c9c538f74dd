"""Two policies compared: what the new one allows that the old one does not, and the other way round.

1. Of each route: the new one allows no more if each of its ways lies under some way of the old one
   (`normal`). Both ways round it is equal; one way round it is tighter or looser. That is proof, and asks
   for no search.
2. Where neither is proven, witnesses decide: spends that one policy really signs and the other does not.
   Both kinds found: mixed. Else it is unproven, even with one kind found.
3. What differs outside the rules is `sections`'.
4. The whole is equal or tighter only if everything is. What touches who agrees is never tighter (design of
   change control): [governance], groups, thresholds over groups, `expires`, [fallback], and an approval that
   no rule could use any more. Then the verdict is looser, whatever else is proven.
A tighter route may be equal in truth: `tighter` says that nothing more is allowed.
"""

from collections.abc import Iterable

from policies.analysis.diff_text import lines_of
from policies.analysis.difference import PolicyDifference
from policies.analysis.routes import route_differences
from policies.analysis.sections import section_differences
from policies.loaded import LoadedPolicy
from signer.core.governance import Verdict

__all__ = ["PolicyDifference", "combined", "compare"]


def compare(old: LoadedPolicy, new: LoadedPolicy) -> PolicyDifference:
    """What would change if the new policy followed the old one."""
    sections = tuple(section_differences(old, new))
    routes = tuple(route_differences(old, new))
    touches = any(each.touches_governance for each in sections) or any(
        each.touches for each in routes
    )
    verdict = combined([*(s.verdict for s in sections), *(r.verdict for r in routes)])
    if touches and verdict in (Verdict.EQUAL, Verdict.TIGHTER):
        verdict = Verdict.LOOSER  # 4
    lines = tuple(lines_of(routes, sections, old.network))
    return PolicyDifference(verdict, touches, routes, sections, lines)


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """Of a whole whose parts have these."""
    seen = set(verdicts) - {Verdict.EQUAL}
    if not seen:
        return Verdict.EQUAL
    if len(seen) == 1:
        return seen.pop()
    if Verdict.MIXED in seen or {Verdict.TIGHTER, Verdict.LOOSER} <= seen:
        return Verdict.MIXED
    return Verdict.UNPROVEN
