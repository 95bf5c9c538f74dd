"""`script analyze`: one expression for people, lines for machines; a bad line spoils nothing else."""

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from signer.bitcoin.descriptor import with_checksum
from signer.cli import script
from signer.cli.script_facts import UNKNOWN
from tests import federation
from tests.cli.desk import Desk, run

KEYS = tuple(
    member.account.derive([0, 0]).get_public_key().serialize().hex()
    for member in federation.MEMBERS[:3]
)
BOTH = f"and_v(v:pk({KEYS[0]}),pk({KEYS[1]}))"
ENCODED = f"21{KEYS[0]}ad21{KEYS[1]}ac"
VAULT = federation.vault()

Verdict = dict[str, Any]


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def verdicts(pegwarden: Desk, path: Path, *values: object) -> tuple[int, list[Verdict]]:
    path.write_bytes(lines(*values))
    said = pegwarden("script", "analyze", "--jsonl", path)
    return said.status, [json.loads(line) for line in said.out.splitlines()]


def miniscript(text: str, context: str = "wsh") -> dict[str, str]:
    return {"context": context, "miniscript": text}


def test_a_sane_miniscript(pegwarden: Desk, tmp_path: Path) -> None:
    status, (verdict,) = verdicts(pegwarden, tmp_path / "in", miniscript(BOTH))
    assert status == 0
    assert verdict.keys() == UNKNOWN.keys()
    shown = {name: verdict[name] for name in ("ok", "code", "sane", "script_hex", "ops", "stack")}
    assert shown == {
        "ok": True,
        "code": None,
        "sane": True,
        "script_hex": ENCODED,
        "ops": 2,
        "stack": 2,
    }
    assert verdict["types"].startswith("B")
    assert (verdict["nonmalleable"], verdict["needs_signature"]) == (True, True)
    assert (verdict["timelock_mix"], verdict["max_witness_weight"]) == (False, 146)
    (path,) = verdict["paths"]
    assert (path["name"], path["threshold"], path["opens"]) == ("primary", 2, "at once")
    assert path["ways"] == [
        {
            "groups": [{"threshold": 2, "keys": [*KEYS[:2]]}],
            "hashes": [],
            "older": None,
            "after": None,
        }
    ]
    assert verdict["federation"]["tolerated"] == 1
    assert verdict["vault_allowed"] is None


def test_in_a_leaf_keys_may_be_x_only_or_not(pegwarden: Desk, tmp_path: Path) -> None:
    short = BOTH.replace(KEYS[0], KEYS[0][2:]).replace(KEYS[1], KEYS[1][2:])
    status, found = verdicts(
        pegwarden,
        tmp_path / "in",
        miniscript(BOTH, "tr"),
        miniscript(short, "tr"),
        miniscript(short, "wsh"),
    )
    expected = f"20{KEYS[0][2:]}ad20{KEYS[1][2:]}ac"
    assert [verdict["script_hex"] for verdict in found] == [expected, expected, None]
    assert (status, found[2]["ok"], found[2]["code"]) == (1, False, "pubkey-malformed")


def test_keys_may_be_names(pegwarden: Desk, tmp_path: Path) -> None:
    locked = "or_d(pk(alice),and_v(v:pkh(bob),and_v(v:sha256({}),older(144))))".format("ab" * 32)
    status, (verdict,) = verdicts(pegwarden, tmp_path / "in", miniscript(locked))
    assert (status, verdict["sane"], verdict["script_hex"]) == (0, True, None)
    assert [path["name"] for path in verdict["paths"]] == ["primary", "recovery"]
    assert verdict["paths"][1]["ways"][1] == {
        "groups": [{"threshold": 1, "keys": ["bob"]}],
        "hashes": ["ab" * 32],
        "older": 144,
        "after": None,
    }
    text = pegwarden("script", "analyze", locked).out
    assert "1 of bob; preimage of abab" in text
    assert "; older(144)" in text
    assert "recovery, 144 blocks after the coin: members needed 1" in text


def test_a_bad_line_is_refused_and_the_batch_goes_on(pegwarden: Desk, tmp_path: Path) -> None:
    good = miniscript(BOTH)
    path = tmp_path / "in"
    status, found = verdicts(
        pegwarden,
        path,
        good,
        miniscript("pk("),
        miniscript("pk(a)", "wsh2"),
        {"descriptor": "wsh(pk(a))#aaaaaaaa"},
        {"descriptor": 7},
        [],
        good | {"descriptor": "x"},
        {"miniscript": BOTH},
        miniscript("older(144)"),
        miniscript("and_v(pk(a),pk(b))"),
        miniscript(f"or_i(pk({KEYS[0]}),pk({KEYS[0]}))"),
        good,
    )
    assert status == 1
    assert [verdict["code"] for verdict in found] == [
        None,
        "miniscript-malformed",
        "script-line-malformed",
        "descriptor-checksum",
        *["script-line-malformed"] * 4,
        "miniscript-without-signature",
        "miniscript-type",
        "miniscript-key-repeated",
        None,
    ]
    assert [number for number, verdict in enumerate(found) if verdict["ok"]] == [0, 8, 10, 11]
    assert [number for number, verdict in enumerate(found) if verdict["sane"]] == [0, 11]
    assert all(verdict.keys() == UNKNOWN.keys() for verdict in found)
    path.write_bytes(b'{"context"\n\xff\n\n' + b"[" * 100_000 + b"\n" + lines(good)[:-1])
    said = pegwarden("script", "analyze", "--jsonl", path)
    codes = [json.loads(line)["code"] for line in said.out.splitlines()]
    assert (said.status, codes) == (1, ["script-line-malformed"] * 4 + [None])


