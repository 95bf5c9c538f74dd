"""Counts the kernel's code lines: without blanks, comments and docstrings, file by file, in reading order.

1. Which files they are, and how large each layer may be, is in `scripts.review_layers`.
2. The table goes between the markers of `docs/review.md`; `--compare` fails when it differs.
3. A layer above its budget fails (`tests/structure/test_lines.py`): growth is a visible decision.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

from scripts.code_scan import ROOT, python_files
from scripts.review_layers import APART, TRUST_PATH, Layer

TARGET = ROOT / "docs" / "review.md"
BEGIN, END = "<!-- sizes:begin -->", "<!-- sizes:end -->"
_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def code_lines(path: Path) -> int:
    """Lines that hold code."""
    source = path.read_text()
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SILENT and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(lines)


def size(layer: Layer) -> int:
    """Code lines of a layer."""
    return sum(code_lines(path) for path in layer.paths())


def unlisted() -> list[str]:
    """Files of the kernel that no layer names."""
    listed = {path for layer in (*TRUST_PATH, *APART) for path in layer.paths()}
    kernel = python_files("signer", "policies", "keystore")
    return [str(path.relative_to(ROOT)) for path in kernel if path not in listed]


def render() -> str:
    """The tables."""
    lines = ["", "| trust path, in reading order | code lines | budget |", "|---|---:|---:|"]
    for layer in TRUST_PATH:
        lines.append(f"| **{layer.name}** | **{size(layer)}** | {layer.budget} |")
        lines += [
            f"| `{path.relative_to(ROOT)}` | {code_lines(path)} | |" for path in layer.paths()
        ]
    lines.append(f"| **all of it** | **{sum(map(size, TRUST_PATH))}** | |")
    lines += ["", "| apart | code lines | budget |", "|---|---:|---:|"]
    lines += [f"| {layer.name} | {size(layer)} | {layer.budget} |" for layer in APART]
    return "\n".join([*lines, ""])


def main() -> int:
    """Write, or compare."""
    page = TARGET.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}\n{render()}\n{END}{after}"
    if "--compare" not in sys.argv[1:]:
        TARGET.write_text(wanted)
        return 0
    if page != wanted:
        print("the sizes in docs/review.md are not those of the source. Run `make generate`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
