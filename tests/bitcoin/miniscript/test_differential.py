"""Our reading of miniscripts against btclib-wallet's and bdk's (rust-miniscript's).

Invariant: of every expression, right or wrong, sane or not, all give one verdict; and btclib and we one type,
one script and the same bounds. What bdk refuses beyond that is named. We refuse `01`, which btclib reads.
"""

import re
from collections.abc import Iterator
from random import Random

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.decode import decode_script
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import SORTED, Context, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.parse import ParsedMiniscript, parse_miniscript
from signer.bitcoin.miniscript.sane import analyze, insanities
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.miniscript.types import type_of
from tests.bitcoin.miniscript.generator import KEY_POOL, Generated, generate, pubkey
from tests.bitcoin.miniscript.oracles import btclibs, read_by_btclib, sane_for_bdk
from tests.bitcoin.refused import unless_refused

F = Fragment
H = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
REFUSALS = " or ".join(
    f"miniscript-{code}"
    for code in ("malformed", "unknown-fragment", "number", "threshold", "type")
)

LEAVES = (
    Node(F.FALSE),
    Node(F.TRUE),
    Node(F.PK_K, places=(0,)),
    Node(F.PK_H, places=(0,)),
    Node(F.OLDER, 1),
    Node(F.OLDER, 1 << 22 | 1),
    Node(F.AFTER, 1),
    Node(F.AFTER, 500_000_000),
    Node(F.SHA256, digest=bytes(32)),
    Node(F.HASH160, digest=bytes(20)),
)
MULTISIG = {
    Context.P2WSH: Node(F.MULTI, 1, (0, 1)),
    Context.TAPSCRIPT: Node(F.MULTI_A, 1, (0, 1)),
}
WRAPPERS = tuple(Node(F(letter), arity=1) for letter in "ascdvjn")
PAIRS = tuple(
    Node(each, arity=2) for each in (F.AND_V, F.AND_B, F.OR_B, F.OR_C, F.OR_D, F.OR_I)
) + tuple(Node(F.THRESH, threshold, arity=2) for threshold in (1, 2))
TRIPLES = (
    Node(F.ANDOR, arity=3),
    *(Node(F.THRESH, threshold, arity=3) for threshold in (1, 2, 3)),
)


def one_of_each_type(context: Context) -> list[tuple[Node, ...]]:
    """An expression for each type that up to three fragments over a leaf can have, the shortest ones."""
    found: dict[str, tuple[Node, ...]] = {}
    new: list[tuple[Node, ...]] = [(leaf,) for leaf in (*LEAVES, MULTISIG[context])]
    for _ in range(3):
        for nodes in new:
            kind = unless_refused("miniscript-type", type_of, Miniscript(context, nodes))
            if kind is not None:
                found.setdefault(str(kind), nodes)
        new = [(*nodes, wrapper) for nodes in found.values() for wrapper in WRAPPERS]
    return list(found.values())


def letters(script: Miniscript) -> str:
    """Its type, or nothing. Of malleable ones e, f and s say nothing: btclib leaves them away."""
    kind = unless_refused("miniscript-type", type_of, script)
    if kind is None:
        return ""
    return str(kind) if kind.has("m") else re.sub("[efs]", "", str(kind))


@pytest.mark.parametrize("context", Context)
def test_every_fragment_over_every_type_has_btclibs_type(context: Context) -> None:
    keys = [pubkey(number)[0 if context is Context.P2WSH else 1 :] for number in range(2)]
    parts, random = one_of_each_type(context), Random(1)
    asked = [(*x, wrapper) for x in parts for wrapper in WRAPPERS]
    asked += [(*x, *y, pair) for x in parts for y in parts for pair in PAIRS]
    for triple in TRIPLES:
        chosen = (random.choices(parts, k=3) for _ in range(1_000))
        asked += [(*x, *y, *z, triple) for x, y, z in chosen]
    well_typed = 0
    for nodes in random.sample(asked, 6_000):
        script = Miniscript(context, nodes)
        ours = letters(script)
        assert set(ours) == set(btclibs(script, keys).properties), nodes
        well_typed += bool(ours)
    assert (len(parts), well_typed) > (40, 1_000)


def hex_text(made: Generated) -> str:
    return format_miniscript(made.script, [key.hex() for key in made.keys])


def as_btclib_says(text: str, context: Context, parsed: ParsedMiniscript | None) -> bool:
    """Whether it is a valid script for both. What both say of it is equal."""
    theirs = read_by_btclib(text, context)
    analysis = parsed and unless_refused(REFUSALS, analyze, parsed.script)
    assert (theirs is not None) == (analysis is not None and analysis.valid), text
    if parsed is None or analysis is None or theirs is None:
        return False
    bounds = (
        theirs.max_ops,
        theirs.max_stack_items,
        theirs.max_exec_stack_items,
        theirs.max_witness_size,
    )
    ours = (analysis.ops, analysis.stack, analysis.exec_stack, analysis.max_witness_size)
    assert ours == tuple(bound or 0 for bound in bounds), text
    assert set(letters(parsed.script)) == set(theirs.properties), text
    assert analysis.timelock_mix == theirs.mixes_timelocks, text
    assert analysis.within_limits == theirs.is_within_resource_limits, text
    keys = [bytes.fromhex(key) for key in parsed.keys]
    assert (insanities(parsed.script, keys) == ()) == theirs.is_sane(), text
    script = script_bytes(parsed.script, keys)
    assert script == theirs.script(), text
    assert decode_script(script, context).script.context is context
    return True


