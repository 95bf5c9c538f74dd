"""How large the canonical witness of a sane Miniscript can become.

1. The size is the largest that `satisfy` can yield under these locks, whoever signs and whichever preimages
   are known. It is reached when signatures are as long as stated, unless one digest stands in two places.
2. It is exact because no key stands twice: what is lacking in one part of a script may be there in another,
   so each part can be as large as it ever is, whatever the others are.
3. A part that needs no signature is preferred wherever it is there: what it replaces is never written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from signer.bitcoin.miniscript.model import Context, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.witnesses import Both, witnesses

PREIMAGE_SIZE = 32


@dataclass(frozen=True, slots=True)
class Terms:
    """The locks under which a size is asked for."""

    older: int = 0
    """The input's relative lock, as nSequence counts it; 0 for none."""
    after: int = 0
    """The nLockTime in force; 0 for none."""


def witness_size(script: Miniscript, terms: Terms, signature_size: int) -> int | None:
    """The most bytes of the items that `satisfy` gives, each with its length; None if there are none.

    Script, control block and the number of items are not in it. Signatures have at most that size.
    """
    worst = witnesses(script, _Measures(script.context, terms, signature_size))
    return _larger(worst.free, worst.signed)


class _Sizes(NamedTuple):
    """What can be written for one part, over all that spenders may lack."""

    sure: bool
    """It is always there, and never needs a signature."""
    free: int | None
    """The largest without a signature."""
    signed: int | None
    """The largest with one."""


_NEVER = _Sizes(sure=False, free=None, signed=None)


def _written(size: int) -> _Sizes:
    return _Sizes(sure=True, free=size, signed=None)


def _larger(*sizes: int | None) -> int | None:
    return max((size for size in sizes if size is not None), default=None)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


class _Measures:
    """Sizes in the place of stacks."""

    def __init__(self, context: Context, terms: Terms, signature_size: int) -> None:
        self._signature = 1 + signature_size
        self._key = 1 + (33 if context is Context.P2WSH else 32)
        self.older, self.after = terms.older, terms.after
        self.never = _NEVER

    def items(self, *items: bytes) -> _Sizes:
        return _written(sum(map(len, items)) + len(items))

    def key(self, _: int) -> _Sizes:
        return _written(self._key)

    def signature(self, _: int) -> _Sizes:
        return _Sizes(sure=False, free=None, signed=self._signature)

    def preimage(self, _: bytes) -> _Sizes:
        return _Sizes(sure=False, free=1 + PREIMAGE_SIZE, signed=None)

    def multisig(self, node: Node) -> _Sizes:
        unsigned = len(node.places) - node.number
        if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
            unsigned = 1  # the dummy
        return _Sizes(sure=False, free=None, signed=node.number * self._signature + unsigned)

    def join(self, below: _Sizes, above: _Sizes) -> _Sizes:
        return _Sizes(
            below.sure and above.sure,
            _sum(below.free, above.free),
            _larger(
                _sum(below.signed, above.signed),
                _sum(below.signed, above.free),
                _sum(below.free, above.signed),
            ),
        )

    def either(self, first: _Sizes, second: _Sizes) -> _Sizes:
        """What is sure is taken, of two the smaller; else each can be the only one that is there."""
        if first.sure and second.sure:
            return min(first, second, key=lambda sizes: sizes.free or 0)
        for sizes in (first, second):
            if sizes.sure:
                return sizes
        free, signed = _larger(first.free, second.free), _larger(first.signed, second.signed)
        return _Sizes(sure=False, free=free, signed=signed)

    def threshold(self, threshold: int, subs: Sequence[Both[_Sizes]]) -> _Sizes:
        """All that are sure are satisfied; of the others just enough may be there, the dearest of them."""
        dissats = [dissat.free for _, dissat in subs if dissat.free is not None]
        if len(dissats) < len(subs):
            return _NEVER
        sure, open_gains = [], []
        for (sat, _), dissat in zip(subs, dissats, strict=True):
            gain = _Gain(_sum(sat.free, -dissat), _sum(sat.signed, -dissat))
            if sat.sure:
                sure.append(gain.best)
            elif sat != _NEVER:
                open_gains.append(gain)
        base = sum(dissats) + sum(sorted(sure)[:threshold])
        if len(sure) >= threshold:
            return _written(base)
        return _chosen(base, threshold - len(sure), open_gains)


class _Gain(NamedTuple):
    """How much a satisfied part of a `thresh` is larger than a dissatisfied one."""

    free: int | None
    signed: int | None

    @property
    def best(self) -> int:
        return max(gain for gain in self if gain is not None)


def _chosen(base: int, number: int, gains: list[_Gain]) -> _Sizes:
    """The sizes with exactly so many of these."""
    if len(gains) < number:
        return _NEVER
    dearest = sorted((gain.best for gain in gains), reverse=True)[:number]
    free = sorted((gain.free for gain in gains if gain.free is not None), reverse=True)[:number]
    # One signs; beside it stand the dearest of the others. Itself may be among the dearest.
    others = [_sum(gain.signed, -max(gain.best, dearest[-1])) for gain in gains]
    return _Sizes(
        sure=False,
        free=base + sum(free) if len(free) == number else None,
        signed=_sum(_larger(*others), base + sum(dearest)),
    )
