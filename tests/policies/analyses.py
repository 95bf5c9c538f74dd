"""Every analysis of the command line, as functions of policy files: what bench measures and tests count.

`full_text` is a policy with exactly as many ways as the language allows, none of which implies another.
"""

from collections.abc import Callable, Iterator
from random import Random

from policies.analysis.diff import compare
from policies.analysis.diff_text import render as diff_lines
from policies.analysis.lint import findings
from policies.analysis.lint import render as lint_lines
from policies.analysis.mutants import mutate
from policies.analysis.report import html, report_of
from policies.analysis.verdicts import run_examples
from policies.analysis.worst_case import worst_case
from policies.analysis.worst_case_text import render as worst_case_lines
from policies.explain import render
from policies.load import load_policy
from signer.core.spend import Kind
from tests.policies.generated import (
    Drawn,
    Node,
    blocks_drawn,
    edited,
    policy_text,
)

CLOCK_ERROR = 300
EXAMPLE = """
[[example]]
name = "nobody vouches"
spend = "withdrawal"
from = "peg"
payments = ["0.1 BTC"]
fee = "1000 sat"
vsize = "200 vB"
expect = "refuse"
"""


def _explain(new: bytes, _: bytes) -> object:
    return render(load_policy(new))


def _worst_case(new: bytes, _: bytes) -> object:
    return worst_case_lines(worst_case(load_policy(new), CLOCK_ERROR))


def _diff(new: bytes, old: bytes) -> object:
    one, other = load_policy(old), load_policy(new)
    return diff_lines(compare(one, other), one, other)


def _lint(new: bytes, _: bytes) -> object:
    return lint_lines(findings(load_policy(new)))


def _test(new: bytes, _: bytes) -> object:
    return run_examples(load_policy(new))


def _mutate(new: bytes, _: bytes) -> object:
    return mutate(new, lambda done, of: None).total


def _report(new: bytes, old: bytes) -> object:
    return html(report_of(load_policy(new), load_policy(old), CLOCK_ERROR))


ANALYSES: dict[str, Callable[[bytes, bytes], object]] = {
    "explain": _explain,
    "worst-case": _worst_case,
    "diff": _diff,
    "lint": _lint,
    "test": _test,
    "mutate": _mutate,
    "report": _report,
}
"""Name -> (the policy's bytes, another version's) -> what is shown; never empty."""


def drawn_texts(random: Random, count: int) -> Iterator[tuple[bytes, bytes]]:
    """So many pairs of a policy and its earlier version."""
    for _ in range(count):
        old = blocks_drawn(random)
        new = edited(random, old)
        yield _bytes(policy_text(new, 2)), _bytes(policy_text(old))


def full_texts() -> tuple[bytes, bytes]:
    """1,000 ways, and as many before a small edit."""
    parts = [
        Node("or", tuple(Node(f"caller(client-{number})") for number in range(10))),
        Node("or", tuple(Node(f"within(daily, {n + 8:02d}:00-{n + 9:02d}:00)") for n in range(10))),
        Node("or", tuple(Node(f"count_at_most({n}h, {n})") for n in range(1, 11))),
    ]
    tree = Node("and", (Node("attested(2, watchers)"), *parts))
    old = (Drawn(Kind.WITHDRAWAL, "", tree),)
    new = (Drawn(Kind.WITHDRAWAL, "", Node("and", (tree, Node("fee_at_most(5000 sat)")))),)
    return _bytes(policy_text(new, 2)), _bytes(policy_text(old))


def _bytes(text: str) -> bytes:
    return (text + EXAMPLE).encode()
