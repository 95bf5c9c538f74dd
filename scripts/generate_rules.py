"""Makes `docs/rules.md` from the catalogue and the syntax trees. `--compare` fails on a difference."""

import sys
from collections.abc import Iterator

from scripts.code_scan import ROOT, naming_sources, naming_tests
from signer.core.catalogue import CATALOGUE, CodeEntry, CodeKind
from signer.edge.status import STATUS_OF_KIND

TARGET = ROOT / "docs" / "rules.md"
KINDS = {
    CodeKind.MALFORMED: "Malformed requests",
    CodeKind.VERIFICATION: "Claims that are not facts",
    CodeKind.STATE: "The kernel's state",
    CodeKind.POLICY: "No consent",
    CodeKind.ROLE: "Roles",
    CodeKind.LIMIT: "Limits",
    CodeKind.SETUP: "Files and commands",
}
MAX_PLACES = 4
HEAD = """# Rules

Every refusal code, made from `signer/core/catalogue/` by `make generate`; do not edit. A code is
never renamed and never reused. "Shown to relayers" says whether a relayer sees the observed value and
the limit too; auditors and officers always do, and code and disposition are always visible.
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
    yield f"- Raised in: {_places(naming_sources().get(entry.code, ()))}"
    yield f"- Tested by: {_places(naming_tests().get(entry.code, ()))}\n"


def render() -> str:
    """The page."""
    lines = [HEAD]
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
