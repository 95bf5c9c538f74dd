"""The entries of one table: all of them known, none missing, each of its type.

1. An unknown key is an error, so that a misspelt limit is not a missing limit.
2. Errors of the layers below keep their code and get a place.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from policies.document import Item, Table
from policies.literals import amount_of, duration_of, work_of
from policies.source import PolicyError, Source, near
from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from signer.core.moments import read_time

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

_DURATION = re.compile(r"([0-9]{1,9}) ?([smhd])")
_AMOUNT = re.compile(r"([0-9]{1,16}(?:\.[0-9]{1,8})?) (BTC|sat)")
_WORK = re.compile(r"([0-9]{1,31}(?:\.[0-9]{1,24})?) ([kMGTPEZY]?H)")

T = TypeVar("T")


class Fields:
    """Typed access to a table."""

    def __init__(
        self,
        source: Source,
        table: Table,
        required: tuple[str, ...],
        optional: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        self.table = table
        for key, entry in table.entries.items():
            if key not in (*required, *optional):
                detail = f"no key {near(key, (*required, *optional))}"
                raise source.error("policy-key-unknown", detail, entry.key_offset)
        for key in required:
            if key not in table.entries:
                where = f"in [{'.'.join(table.name)}]" if table.name else "at the top"
                raise source.error("policy-key-missing", f"no {key!r} {where}", table.offset)

    def item(self, key: str) -> Item:
        """The value of a key that is there."""
        return self.table.entries[key].item

    def text(self, key: str) -> str:
        """A string."""
        return text_of(self.source, self.item(key))

    def number(self, key: str, least: int, most: int) -> int:
        """A whole number within limits."""
        item = self.item(key)
        if isinstance(item.value, int) and least <= item.value <= most:
            return item.value
        raise self.error("policy-value", f"{key} is a whole number from {least} to {most}", key)

    def number_or(self, key: str, default: int, most: int) -> int:
        """A whole number from 1, or the default when the key is absent."""
        return self.number(key, 1, most) if key in self.table.entries else default

    def duration(self, key: str) -> int:
        """`48h`, in seconds."""
        match = _DURATION.fullmatch(self.text(key))
        seconds = duration_of(match[1], match[2]) if match else None
        if seconds is None:
            raise self.error("policy-literal", f"{key} is 30s, 10m, 6h or 7d, up to 366d", key)
        return seconds

    def duration_or(self, key: str, default: int) -> int:
        """A duration, or the default when the key is absent."""
        return self.duration(key) if key in self.table.entries else default

    def amount(self, key: str) -> Sats:
        """`0.5 BTC`."""
        match = _AMOUNT.fullmatch(self.text(key))
        amount = amount_of(match[1], match[2]) if match else None
        if amount is None:
            raise self.error(
                "policy-literal", f"{key} is an amount such as 0.5 BTC or 2500 sat", key
            )
        return amount

    def work(self, key: str) -> int:
        """`5 ZH`, in expected hashes."""
        match = _WORK.fullmatch(self.text(key))
        work = work_of(match[1], match[2]) if match else None
        if work is None:
            raise self.error("policy-literal", f"{key} is work such as 5 ZH or 600 EH", key)
        return work

    def moment(self, key: str) -> int:
        """`2027-01-31T00:00:00Z`, in Unix seconds."""
        moment = read_time(self.text(key))
        if moment is None or moment < 0:
            raise self.error("policy-value", f"{key} is a time such as 2027-01-31T00:00:00Z", key)
        return moment

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        """One of the known words."""
        word = self.text(key)
        if word not in known:
            raise self.error("policy-value", f"no {key} {near(word, known)}", key)
        return word

    def items(self, key: str) -> tuple[Item, ...]:
        """An array that is not empty."""
        items = self.item(key).value
        if not isinstance(items, tuple) or not items:
            raise self.error("policy-value", f"{key[:64]} is an array with at least one entry", key)
        return items

    def error(self, code: str, detail: str, key: str) -> PolicyError:
        """An error at the value of a key."""
        return self.source.error(code, detail, self.item(key).offset)


def text_of(source: Source, item: Item) -> str:
    """The string that an item is. Raises PolicyError `policy-value`."""
    if isinstance(item.value, str):
        return item.value
    raise source.error("policy-value", "expected a string", item.offset)


def name_of(source: Source, name: str, offset: int) -> str:
    """A name that expressions can use. Raises PolicyError `policy-value`."""
    if NAME.fullmatch(name):
        return name
    raise source.error(
        "policy-value", "a name is a letter, then up to 63 letters, digits, - and _", offset
    )


def placed(source: Source, offset: int, build: Callable[[], T]) -> T:
    """What `build` returns; what it raises, with a place."""
    try:
        return build()
    except Malformed as error:
        raise source.error(error.code, error.detail, offset) from None
    except Refusal as refusal:
        reason = refusal.objections[0]
        seen = f" ({reason.observed}; {reason.limit})" if reason.limit else ""
        raise source.error(reason.code, reason.detail + seen, offset) from None
