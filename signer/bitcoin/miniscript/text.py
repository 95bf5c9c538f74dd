"""The one text of a Miniscript: sugar wherever there is some, wrappers in one run (BIP-379).

1. `parse_miniscript` reads it as the same expression.
2. The text of a part is `0`, `1`, that of a leaf, or a tuple that begins with a wrapper's letter or `name(`.
"""

from collections.abc import Sequence

from signer.bitcoin.miniscript.model import (
    HASHES,
    LOCKS,
    WRAPPERS,
    Fragment,
    Miniscript,
    Node,
)
from signer.bitcoin.miniscript.rope import Text, pieces

_SIGNED = {"pk_k(": "pk(", "pk_h(": "pkh("}


def format_miniscript(script: Miniscript, key_texts: Sequence[str]) -> str:
    """The text; the keys' texts are by place."""

    def step(node: Node, subs: Sequence[Text]) -> Text:
        return _combined(node, subs) if node.arity else _leaf(node, key_texts)

    return "".join(pieces(script.fold(step)))


def _leaf(node: Node, key_texts: Sequence[str]) -> str:
    fragment = node.fragment
    if fragment in LOCKS:
        return f"{fragment}({node.number})"
    if fragment in HASHES:
        return f"{fragment}({node.digest.hex()})"
    keys = ",".join(key_texts[place] for place in node.places)
    if node.number:
        return f"{fragment}({node.number},{keys})"
    return f"{fragment}({keys})" if keys else fragment.value


def _combined(node: Node, subs: Sequence[Text]) -> Text:
    fragment = node.fragment
    if fragment in WRAPPERS:
        return _wrapped(fragment, subs[0])
    if fragment is Fragment.AND_V and subs[1] == "1":
        return _wrapped("t", subs[0])
    if fragment is Fragment.OR_I and subs[0] == "0":
        return _wrapped("l", subs[1])
    if fragment is Fragment.OR_I and subs[1] == "0":
        return _wrapped("u", subs[0])
    if fragment is Fragment.ANDOR and subs[2] == "0":
        return ("and_n(", subs[0], ",", subs[1], ")")
    head = f"thresh({node.number}," if fragment is Fragment.THRESH else f"{fragment}("
    arguments = [part for sub in subs for part in (sub, ",")]
    return (head, *arguments[:-1], ")")


def _wrapped(letter: str, inner: Text) -> Text:
    if isinstance(inner, str):
        if letter == "c" and inner[:5] in _SIGNED:
            return _SIGNED[inner[:5]] + inner[5:]
        return (letter, ":", inner)
    in_a_run = isinstance(inner[0], str) and len(inner[0]) == 1
    return (letter, inner) if in_a_run else (letter, ":", inner)
