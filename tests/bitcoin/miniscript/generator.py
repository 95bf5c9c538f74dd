"""Random sane miniscripts, made along the type system (`grammar`), with the secrets to spend from them.

Every fragment occurs, in both contexts. Equal seeds give equal expressions.
"""

import hashlib
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from random import Random

from coincurve import PrivateKey

from signer.bitcoin.hashes import hash160, hash256, sha256
from signer.bitcoin.miniscript.model import (
    HASHES,
    MULTISIGS,
    Context,
    Fragment,
    Miniscript,
    Node,
)
from tests.bitcoin.miniscript.grammar import Goal, Production, goal, productions

KEY_POOL = 64
"""Most keys of one expression; making more would cost more than using them."""
LARGEST = 40
"""Most nodes of one expression, a few wrappers apart."""


def _ripemd160(preimage: bytes) -> bytes:
    return hashlib.new("ripemd160", preimage).digest()


DIGESTS: dict[Fragment, Callable[[bytes], bytes]] = {
    Fragment.SHA256: sha256,
    Fragment.HASH256: hash256,
    Fragment.RIPEMD160: _ripemd160,
    Fragment.HASH160: hash160,
}


@cache
def secret(number: int) -> PrivateKey:
    """One of the pool."""
    return PrivateKey(sha256(b"miniscript key %d" % number))


@cache
def pubkey(number: int) -> bytes:
    """Its public key, 33 bytes."""
    return secret(number).public_key.format()


@dataclass(frozen=True)
class Generated:
    """An expression and all that opens it."""

    script: Miniscript
    first: int
    """Which key of the pool stands at place 0; the others follow."""
    preimages: dict[bytes, bytes]
    """By digest."""

    def number(self, place: int) -> int:
        """Which key of the pool stands there."""
        return (self.first + place) % KEY_POOL

    @property
    def keys(self) -> tuple[bytes, ...]:
        """By place, as the script wants them."""
        cut = 0 if self.script.context is Context.P2WSH else 1
        return tuple(pubkey(self.number(place))[cut:] for place in sorted(self.script.places))


def generate(random: Random, context: Context, size: int = LARGEST) -> Generated:
    """A sane expression of about `size` nodes at most (resource limits apart)."""
    maker = _Maker(random, context)
    if random.random() < 0.03:
        maker.leaf(_sorted(context))
    else:
        maker.make(goal("B", "s"), random.randrange(2, size + 1), _Locks(random))
    script = Miniscript(context, tuple(maker.nodes))
    return Generated(script, random.randrange(KEY_POOL), maker.preimages)


def _sorted(context: Context) -> Fragment:
    return Fragment.SORTEDMULTI if context is Context.P2WSH else Fragment.SORTEDMULTI_A


