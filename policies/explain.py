"""A policy in English and as JSON, for whoever reviews it before it runs.

1. Everything is said per vault, kind and destination vault, in the order of the file; what is not said is
   refused.
2. Each way to consent is told under the number that ExplainPsbt gives it. Predicates render themselves.
3. What no policy can switch off is listed all the same, and who may change the policy, and when it ends.
"""

from collections.abc import Iterator

from policies.explain_json import as_json
from policies.explain_names import name_lines
from policies.explain_vault import coins_heading, vault_lines
from policies.explain_ways import ToldRoute, told_routes, way_lines
from policies.expression import Expression, Leaf
from policies.literals import format_duration
from policies.loaded import LoadedPolicy
from policies.predicates import CoinPredicate, Predicate
from policies.universal import UNIVERSAL_RULES
from signer.core.governance import GovernanceTerms
from signer.core.moments import format_time
from signer.core.spend import Kind

__all__ = ["as_json", "render"]


def render(policy: LoadedPolicy) -> list[str]:
    """The lines that `pegwarden policy explain` prints."""
    lines = [
        f"Policy {policy.name}, version {policy.version}, for {policy.network}",
        f"Policy id {policy.policy_id.hex()}",
        "Default: no. Nothing is signed that no rule below allows.",
    ]
    routes = tuple(told_routes(policy))
    for entry in policy.vault_entries:
        lines += ["", *vault_lines(entry)]
        lines += [f"  {coins_heading(entry)}:", *tree_lines(entry.coins)]
        for kind in Kind:
            lines += _kind_lines(routes, kind, entry.vault.vault_id)
    lines += ["", *governance_lines(policy), "", *ending_lines(policy)]
    lines += ["", *name_lines(policy), "", "Universal rules, which no policy switches off:"]
    lines += [f"  {rule.promise} {rule.name}: {rule.english}" for rule in UNIVERSAL_RULES]
    return lines


def _kind_lines(routes: tuple[ToldRoute, ...], kind: Kind, vault_id: str) -> Iterator[str]:
    told = [each for each in routes if (each.route.kind, each.route.vault_id) == (kind, vault_id)]
    if not told:
        yield ""
        yield f"{kind.capitalize()} from {vault_id}: never."
    for each in told:
        yield ""
        yield from way_lines(each)


def tree_lines(
    expression: Expression[Predicate] | Expression[CoinPredicate], number: str = ""
) -> Iterator[str]:
    """An expression as a numbered tree."""
    indent = "    " + "  " * number.count(".")
    head = f"{indent}{number} " if number else indent
    if isinstance(expression, Leaf):
        yield head + expression.predicate.english
        return
    yield f"{head}{expression.words}:"
    for place, part in enumerate(expression.parts, 1):
        yield from tree_lines(part, f"{number}{place}.")


def governance_lines(policy: LoadedPolicy) -> Iterator[str]:
    """Who may change the policy, and how."""
    terms = policy.governance
    if terms is None:
        yield "Governance: none. This policy can never change, and no officer can hold a withdrawal."
        return
    who = _officers(terms)
    yield f"Governance: {who}."
    yield f"  A change is agreed to by {who} and waits {format_duration(terms.delay)}."
    yield (
        "  One that is proven to allow nothing more takes effect at once by one officer's word. It lapses "
        f"after {format_duration(terms.confirm_within)} unless {who} confirm it; meanwhile that officer "
        "cannot repeat it, and the quorum can revert it without delay."
    )
    yield (
        "  One officer can hold a withdrawal or a destination for at most "
        f"{format_duration(terms.hold_at_most)}."
    )


def _officers(terms: GovernanceTerms) -> str:
    return f"{terms.quorum} of the {len(terms.officers)} officers in {terms.group}"


def ending_lines(policy: LoadedPolicy) -> Iterator[str]:
    """When the policy ends, and what holds then."""
    if policy.expires is None:
        yield "This policy does not expire."
        return
    yield f"This policy expires at {format_time(policy.expires)}. From then on no rule above holds."
    if not policy.fallback:
        yield "  Nothing is signed then."
        return
    yield "  Fallback: sweeps and rotations from every vault to every vault above, when:"
    yield from tree_lines(policy.fallback[0].expression)
