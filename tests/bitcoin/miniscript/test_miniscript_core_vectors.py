"""Core's and python-bip380's miniscript vectors: 0 wrong."""

from collections.abc import Sequence
from typing import Any

import pytest

from signer.bitcoin.miniscript.decode import decode_script
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.sane import Analysis, analyze, insanities
from signer.bitcoin.miniscript.types import type_of
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json, vector_path

VECTORS = "miniscript/core_miniscript_fixed_tests.json"
NAMES = {Context.P2WSH: "wsh", Context.TAPSCRIPT: "tapscript"}
FIGURES = {
    "nonmalleable": "nonmalleable",
    "needs_sig": "needs_signature",
    "timelock_mix": "timelock_mix",
    "ops": "ops",
    "stack_size": "stack",
    "exec_stack": "exec_stack",
}


def keys_of(texts: Sequence[str], context: Context) -> list[bytes]:
    cut = 1 if context is Context.TAPSCRIPT else 0
    return [bytes.fromhex(text)[cut:] for text in texts]


def analysis_of(text: str, context: Context) -> Analysis | None:
    """None if it is no well-typed script."""
    codes = "miniscript-number or miniscript-threshold or miniscript-type or miniscript-unknown-fragment"
    parsed = unless_refused(codes, parse_miniscript, text, context)
    return parsed and unless_refused(codes, analyze, parsed.script)


def wrong_figures(case: dict[str, Any], context: Context, analysis: Analysis) -> list[str]:
    expected = {ours: case[name] for name, ours in FIGURES.items() if case.get(name) is not None}
    its = case[NAMES[context]]
    if its.get("max_wit_size") is not None:
        expected["max_witness_size"] = its["max_wit_size"]
    if context is Context.TAPSCRIPT and "tap_check_stack_size" in case:
        expected["within_limits"] = case["tap_check_stack_size"]
    return [name for name, value in expected.items() if getattr(analysis, name) != value]


@pytest.mark.parametrize("context", Context)
def test_validity_and_figures_are_cores(context: Context) -> None:
    cases = load_json(VECTORS)["cases"]
    wrong: list[tuple[str, str]] = []
    valid = 0
    for case in cases:
        analysis = analysis_of(case["ms"], context)
        said = analysis is not None and analysis.valid
        valid += said
        if said != case[NAMES[context]]["valid"]:
            wrong.append((case["ms"], f"valid is {said}"))
        if said:
            wrong += [(case["ms"], name) for name in wrong_figures(case, context, analysis)]
    assert wrong == []
    assert (len(cases), valid) == (103, 63 if context is Context.P2WSH else 62)


@pytest.mark.parametrize("context", Context)
def test_scripts_are_cores_and_are_decoded(context: Context) -> None:
    compared = decoded = 0
    for case in load_json(VECTORS)["cases"]:
        its = case[NAMES[context]]
        if not its["valid"]:
            continue
        parsed = parse_miniscript(case["ms"], context)
        script = script_bytes(parsed.script, keys_of(parsed.keys, context))
        if "script" in its:
            assert script.hex() == its["script"], case["ms"]
            compared += 1
        read = decode_script(script, context)
        assert script_bytes(read.script, read.keys) == script
        assert type_of(read.script) == type_of(parsed.script)
        decoded += 1
    assert (compared, decoded) == ((35, 63) if context is Context.P2WSH else (29, 62))


def test_sanity_is_cores() -> None:
    cases = load_json(VECTORS)["sanity"]
    assert len(cases) == 11
    for case in cases:
        assert case["ctx"] == "wsh"
        if case.get("parse") is False:
            with refused("miniscript-number"):
                parse_miniscript(case["ms"], Context.P2WSH)
            continue
        parsed = parse_miniscript(case["ms"], Context.P2WSH)
        if case.get("valid") is False:
            with refused("miniscript-type"):
                analyze(parsed.script)
            continue
        assert (insanities(parsed.script, parsed.keys) == ()) is case["sane"], case["ms"]


def test_what_core_cannot_decode_is_refused() -> None:
    cases = load_json(VECTORS)["undecodable_scripts"]
    assert len(cases) == 5
    for case in cases:
        for context in case["ctx"]:
            with refused("script-not-miniscript"):
                names = {name: each for each, name in NAMES.items()}
                decode_script(bytes.fromhex(case["script"]), names[context])


def samples(name: str) -> list[list[str]]:
    lines = vector_path(f"python-bip380/{name}").read_text().splitlines()
    return [line.split() for line in lines if line]


def test_bip380_samples_that_are_valid() -> None:
    found = samples("valid_samples.txt")
    assert len(found) == 65
    for text, *script in found:
        parsed = parse_miniscript(text, Context.P2WSH)
        assert analyze(parsed.script).valid
        if script:
            made = script_bytes(parsed.script, keys_of(parsed.keys, Context.P2WSH))
            assert made.hex() == script[0], text


def test_bip380_samples_that_are_invalid() -> None:
    found = samples("invalid_samples.txt")
    assert len(found) == 30
    assert [text for (text,) in found if analysis_of(text, Context.P2WSH) is not None] == []
