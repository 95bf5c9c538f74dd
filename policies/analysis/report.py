"""`policy report`: all that is known of a policy, as one page and as one JSON object.

1. The page is one file: no script, no link, nothing that is fetched. Whatever it shows of the policy is text.
2. It says what `explain`, `worst-case`, `diff`, `lint` and `test` say, from the same functions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policies.analysis import diff_text, lint, worst_case_text
from policies.analysis.diff import compare
from policies.analysis.difference import PolicyDifference
from policies.analysis.markup import Markup, element, facts, page
from policies.analysis.report_findings import (
    difference_section,
    examples_section,
    lint_section,
    worst_case_section,
)
from policies.analysis.report_rules import governance_section, names_section, rules_section
from policies.analysis.report_vaults import vaults_section
from policies.analysis.verdicts import ExampleResult, run_examples
from policies.analysis.worst_case import WorstCase, worst_case
from policies.explain import render
from policies.explain_json import Json, as_json
from policies.explain_ways import told_routes
from policies.loaded import LoadedPolicy
from policies.proquint import words_of
from signer.core.moments import format_time


@dataclass(frozen=True, slots=True)
class Against:
    """The running policy, and what would change."""

    running: LoadedPolicy
    found: PolicyDifference


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out."""

    policy: LoadedPolicy
    worst: WorstCase
    against: Against | None
    """None where no running policy was named."""
    findings: tuple[lint.Finding, ...]
    """What may not be meant."""
    results: tuple[ExampleResult, ...]

    @property
    def failed(self) -> int:
        """How many examples have another verdict than they say."""
        return sum(not result.passed for result in self.results)


def report_of(policy: LoadedPolicy, running: LoadedPolicy | None, clock_error: int) -> Report:
    """All of it; clocks err by at most that many seconds."""
    return Report(
        policy=policy,
        worst=worst_case(policy, clock_error),
        against=None if running is None else Against(running, compare(running, policy)),
        findings=lint.findings(policy),
        results=run_examples(policy),
    )


def html(report: Report) -> str:
    """The page."""
    policy = report.policy
    title = f"Policy {policy.name}, version {policy.version}"
    return page(title, _body(report, title))


def _body(report: Report, title: str) -> Iterator[Markup]:
    policy = report.policy
    yield element("h1", title)
    default = "Default: no. Nothing is signed that no rule below allows."
    yield element("p", default, style="lead")
    yield _summary(report)
    yield vaults_section(policy)
    yield rules_section(policy)
    yield governance_section(policy)
    yield worst_case_section(report.worst)
    if report.against is not None:
        yield difference_section(_difference_lines(report, report.against))
    yield lint_section(report.findings)
    yield examples_section(report.results)
    yield names_section(policy)


def _summary(report: Report) -> Markup:
    policy = report.policy
    ways = sum(len(told.ways) for told in told_routes(policy))
    ends = "never" if policy.expires is None else format_time(policy.expires)
    known: list[tuple[str, str | Markup]] = [
        ("Network", str(policy.network)),
        ("Policy id", element("code", policy.policy_id.hex())),
        ("in words", element("span", words_of(policy.policy_id), style="words")),
        ("Vaults", ", ".join(vault.vault_id for vault in policy.vaults)),
        ("Ways to consent", f"{ways}, in {len(policy.blocks)} rules"),
        ("Expires", ends),
    ]
    if report.against is not None:
        known.append(("Against the running policy", str(report.against.found.verdict)))
    known.append(("Examples", _tally(report)))
    return facts(known)


def _tally(report: Report) -> str:
    if not report.results:
        return "none"
    as_said = len(report.results) - report.failed
    return f"{as_said} of {len(report.results)} have the verdict that they say"


def report_lines(report: Report) -> Iterator[str]:
    """For a terminal: what the five commands print, one after the other."""
    yield from render(report.policy)
    yield ""
    yield from worst_case_text.render(report.worst)
    if report.against is not None:
        yield ""
        yield "Against the running policy:"
        yield from (f"  {line}" for line in _difference_lines(report, report.against))
    yield ""
    yield from lint.render(report.findings)
    yield ""
    yield f"Examples: {_tally(report)}."
    yield from (
        f"  {result.example.name}: expected {result.expected}, seen {result.got}"
        for result in report.results
        if not result.passed
    )


def _difference_lines(report: Report, against: Against) -> list[str]:
    return diff_text.render(against.found, against.running, report.policy)


def report_json(report: Report) -> Json:
    """For machines."""
    against = report.against
    return {
        "policy": as_json(report.policy),
        "worst_case": worst_case_text.as_json(report.worst),
        "difference": (
            None
            if against is None
            else diff_text.as_json(against.found, against.running, report.policy)
        ),
        "lint": lint.as_json(report.findings),
        "examples": [
            {
                "name": result.example.name,
                "line": result.example.line,
                "expected": result.expected,
                "seen": result.got,
                "passed": result.passed,
            }
            for result in report.results
        ],
    }
