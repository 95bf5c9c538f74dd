"""`pegwarden policy report`: a page, a terminal's text, a JSON object; exit statuses."""

from pathlib import Path

from tests.cli.desk import Desk

ROOT = Path(__file__).parents[2]
EVERYTHING = ROOT / "tests" / "policies" / "everything.toml"


def test_a_page_is_written(pegwarden: Desk, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    said = pegwarden("policy", "report", EVERYTHING, "--out", out)
    assert (said.status, said.out) == (0, f"Written: {out}\n")
    page = out.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "Policy everything, version 3" in page
    assert "Against the running policy" not in page


def test_against_the_running_policy(pegwarden: Desk, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    said = pegwarden(
        "policy", "report", EVERYTHING, "--against", EVERYTHING, "--out", out, "--json"
    )
    assert (said.status, said.json["ok"], said.json["out"]) == (0, True, str(out))
    assert said.json["difference"]["verdict"] == "equal"
    assert "Against the running policy" in out.read_text("utf-8")


def test_without_a_page_it_is_printed(pegwarden: Desk) -> None:
    said = pegwarden("policy", "report", EVERYTHING)
    assert said.status == 0
    assert "Universal rules, which no policy switches off:" in said.out
    assert "Examples: 2 of 2 have the verdict that they say." in said.out
    assert pegwarden("policy", "report", EVERYTHING, "--json").json["difference"] is None


def test_an_example_with_another_verdict_is_status_1(pegwarden: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(EVERYTHING.read_text().replace('expect = "sign"', 'expect = "pending"'))
    said = pegwarden("policy", "report", wrong, "--json")
    assert (said.status, said.json["ok"]) == (1, False)
    assert [each["passed"] for each in said.json["examples"]] == [False, True]


def test_what_is_no_policy_is_refused(pegwarden: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("format = 1")
    said = pegwarden("policy", "report", broken, "--json")
    assert (said.status, said.json["ok"]) == (1, False)
    assert pegwarden("policy", "report", tmp_path / "absent.toml").status != 0
