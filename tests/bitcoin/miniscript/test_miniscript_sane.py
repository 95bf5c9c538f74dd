"""Sanity: each rule with a script that breaks it alone and a twin, one part away, that does not."""

import pytest

from signer.bitcoin.miniscript.model import Context, Miniscript
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.sane import analyze, insanities, verify_sane
from tests.bitcoin.refused import refused

WSH, TR = Context.P2WSH, Context.TAPSCRIPT
HASH = "aa" * 32


def script(text: str, context: Context = WSH) -> Miniscript:
    return parse_miniscript(text, context).script


def sane(text: str, context: Context = WSH) -> None:
    """Raises unless it is; equal names are equal keys."""
    parsed = parse_miniscript(text, context)
    verify_sane(parsed.script, parsed.keys)


def found(text: str, context: Context = WSH) -> tuple[str, ...]:
    parsed = parse_miniscript(text, context)
    return insanities(parsed.script, parsed.keys)


def chain(joint: str, number: int) -> str:
    """So many keys, all of which sign."""
    return (
        "".join(f"{joint}(pk(k{at}),a:" for at in range(number - 1)) + "pk(k)" + ")" * (number - 1)
    )


BROKEN = [
    ("miniscript-type", "v:pk(a)", "n:pk(a)"),
    ("miniscript-type", "and_b(pk(a),pk(b))", "and_b(pk(a),s:pk(b))"),
    (
        "miniscript-malleable",
        f"and_v(v:pk(a),or_i(sha256({HASH}),older(9)))",
        f"and_v(v:pk(a),or_d(pk(b),and_v(v:sha256({HASH}),older(9))))",
    ),
    ("miniscript-without-signature", "or_i(pk(a),older(9))", "or_i(pk(a),and_v(v:pk(b),older(9)))"),
    (
        "miniscript-timelock-mix",
        "and_v(v:after(100),and_v(v:after(500000000),pk(a)))",
        "and_v(v:after(100),and_v(v:after(499999999),pk(a)))",
    ),
    (
        "miniscript-timelock-mix",
        "and_v(v:older(9),and_v(v:older(4194305),pk(a)))",
        "and_v(v:older(9),and_v(v:after(500000000),pk(a)))",
    ),
    ("miniscript-key-repeated", "and_v(v:pk(a),pkh(a))", "and_v(v:pk(a),pkh(b))"),
    ("miniscript-key-repeated", "multi(1,a,b,a)", "multi(1,a,b,c)"),
    ("miniscript-resource-limits", chain("and_b", 99), chain("and_b", 50)),
    ("miniscript-unsatisfiable", "and_v(v:pk(a),0)", "and_v(v:pk(a),1)"),
    ("miniscript-unsatisfiable", "0", "pk(a)"),
]


@pytest.mark.parametrize(("code", "broken", "twin"), BROKEN)
def test_each_rule(code: str, broken: str, twin: str) -> None:
    with refused(code):
        sane(broken)
    sane(twin)


@pytest.mark.parametrize("text", [case[1] for case in BROKEN[2:-2]])
def test_each_of_these_breaks_one_rule_only(text: str) -> None:
    assert len(found(text)) == 1


def test_all_that_is_broken_is_said_and_the_first_refused() -> None:
    text = f"or_i(and_b(after(1),a:after(500000000)),or_i(sha256({HASH}),or_i(pk(a),pkh(a))))"
    assert found(text) == (
        "miniscript-malleable",
        "miniscript-without-signature",
        "miniscript-timelock-mix",
        "miniscript-key-repeated",
    )
    with refused("miniscript-malleable"):
        sane(text)


def test_what_nothing_satisfies_is_sane_but_no_vaults() -> None:
    assert found("0") == ()
    assert analyze(script("0")).stack == 0


def test_two_locks_of_different_units_in_alternatives_are_no_mix() -> None:
    sane("or_i(and_v(v:after(100),pk(a)),and_v(v:after(500000000),pk(b)))")


def test_too_large_a_script_is_not_valid_and_not_sane() -> None:
    """3,600 bytes are the most in P2WSH."""
    parts = [*(f"v:pk(k{at})" for at in range(99)), *["v:older(2147483647)"] * 19]
    begun = "".join(f"and_v({part}," for part in parts)
    fits, too_large = (f"{wrappers}:{begun}1{')' * len(parts)}" for wrappers in ("n", "nn"))
    assert analyze(script(fits)).script_size == 3_600
    assert analyze(script(fits)).valid
    assert found(fits) == found(too_large, TR) == ()
    assert not analyze(script(too_large)).valid
    assert found(too_large) == ("miniscript-resource-limits",)


def test_the_largest_tapscript() -> None:
    """Core's 329,482 bytes."""
    most = f"v:multi_a(1{',k' * 999})"
    for wrappers, fits in (("nn", True), ("nnn", False)):
        text = f"and_v({most}," * 9 + f"{wrappers}:multi_a(1{',k' * 699})" + ")" * 9
        analysis = analyze(script(text, TR))
        assert (analysis.script_size, analysis.valid) == (329_480 + len(wrappers), fits)


def test_each_limit_of_p2wsh() -> None:
    """201 opcodes, 100 witness items."""
    many = ",".join(["pk(k)", *(f"s:pk(k{at})" for at in range(66))])
    for wrappers, fits in (("n", True), ("nn", False)):
        analysis = analyze(script(f"{wrappers}:thresh(1,{many})"))
        assert (analysis.ops, analysis.within_limits) == (200 + len(wrappers), fits)
    keys = "".join(f"and_v(v:pk(k{at})," for at in range(99))
    for last, fits in (("pk(k)", True), ("l:pk(k)", False)):
        analysis = analyze(script(keys + last + ")" * 99))
        assert (analysis.stack, analysis.within_limits) == (100 if fits else 101, fits)
        assert analysis.ops < 201


def test_the_limit_of_the_stack_in_tapscript() -> None:
    for number, fits in ((998, True), (999, False)):
        text = "and_b(older(1),a:" * number + "pk(k)" + ")" * number
        assert analyze(script(text, TR)).within_limits is fits
        assert (found(text, TR) == ()) is fits


def test_keys_are_told_apart_by_what_stands_at_their_places() -> None:
    parsed = parse_miniscript("and_v(v:pk(a),pk(b))", TR, first_place=3)
    verify_sane(parsed.script, ["", "", "", "x", "y"])
    with refused("miniscript-key-repeated"):
        verify_sane(parsed.script, ["", "", "", "x", "x"])
