"""What executing a Miniscript's script takes while it is satisfied, as Bitcoin Core counts it.

1. Every operation, and every part of a script, has its Cost. Parts in sequence and in choice combine.
2. A choice has the most of both sides. So the whole has the most of all its satisfactions, without looking at
   each: their number can be exponential.
3. Satisfactions are the canonical ones of BIP-379, of all locks and preimages.
"""

from collections.abc import Sequence
from typing import NamedTuple

from signer.bitcoin.miniscript.exactly import exactly, most_within
from signer.bitcoin.miniscript.model import HASHES, MULTISIGS, Fragment, Miniscript, Node


class Cost(NamedTuple):
    """Items on the stack are compared with their number at the end."""

    before: int
    """How many items more there are at the beginning."""
    within: int
    """How many more there are at any time, at most."""
    checked: int = 0
    """How many keys a CHECKMULTISIG goes through: each counts as an operation."""


_Maybe = Cost | None
"""None: it cannot be so."""


class _Both(NamedTuple):
    sat: _Maybe
    dissat: _Maybe


def _then(*costs: _Maybe) -> _Maybe:
    """One after the other."""
    before = within = checked = 0
    for cost in costs:
        if cost is None:
            return None
        before, within = before + cost.before, max(cost.within, cost.before + within)
        checked += cost.checked
    return Cost(before, within, checked)


def _either(first: _Maybe, second: _Maybe) -> _Maybe:
    if first is None or second is None:
        return first or second
    return Cost(*map(max, first, second))


_PUSH = Cost(-1, 0)
"""Also of DUP, SIZE, and IFDUP of what is true."""
_POP = Cost(1, 1)
"""Of what leaves one item less: IF, NOTIF, VERIFY, CHECKSIG, EQUAL, ADD, BOOLAND, BOOLOR."""
_POP_2 = Cost(2, 2)
"""Of EQUALVERIFY."""
_PK_H = _then(_PUSH, _PUSH, _POP_2)
_HASH = _then(_PUSH, _PUSH, _POP_2, _PUSH, _POP)


def execution_cost(script: Miniscript) -> Cost | None:
    """Of all satisfactions the most; None if there is none."""
    return script.fold(_step).sat


def _step(node: Node, subs: Sequence[_Both]) -> _Both:
    if node.arity == 0:
        return _leaf(node)
    if node.fragment is Fragment.THRESH:
        return _thresh(node.number, subs)
    if node.arity == 1:
        return _wrapped(node.fragment, subs[0])
    return _composed(node.fragment, subs)


def _leaf(node: Node) -> _Both:
    fragment = node.fragment
    if fragment in MULTISIGS:
        cost = _multisig(node)
        return _Both(cost, cost)
    if fragment is Fragment.PK_K:
        return _Both(_PUSH, _PUSH)
    if fragment is Fragment.PK_H:
        return _Both(_PK_H, _PK_H)
    if fragment in HASHES:
        return _Both(_HASH, None)
    if fragment is Fragment.FALSE:
        return _Both(None, _PUSH)
    return _Both(_PUSH, None)


def _multisig(node: Node) -> Cost:
    """CHECKMULTISIG: k signatures and a dummy, then all keys and two numbers. CHECKSIGADD: n, and one key."""
    keys = len(node.places)
    if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
        return Cost(node.number, node.number + keys + 2, keys)
    return Cost(keys - 1, keys)


def _wrapped(fragment: Fragment, inner: _Both) -> _Both:
    sat, dissat = inner
    match fragment:
        case Fragment.WRAP_C:
            return _Both(_then(sat, _POP), _then(dissat, _POP))
        case Fragment.WRAP_V:
            return _Both(_then(sat, _POP), None)
        case Fragment.WRAP_D | Fragment.WRAP_J:
            return _Both(_then(_PUSH, _POP, sat), _then(_PUSH, _POP))
    return inner


def _composed(fragment: Fragment, subs: Sequence[_Both]) -> _Both:
    """Of the fragments of two or three."""
    x, *_, z = subs
    match fragment:
        case Fragment.AND_V:
            return _Both(_then(x.sat, z.sat), None)
        case Fragment.AND_B:
            return _Both(_then(x.sat, z.sat, _POP), _then(x.dissat, z.dissat, _POP))
        case Fragment.OR_B:
            sat = _either(_then(x.sat, z.dissat), _then(x.dissat, z.sat))
            return _Both(_then(sat, _POP), _then(x.dissat, z.dissat, _POP))
        case Fragment.OR_C:
            return _Both(_either(_then(x.sat, _POP), _then(x.dissat, _POP, z.sat)), None)
        case Fragment.OR_D:
            sat = _either(_then(x.sat, _PUSH, _POP), _then(x.dissat, _POP, z.sat))
            return _Both(sat, _then(x.dissat, _POP, z.dissat))
        case Fragment.ANDOR:
            sat = _either(_then(x.sat, _POP, subs[1].sat), _then(x.dissat, _POP, z.sat))
            return _Both(sat, _then(x.dissat, _POP, z.dissat))
    sat = _either(x.sat, z.sat)  # or_i
    return _Both(_then(_POP, sat), _then(_POP, _either(x.dissat, z.dissat)))


def _thresh(threshold: int, subs: Sequence[_Both]) -> _Both:
    first, *others = subs
    parts = [first, *(_Both(_then(sat, _POP), _then(dissat, _POP)) for sat, dissat in others)]
    return _Both(*(_then(_chosen(number, parts), _PUSH, _POP) for number in (threshold, 0)))


def _chosen(number: int, parts: Sequence[_Both]) -> _Maybe:
    """Of all of these in sequence, exactly so many of them satisfied."""
    before = exactly(
        number, [(sat and sat.before, dissat and dissat.before) for sat, dissat in parts]
    )
    checked = exactly(
        number, [(sat and sat.checked, dissat and dissat.checked) for sat, dissat in parts]
    )
    if before is None or checked is None:
        return None
    return Cost(before, most_within(number, parts), checked)
