"""The canonical witness of a sane Miniscript (BIP-379).

1. Of two ways, one that needs no signature must be taken: who sees a signature there could leave it away.
   Otherwise the smaller one is taken, of equals the first. So nobody without keys can change a witness.
2. A `thresh` and a multisig likewise: k are satisfied, first those that need no signature, then the
   cheapest, of equals the first in the script; all others are dissatisfied in the one canonical way.
3. It is asked of sane scripts (`sane`): of others a witness may be malleable, or not be found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from signer.bitcoin.miniscript.model import SORTED, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.witnesses import ZERO, Both, witnesses


@dataclass(frozen=True, slots=True)
class Assets:
    """What a spender has. Signatures are verified, and of the type that is wanted."""

    signatures: Mapping[int, bytes]
    """By place: DER with its type byte, or BIP-340."""
    preimages: Mapping[bytes, bytes]
    """By digest."""
    older: int = 0
    """The input's relative lock, as nSequence counts it; 0 for none."""
    after: int = 0
    """The nLockTime in force; 0 for none."""


def satisfy(script: Miniscript, keys: Sequence[bytes], assets: Assets) -> tuple[bytes, ...] | None:
    """The witness items below the script, their bottom first; None while something is missing.

    `keys` are by place: 33 bytes in P2WSH, x-only in tapscript.
    """
    stack = witnesses(script, _Stacks(assets, keys))
    return None if stack is None else stack.items


class _Stack(NamedTuple):
    """A stack that can be written."""

    signed: bool
    size: int
    """In bytes, with the length byte of each item."""
    items: tuple[bytes, ...]


_Witness = _Stack | None


def _cost(stack: _Stack) -> tuple[bool, int]:
    return stack.signed, stack.size


def _stack(items: tuple[bytes, ...], signatures: int) -> _Stack:
    return _Stack(signatures > 0, sum(map(len, items)) + len(items), items)


class _Stacks:
    """Witness stacks out of assets."""

    def __init__(self, assets: Assets, keys: Sequence[bytes]) -> None:
        self._assets = assets
        self._keys = keys
        self.older, self.after = assets.older, assets.after
        self.never: _Witness = None

    def items(self, *items: bytes) -> _Witness:
        return _stack(items, signatures=0)

    def key(self, place: int) -> _Witness:
        return _stack((self._keys[place],), signatures=0)

    def signature(self, place: int) -> _Witness:
        signature = self._assets.signatures.get(place)
        return None if signature is None else _stack((signature,), signatures=1)

    def preimage(self, digest: bytes) -> _Witness:
        preimage = self._assets.preimages.get(digest)
        return None if preimage is None else _stack((preimage,), signatures=0)

    def join(self, below: _Witness, above: _Witness) -> _Witness:
        if below is None or above is None:
            return None
        signed, size, items = below
        return _Stack(signed or above.signed, size + above.size, items + above.items)

    def either(self, first: _Witness, second: _Witness) -> _Witness:
        """Rule 1."""
        return min((each for each in (first, second) if each is not None), key=_cost, default=None)

    def threshold(self, threshold: int, subs: Sequence[Both[_Witness]]) -> _Witness:
        """Rule 2."""
        costs = []
        for position, (sat, dissat) in enumerate(subs):
            if dissat is None:
                return None
            if sat is not None:
                costs.append((sat.signed, sat.size - dissat.size, position))
        chosen = {position for *_, position in sorted(costs)[:threshold]}
        if len(chosen) < threshold:
            return None
        picked = [sub.sat if at in chosen else sub.dissat for at, sub in enumerate(subs)]
        stacks = [stack for stack in reversed(picked) if stack is not None]
        items = tuple(item for stack in stacks for item in stack.items)
        return _stack(items, sum(stack.signed for stack in stacks))

    def multisig(self, node: Node) -> _Witness:
        """Rule 2; CHECKMULTISIG wants an empty dummy below (BIP-147), CHECKSIGADD a place for every key."""
        signatures, order = self._assets.signatures, node.places
        if node.fragment in SORTED:
            order = tuple(sorted(order, key=self._keys.__getitem__))
        signed = [place for place in order if place in signatures]
        if len(signed) < node.number:
            return None
        signed.sort(key=lambda place: len(signatures[place]))
        chosen = frozenset(signed[: node.number])
        if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
            ordered = [signatures[place] for place in order if place in chosen]
            return _stack((ZERO, *ordered), node.number)
        items = [signatures[place] if place in chosen else ZERO for place in reversed(order)]
        return _stack(tuple(items), node.number)