class _Locks:
    """Which units locks have. Parts that must hold together have the same (no timelock mix)."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._in_time = {each: random.random() < 0.3 for each in (Fragment.OLDER, Fragment.AFTER)}
        self._alone = True
        """Whether nothing else must hold together with this part."""

    def number(self, fragment: Fragment) -> int:
        if fragment is Fragment.OLDER:
            unit = 1 << 22 if self._in_time[fragment] else 0
            return unit | self._random.choice((1, 2, 16, 17, 127, 128, 144, 4_032, 65_535))
        if self._in_time[fragment]:
            return self._random.choice((500_000_000, 1_700_000_000, 2**31 - 1))
        return self._random.choice((1, 16, 17, 800_000, 499_999_999))

    def of_choice(self) -> "_Locks":
        """Of one of several parts of which one must hold."""
        return _Locks(self._random) if self._alone else self

    def of_part(self) -> "_Locks":
        """Of one of several parts that must hold together."""
        part = copy(self)
        part._alone = False
        return part


RARE = {Fragment.FALSE: 0.04, Fragment.WRAP_N: 0.3, Fragment.TRUE: 0.3}
"""How rarely, compared with others: what nobody can satisfy is soon the whole, and sugar is dull."""


def _dead(each: Goal) -> bool:
    """Only `0` is like that: false, whatever is shown."""
    return each.needs >= {"z", "d"}


CHOICES = frozenset((Fragment.OR_B, Fragment.OR_C, Fragment.OR_D, Fragment.OR_I))


class _Maker:
    """Writes nodes in post-order."""

    def __init__(self, random: Random, context: Context) -> None:
        self._random = random
        self._context = context
        self._productions = productions(context)
        self._places = 0
        self.nodes: list[Node] = []
        self.preimages: dict[bytes, bytes] = {}

    def make(self, wanted: Goal, size: int, locks: _Locks) -> None:
        """An expression for that goal, of about that size."""
        production = self._pick(wanted, size)
        fragment, threshold = production.fragment, 0
        goals: Sequence[Goal] = production.goals
        if not goals:
            self.leaf(fragment, locks)
            return
        if fragment is Fragment.THRESH:
            goals, threshold = self._thresh(wanted, size)
        for each, share in zip(goals, self._shares(goals, size - 1), strict=True):
            if fragment in CHOICES or threshold == 1:
                self.make(each, share, locks.of_choice())
            else:
                self.make(each, share, locks if len(goals) == 1 else locks.of_part())
        self.nodes.append(Node(fragment, threshold, arity=len(goals)))

    def _pick(self, wanted: Goal, size: int) -> Production:
        offered = self._productions[wanted]
        fitting = [each for each, least in offered.items() if least <= size]
        if not fitting:
            least = min(offered.values())
            fitting = [each for each, size in offered.items() if size == least]
        if size > 3 and any(each.goals for each in fitting):
            fitting = [each for each in fitting if each.goals]
        lively = [each for each in fitting if not any(map(_dead, each.goals))]
        if lively and self._random.random() < 0.97:
            fitting = lively
        fragments = sorted({each.fragment for each in fitting})
        weights = [RARE.get(each, 1.0) for each in fragments]
        (fragment,) = self._random.choices(fragments, weights)
        return self._random.choice([each for each in fitting if each.fragment is fragment])

    def _thresh(self, wanted: Goal, size: int) -> tuple[list[Goal], int]:
        """Subexpressions, all `e`; at most k of them without `s`, fewer for an `s`, none for an `e`."""
        number = 1 + self._random.randrange(max(1, min(6, size // 3)))
        threshold = 1 + self._random.randrange(number)
        loose = 0 if "e" in wanted.needs else threshold - ("s" in wanted.needs)
        free = self._random.sample(range(number), loose)
        bases = ["B"] + ["W"] * (number - 1)
        goals = [goal(base, "due" if at in free else "dues") for at, base in enumerate(bases)]
        return goals, threshold

    def _shares(self, goals: Sequence[Goal], size: int) -> list[int]:
        least = [min(self._productions[each].values()) for each in goals]
        spare = max(0, size - sum(least))
        cuts = sorted(self._random.randrange(spare + 1) for _ in goals[1:])
        bounds = zip((0, *cuts), (*cuts, spare), strict=True)
        return [each + end - start for each, (start, end) in zip(least, bounds, strict=True)]

    def leaf(self, fragment: Fragment, locks: _Locks | None = None) -> None:
        """One node without subexpressions."""
        if fragment in MULTISIGS:
            number = self._random.choice((1, 2, 3, 4, 5))
            threshold = 1 + self._random.randrange(number)
            self.nodes.append(Node(fragment, threshold, self._new_places(number)))
        elif fragment in (Fragment.PK_K, Fragment.PK_H):
            self.nodes.append(Node(fragment, places=self._new_places(1)))
        elif fragment in HASHES:
            self.nodes.append(Node(fragment, digest=self._digest(fragment)))
        else:
            number = locks.number(fragment) if locks and fragment in _NUMBERED else 0
            self.nodes.append(Node(fragment, number))

    def _new_places(self, number: int) -> tuple[int, ...]:
        self._places += number
        return tuple(range(self._places - number, self._places))

    def _digest(self, fragment: Fragment) -> bytes:
        preimage = self._random.randbytes(32)
        digest = DIGESTS[fragment](preimage)
        self.preimages[digest] = preimage
        return digest


_NUMBERED = frozenset((Fragment.OLDER, Fragment.AFTER))
