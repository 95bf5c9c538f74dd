"""The entries of one `[[example]]` table, each with what it means when it is absent."""

import re
from collections.abc import Mapping
from typing import TypeVar

from policies.document import Item
from policies.example import Voices
from policies.example_phrases import Phrases
from policies.fields import Fields
from policies.literals import MAX_WORK
from policies.source import near
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT
from signer.bitcoin.units import Sats, Weight
from signer.core.moments import read_time

T = TypeVar("T")

MIDWEEK = 1_767_787_200
"""2026-01-07T12:00:00Z, a Wednesday."""
USUAL_WEIGHT = Weight(800)
MAX_COUNT = 1_000_000
_SIZE = re.compile(r"([1-9][0-9]{0,6}) (WU|vB)")


class ExampleFields:
    """Typed access to a table whose keys are known to fit."""

    def __init__(self, fields: Fields, phrases: Phrases) -> None:
        self.fields = fields
        self.phrases = phrases

    def has(self, key: str) -> bool:
        """Whether it is written."""
        return key in self.fields.table.entries

    def items(self, key: str) -> tuple[Item, ...]:
        """The entries of an array; none without it."""
        return self.fields.items(key) if self.has(key) else ()

    def amount(self, key: str, default: int) -> Sats:
        """`"0.5 BTC"`."""
        return self.phrases.amount(self.fields.item(key)) if self.has(key) else Sats(default)

    def duration(self, key: str) -> int:
        """`"6h"`; 0 without it."""
        return self.phrases.duration(self.fields.item(key)) if self.has(key) else 0

    def work(self, key: str) -> int:
        """`"5 ZH"`; more than any rule asks without it."""
        return self.phrases.work(self.fields.item(key)) if self.has(key) else MAX_WORK

    def count(self, key: str, default: int) -> int:
        """A whole number from 1."""
        return self.fields.number_or(key, default, MAX_COUNT)

    def number(self, key: str, default: int, most: int) -> int:
        """A whole number from 0."""
        return self.fields.number(key, 0, most) if self.has(key) else default

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        """One of the words; the first without it."""
        return self.fields.choice(key, known) if self.has(key) else known[0]

    def text(self, key: str, default: str) -> str:
        """A string."""
        return self.fields.text(key) if self.has(key) else default

    def voices(self, key: str) -> tuple[Voices, ...] | None:
        """`["2 watchers"]`; None without it."""
        return self.phrases.voices(self.fields.items(key)) if self.has(key) else None

    def moment(self, key: str) -> int:
        """`"2026-03-02T10:00:00Z"`; a Wednesday noon without it."""
        moment = read_time(self.fields.text(key)) if self.has(key) else MIDWEEK
        if moment is None:
            raise self.fields.error("policy-literal", "expected 2026-03-02T10:00:00Z", key)
        return moment

    def weight(self) -> Weight:
        """`weight = "800 WU"` or `vsize = "200 vB"`."""
        if self.has("vsize") and self.has("weight"):
            detail = "the weight and the size: one of them"
            raise self.fields.error("policy-repeated", detail, "vsize")
        if self.has("vsize"):
            return Weight(4 * self._sized("vsize", "vB", MAX_STANDARD_WEIGHT // 4))
        if self.has("weight"):
            return Weight(self._sized("weight", "WU", MAX_STANDARD_WEIGHT))
        return USUAL_WEIGHT

    def known(self, key: str, known: Mapping[str, T]) -> T:
        """What a name of the policy means."""
        name = self.fields.text(key)
        if name not in known:
            detail = f"no {key} {near(name, known)}"
            raise self.fields.error("policy-name-unknown", detail, key)
        return known[name]

    def _sized(self, key: str, unit: str, most: int) -> int:
        match = _SIZE.fullmatch(self.fields.text(key))
        if match is None or match[2] != unit or int(match[1]) > most:
            raise self.fields.error("policy-literal", f"expected 1 to {most} {unit}", key)
        return int(match[1])
