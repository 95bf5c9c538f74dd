"""Sets of compromised parties, and which words they have.

1. The parties are any client, one attestor, a quorum of attestors, one officer, a quorum of officers, f
   kernels (the vault's `tolerated`), and the clocks within their bounds.
2. A quorum of attestors has every key of every group that attests, a quorum of officers every key of every
   group that approves: whoever has a real quorum has fewer.
3. One attestor, one officer is whichever key serves the adversary best, for each way anew.
"""

from collections.abc import Iterator
from enum import IntEnum
from itertools import product
from typing import NamedTuple


class Share(IntEnum):
    """How many of a kind are compromised."""

    NONE = 0
    ONE = 1
    QUORUM = 2


class Adversary(NamedTuple):
    """A set of compromised parties."""

    client: bool = False
    attestors: Share = Share.NONE
    officers: Share = Share.NONE
    kernels: bool = False
    clock: bool = False

    @property
    def parties(self) -> tuple[str, ...]:
        """In words."""
        named = (
            ("any client", self.client),
            ("one attestor", self.attestors is Share.ONE),
            ("a quorum of attestors", self.attestors is Share.QUORUM),
            ("one officer", self.officers is Share.ONE),
            ("a quorum of officers", self.officers is Share.QUORUM),
            ("f kernels", self.kernels),
            ("the clock", self.clock),
        )
        return tuple(name for name, is_in in named if is_in)

    def weaker(self) -> Iterator["Adversary"]:
        """The sets that are one step smaller."""
        if self.client:
            yield self._replace(client=False)
        if self.attestors:
            yield self._replace(attestors=Share(self.attestors - 1))
        if self.officers:
            yield self._replace(officers=Share(self.officers - 1))
        if self.kernels:
            yield self._replace(kernels=False)
        if self.clock:
            yield self._replace(clock=False)


def adversaries() -> tuple[Adversary, ...]:
    """Every set but the empty one, smaller ones first."""
    either = (True, False)
    shares = (Share.ONE, Share.QUORUM, Share.NONE)
    every = (Adversary(*each) for each in product(either, shares, shares, either, either))
    return tuple(sorted(filter(any, every), key=lambda each: len(each.parties)))


class Demand(NamedTuple):
    """An `attested` or `approved`: that many of these keys."""

    needed: int
    keys: frozenset[bytes]


class Keyrings:
    """Whose word counts anywhere in a policy."""

    def __init__(self, attestors: frozenset[bytes], officers: frozenset[bytes]) -> None:
        self._attestors, self._officers = attestors, officers
        self._known: dict[tuple[frozenset[Demand], Share, Share], bool] = {}

    def meet(self, demands: frozenset[Demand], adversary: Adversary) -> bool:
        """Whether the compromised keys alone meet all demands."""
        asked = demands, adversary.attestors, adversary.officers
        if asked not in self._known:
            self._known[asked] = self._meet(demands, adversary)
        return self._known[asked]

    def _meet(self, demands: frozenset[Demand], adversary: Adversary) -> bool:
        held = frozenset[bytes]()
        chosen: list[frozenset[bytes]] = []
        rings = ((adversary.attestors, self._attestors), (adversary.officers, self._officers))
        for share, keys in rings:
            if share is Share.QUORUM:
                held |= keys
            elif share is Share.ONE:
                chosen.append(keys)
        missing = [
            Demand(each.needed - len(each.keys & held), each.keys - held)
            for each in demands
            if len(each.keys & held) < each.needed
        ]
        return _met(missing, chosen)


def _met(missing: list[Demand], chosen: list[frozenset[bytes]]) -> bool:
    """Whether one key out of each of `chosen` meets what is missing."""
    if not missing:
        return True
    if not chosen or max(each.needed for each in missing) > len(chosen):
        return False
    keys, *rest = chosen
    choices = {tuple(key in each.keys for each in missing) for key in keys}
    for choice in choices or {(False,) * len(missing)}:  # keys of the same groups are alike
        left = [
            Demand(each.needed - helps, each.keys)
            for each, helps in zip(missing, choice, strict=True)
            if each.needed > helps
        ]
        if _met(left, rest):
            return True
    return False
