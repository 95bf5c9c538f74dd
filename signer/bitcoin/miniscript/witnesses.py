"""What satisfies and what dissatisfies each fragment: BIP-379's table, in its own order of stacks.

1. The table is written once, over any `Stacks`: `satisfy` builds witnesses with it, `witness_size` measures
   them. So a weight cannot be promised for other witnesses than those that are made.
2. Dissatisfactions are the canonical ones, which need no signature. What BIP-379 calls non-canonical or
   malleable is left out: in a sane script nothing needs it. So a hash has none (any 32 bytes would do).
3. Of two choices `either` decides, of k among n `threshold`; see `satisfy`.
"""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from signer.bitcoin.miniscript.locks import after_met, older_met
from signer.bitcoin.miniscript.model import HASHES, MULTISIGS, Fragment, Miniscript, Node

T = TypeVar("T")

ZERO, ONE = b"", b"\x01"
"""The only false and the only true that are written (MINIMALIF)."""


class Both(NamedTuple, Generic[T]):
    """The stacks that make a fragment true, and those that make it false."""

    sat: T
    dissat: T


class Stacks(Protocol[T]):
    """What stands for witness stacks. In `join` and `threshold`, what is consumed first is on top."""

    @property
    def older(self) -> int:
        """The relative lock in force, 0 for none."""
        ...

    @property
    def after(self) -> int:
        """The nLockTime in force, 0 for none."""
        ...

    @property
    def never(self) -> T:
        """There is no such stack."""
        ...

    def items(self, *items: bytes) -> T:
        """A stack that anyone can write, its bottom first."""
        ...

    def key(self, place: int) -> T:
        """The key that stands there."""
        ...

    def signature(self, place: int) -> T:
        """Its signature."""
        ...

    def preimage(self, digest: bytes) -> T:
        """What hashes to that."""
        ...

    def join(self, below: T, above: T) -> T:
        """One stack upon the other."""
        ...

    def either(self, first: T, second: T) -> T:
        """One of the two."""
        ...

    def threshold(self, threshold: int, subs: Sequence[Both[T]]) -> T:
        """So many satisfied, the others dissatisfied; the first on top."""
        ...

    def multisig(self, node: Node) -> T:
        """The signatures of exactly k keys, as the opcodes of that multisig want them."""
        ...


def witnesses(script: Miniscript, stacks: Stacks[T]) -> T:
    """What satisfies the whole."""

    def step(node: Node, subs: Sequence[Both[T]]) -> Both[T]:
        if node.fragment is Fragment.THRESH:
            return Both(stacks.threshold(node.number, subs), stacks.threshold(0, subs))
        if node.arity == 0:
            return _leaf(node, stacks)
        if node.arity == 1:
            return _wrapped(node.fragment, subs[0], stacks)
        return _composed(node.fragment, subs, stacks)

    return script.fold(step).sat


def _leaf(node: Node, stacks: Stacks[T]) -> Both[T]:
    fragment = node.fragment
    if fragment in MULTISIGS:
        return Both(stacks.multisig(node), stacks.items(*_multisig_dissat(node)))
    if fragment is Fragment.PK_K:
        return Both(stacks.signature(node.places[0]), stacks.items(ZERO))
    if fragment is Fragment.PK_H:
        key = stacks.key(node.places[0])
        signed = stacks.join(stacks.signature(node.places[0]), key)
        return Both(signed, stacks.join(stacks.items(ZERO), key))
    if fragment in HASHES:
        return Both(stacks.preimage(node.digest), stacks.never)
    if fragment is Fragment.FALSE:
        return Both(stacks.never, stacks.items())
    return Both(stacks.items() if _holds(node, stacks) else stacks.never, stacks.never)


def _multisig_dissat(node: Node) -> tuple[bytes, ...]:
    by_checksig = node.fragment in (Fragment.MULTI_A, Fragment.SORTEDMULTI_A)
    return (ZERO,) * (len(node.places) if by_checksig else node.number + 1)


def _holds(node: Node, stacks: Stacks[T]) -> bool:
    if node.fragment is Fragment.OLDER:
        return older_met(node.number, stacks.older)
    return node.fragment is Fragment.TRUE or after_met(node.number, stacks.after)


def _wrapped(fragment: Fragment, inner: Both[T], stacks: Stacks[T]) -> Both[T]:
    if fragment is Fragment.WRAP_V:
        return Both(inner.sat, stacks.never)
    if fragment is Fragment.WRAP_D:
        return Both(stacks.join(inner.sat, stacks.items(ONE)), stacks.items(ZERO))
    if fragment is Fragment.WRAP_J:
        return Both(inner.sat, stacks.items(ZERO))
    return inner


def _composed(fragment: Fragment, subs: Sequence[Both[T]], stacks: Stacks[T]) -> Both[T]:
    """Of the fragments of two or three: x is executed first, so that its stack is on top."""
    join, either = stacks.join, stacks.either
    x, *_, z = subs
    match fragment:
        case Fragment.AND_V:
            return Both(join(z.sat, x.sat), stacks.never)
        case Fragment.AND_B:
            return Both(join(z.sat, x.sat), join(z.dissat, x.dissat))
        case Fragment.OR_B:
            sat = either(join(z.dissat, x.sat), join(z.sat, x.dissat))
            return Both(sat, join(z.dissat, x.dissat))
        case Fragment.OR_C:
            return Both(either(x.sat, join(z.sat, x.dissat)), stacks.never)
        case Fragment.OR_D:
            return Both(either(x.sat, join(z.sat, x.dissat)), join(z.dissat, x.dissat))
        case Fragment.ANDOR:
            sat = either(join(subs[1].sat, x.sat), join(z.sat, x.dissat))
            return Both(sat, join(z.dissat, x.dissat))
    one, zero = stacks.items(ONE), stacks.items(ZERO)  # or_i
    return Both(
        either(join(x.sat, one), join(z.sat, zero)),
        either(join(x.dissat, one), join(z.dissat, zero)),
    )
