"""The policy file as text, and errors that point into it.

1. A policy is at most 1 MiB of UTF-8 without byte order mark, lines end in LF.
2. Nothing is invisible: no control or format character (bidirectional overrides too), no odd space;
   what a reviewer sees is what the kernel reads.
3. Every error names its line and column, counted from 1 in characters. No error repeats the text of a
   key: it could be private.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from signer.core.errors import Objection, Refusal

MAX_POLICY = 1 << 20
"""Bytes."""
MAX_NAME = 64
"""Characters of a name."""


class PolicyError(Refusal):
    """The policy does not load, and where."""

    def __init__(self, code: str, detail: str, line: int, column: int) -> None:
        super().__init__(Objection(code, f"line {line}, column {column}: {detail}"))
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a policy file. Offsets count its characters."""

    text: str

    def line_of(self, offset: int) -> int:
        """The line, counted from 1."""
        return self.text.count("\n", 0, offset) + 1

    def error(self, code: str, detail: str, offset: int) -> PolicyError:
        """The error at that place."""
        column = offset - self.text.rfind("\n", 0, offset)
        return PolicyError(code, detail, self.line_of(offset), column)


def read_source(data: bytes) -> Source:
    """The text. Raises PolicyError `policy-too-large` or `policy-text`."""
    if len(data) > MAX_POLICY:
        raise PolicyError("policy-too-large", f"{len(data)} bytes; at most {MAX_POLICY}", 1, 1)
    try:
        source = Source(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        before = Source(data[: error.start].decode("utf-8"))
        raise before.error("policy-text", "not UTF-8", len(before.text)) from None
    offset = 0
    for line in source.text.split("\n"):
        if not line.replace("\t", " ").isprintable():
            offset += next(
                place for place, each in enumerate(line) if not (each == "\t" or each.isprintable())
            )
            code_point = f"U+{ord(source.text[offset]):04X}"
            raise source.error(
                "policy-text", f"{code_point} cannot be seen (lines end in LF alone)", offset
            )
        offset += len(line) + 1
    return source


def near(word: str, known: Iterable[str]) -> str:
    """`'word'`, and which of the known words was perhaps meant."""
    names = sorted(known)
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, 1) if len(word) <= MAX_NAME else []
    if close:
        return f"{word!r}; did you mean {folded[close[0]]!r}?"
    return f"{word[:MAX_NAME]!r}; known here: {', '.join(names[:24]) or 'none'}"
