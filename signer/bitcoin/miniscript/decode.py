"""A script, read as the Miniscript that it is (BIP-379, "Translation table", from right to left).

1. A script is read from its end, where every fragment shows what it is; what is still to be read waits on a
   stack. No recursion, and linear time.
2. One script can be that of several expressions: `and_v` is read as far outside as it can stand, a multisig
   as unsorted.
3. What was read is well-typed, and written again it is the same bytes: no push that is not minimal, no
   VERIFY that could be merged, nothing left over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.backwards import Backwards
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.parse import MAX_LOCK, MAX_MULTISIG
from signer.bitcoin.miniscript.types import verify_top_level
from signer.bitcoin.script import (
    OP_0,
    OP_0NOTEQUAL,
    OP_1,
    OP_ADD,
    OP_BOOLAND,
    OP_BOOLOR,
    OP_CHECKLOCKTIMEVERIFY,
    OP_CHECKMULTISIG,
    OP_CHECKSEQUENCEVERIFY,
    OP_CHECKSIG,
    OP_CHECKSIGADD,
    OP_DUP,
    OP_ELSE,
    OP_ENDIF,
    OP_EQUAL,
    OP_FROMALTSTACK,
    OP_HASH160,
    OP_HASH256,
    OP_IF,
    OP_IFDUP,
    OP_NOTIF,
    OP_NUMEQUAL,
    OP_RIPEMD160,
    OP_SHA256,
    OP_SIZE,
    OP_SWAP,
    OP_TOALTSTACK,
    OP_VERIFY,
)

_HASHES = {
    (OP_SHA256, 32): Fragment.SHA256,
    (OP_HASH256, 32): Fragment.HASH256,
    (OP_RIPEMD160, 20): Fragment.RIPEMD160,
    (OP_HASH160, 20): Fragment.HASH160,
}
_KEY_SIZES = {Context.P2WSH: 33, Context.TAPSCRIPT: 32}
_LITERALS = {OP_0: Fragment.FALSE, OP_1: Fragment.TRUE}
_LOCKS = {OP_CHECKSEQUENCEVERIFY: Fragment.OLDER, OP_CHECKLOCKTIMEVERIFY: Fragment.AFTER}
_WRAPPED = {
    OP_CHECKSIG: Fragment.WRAP_C,
    OP_VERIFY: Fragment.WRAP_V,
    OP_0NOTEQUAL: Fragment.WRAP_N,
}
_PAIRED = {OP_BOOLAND: Fragment.AND_B, OP_BOOLOR: Fragment.OR_B}
_PK_H = (OP_DUP, OP_HASH160, 20, OP_EQUAL)
_BEFORE_X = frozenset((OP_IF, OP_NOTIF, OP_ELSE, OP_TOALTSTACK, OP_SWAP))
"""What stands before an expression and ends none: what follows it is no `and_v`."""


@dataclass(frozen=True, slots=True)
class DecodedMiniscript:
    """An expression and its keys."""

    script: Miniscript
    keys: tuple[bytes, ...]
    """By place: 33 bytes in P2WSH, 32 in tapscript; of a `pk_h` its 20-byte hash."""


def decode_script(script: bytes, context: Context) -> DecodedMiniscript:
    """The expression whose script that is.

    Raises Malformed `script-not-miniscript`, and `script-malformed` if it is no sequence of operations.
    """
    decoded = _Reading(script, context).read()
    try:
        verify_top_level(decoded.script)
    except Malformed as error:
        raise Malformed("script-not-miniscript", error.detail) from None
    if script_bytes(decoded.script, decoded.keys) != script:
        raise Malformed(
            "script-not-miniscript", "a push is not minimal, or a VERIFY could be merged"
        )
    return decoded


class _Made(NamedTuple):
    """An expression that was read; its node has no places yet."""

    node: Node
    keys: tuple[bytes, ...]
    subs: tuple[int, ...]
    """Which ones of those made are its subexpressions."""


class _Reading:
    """One pass over a script from its end (rule 1)."""

    def __init__(self, script: bytes, context: Context) -> None:
        self._items = Backwards(script)
        self._context = context
        self._made: list[_Made] = []
        self._complete: list[int] = []
        """Those made that are no subexpression yet, the leftmost last."""
        self._waiting: list[Callable[[], None]] = [self._expression]

    def read(self) -> DecodedMiniscript:
        """All of it: post-order, and places from left to right."""
        while self._waiting:
            self._waiting.pop()()
        self._items.end()
        reverse, waiting = list[_Made](), list(self._complete)
        while waiting:
            reverse.append(self._made[waiting.pop()])
            waiting.extend(reverse[-1].subs)
        nodes, keys = list[Node](), list[bytes]()
        for made in reversed(reverse):
            places = tuple(range(len(keys), len(keys) + len(made.keys)))
            nodes.append(made.node._replace(places=places))
            keys.extend(made.keys)
        return DecodedMiniscript(Miniscript(self._context, tuple(nodes)), tuple(keys))

    def _then(self, *steps: Callable[[], None]) -> None:
        self._waiting.extend(reversed(steps))

    def _leaf(self, node: Node, *keys: bytes) -> None:
        self._complete.append(len(self._made))
        self._made.append(_Made(node, keys, ()))

    def _make(self, node: Node) -> None:
        """Of the last ones: they were read from right to left."""
        cut = len(self._complete) - node.arity
        subs = tuple(reversed(self._complete[cut:]))
        if node.fragment is Fragment.ANDOR:  # its script has Z before Y
            subs = subs[0], subs[2], subs[1]
        self._complete[cut:] = [len(self._made)]
        self._made.append(_Made(node, (), subs))

    def _making(self, fragment: Fragment, arity: int) -> Callable[[], None]:
        return partial(self._make, Node(fragment, arity=arity))

    def _expression(self) -> None:
        """One of type B, V or K, `and_v` included."""
        self._then(self._single, self._perhaps_and_v)

    def _perhaps_and_v(self) -> None:
        last = self._items.peek(1)
        if last and last[0].opcode not in _BEFORE_X:
            self._then(self._expression, self._making(Fragment.AND_V, 2))

    def _wrapped(self) -> None:
        """One of type W."""
        if self._items.skipped(OP_FROMALTSTACK):
            before, fragment = OP_TOALTSTACK, Fragment.WRAP_A
        else:
            before, fragment = OP_SWAP, Fragment.WRAP_S
        skip = partial(self._items.skip, before)
        self._then(self._expression, skip, self._making(fragment, 1))

    def _single(self) -> None:
        """One of type B, V or K but `and_v`: that of `and_v(X,c:Y)` is also the script of `c:and_v(X,Y)`."""
        opcode, pushed = self._items.next()
        if opcode in _LITERALS:
            self._leaf(Node(_LITERALS[opcode]))
        elif pushed is not None:
            self._pk_k(pushed)
        elif opcode in _LOCKS:
            self._leaf(Node(_LOCKS[opcode], self._items.number(MAX_LOCK)))
        elif opcode == OP_VERIFY and self._items.comes(*_PK_H):
            self._pk_h()
        elif opcode in _WRAPPED:
            self._then(self._single, self._making(_WRAPPED[opcode], 1))
        elif opcode in _PAIRED:
            self._then(self._wrapped, self._single, self._making(_PAIRED[opcode], 2))
        elif opcode == OP_ENDIF:
            self._then(self._expression, self._branches)
        else:
            self._counted(opcode)

    def _pk_k(self, key: bytes) -> None:
        if len(key) != _KEY_SIZES[self._context]:
            raise self._items.unexpected()
        self._leaf(Node(Fragment.PK_K), key)

    def _pk_h(self) -> None:
        self._items.skip(OP_EQUAL)
        self._leaf(Node(Fragment.PK_H), self._items.push(20))
        self._items.skip(OP_DUP, OP_HASH160)

    def _counted(self, opcode: int) -> None:
        if opcode == OP_EQUAL:
            self._hash_or_thresh()
        elif opcode == OP_CHECKMULTISIG and self._context is Context.P2WSH:
            self._multi()
        elif opcode == OP_NUMEQUAL and self._context is Context.TAPSCRIPT:
            self._multi_a()
        else:
            raise self._items.unexpected()

    def _hash_or_thresh(self) -> None:
        """That a hash's number is 32 is seen when it is written again (rule 3)."""
        for (hashed, size), fragment in _HASHES.items():
            if self._items.comes(OP_SIZE, 1, OP_EQUAL, OP_VERIFY, hashed, size):
                self._leaf(Node(fragment, digest=self._items.push(size)))
                self._items.skip(OP_SIZE, 1, OP_EQUAL, OP_VERIFY, hashed)
                return
        self._then(partial(self._thresh, self._items.number(MAX_LOCK), 1))

    def _thresh(self, threshold: int, count: int) -> None:
        """Its last subexpression, of which it has at least `count`."""
        if self._items.skipped(OP_ADD):
            self._then(self._wrapped, partial(self._thresh, threshold, count + 1))
        elif threshold <= count:
            node = Node(Fragment.THRESH, threshold, arity=count)
            self._then(self._single, partial(self._make, node))
        else:
            raise self._items.unexpected()

    def _multi(self) -> None:
        count = self._items.number(MAX_MULTISIG[Context.P2WSH])
        keys = [self._items.push(33) for _ in range(count)]
        self._leaf(Node(Fragment.MULTI, self._items.number(count)), *reversed(keys))

    def _multi_a(self) -> None:
        most = MAX_MULTISIG[Context.TAPSCRIPT]
        threshold, keys = self._items.number(most), list[bytes]()
        while self._items.skipped(OP_CHECKSIGADD):
            keys.append(self._items.push(32))
        self._items.skip(OP_CHECKSIG)
        keys.append(self._items.push(32))
        if not threshold <= len(keys) <= most:
            raise self._items.unexpected()
        self._leaf(Node(Fragment.MULTI_A, threshold), *reversed(keys))

    def _branches(self) -> None:
        """What stands before the expression that an ENDIF ends."""
        if self._items.skipped(OP_ELSE):
            self._then(self._expression, self._alternatives)
        elif self._items.skipped(OP_IFDUP, OP_NOTIF):
            self._then(self._single, self._making(Fragment.OR_D, 2))
        elif self._items.skipped(OP_NOTIF):
            self._then(self._single, self._making(Fragment.OR_C, 2))
        elif self._items.skipped(OP_DUP, OP_IF):
            self._make(Node(Fragment.WRAP_D, arity=1))
        else:
            self._items.skip(OP_SIZE, OP_0NOTEQUAL, OP_IF)
            self._make(Node(Fragment.WRAP_J, arity=1))

    def _alternatives(self) -> None:
        if self._items.skipped(OP_IF):
            self._make(Node(Fragment.OR_I, arity=2))
        else:
            self._items.skip(OP_NOTIF)
            self._then(self._single, self._making(Fragment.ANDOR, 3))
