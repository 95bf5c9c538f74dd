"""How large a Miniscript's script and witness can become, as Bitcoin Core counts, and how large they may be.

1. Sizes are the largest over all canonical satisfactions, of all locks and preimages; 0 if there is none.
   They are asked of whole scripts, of type B.
2. In P2WSH a script has at most 201 operations (consensus), 3,600 bytes and 100 stack items (standard).
3. In tapscript the stack never has more than 1,000 items (consensus), and the script is so small that a
   standard transaction can have it beside the largest witness.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.exactly import exactly
from signer.bitcoin.miniscript.execution import execution_cost
from signer.bitcoin.miniscript.model import (
    LOCKS,
    Context,
    Fragment,
    Miniscript,
    Node,
)
from signer.bitcoin.miniscript.witness_size import PREIMAGE_SIZE
from signer.bitcoin.miniscript.witnesses import Both, witnesses
from signer.bitcoin.script import MAX_WITNESS_SCRIPT, OP_16, script_items
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT

MAX_OPS = 201
MAX_STACK_ITEMS = 100
MAX_EXEC_STACK = 1_000

_SPENDING_WEIGHT = 4 * (4 + 1 + 41 + 1 + 43 + 4) + 2
"""Of a transaction with one input and one P2WSH output, without its witness."""
_LARGEST_WITNESS = 3 + MAX_EXEC_STACK * (1 + 65) + 3 + 33 + 32 * 128
"""Count, signatures, control block."""
MAX_SCRIPT_SIZE = {
    Context.P2WSH: MAX_WITNESS_SCRIPT,
    Context.TAPSCRIPT: MAX_STANDARD_WEIGHT - _SPENDING_WEIGHT - _LARGEST_WITNESS - 5,
}
_KEY_SIZE = {Context.P2WSH: 33, Context.TAPSCRIPT: 32}
_SIGNATURE_SIZE = {Context.P2WSH: 72, Context.TAPSCRIPT: 65}


@dataclass(frozen=True, slots=True)
class Sizes:
    """What one script takes."""

    script: int
    """Its bytes, whatever its keys."""
    ops: int
    """Operations that push nothing, and one for every key that a CHECKMULTISIG goes through."""
    stack: int
    """Items of the witness, without the script."""
    exec_stack: int
    """Items on the stack at any time."""
    witness: int
    """Bytes of the witness, each item with its length, without the script."""


def sizes_of(script: Miniscript) -> Sizes:
    """All of them (rule 1)."""
    written, cost = _with_any_keys(script), execution_cost(script)
    if cost is None:
        return Sizes(len(written), ops=0, stack=0, exec_stack=0, witness=0)
    return Sizes(
        script=len(written),
        ops=cost.checked + sum(opcode > OP_16 for opcode, _ in script_items(written)),
        stack=cost.before + 1,
        exec_stack=cost.within + 1,
        witness=max_witness_size(script),
    )


def spendable_size(context: Context, sizes: Sizes) -> bool:
    """Whether the script is not too large (rules 2 and 3)."""
    return sizes.script <= MAX_SCRIPT_SIZE[context]


def within_limits(context: Context, sizes: Sizes) -> bool:
    """Rules 2 and 3."""
    if not spendable_size(context, sizes):
        return False
    if context is Context.TAPSCRIPT:
        return sizes.exec_stack <= MAX_EXEC_STACK
    return sizes.ops <= MAX_OPS and sizes.stack <= MAX_STACK_ITEMS


def script_size(script: Miniscript) -> int:
    """The bytes of the script, whatever its keys."""
    return len(_with_any_keys(script))


def _with_any_keys(script: Miniscript) -> bytes:
    key = bytes(_KEY_SIZE[script.context])
    return script_bytes(script, [key] * (1 + max(script.places, default=-1)))


def stack_size(script: Miniscript) -> int:
    """The most items of the witness, without the script."""
    cost = execution_cost(script)
    return 0 if cost is None else cost.before + 1


def max_witness_size(script: Miniscript) -> int:
    """The most bytes of the witness, each item with its length, without the script.

    It is Core's bound, with the longest signatures; `witness_size` is exact.
    """
    nodes = (Node(Fragment.TRUE) if node.fragment in LOCKS else node for node in script.nodes)
    return witnesses(Miniscript(script.context, tuple(nodes)), _Sizes(script.context)) or 0


_Size = int | None


class _Sizes:
    """Sizes in the place of stacks: of two the larger. Locks were made to be true before."""

    older = after = 0
    never: _Size = None

    def __init__(self, context: Context) -> None:
        self._key = 1 + _KEY_SIZE[context]
        self._signature = 1 + _SIGNATURE_SIZE[context]

    def items(self, *items: bytes) -> _Size:
        return sum(map(len, items)) + len(items)

    def key(self, _: int) -> _Size:
        return self._key

    def signature(self, _: int) -> _Size:
        return self._signature

    def preimage(self, _: bytes) -> _Size:
        return 1 + PREIMAGE_SIZE

    def join(self, below: _Size, above: _Size) -> _Size:
        return None if below is None or above is None else below + above

    def either(self, first: _Size, second: _Size) -> _Size:
        return max((size for size in (first, second) if size is not None), default=None)

    def threshold(self, threshold: int, subs: Sequence[Both[_Size]]) -> _Size:
        return exactly(threshold, subs)

    def multisig(self, node: Node) -> _Size:
        unsigned = len(node.places) - node.number
        if node.fragment in (Fragment.MULTI, Fragment.SORTEDMULTI):
            unsigned = 1  # the dummy
        return node.number * self._signature + unsigned
