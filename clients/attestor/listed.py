"""Lists in JSON files that an attestor believes: a stand-in for its own look at the second layer.

1. A file is read anew at each question: rows come while the attestor runs.
2. Every row has exactly the keys of its kind; integers are integers, bytes are hexadecimal text of one size.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadList(Exception):
    """The file is not such a list; the message says where."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its place, for messages."""

    place: str
    fields: dict[str, Any]

    def number(self, key: str, bits: int = 64) -> int:
        """A whole number from 0. Raises BadList."""
        value = self.fields[key]
        if type(value) is not int or not 0 <= value < 1 << bits:
            raise self.bad(f"{key} is an integer of {bits} bits, not {value!r}")
        return value

    def text(self, key: str) -> str:
        """A text. Raises BadList."""
        value = self.fields[key]
        if not isinstance(value, str):
            raise self.bad(f"{key} is a text, not {value!r}")
        return value

    def octets(self, key: str, size: int) -> bytes:
        """That many bytes. Raises BadList."""
        text = self.text(key)
        if len(text) != 2 * size or not set(text) <= set("0123456789abcdef"):
            raise self.bad(f"{key} is {size} bytes in small hexadecimal digits")
        return bytes.fromhex(text)

    def bad(self, why: str) -> BadList:
        """The exception to raise."""
        return BadList(f"{self.place}: {why}")


def read_rows(path: Path | None, what: str, keys: frozenset[str]) -> Iterator[Row]:
    """The rows of the file, each with exactly these keys; none without a file. Raises BadList."""
    if path is None:
        return
    try:
        listed = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise BadList(f"{path}: {error}") from None
    if not isinstance(listed, list):
        raise BadList(f"{path} is not a list")
    for number, fields in enumerate(listed, 1):
        place = f"{path}, {what} {number}"
        if not isinstance(fields, dict) or set(fields) != keys:
            raise BadList(f"{place}: exactly {', '.join(sorted(keys))} are wanted")
        yield Row(place, fields)
