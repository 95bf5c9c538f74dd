"""`script analyze --jsonl` over Core's miniscript vectors, both contexts: 0 wrong."""

import json
from pathlib import Path
from typing import Any

from tests.cli.desk import Desk
from tests.vectors import load_json

CONTEXTS = {"wsh": "wsh", "tr": "tapscript"}
SAME = (
    ("nonmalleable", "nonmalleable"),
    ("needs_sig", "needs_signature"),
    ("timelock_mix", "timelock_mix"),
    ("ops", "ops"),
    ("stack_size", "stack"),
)

Verdict = dict[str, Any]


def wrong(case: Verdict, context: str, verdict: Verdict) -> list[str]:
    """The members in which the verdict differs from the vector."""
    its = case[CONTEXTS[context]]
    if not its["valid"]:
        return ["ok"] if verdict["ok"] or verdict["sane"] else []
    expected = {ours: case[name] for name, ours in SAME if case.get(name) is not None}
    expected |= {"ok": True}
    if context == "tr" and case.get("tap_check_stack_size") is False:
        expected |= {"sane": False, "code": "miniscript-resource-limits"}
    if its.get("script"):
        expected["script_hex"] = its["script"]
    if its.get("max_wit_size") is not None:
        expected["max_witness_weight"] = its["max_wit_size"]
    return [name for name, value in expected.items() if verdict[name] != value]


def test_cores_cases_in_both_contexts(pegwarden: Desk, tmp_path: Path) -> None:
    cases = load_json("miniscript/core_miniscript_fixed_tests.json")["cases"]
    asked = [(case, context) for case in cases for context in CONTEXTS]
    path = tmp_path / "cases"
    path.write_text(
        "".join(
            json.dumps({"context": context, "miniscript": case["ms"]}) + "\n"
            for case, context in asked
        )
    )
    said = pegwarden("script", "analyze", "--jsonl", path)
    verdicts = [json.loads(line) for line in said.out.splitlines()]
    assert (len(verdicts), said.status) == (2 * 103, 1)
    differing = [
        (case["ms"], context, wrong(case, context, verdict))
        for (case, context), verdict in zip(asked, verdicts, strict=True)
        if wrong(case, context, verdict)
    ]
    assert differing == []
    assert sum(verdict["ok"] for verdict in verdicts) == 63 + 62


def test_cores_sanity_cases(pegwarden: Desk, tmp_path: Path) -> None:
    cases = load_json("miniscript/core_miniscript_fixed_tests.json")["sanity"]
    path = tmp_path / "cases"
    path.write_text(
        "".join(
            json.dumps({"context": case["ctx"], "miniscript": case["ms"]}) + "\n" for case in cases
        )
    )
    said = pegwarden("script", "analyze", "--jsonl", path)
    verdicts = [json.loads(line) for line in said.out.splitlines()]
    assert [verdict["sane"] for verdict in verdicts] == [case.get("sane", False) for case in cases]
    readable = [case.get("parse", False) for case in cases]
    assert [verdict["ok"] for verdict in verdicts] == readable
