"""Text. Invariant: what is read is written as one canonical text, which is read as the same expression."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.descriptor import parse_descriptor
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import Context, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.parse import MAX_TEXT, parse_miniscript
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.network import REGTEST
from tests.bitcoin.miniscript.generator import generate
from tests.bitcoin.refused import refused, unless_refused

WSH, TR = Context.P2WSH, Context.TAPSCRIPT
HASH = "aa" * 32
SHORT = "bb" * 20
F = Fragment
CODES = " or ".join(
    f"miniscript-{code}" for code in ("malformed", "unknown-fragment", "number", "threshold")
)
ZERO, ONE, PK = Node(F.FALSE), Node(F.TRUE), Node(F.PK_K, places=(0,))


def nodes(text: str, context: Context = WSH) -> tuple[Node, ...]:
    return parse_miniscript(text, context).script.nodes


def canonical(text: str, context: Context = WSH) -> str:
    parsed = parse_miniscript(text, context)
    return format_miniscript(parsed.script, parsed.keys)


def test_nodes_are_in_post_order_and_keys_in_that_of_the_text() -> None:
    parsed = parse_miniscript("andor(pk(x),multi(2,y,z),pk_h(x))", WSH, first_place=7)
    assert parsed.keys == ("x", "y", "z", "x")
    assert parsed.script == Miniscript(
        WSH,
        (
            Node(F.PK_K, places=(7,)),
            Node(F.WRAP_C, arity=1),
            Node(F.MULTI, 2, (8, 9)),
            Node(F.PK_H, places=(10,)),
            Node(F.ANDOR, arity=3),
        ),
    )


def test_sugar_is_resolved() -> None:
    or_i, checked = Node(F.OR_I, arity=2), Node(F.WRAP_C, arity=1)
    assert nodes("pk(a)") == nodes("c:pk_k(a)") == (PK, checked)
    assert nodes("pkh(a)") == nodes("c:pk_h(a)")
    assert nodes("and_n(pk(a),1)") == nodes("andor(pk(a),1,0)")
    assert nodes("t:1") == (ONE, ONE, Node(F.AND_V, arity=2))
    assert nodes("l:1") == (ZERO, ONE, or_i)
    assert nodes("u:1") == (ONE, ZERO, or_i)
    assert nodes("lul:1") == nodes("or_i(0,or_i(or_i(0,1),0))")


def test_wrappers_are_applied_from_the_right() -> None:
    wrapped = tuple(Node(F(letter), arity=1) for letter in "njvdcsa")
    assert nodes("ascdvjn:1") == (ONE, *wrapped)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("c:pk_k(a)", "pk(a)"),
        ("c:pk_h(a)", "pkh(a)"),
        ("vc:pk_k(a)", "v:pk(a)"),
        ("scc:pk_k(a)", "sc:pk(a)"),
        ("c:and_v(v:pk(a),pk_k(b))", "c:and_v(v:pk(a),pk_k(b))"),
        ("andor(pk(a),pk(b),0)", "and_n(pk(a),pk(b))"),
        ("andor(pk(a),0,pk(b))", "andor(pk(a),0,pk(b))"),
        ("and_v(v:pk(a),1)", "tv:pk(a)"),
        ("or_i(0,0)", "l:0"),
        ("or_i(pk(a),0)", "u:pk(a)"),
        ("a:or_i(0,or_i(0,pk(a)))", "all:pk(a)"),
        ("thresh(2,pk(a),s:pk(b))", "thresh(2,pk(a),s:pk(b))"),
        (f"sha256({HASH.upper()})", f"sha256({HASH})"),
        (f"hash256({HASH})", f"hash256({HASH})"),
        (f"v:ripemd160({SHORT})", f"v:ripemd160({SHORT})"),
        (f"hash160({SHORT})", f"hash160({SHORT})"),
        ("and_b(older(1),a:after(2147483647))", "and_b(older(1),a:after(2147483647))"),
        ("sortedmulti(2,b,a)", "sortedmulti(2,b,a)"),
        ("pk_k([ab/1h]xpub/<0;1>/*)", "pk_k([ab/1h]xpub/<0;1>/*)"),
        ("c:pk_k(pk_k)", "pk(pk_k)"),
        ("c:pk_h(pk_h_k)", "pkh(pk_h_k)"),
    ],
)
def test_the_one_text(text: str, written: str) -> None:
    assert canonical(text) == written
    assert nodes(written) == nodes(text)


@pytest.mark.parametrize(
    ("code", "broken", "twin"),
    [
        ("miniscript-malformed", "", "0"),
        ("miniscript-malformed", " 0", "0"),
        ("miniscript-malformed", "0 ", "0"),
        ("miniscript-unknown-fragment", "00", "0"),
        ("miniscript-malformed", ":0", "a:0"),
        ("miniscript-unknown-fragment", "a:", "a:0"),
        ("miniscript-unknown-fragment", "a:s:0", "as:0"),
        ("miniscript-malformed", "A:0", "a:0"),
        ("miniscript-malformed", "pk(a", "pk(a)"),
        ("miniscript-malformed", "pk()", "pk(a)"),
        ("miniscript-malformed", "pk(a,b)", "pk(a)"),
        ("miniscript-malformed", "pk(a b)", "pk(ab)"),
        ("miniscript-malformed", "pk(a{b)", "pk(ab)"),
        ("miniscript-malformed", "pk(a(b)", "pk(ab)"),
        ("miniscript-malformed", "pk(a\x7fb)", "pk(ab)"),
        ("miniscript-malformed", "pk(a))", "pk(a)"),
        ("miniscript-malformed", "pk(a)pk(b)", "pk(a)"),
        ("miniscript-malformed", "and_v(1)", "and_v(1,1)"),
        ("miniscript-malformed", "and_v(1,1,1)", "and_v(1,1)"),
        ("miniscript-malformed", "and_v(1,1", "and_v(1,1)"),
        ("miniscript-malformed", "and_v(1,)", "and_v(1,1)"),
        ("miniscript-malformed", "and_v(,1)", "and_v(1,1)"),
        ("miniscript-malformed", "andor(1,1)", "andor(1,1,1)"),
        ("miniscript-malformed", "thresh(1)", "thresh(1,1)"),
        ("miniscript-malformed", "multi(1,a,)", "multi(1,a,b)"),
        ("miniscript-malformed", "a:sortedmulti(1,a,b)", "a:multi(1,a,b)"),
        ("miniscript-malformed", "or_i(0,sortedmulti(1,a,b))", "or_i(0,multi(1,a,b))"),
        ("miniscript-malformed", f"sha256({SHORT})", f"hash160({SHORT})"),
        ("miniscript-malformed", f"hash160({HASH})", f"hash256({HASH})"),
        ("miniscript-malformed", f"sha256({HASH[:-1]}g)", f"sha256({HASH})"),
        ("miniscript-malformed", f"sha256({HASH[:-2]}\u0661\u0661)", f"sha256({HASH})"),
        ("miniscript-unknown-fragment", "2", "1"),
        ("miniscript-unknown-fragment", "pk_k", "pk_k(a)"),
        ("miniscript-unknown-fragment", "x:0", "n:0"),
        ("miniscript-unknown-fragment", "and_x(1,1)", "and_v(1,1)"),
        ("miniscript-unknown-fragment", "1(a)", "pk(a)"),
        ("miniscript-unknown-fragment", "multi_a(1,a)", "multi(1,a)"),
        ("miniscript-unknown-fragment", "sortedmulti_a(1,a)", "sortedmulti(1,a)"),
        ("miniscript-number", "older(0)", "older(1)"),
        ("miniscript-number", "older(2147483648)", "older(2147483647)"),
        ("miniscript-number", "after(0)", "after(1)"),
        ("miniscript-number", "after(2147483648)", "after(2147483647)"),
        ("miniscript-number", "older(01)", "older(1)"),
        ("miniscript-number", "older(+1)", "older(1)"),
        ("miniscript-number", "older(1_0)", "older(10)"),
        ("miniscript-number", "older(\u0661)", "older(1)"),
        ("miniscript-number", "older()", "older(1)"),
        ("miniscript-number", "older(10000000000)", "older(1000000000)"),
        ("miniscript-number", "thresh(a,1)", "thresh(1,1)"),
        ("miniscript-number", "multi(a,b)", "multi(1,b)"),
        ("miniscript-threshold", "thresh(0,1)", "thresh(1,1)"),
        ("miniscript-threshold", "thresh(2,1)", "thresh(2,1,1)"),
        ("miniscript-threshold", "multi(0,a)", "multi(1,a)"),
        ("miniscript-threshold", "multi(2,a)", "multi(2,a,b)"),
        ("miniscript-threshold", "multi(1)", "multi(1,a)"),
        ("miniscript-threshold", f"multi(1{',a' * 21})", f"multi(1{',a' * 20})"),
    ],
)
def test_text_one_part_away(code: str, broken: str, twin: str) -> None:
    with refused(code):
        nodes(broken)
    assert nodes(twin)


def test_tapscript_has_its_own_multisigs() -> None:
    for name in ("multi", "sortedmulti"):
        with refused("miniscript-unknown-fragment"):
            nodes(f"{name}(1,a)", TR)
        assert nodes(f"{name}_a(1{',a' * 999})", TR)[0].fragment == f"{name}_a"
        with refused("miniscript-threshold"):
            nodes(f"{name}_a(1{',a' * 1000})", TR)


def test_no_refusal_repeats_key_text() -> None:
    """It could be a private key."""
    for text in ("pk(SECRET", "pk(SECRET)x", "pk({SECRET)", "multi(SECRET,a)", "multi(3,SECRET)"):
        with pytest.raises(ValueError, match=r"^miniscript-(?!.*SECRET)"):
            nodes(text)


def test_text_is_bounded() -> None:
    fits = "n" * (MAX_TEXT - 2) + ":1"
    assert len(nodes(fits)) == MAX_TEXT - 1
    with refused("miniscript-malformed"):
        nodes("n" + fits)


@pytest.mark.parametrize("context", Context)
def test_generated_expressions_are_read_as_they_are_written(context: Context) -> None:
    names = [f"k{place}" for place in range(200)]
    for seed in range(300):
        script = generate(Random(seed), context).script
        text = format_miniscript(script, names)
        parsed = parse_miniscript(text, context)
        assert parsed.script == script
        assert format_miniscript(parsed.script, parsed.keys) == text


WORDS = (
    "pk(",
    "a",
    ",",
    ")",
    "1",
    "0",
    "thresh(",
    "and_v(",
    "or_i(",
    "multi(",
    "v:",
    ":",
    "l",
    "(",
)


@given(st.lists(st.sampled_from(WORDS), max_size=16).map("".join) | st.text(max_size=40))
@settings(max_examples=500, deadline=None)
def test_whatever_text_is_read_or_refused_by_code(text: str) -> None:
    parsed = unless_refused(CODES, parse_miniscript, text, WSH)
    if parsed is not None:
        again = parse_miniscript(format_miniscript(parsed.script, parsed.keys), WSH)
        assert again == parsed


@pytest.mark.parametrize(
    "text",
    [
        "n" * 200_000 + ":1",
        "l" * 200_000 + ":1",
        "or_i(1," * 100_000 + "1" + ")" * 100_000,
        "or_i(" * 120_000 + "1" + ",1)" * 120_000,
        "thresh(1," * 90_000 + "1" + ")" * 90_000,
    ],
    ids=["wrappers", "or_i wrappers", "right", "left", "thresh"],
)
def test_depth_does_not_recurse(text: str) -> None:
    """A stack of that many calls would end the process, not raise."""
    parsed = parse_miniscript(text, TR)
    assert format_miniscript(parsed.script, ()) == text
    assert len(parsed.script.nodes) > 90_000


@pytest.mark.parametrize("form", ["{}", "{}(1,k)", "and_v(v:pk(k),{})", "wsh({}(k))", "{}(pk(k))"])
def test_a_word_that_may_be_part_of_a_key_is_not_repeated(form: str) -> None:
    """Someone pastes a secret where a name stands: the answer may be logged, the secret must not be."""
    word = "c0ffee77deadbeef"
    text = form.format(word)
    for parse, of in ((parse_miniscript, WSH), (parse_descriptor, REGTEST)):
        with pytest.raises(Malformed) as caught:
            parse(text, of)  # type: ignore[arg-type]
        assert word not in str(caught.value)
