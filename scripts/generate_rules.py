"""Makes `docs/rules.md` from classes, catalogue and syntax trees. `--compare` fails on a difference.

What a predicate says in English is shown for the rule of its first boundary pair.
"""

import sys
from collections.abc import Iterable, Iterator

from policies.explain_ways import told_routes
from policies.predicates import SPEND_PREDICATES, Predicate
from policies.universal import UNIVERSAL_RULES
from scripts.code_scan import ROOT, naming_sources, naming_tests
from signer.core.catalogue import CATALOGUE, CodeEntry, CodeKind
from signer.edge.status import STATUS_OF_KIND
from tests.policies.boundaries import BOUNDARIES, Boundary

TARGET = ROOT / "docs" / "rules.md"
KINDS = {
    CodeKind.MALFORMED: "Malformed requests",
    CodeKind.VERIFICATION: "Claims that are not facts",
    CodeKind.STATE: "The kernel's state",
    CodeKind.POLICY: "No consent",
    CodeKind.ROLE: "Roles",
    CodeKind.LIMIT: "Limits",
    CodeKind.AWAY: "No kernel",
    CodeKind.SETUP: "Files and commands",
}
MAX_PLACES = 4
METRIC = 'pegwarden_calls_total{code="%s"}'
HEAD = """# Rules

What a policy can ask, what holds whatever it asks, and every refusal code. Made from `policies/predicates/`,
`policies/universal.py` and `signer/core/catalogue/` by `make generate`; do not edit.

## Predicates (%d)

At its limit a predicate holds, one past it refuses with its code: each has such pairs of questions in
`tests/policies/boundaries.py`. "Waits" says that a spend which lacks nothing else is pending, not refused.
[`policy.md`](policy.md#predicates) explains them.

| predicate | for example | reads | refusal | waits | pairs |
|---|---|---|---|---|---|"""
UNIVERSAL = """
## Universal rules (%d)

They hold whatever a policy says: P1 to P6 are the promises of the README. A rule without a code is broken
only by a fault of ours, and then nothing is signed.

| promise | rule | what holds | refusals | kept in |
|---|---|---|---|---|"""
CODES = """
# Refusal codes

A code is never renamed and never reused. "Shown to relayers" says whether a relayer sees the observed value,
the limit and the nearest change too; auditors and officers always do. Code and disposition are always shown.
"""


def _places(places: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{place}`" for place in places[:MAX_PLACES])
    rest = len(places) - MAX_PLACES
    return f"{shown} and {rest} more" if rest > 0 else shown or "none"


def _entry(entry: CodeEntry) -> Iterator[str]:
    visible = "yes" if entry.public else "no"
    yield f"### `{entry.code}`\n"
    yield f"{entry.rule}\n"
    yield f"- What to do: {entry.remedy}"
    yield f"- Disposition: {entry.disposition.value}; shown to relayers: {visible}"
    if entry.kind in STATUS_OF_KIND:
        yield f"- Counted as: `{METRIC % entry.code}`"
    yield f"- Raised in: {_places(naming_sources().get(entry.code, ()))}"
    yield f"- Tested by: {_places(naming_tests().get(entry.code, ()))}\n"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _example(name: str, pair: Boundary) -> Predicate:
    """The pair's rule, as `policy explain` tells it: behind the attestation that every way has."""
    (told,) = told_routes(pair.policy)
    return [each for each in told.ways[0].predicates if name == each.NAME][-1]


def _predicates() -> Iterator[str]:
    yield HEAD % len(SPEND_PREDICATES)
    for name, form in SPEND_PREDICATES.items():
        pairs = BOUNDARIES[name]
        example = _example(name, pairs[0])
        cells = (
            f"`{name}{form.SIGNATURE}`",
            f"`{example.text}`",
            example.english,
            _quoted(form.CODES),
            "yes" if form.WAITABLE else "no",
            str(len(pairs)),
        )
        yield f"| {' | '.join(cells)} |"


def _universal() -> Iterator[str]:
    yield UNIVERSAL % len(UNIVERSAL_RULES)
    for rule in UNIVERSAL_RULES:
        codes, places = _quoted(rule.codes) or "none", _quoted(rule.kept_in)
        yield f"| {rule.promise} | `{rule.name}` | {rule.english} | {codes} | {places} |"


def render() -> str:
    """The page."""
    lines = [*_predicates(), *_universal(), CODES]
    for kind, title in KINDS.items():
        status = STATUS_OF_KIND[kind].name if kind in STATUS_OF_KIND else "none: before any request"
        entries = [entry for entry in CATALOGUE.values() if entry.kind == kind]
        lines.append(f"## {title} ({len(entries)})\n\ngRPC status: {status}\n")
        for entry in sorted(entries, key=lambda each: each.code):
            lines.extend(_entry(entry))
    return "\n".join(lines)


def main() -> int:
    """Write, or compare."""
    page = render()
    if "--compare" not in sys.argv[1:]:
        TARGET.write_text(page)
        return 0
    if not TARGET.is_file() or TARGET.read_text() != page:
        print("docs/rules.md is not what the catalogue says. Run `make generate`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
