"""A TOML table that is read completely: keys are taken out one by one, and what is left is an error.

Rule 1: every error names the file and the key.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from signer.core.errors import Objection, Refusal

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MOST = 1 << 30


def read_toml(file: Path, content: bytes) -> "TomlTable":
    """The root table. Raises Refusal `config-syntax`."""
    try:
        return TomlTable(file, "", tomllib.loads(content.decode("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise Refusal(Objection("config-syntax", f"{file}: {error}")) from None
    except (ValueError, RecursionError):
        raise Refusal(Objection("config-syntax", f"{file}: not UTF-8 TOML")) from None


class TomlTable:
    """What is left of a table."""

    def __init__(self, file: Path, prefix: str, members: dict[str, object]) -> None:
        self._file, self._prefix, self._members = file, prefix, dict(members)

    def take(self, key: str) -> object:
        """A required value. Raises Refusal `config-key-missing`."""
        if key not in self._members:
            raise self._error("config-key-missing", key, "is missing")
        return self._members.pop(key)

    def text(self, key: str) -> str:
        """A required text."""
        value = self.take(key)
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(key, "is a text in quotes")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A required list of texts, at least one."""
        value = self.take(key)
        if not isinstance(value, list) or not value:
            self.refuse(key, "is a list of texts, at least one")
        for each in value:
            if not isinstance(each, str) or not each:
                self.refuse(key, "is a list of texts, at least one")
        return tuple(value)

    def path(self, key: str) -> Path:
        """A required path, relative to the file."""
        return self._file.parent / self.text(key)

    def paths(self, key: str) -> tuple[Path, ...]:
        """A required list of such paths."""
        return tuple(self._file.parent / each for each in self.texts(key))

    def switch(self, key: str) -> bool:
        """True or false; false where it is absent."""
        value = self._members.pop(key, False)
        if not isinstance(value, bool):
            self.refuse(key, "is true or false")
        return value

    def number(self, key: str, default: int | None = None, least: int = 1) -> int:
        """A number, positive if nothing else is said; the default where it is absent, if it has one."""
        value = self.take(key) if default is None else self._members.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
            self.refuse(key, f"is a whole number, {least} to {_MOST}")
        return value

    def is_table(self, key: str) -> bool:
        """Whether that member is a table."""
        return isinstance(self._members.get(key), dict)

    def table(self, key: str) -> "TomlTable":
        """A table; an empty one where it is absent."""
        value = self._members.pop(key, {})
        if not isinstance(value, dict):
            self.refuse(key, "is a table")
        return TomlTable(self._file, f"{self._prefix}{key}.", value)

    def tables(self) -> Iterator[tuple[str, "TomlTable"]]:
        """All members, which are named tables."""
        for key in tuple(self._members):
            if not NAME.fullmatch(key):
                self.refuse(key, "is a name of at most 64 small letters, digits, dots and dashes")
            yield key, self.table(key)

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def end(self) -> None:
        """Nothing is left. Raises Refusal `config-key-unknown`."""
        for key in self._members:
            raise self._error("config-key-unknown", key, "is not a key of this format")

    def refuse(self, key: str, rule: str) -> NoReturn:
        """The value of that key breaks that rule. Raises Refusal `config-value`."""
        raise self._error("config-value", key, rule)

    def _error(self, code: str, key: str, rule: str) -> Refusal:
        return Refusal(Objection(code, f"{self._file}: `{self._prefix}{key}` {rule}"))
