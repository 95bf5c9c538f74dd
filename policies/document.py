"""The part of TOML in which policies are written, with the place of everything.

1. Tables `[name]` and `[name.name]`, repeated tables `[[name]]`, comments, and `key = value` where key
   is bare and value is a string of any of TOML's four forms, a whole number, or an array of these.
2. No dotted keys, inline tables or nested arrays, and no escapes in strings: one way to write a thing,
   reading in linear time, and every character of a value stands in the file where it is read.
3. Nothing is defined twice.
Whatever is read here is valid TOML with the same meaning (tests compare with `tomllib`, which keeps no
places); the rest of TOML is refused.
"""

import re
from dataclasses import dataclass

from policies.source import Source

_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_NAME = r"[ \t]*([A-Za-z0-9_-]+)[ \t]*"
_REPEATED = re.compile(rf"\[\[{_NAME}\]\]")
_HEADER = re.compile(rf"\[{_NAME}(?:\.{_NAME})?\]")
_KEY = re.compile(r"([A-Za-z0-9_-]+)[ \t]*=[ \t]*")
_NUMBER = re.compile(r"(?:0|[1-9](?:_?[0-9]){0,17})")
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Item:
    """A value."""

    value: "str | int | tuple[Item, ...]"
    offset: int
    """Of its first character; in a string that of the content."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key_offset: int
    item: Item


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its entries, in the file's order."""

    name: tuple[str, ...]
    """Empty for what stands before the first header."""
    is_repeated: bool
    """Written with double brackets."""
    offset: int
    entries: dict[str, Entry]


def read_document(source: Source) -> tuple[Table, ...]:
    """The tables in the file's order. Raises PolicyError `policy-syntax` or `policy-repeated`."""
    return _Reader(source).document()


class _Reader:
    """A cursor over the text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def document(self) -> tuple[Table, ...]:
        table = Table((), False, 0, {})
        tables, seen = [table], set[tuple[str, ...]]()
        self.take(_SPACE)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
                if not table.is_repeated and table.name in seen:
                    raise self.source.error(
                        "policy-repeated", f"a second table [{'.'.join(table.name)}]", table.offset
                    )
                seen.add(table.name)
                tables.append(table)
            else:
                self.pair(table)
            if self.take(_LINE_END) is None:
                raise self.error("the end of the line")
            self.take(_SPACE)
        return tuple(tables)

    def header(self) -> Table:
        offset = self.at
        if match := self.take(_REPEATED):
            return Table((match[1],), True, offset, {})
        if match := self.take(_HEADER):
            return Table(tuple(filter(None, match.groups())), False, offset, {})
        raise self.error("a table header: [name], [name.name] or [[name]]")

    def pair(self, table: Table) -> None:
        offset = self.at
        match = self.take(_KEY)
        if match is None:
            raise self.error("a table header, or a bare key and =")
        if match[1] in table.entries:
            raise self.source.error("policy-repeated", f"a second {match[1][:64]!r}", offset)
        table.entries[match[1]] = Entry(offset, self.value())

    def value(self) -> Item:
        if self.text.startswith("[", self.at):
            return self.array()
        return self.scalar()

    def array(self) -> Item:
        offset, items = self.at, list[Item]()
        self.at += 1
        self.take(_SPACE)
        while not self.text.startswith("]", self.at):
            items.append(self.scalar())
            self.take(_SPACE)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.take(_SPACE)
            elif not self.text.startswith("]", self.at):
                raise self.error("a comma or ] in the array")
        self.at += 1
        return Item(tuple(items), offset)

    def scalar(self) -> Item:
        offset = self.at
        if match := self.take(_NUMBER):
            return Item(int(match[0].replace("_", "")), offset)
        for quote in ('"""', "'''", '"', "'"):
            if self.text.startswith(quote, offset):
                return self.string(quote)
        raise self.error("a string, a whole number, or an array of these")

    def string(self, quote: str) -> Item:
        start = self.at + len(quote)
        if len(quote) == 3 and self.text.startswith("\n", start):
            start += 1  # TOML: a line break right after the opening quotes is not content
        end = self.text.find(quote, start)
        content = self.text[start:end]
        if end < 0 or (len(quote) == 1 and "\n" in content):
            raise self.error(f"the string to end with {quote}")
        self.at = end + len(quote)
        if len(quote) == 3 and self.text.startswith(quote[0], self.at):
            raise self.error("no more quotes")
        if quote[0] == '"' and "\\" in content:
            self.at = start + content.index("\\")
            raise self.error("no escape: strings of a policy have none")
        return Item(content, start)

    def error(self, wanted: str) -> Exception:
        return self.source.error("policy-syntax", f"expected {wanted}", self.at)
