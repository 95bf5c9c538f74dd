"""The report's rules as written, ways, governance, names and universal rules."""

from collections.abc import Iterator

from policies.analysis.markup import NOTHING, Markup, element, items, table
from policies.analysis.report_tree import tree
from policies.explain import ending_lines, governance_lines
from policies.explain_names import addresses, group_keys
from policies.explain_ways import ToldRoute, ToldWay, heading_of, told_routes
from policies.loaded import LoadedPolicy
from policies.predicates import Predicate
from policies.universal import UNIVERSAL_RULES
from signer.core.spend import Kind


def rules_section(policy: LoadedPolicy) -> Markup:
    """Each kind and vault: the rules as written, and the ways."""
    routes = tuple(told_routes(policy))
    shown = (part for told in routes for part in _route(policy, told))
    spoken = {(told.route.kind, told.route.vault_id) for told in routes}
    silent = [
        f"{kind.capitalize()} from {vault.vault_id}: never."
        for vault in policy.vaults
        for kind in Kind
        if (kind, vault.vault_id) not in spoken
    ]
    return element("section", element("h2", "Rules and ways"), *shown, items("ul", silent))


def _route(policy: LoadedPolicy, told: ToldRoute) -> Iterator[Markup]:
    heading = str(told.route)
    yield element("h3", heading[0].upper() + heading[1:])
    if len(told.ways) > 1:
        for block in policy.blocks_of(told.route):
            yield element("h4", f"Rule {block.number}, line {block.line}, as written")
            yield tree(block.expression)
        yield element("h4", f"Any one of {len(told.ways)} ways")
    if told.always:
        yield element("p", "In every way:")
        yield _numbered(told.always)
    for way in told.ways:
        yield _way(told, way)


def _way(told: ToldRoute, way: ToldWay) -> Markup:
    dead = "Dead: its limits exclude each other, so that no spend goes this way."
    return element(
        "div",
        element("h4", heading_of(way)),
        element("p", "when also:" if told.always else "when:"),
        _numbered(way.own),
        element("p", dead, style="no") if way.is_dead else NOTHING,
        element("p", element("strong", "Who must agree: "), "; and ".join(way.who), "."),
        *(element("p", element("strong", "Time: "), each, ".") for each in way.waits),
        style="way",
    )


def _numbered(predicates: tuple[Predicate, ...]) -> Markup:
    return items("ol", (predicate.english for predicate in predicates))


def governance_section(policy: LoadedPolicy) -> Markup:
    """Who may change the policy, when it ends, and what holds then."""
    lines = [line.strip() for line in (*governance_lines(policy), *ending_lines(policy))]
    return element(
        "section",
        element("h2", "Governance and expiry"),
        *(element("p", line) for line in lines),
    )


def names_section(policy: LoadedPolicy) -> Markup:
    """Groups, lists, rollups, definitions; and what no policy switches off."""
    return element("section", element("h2", "Names"), *_names(policy), *_universal())


def _names(policy: LoadedPolicy) -> Iterator[Markup]:
    for name, text in policy.definitions:
        yield element("h3", f"Definition {name}")
        yield element("p", element("code", " ".join(text.split())))
    for group in policy.groups:
        yield element("h3", f"Group {group.name}, {len(group.keys)} keys")
        yield items("ul", (element("code", key) for key in group_keys(group)))
    for listed in policy.lists:
        yield element("h3", f"List {listed.name}, {len(listed.scripts)} addresses")
        yield items("ul", (element("code", each) for each in addresses(policy, listed)))
    if policy.rollups:
        yield element("h3", "Rollups")
        yield table(
            ("Rollup", "Magic", "First batch", "Sequence"),
            (
                (each.name, element("code", each.magic.hex()), str(each.first_batch), each.sequence)
                for each in policy.rollups
            ),
        )


def _universal() -> Iterator[Markup]:
    yield element("h2", "Universal rules")
    yield element("p", "These hold whatever a policy says; none switches them off.")
    yield table(
        ("Rule", "What holds", "Refusals"),
        (
            (
                f"{rule.promise} {rule.name}",
                rule.english,
                element("code", ", ".join(rule.codes)),
            )
            for rule in UNIVERSAL_RULES
        ),
    )
