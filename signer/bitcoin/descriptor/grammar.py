"""The functions of a descriptor or template, with the texts of their keys still unread.

    SCRIPT = wsh(sortedmulti(k,KEY,...)) | tr(KEY,TREE)
    TREE   = LEAF | {TREE,TREE}
    LEAF   = MULTI | sortedmulti_a(k,KEY,...) | and_v(v:older(n),MULTI),   MULTI = multi_a(k,KEY,...)

1. 1 <= k <= keys <= 20, 1 <= n <= 65,535 blocks, at most 64 leaves, exactly one of them without a lock.
2. Reading is iterative and linear. Functions that we do not support are refused by their name.
3. No refusal repeats key text: it could be private.
"""

import re
from dataclasses import dataclass

from signer.bitcoin.descriptor.checksum import MAX_TEXT
from signer.bitcoin.descriptor.model import MAX_KEYS, MAX_LEAVES, MAX_OLDER, KeyOrder
from signer.bitcoin.errors import Malformed

NUMBER = r"(0|[1-9][0-9]{0,9})"

_FUNCTION = re.compile(r"([a-z][a-z0-9_]{0,15})\((.*)\)")
_OLDER = re.compile(rf"and_v\(v:older\({NUMBER}\),(.*)\)")


@dataclass(frozen=True, slots=True)
class MultisigText:
    """A multisig and its keys' texts."""

    threshold: int
    keys: tuple[str, ...]
    order: KeyOrder = KeyOrder.SORTED
    older: int | None = None


@dataclass(frozen=True, slots=True)
class ScriptText:
    """A whole script."""

    internal: str | None
    """The internal key's text; None in wsh."""
    leaves: tuple[tuple[int, MultisigText], ...]
    """(depth, leaf) in depth-first order; in wsh one, of depth 0."""

    def key_texts(self) -> tuple[str, ...]:
        """All keys' texts in their order, the internal key first if there is one."""
        internal = () if self.internal is None else (self.internal,)
        return internal + tuple(key for _, leaf in self.leaves for key in leaf.keys)


def read_script(text: str) -> ScriptText:
    """The script of that text.

    Raises Malformed `descriptor-malformed`, `descriptor-unsupported`, `descriptor-threshold`,
    `descriptor-timelock`.
    """
    if len(text) > MAX_TEXT:
        raise Malformed("descriptor-malformed", f"longer than {MAX_TEXT} characters")
    function, inside = _call(text, ("wsh", "tr"))
    if function == "tr":
        return _read_taproot(inside)
    _, arguments = _call(inside, ("sortedmulti",))
    return ScriptText(None, ((0, _multisig(arguments, KeyOrder.SORTED, None)),))


def _call(text: str, functions: tuple[str, ...], where: str = "") -> tuple[str, str]:
    """(function, arguments), the function being one of these."""
    expected = " or ".join(f"{name}()" for name in functions)
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise Malformed("descriptor-malformed", f"{expected} expected")
    if match[1] not in functions:
        raise Malformed(
            "descriptor-unsupported", f"{where}{match[1]}() where {expected} is supported"
        )
    return match[1], match[2]


def _multisig(arguments: str, order: KeyOrder, older: int | None) -> MultisigText:
    threshold, *keys = arguments.split(",")
    if not re.fullmatch(NUMBER, threshold):
        raise Malformed("descriptor-threshold", "the threshold is not a number")
    if not 1 <= int(threshold) <= len(keys) <= MAX_KEYS:
        raise Malformed(
            "descriptor-threshold", f"{threshold} of {len(keys)} keys; 1 <= k <= n <= {MAX_KEYS}"
        )
    return MultisigText(int(threshold), tuple(keys), order, older)


def _read_taproot(inside: str) -> ScriptText:
    internal, comma, tree = inside.partition(",")
    if not comma or "(" in internal:
        raise Malformed(
            "descriptor-unsupported", "tr() is supported with one unspendable key and a tree"
        )
    leaves = tuple((depth, _leaf(leaf)) for depth, leaf in _split_tree(tree))
    if sum(leaf.older is None for _, leaf in leaves) != 1:
        raise Malformed("descriptor-unsupported", "tr() has exactly one leaf without a lock")
    return ScriptText(internal, leaves)


def _split_tree(tree: str) -> list[tuple[int, str]]:
    """(depth, text) of each leaf."""
    leaves: list[tuple[int, str]] = []
    second: list[bool] = []  # for each open brace: is its second subtree being read
    at = 0
    while True:
        while tree[at : at + 1] == "{":
            second.append(False)
            at += 1
        end = _leaf_end(tree, at)
        leaves.append((len(second), tree[at:end]))
        at = end
        while second and second[-1] and tree[at : at + 1] == "}":
            second.pop()
            at += 1
        if not second and at == len(tree):
            return leaves
        if not second or second[-1] or tree[at : at + 1] != "," or len(leaves) == MAX_LEAVES:
            raise Malformed(
                "descriptor-malformed", f"a tree is a leaf or {{tree,tree}}, {MAX_LEAVES} at most"
            )
        second[-1] = True
        at += 1


def _leaf_end(tree: str, start: int) -> int:
    """Where the leaf ends: before a comma or brace outside its parentheses, or with the text."""
    nesting = 0
    for at in range(start, len(tree)):
        character = tree[at]
        if nesting == 0 and character in ",}":
            return at
        nesting += (character == "(") - (character == ")")
    return len(tree)


def _leaf(text: str) -> MultisigText:
    locked = _OLDER.fullmatch(text)
    if locked is None:
        function, arguments = _call(text, tuple(KeyOrder), "tr() with ")
        return _multisig(arguments, KeyOrder(function), None)
    blocks = int(locked[1])
    if not 1 <= blocks <= MAX_OLDER:
        raise Malformed("descriptor-timelock", f"older({blocks}); 1 to {MAX_OLDER} blocks")
    _, arguments = _call(locked[2], (KeyOrder.WRITTEN,), "tr() with older() and ")
    return _multisig(arguments, KeyOrder.WRITTEN, blocks)
