"""The functions of a descriptor or template, with the texts of their keys still unread.

    SCRIPT = wsh(MINISCRIPT) | sh(wsh(MINISCRIPT)) | tr(KEY) | tr(KEY,TREE)     (BIP-381, 382, 386)
    TREE   = MINISCRIPT | {TREE,TREE}                                           (BIP-379, 383, 387)

1. At most 16,384 characters and 64 leaves. Reading is iterative and linear.
2. Functions that we do not support are refused by their name, `musig` (BIP-390) wherever it stands.
3. No refusal repeats key text: it could be private.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from signer.bitcoin.descriptor.checksum import MAX_TEXT
from signer.bitcoin.descriptor.model import MAX_LEAVES
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import Context, Miniscript
from signer.bitcoin.miniscript.parse import parse_miniscript

_NAMES = frozenset(
    (
        "wsh",
        "sh",
        "tr",
        "pk",
        "pkh",
        "wpkh",
        "combo",
        "addr",
        "raw",
        "rawtr",
        "multi",
        "sortedmulti",
    )
)
"""Of functions; another word could be part of a key (rule 3)."""
_FUNCTION = re.compile(r"([a-z][a-z0-9_]{0,15})\((.*)\)")


class Form(StrEnum):
    """What stands around the scripts."""

    WSH = "wsh"
    SH_WSH = "sh(wsh)"
    TR = "tr"


@dataclass(frozen=True, slots=True)
class ScriptText:
    """All but the keys."""

    form: Form
    internal: str | None
    """The internal key's text; None outside tr."""
    leaves: tuple[tuple[int, Miniscript], ...]
    """(depth, script) in depth-first order; outside tr one, of depth 0."""
    keys: tuple[str, ...]
    """The other keys' texts, by place."""

    @property
    def context(self) -> Context:
        """Where its keys stand."""
        return Context.TAPSCRIPT if self.form is Form.TR else Context.P2WSH


def read_script(text: str) -> ScriptText:
    """The script of that text.

    Raises Malformed `descriptor-malformed`, `descriptor-unsupported`, and what `parse_miniscript`
    raises.
    """
    if len(text) > MAX_TEXT:
        raise Malformed("descriptor-malformed", f"longer than {MAX_TEXT} characters")
    if "musig(" in text:
        raise Malformed("descriptor-unsupported", "musig() is not supported (BIP-390)")
    function, inside = _call(text, ("wsh", "sh", "tr"))
    if function == "tr":
        return _read_taproot(inside)
    if function == "wsh":
        return _read_wsh(Form.WSH, inside)
    return _read_wsh(Form.SH_WSH, _call(inside, ("wsh",))[1])


def _call(text: str, functions: tuple[str, ...]) -> tuple[str, str]:
    """(function, arguments), the function being one of these."""
    expected = " or ".join(f"{name}()" for name in functions)
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise Malformed("descriptor-malformed", f"{expected} expected")
    if match[1] not in functions:
        name = f"{match[1]}()" if match[1] in _NAMES else "something else"
        raise Malformed("descriptor-unsupported", f"{name} where {expected} is supported")
    return match[1], match[2]


def _read_wsh(form: Form, inside: str) -> ScriptText:
    parsed = parse_miniscript(inside, Context.P2WSH)
    return ScriptText(form, None, ((0, parsed.script),), parsed.keys)


def _read_taproot(inside: str) -> ScriptText:
    internal, comma, tree = inside.partition(",")
    leaves: list[tuple[int, Miniscript]] = []
    keys: list[str] = []
    for depth, leaf in _split_tree(tree) if comma else ():
        parsed = parse_miniscript(leaf, Context.TAPSCRIPT, len(keys))
        leaves.append((depth, parsed.script))
        keys += parsed.keys
    return ScriptText(Form.TR, internal, tuple(leaves), tuple(keys))


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
