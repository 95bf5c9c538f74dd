"""Arguments of a predicate, read one by one by its `parse`.

1. Each is a number with or without a unit, or a name; what does not fit points at itself.
2. A name of a group, list or path is one that the policy or the block's vault defines.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from policies.definitions import Definitions
from policies.literals import (
    AMOUNT_UNITS,
    BLOCK_UNITS,
    DURATION_UNITS,
    RATE_UNITS,
    WEIGHT_UNITS,
    WORK_UNITS,
    amount_of,
    blocks_of,
    count_of,
    duration_of,
    rate_of,
    weight_of,
    work_of,
)
from policies.source import PolicyError, Source, near
from signer.bitcoin.descriptor import SpendingPath
from signer.bitcoin.units import FeeRate, Sats, Weight
from signer.core.evidence import StatementKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of public keys."""

    name: str
    keys: frozenset[bytes]
    """32 bytes of x-only key, or an OpenSSH public key blob, which is never 32 bytes long."""


@dataclass(frozen=True, slots=True)
class AddressList:
    """A named set of destinations."""

    name: str
    scripts: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Rollup:
    """Whose OP_RETURN payloads carry a magic."""

    name: str
    magic: bytes
    """4 bytes."""
    first_batch: int
    sequence: str
    """`contiguous` or `increasing`."""


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression can speak of where it stands."""

    groups: Mapping[str, Group]
    lists: Mapping[str, AddressList]
    rollups: tuple[Rollup, ...] = ()
    paths: Mapping[str, SpendingPath] = field(default_factory=dict)
    """Those by which this kind of spend can leave this vault."""
    subject: StatementKind = StatementKind.COIN
    """What `attested` asks a statement about."""
    definitions: Definitions = field(default_factory=lambda: Definitions({}))
    """What bare names stand for."""


@dataclass(frozen=True, slots=True)
class Argument:
    """`0.5 BTC`, `3` or `watchers`."""

    number: str
    """Empty for a name."""
    word: str
    """The unit or the name; empty for a plain number."""
    offset: int


class Arguments:
    """What stands between the brackets of one predicate, to be taken in order."""

    def __init__(self, source: Source, names: Names, usage: str, offset: int) -> None:
        self.source = source
        self.names = names
        self.usage = usage
        """`fee_at_most(amount)`, for errors."""
        self.offset = offset
        """Of the predicate's name."""
        self.rest: list[Argument] = []

    def amount(self) -> Sats:
        """`0.5 BTC` or `2500 sat`."""
        return self._quantity(amount_of, AMOUNT_UNITS, "an amount such as 0.5 BTC or 2500 sat")

    def rate(self) -> FeeRate:
        """`12 sat/vB`."""
        return self._quantity(rate_of, RATE_UNITS, "a fee rate such as 12 or 0.5 sat/vB")

    def duration(self) -> int:
        """`24h`, in seconds."""
        return self._quantity(duration_of, DURATION_UNITS, "30s, 10m, 6h or 7d, up to 366d")

    def count(self) -> int:
        """A whole number from 1."""
        return self._quantity(count_of, ("",), "a whole number from 1 to 1000000")

    def weight(self) -> Weight:
        """`400000 WU`."""
        return self._quantity(weight_of, WEIGHT_UNITS, "a weight such as 400000 WU, up to 4000000")

    def blocks(self) -> int:
        """`6 blocks`."""
        return self._quantity(blocks_of, BLOCK_UNITS, "blocks such as 6 blocks, up to 100000")

    def work(self) -> int:
        """`5 ZH`, in expected hashes."""
        return self._quantity(work_of, WORK_UNITS, "work such as 5 ZH or 600 EH")

    def quorum(self) -> tuple[int, Group]:
        """`2, officers`: a count and a group with at least so many keys."""
        needed, group = self.count(), self._named(self.names.groups, "group")
        if needed > len(group.keys):
            detail = f"{needed} of {len(group.keys)} keys in {group.name}"
            raise self.error("policy-unsatisfiable", detail, self.offset)
        return needed, group

    def path(self) -> SpendingPath:
        """The name of a spending path."""
        return self._named(self.names.paths, "path")

    def address_list(self) -> AddressList:
        """The name of a list."""
        return self._named(self.names.lists, "list")

    def word_of(self, known: Mapping[str, T], what: str) -> T:
        """One of the words that the predicate knows."""
        return self._named(known, what)

    def client(self) -> str:
        """The name of a client, which only the kernel's configuration knows."""
        return self.literal(lambda word: word, "the name of a client")

    def literal(self, read: Callable[[str], T | None], form: str) -> T:
        """A word that `read` understands."""
        argument = self._next()
        value = read(argument.word) if not argument.number else None
        if value is None:
            written = f"{argument.number} {argument.word}".strip()[:64]
            raise self.error("policy-literal", f"expected {form}, not {written}", argument.offset)
        return value

    def end(self) -> None:
        """Nothing is left."""
        if self.rest:
            raise self.error("policy-expression", f"usage: {self.usage}", self.rest[0].offset)

    def error(self, code: str, detail: str, offset: int) -> PolicyError:
        """An error there."""
        return self.source.error(code, detail, offset)

    def _next(self) -> Argument:
        if not self.rest:
            raise self.error("policy-expression", f"usage: {self.usage}", self.offset)
        return self.rest.pop(0)

    def _quantity(
        self, read: Callable[[str, str], T | None], units: Collection[str], form: str
    ) -> T:
        argument = self._next()
        if argument.number and argument.word in units:
            value = read(argument.number, argument.word)
            if value is not None:
                return value
            written = f"{argument.number} {argument.word}".strip()
            detail = f"{written} is out of range or too fine; expected {form}"
        else:
            seen = near(argument.word, units) if argument.word else "no unit"
            detail = f"expected {form}, not {argument.number} {seen}".replace("  ", " ")
        raise self.error("policy-literal", detail, argument.offset)

    def _named(self, known: Mapping[str, T], what: str) -> T:
        argument = self._next()
        if argument.number:
            raise self.error(
                "policy-literal", f"expected the name of a {what}, not a number", argument.offset
            )
        if argument.word not in known:
            raise self.error(
                "policy-name-unknown", f"no {what} {near(argument.word, known)}", argument.offset
            )
        return known[argument.word]