def test_a_line_that_is_too_long_costs_one_verdict(
    pegwarden: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = miniscript(BOTH)
    monkeypatch.setattr(script, "MAX_LINE", len(lines(good)))
    status, found = verdicts(pegwarden, tmp_path / "in", good, good | {"x": "y" * 99_999}, good)
    assert [verdict["code"] for verdict in found] == [None, "script-line-malformed", None]
    assert status == 1


def test_a_fault_is_no_verdict_on_the_script(
    pegwarden: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(script, "analyzed_miniscript", broken)
    status, (verdict, _) = verdicts(pegwarden, tmp_path / "in", miniscript(BOTH), {})
    assert (status, verdict["ok"], verdict["code"]) == (3, False, "fault")
    assert "ZeroDivisionError" in verdict["detail"]


def test_a_vault_descriptor(pegwarden: Desk, tmp_path: Path) -> None:
    status, (plain, taproot) = verdicts(
        pegwarden,
        tmp_path / "in",
        {"descriptor": with_checksum(VAULT.text)},
        {"descriptor": with_checksum(federation.taproot_vault().text)},
    )
    assert status == 0
    assert plain["script_hex"] == VAULT.script(0, 0).witness_script.hex()
    assert (plain["vault_allowed"], plain["vault_objections"]) == (True, [])
    assert plain["federation"]["quorums"] == [[0, 1], [1, 2]]
    assert (taproot["script_hex"], taproot["types"], taproot["sane"]) == (None, None, True)
    assert [path["leaves"] for path in taproot["paths"]] == [[0], [1]]
    leaves = federation.taproot_vault().script(0, 0).leaves
    assert [each["script_hex"] for each in taproot["scripts"]] == [
        leaf.script.hex() for leaf in leaves
    ]


def test_a_descriptor_that_no_vault_may_have(pegwarden: Desk) -> None:
    text = with_checksum(f"wsh(multi(1,{KEYS[0]},{KEYS[1]}))")
    said = pegwarden("script", "analyze", text)
    assert said.status == 0
    assert "no vault because" in said.out
    assert "1 of 2, f = -1" in said.out
    mainnet = VAULT.text.replace("tpub", "xpub")
    assert pegwarden("script", "analyze", "--json", with_checksum(mainnet)).status == 1


def test_what_is_too_complex_is_said(pegwarden: Desk, tmp_path: Path) -> None:
    pairs = [f"and_b(pk(a{at}),s:pk(b{at}))" for at in range(14)]
    text = f"thresh(7,{',a:'.join(pairs)})"
    insane = text.replace("pk(b13)", "pk(a13)")
    status, found = verdicts(
        pegwarden, tmp_path / "in", miniscript(text, "tr"), miniscript(insane, "tr")
    )
    assert status == 0
    assert [(each["sane"], each["code"], each["paths"]) for each in found] == [
        (True, "script-too-many-ways", None),
        (False, "miniscript-key-repeated", None),
    ]


def test_a_script_that_asks_for_nothing(pegwarden: Desk) -> None:
    said = pegwarden("script", "analyze", "1")
    assert (said.status, said.out.splitlines()[-1]) == (0, "  anyone")
    late = pegwarden("script", "analyze", "after(9)").out
    assert late.splitlines()[-1] == "  after(9)"


def test_one_expression_that_is_refused_has_status_1(pegwarden: Desk) -> None:
    assert pegwarden("script", "analyze", BOTH).status == 0
    refused = pegwarden("script", "analyze", "pk(", "--json")
    assert (refused.status, refused.json["code"]) == (1, "miniscript-malformed")
    large = f"and_v(v:multi(20,{','.join(f'k{at}' for at in range(20))}),1)"
    for count, status in ((5, 0), (6, 1)):  # 684 bytes each; 3,600 are allowed
        nested = large
        for at in range(1, count):
            again = large.removesuffix(",1)").replace("k", f"k{at}x")
            nested = f"{again},{nested})"
        assert pegwarden("script", "analyze", nested).status == status


def test_usage(pegwarden: Desk) -> None:
    assert pegwarden("script", "analyze").status == 2
    assert pegwarden("script", "analyze", "--context", "sh", "pk(a)").status == 2
    assert "--jsonl" in pegwarden("script", "analyze", "--help").out
    assert "analyze" in pegwarden("script", "--help").out


def test_lines_come_from_standard_input(pegwarden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("script", "analyze", "--jsonl", stdin=lines(miniscript(BOTH)))
    assert (said.status, said.json["script_hex"]) == (0, ENCODED)
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(lines(miniscript(BOTH)))))
    assert pegwarden("script", "analyze", "--jsonl", "-").out == said.out
