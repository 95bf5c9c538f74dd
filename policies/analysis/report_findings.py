"""The report's findings: worst cases, the difference from the running policy, examples and their verdicts."""

from collections.abc import Iterable, Iterator

from policies.analysis.lint import Finding
from policies.analysis.markup import Markup, Part, element, items, table
from policies.analysis.verdicts import ExampleResult
from policies.analysis.worst_case import VaultCase, WorstCase
from policies.analysis.worst_case_text import FALSE_CHAIN, HEAD, UNBOUNDED, federation_text, row

_BOUNDS = (
    "The most that can be signed away, fees included, for the whole federation: upper bounds on signing "
    "within so much time on end. Signatures may be hoarded: all that was signed and is not confirmed can "
    "leave at once."
)


def worst_case_section(case: WorstCase) -> Markup:
    """A table for each vault; what is unbounded is shouted."""
    error = f"Compromised clocks err by at most {case.clock_error} s. Sets that lose no more are left out."
    shown = [part for vault in case.vaults for part in _vault(vault, "")]
    shown += [part for vault in case.after_expiry for part in _vault(vault, " after expiry")]
    return element(
        "section",
        element("h2", "Worst cases"),
        element("p", _BOUNDS),
        element("p", error, style="soft"),
        *shown,
    )


def _vault(vault: VaultCase, when: str) -> Iterator[Markup]:
    yield element("h3", f"Vault {vault.vault_id}{when}: {federation_text(vault)}")
    yield table(HEAD, (tuple(map(_shouted, row(loss))) for loss in vault.telling))
    reasons = dict.fromkeys(each for loss in vault.losses for each in loss.unbounded_by)
    if reasons:
        yield element("p", element("span", UNBOUNDED, style="shout"), " because:")
        yield items("ul", reasons)
    if vault.false_chain:
        yield element("p", FALSE_CHAIN)
        yield items("ul", vault.false_chain)


def _shouted(cell: str) -> Part:
    return element("span", cell, style="shout") if cell == UNBOUNDED else cell


def difference_section(lines: Iterable[str]) -> Markup:
    """What changes, as `policy diff` says it."""
    heading = element("h2", "Against the running policy")
    return element("section", heading, element("pre", "\n".join(lines)))


def lint_section(found: Iterable[Finding]) -> Markup:
    """What may not be meant."""
    rows = [(each.rule, each.text, f"line {each.line}" if each.line else "") for each in found]
    shown = table(("Finding", "What", "Where"), rows) if rows else element("p", "Nothing.")
    return element("section", element("h2", "What may not be meant"), shown)


def examples_section(results: Iterable[ExampleResult]) -> Markup:
    """Each example, what it says, and what the policy answers."""
    rows = [
        (result.example.name, result.expected, _seen(result), f"line {result.example.line}")
        for result in results
    ]
    shown = table(("Example", "Expected", "Seen", "Where"), rows) if rows else element("p", "None.")
    return element("section", element("h2", "Examples"), shown)


def _seen(result: ExampleResult) -> Markup:
    return element("span", result.got, style="yes" if result.passed else "no")
