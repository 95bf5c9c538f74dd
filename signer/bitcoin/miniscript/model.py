"""Miniscript (BIP-379): an expression, and the one way to walk over it.

1. An expression is its nodes in post-order: a node stands after its subexpressions. Nothing is nested, so
   nothing recurses, however deep the text was; equality and hashing are linear.
2. Keys are places (0, 1, ... in the order of the text); what stands at a place is for the caller to say.
   So one expression serves a template, a descriptor and every address derived from it.
3. `sortedmulti` and `sortedmulti_a` (BIP-383, BIP-387) are fragments too, allowed as a whole script only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Context(StrEnum):
    """Where the script stands."""

    P2WSH = "wsh"
    TAPSCRIPT = "tr"


class Fragment(StrEnum):
    """BIP-379's fragments by name, sugar resolved: `pk(K)` is `c:pk_k(K)`, `and_n(X,Y)` is `andor(X,Y,0)`,
    `t:X` is `and_v(X,1)`, `l:X` is `or_i(0,X)`, `u:X` is `or_i(X,0)`."""

    FALSE = "0"
    TRUE = "1"
    PK_K = "pk_k"
    PK_H = "pk_h"
    OLDER = "older"
    AFTER = "after"
    SHA256 = "sha256"
    HASH256 = "hash256"
    RIPEMD160 = "ripemd160"
    HASH160 = "hash160"
    ANDOR = "andor"
    AND_V = "and_v"
    AND_B = "and_b"
    OR_B = "or_b"
    OR_C = "or_c"
    OR_D = "or_d"
    OR_I = "or_i"
    THRESH = "thresh"
    MULTI = "multi"
    SORTEDMULTI = "sortedmulti"
    MULTI_A = "multi_a"
    SORTEDMULTI_A = "sortedmulti_a"
    WRAP_A = "a"
    WRAP_S = "s"
    WRAP_C = "c"
    WRAP_D = "d"
    WRAP_V = "v"
    WRAP_J = "j"
    WRAP_N = "n"


MULTISIGS = frozenset(
    (Fragment.MULTI, Fragment.SORTEDMULTI, Fragment.MULTI_A, Fragment.SORTEDMULTI_A)
)
SORTED = frozenset((Fragment.SORTEDMULTI, Fragment.SORTEDMULTI_A))
LOCKS = frozenset((Fragment.OLDER, Fragment.AFTER))
HASHES = frozenset((Fragment.SHA256, Fragment.HASH256, Fragment.RIPEMD160, Fragment.HASH160))
WRAPPERS = frozenset(fragment for fragment in Fragment if fragment.name.startswith("WRAP_"))


class Node(NamedTuple):
    """One fragment."""

    fragment: Fragment
    number: int = 0
    """k of thresh and the multisigs, n of older and after."""
    places: tuple[int, ...] = ()
    """Of its keys, in the order of the text."""
    digest: bytes = b""
    """Of a hash fragment: 32 or 20 bytes."""
    arity: int = 0
    """How many subexpressions it has."""


@dataclass(frozen=True, slots=True)
class Miniscript:
    """An expression. Well-formed; whether it is well-typed or sane is for `types` and `sane` to say."""

    context: Context
    nodes: tuple[Node, ...]
    """In post-order."""

    @property
    def root(self) -> Node:
        """The outermost fragment."""
        return self.nodes[-1]

    @property
    def places(self) -> tuple[int, ...]:
        """The places of all keys, in the order of the nodes."""
        return tuple(place for node in self.nodes for place in node.places)

    def fold(self, step: Callable[[Node, Sequence[T]], T]) -> T:
        """What `step(node, results of its subexpressions)` makes of the whole (rule 1)."""
        waiting: list[T] = []
        for node in self.nodes:
            cut = len(waiting) - node.arity
            result = step(node, waiting[cut:])
            del waiting[cut:]
            waiting.append(result)
        (whole,) = waiting
        return whole