@pytest.mark.parametrize("context", Context)
def test_generated_scripts_are_to_btclib_what_they_are_to_us(context: Context) -> None:
    for seed in range(150):
        text = hex_text(generate(Random(seed), context))
        if not text.startswith("sorted"):  # no miniscript there, but a descriptor
            assert as_btclib_says(text, context, parse_miniscript(text, context))


NAMES = re.compile(r"(?<![a-z0-9])(?:[a-z]+(?=:)|[a-z_]{3,}[0-9]*(?=\()|[0-9]+(?=[,)]))")
SWAPS = (
    *("and_v", "and_b", "or_b", "or_c", "or_d", "or_i", "pk", "pkh", "pk_k", "pk_h", "older"),
    *("after", "thresh", "multi", "multi_a", "andor", "and_n", "0", "1", "2", "3", "20", "a", "s"),
    *("v", "c", "d", "j", "n", "t", "l", "u", "nn", "tv", "sj", "4194305", "500000000", "x"),
)


def changed(random: Random, text: str) -> str:
    """One word of it replaced, a key repeated, a wrapper put somewhere, or a character lost."""
    choice = random.randrange(5)
    if choice == 0:
        at = random.randrange(len(text))
        return text[:at] + text[at + 1 :]
    if choice == 1:
        keys = re.findall("[0-9a-f]{64,66}", text)
        return text.replace(random.choice(keys), random.choice(keys)) if keys else text
    if choice == 2:
        at = random.choice([match.end() for match in re.finditer(r"[(,:]|^", text)])
        return text[:at] + random.choice("asvcdjntlu") + ":" + text[at:]
    word = random.choice(list(NAMES.finditer(text)))
    return text[: word.start()] + random.choice(SWAPS) + text[word.end() :]


def variants(context: Context, number: int) -> Iterator[str]:
    random = Random(context)
    while number:
        text = hex_text(generate(random, context, 15))
        if not text.startswith("sorted") and NAMES.search(text):
            number -= 1
            yield changed(random, text)


@pytest.mark.parametrize("context", Context)
def test_changed_texts_are_to_btclib_what_they_are_to_us(context: Context) -> None:
    both, neither = 0, 0
    for text in variants(context, 600):
        parsed = unless_refused(REFUSALS, parse_miniscript, text, context)
        if parsed is not None and not keys_of(context) >= set(parsed.keys):
            continue  # to read keys is not the parser's
        if as_btclib_says(text, context, parsed):
            both += 1
        else:
            neither += 1
    assert min(both, neither) > 100


def keys_of(context: Context) -> set[str]:
    cut = 0 if context is Context.P2WSH else 1
    return {pubkey(number)[cut:].hex() for number in range(KEY_POOL)}


def stricter_in_bdk(script: Miniscript, text: str) -> bool:
    """Whether rust-miniscript refuses it for what is no rule of BIP-379, or newer than it is.

    It refuses a `0` that is written as such and knows no `sortedmulti_a`; in tapscript it does not know that
    `d:X` is `u`.
    """
    if not SORTED.isdisjoint(node.fragment for node in script.nodes):
        return script.context is Context.TAPSCRIPT
    if re.search(r"(?:^|[(,:])0(?=[,)]|$)", text):
        return True
    try:
        as_in_p2wsh = type_of(Miniscript(Context.P2WSH, script.nodes))
    except Malformed:
        return True
    return as_in_p2wsh.has("m") is False


def descriptor(text: str, context: Context) -> str:
    return f"wsh({text})" if context is Context.P2WSH else f"tr({H},{text})"


@pytest.mark.parametrize("context", Context)
def test_generated_scripts_are_sane_for_bdk(context: Context) -> None:
    made = [generate(Random(seed), context) for seed in range(400)]
    made = [each for each in made if not stricter_in_bdk(each.script, hex_text(each))]
    sane = [each for each in made if not insanities(each.script, each.keys)]
    verdicts = sane_for_bdk([descriptor(hex_text(each), context) for each in sane])
    assert len(sane) > 100
    assert [hex_text(each) for each, said in zip(sane, verdicts, strict=True) if not said] == []


@pytest.mark.parametrize("context", Context)
def test_what_bdk_calls_sane_is_sane(context: Context) -> None:
    texts = list(variants(context, 400))
    verdicts = sane_for_bdk([descriptor(text, context) for text in texts])
    wrong, sane, insane = [], 0, 0
    for text, theirs in zip(texts, verdicts, strict=True):
        ours = parsed_sane(text, context)
        sane, insane = sane + theirs, insane + (not theirs)
        if theirs and not ours:
            wrong.append(text)
    assert wrong == []
    assert min(sane, insane) > 20


def parsed_sane(text: str, context: Context) -> bool:
    parsed = unless_refused(REFUSALS, parse_miniscript, text, context)
    if parsed is None:
        return False
    return unless_refused(REFUSALS, insanities, parsed.script, parsed.keys) == ()
