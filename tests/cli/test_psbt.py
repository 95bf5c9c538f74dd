"""`psbt parse`: a verdict per line, whatever the line is."""

import base64
import json
from pathlib import Path

import pytest

from signer.bitcoin.transaction import display
from signer.cli import psbt
from tests.cli.desk import Desk, run
from tests.core.spends import good_case

CASE = good_case()
RAW = CASE.psbt_bytes
TEXT = base64.b64encode(RAW).decode()


@pytest.mark.parametrize("content", [RAW, TEXT.encode(), TEXT.encode() + b"\n"])
def test_one_psbt_binary_or_base64(pegwarden: Desk, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "spend.psbt"
    file.write_bytes(content)
    said = pegwarden("psbt", "parse", file, "--json")
    assert said.status == 0
    members = said.json
    assert members["txid"] == display(CASE.verify().transaction.txid)
    assert members["inputs"][0]["claimed_amount_sat"] == 100_000_000
    assert [each["amount_sat"] for each in members["outputs"]] == [60_000_000, 39_990_000]
    text = pegwarden("psbt", "parse", file).out
    assert members["txid"] in text


def test_what_does_not_parse_is_refused_with_its_code(pegwarden: Desk, tmp_path: Path) -> None:
    file = tmp_path / "spend.psbt"
    file.write_bytes(RAW[:-1])
    said = pegwarden("psbt", "parse", file, "--json")
    assert (said.status, said.json["ok"], said.json["code"]) == (1, False, "psbt-malformed")


def test_a_verdict_for_each_line_in_order() -> None:
    lines = [TEXT, "", "not base64!", TEXT + "\r", "\xff", base64.b64encode(RAW[:60]).decode()]
    said = run("psbt", "parse", "--jsonl", stdin="\n".join(lines).encode("latin-1"))
    assert said.status == 0
    verdicts = [json.loads(line) for line in said.out.splitlines()]
    assert [verdict.get("code", "ok") for verdict in verdicts] == [
        "ok",
        "psbt-magic",
        "base64-malformed",
        "ok",
        "base64-malformed",
        "psbt-malformed",
    ]
    assert all(verdict["ok"] is ("code" not in verdict) for verdict in verdicts)


def test_a_line_that_is_too_long_costs_one_verdict_and_little_memory(
    pegwarden: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psbt, "MAX_LINE", len(TEXT) + 10)
    file = tmp_path / "lines"
    file.write_text(f"{TEXT}{'A' * 200_000}\n{TEXT}\n")
    said = pegwarden("psbt", "parse", "--jsonl", file)
    verdicts = [json.loads(line) for line in said.out.splitlines()]
    assert [verdict["ok"] for verdict in verdicts] == [False, True]


def test_the_longest_line_is_refused_as_too_large() -> None:
    said = run(
        "psbt", "parse", "--jsonl", stdin=b"A" * (psbt.MAX_LINE + 500) + b"\n" + TEXT.encode()
    )
    first, second = (json.loads(line) for line in said.out.splitlines())
    assert first["code"] == "psbt-too-large"
    assert second["ok"] is True


def test_our_own_mistake_is_a_verdict_too(
    pegwarden: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: bytes) -> None:
        raise RuntimeError("a bug")

    file = tmp_path / "lines"
    file.write_text(f"{TEXT}\n{TEXT}\n")
    monkeypatch.setattr(psbt, "parse_psbt", fail)
    said = pegwarden("psbt", "parse", "--jsonl", file)
    assert said.status == 3
    verdicts = [json.loads(line) for line in said.out.splitlines()]
    assert [verdict["code"] for verdict in verdicts] == ["fault", "fault"]
    assert "a bug" not in said.out
