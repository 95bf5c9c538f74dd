"""All witnesses of a small expression, and from them the best one that nobody without keys can change.

The definition of BIP-379's satisfier, by enumeration: whatever makes the script true or false as Core's
policy allows, canonical or not, is listed. Nothing here chooses; `signer.bitcoin.miniscript.satisfy` does.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, combinations, product

from signer.bitcoin.miniscript.locks import after_met, older_met
from signer.bitcoin.miniscript.model import HASHES, SORTED, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.satisfy import Assets

Stack = tuple[bytes, ...]
Stacks = tuple[Stack, ...]
Pair = tuple[Stacks, Stacks]
"""What satisfies, what dissatisfies."""

MOST = 3_000
JUNK = (b"\x0a" * 32, b"\x0b" * 32)
"""Two of the 32-byte strings that are no preimage."""


class TooMany(Exception):
    """More stacks than are worth looking at."""


def _join(below: Iterable[Stack], above: Stacks) -> Stacks:
    below = tuple(below)
    if len(below) * len(above) > MOST:
        raise TooMany
    return tuple(one + other for one, other in product(below, above))


def _concat(parts: Sequence[Stacks]) -> Stacks:
    stacks: Stacks = ((),)
    for part in parts:
        stacks = _join(part, stacks)
    return stacks


def every_witness(script: Miniscript, keys: Sequence[bytes], assets: Assets) -> Stacks:
    """All stacks that satisfy the script, with all of these signatures or some. Raises TooMany."""

    def step(node: Node, subs: Sequence[Pair]) -> Pair:
        satisfying, failing = _node(node, subs, keys, assets)
        if len(satisfying) + len(failing) > MOST:
            raise TooMany
        return satisfying, failing

    return script.fold(step)[0]


def _node(node: Node, subs: Sequence[Pair], keys: Sequence[bytes], assets: Assets) -> Pair:
    if node.fragment is Fragment.THRESH:
        return _thresh(node.number, subs)
    if subs:
        return _PARTS[node.fragment](*subs)
    if node.places:
        return _signed(node, keys, assets)
    if node.fragment in HASHES:
        known = assets.preimages.get(node.digest)
        return (() if known is None else ((known,),)), tuple((junk,) for junk in JUNK)
    held = {
        Fragment.TRUE: True,
        Fragment.FALSE: False,
        Fragment.OLDER: older_met(node.number, assets.older),
        Fragment.AFTER: after_met(node.number, assets.after),
    }[node.fragment]
    empty: Stacks = ((),)
    return (empty, ()) if held else ((), empty if node.fragment is Fragment.FALSE else ())


def _signed(node: Node, keys: Sequence[bytes], assets: Assets) -> Pair:
    places = node.places
    if node.fragment in SORTED:
        places = tuple(sorted(places, key=lambda place: keys[place]))
    if node.fragment in (Fragment.PK_K, Fragment.PK_H):
        shown = (keys[places[0]],) if node.fragment is Fragment.PK_H else ()
        signature = assets.signatures.get(places[0])
        return (() if signature is None else ((signature, *shown),)), ((b"", *shown),)
    satisfying = []
    for chosen in combinations([p for p in places if p in assets.signatures], node.number):
        if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
            satisfying.append((b"", *(assets.signatures[place] for place in chosen)))
        else:
            row = (assets.signatures[p] if p in chosen else b"" for p in reversed(places))
            satisfying.append(tuple(row))
    if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
        return tuple(satisfying), ((b"",) * (node.number + 1),)
    return tuple(satisfying), _too_few(node, places, assets)


def _too_few(node: Node, places: Sequence[int], assets: Assets) -> Stacks:
    """Of a multi_a: any other number of signatures."""
    held = [place for place in places if place in assets.signatures]
    counts = (number for number in range(len(held) + 1) if number != node.number)
    subsets = chain.from_iterable(combinations(held, number) for number in counts)
    return tuple(
        tuple(assets.signatures[p] if p in chosen else b"" for p in reversed(places))
        for chosen in subsets
    )


def _thresh(threshold: int, subs: Sequence[Pair]) -> Pair:
    found: tuple[list[Stack], list[Stack]] = ([], [])
    if len(subs) > 8:
        raise TooMany
    for choice in product((0, 1), repeat=len(subs)):
        stacks = _concat([sub[false] for sub, false in zip(subs, choice, strict=True)])
        found[0 if choice.count(0) == threshold else 1].extend(stacks)
    return tuple(found[0]), tuple(found[1])


def _same(x: Pair) -> Pair:
    return x


def _or_i(x: Pair, z: Pair) -> Pair:
    true, false = (_join(x[which], ((b"\x01",),)) + _join(z[which], ((b"",),)) for which in (0, 1))
    return true, false


def _or_b(x: Pair, z: Pair) -> Pair:
    sat = _join(z[1], x[0]) + _join(z[0], x[1]) + _join(z[0], x[0])
    return sat, _join(z[1], x[1])


def _and_b(x: Pair, z: Pair) -> Pair:
    return _join(z[0], x[0]), _join(z[1], x[1]) + _join(z[0], x[1]) + _join(z[1], x[0])


_PARTS: dict[Fragment, Callable[..., Pair]] = {
    Fragment.WRAP_A: _same,
    Fragment.WRAP_S: _same,
    Fragment.WRAP_C: _same,
    Fragment.WRAP_N: _same,
    Fragment.WRAP_V: lambda x: (x[0], ()),
    Fragment.WRAP_D: lambda x: (_join(x[0], ((b"\x01",),)), ((b"",),)),
    Fragment.WRAP_J: lambda x: (x[0], ((b"",), *(stack for stack in x[1] if stack[-1]))),
    Fragment.AND_V: lambda x, y: (_join(y[0], x[0]), _join(y[1], x[0])),
    Fragment.AND_B: _and_b,
    Fragment.OR_B: _or_b,
    Fragment.OR_C: lambda x, z: (x[0] + _join(z[0], x[1]), ()),
    Fragment.OR_D: lambda x, z: (x[0] + _join(z[0], x[1]), _join(z[1], x[1])),
    Fragment.OR_I: _or_i,
    Fragment.ANDOR: lambda x, y, z: (
        _join(y[0], x[0]) + _join(z[0], x[1]),
        _join(z[1], x[1]) + _join(y[1], x[0]),
    ),
}


def size_of(stack: Stack) -> int:
    """In bytes, with the length byte of each item."""
    return sum(map(len, stack)) + len(stack)


def best_witnesses(every: Stacks, assets: Assets) -> list[Stack]:
    """The smallest of those which nobody could turn into another one with what stands in them."""
    signatures = set(assets.signatures.values())
    shown = [(stack, signatures.intersection(stack)) for stack in every]
    stable = [
        stack
        for stack, signed in shown
        if sum(other_signed <= signed for _, other_signed in shown) == 1
    ]
    least = min(map(size_of, stable), default=0)
    return [stack for stack in stable if size_of(stack) == least]
