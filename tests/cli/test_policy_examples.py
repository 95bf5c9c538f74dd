"""`pegwarden policy test` and `pegwarden policy mutate`."""

from pathlib import Path

from tests.cli.desk import Desk
from tests.policies.test_examples import SHIPPED, example_text
from tests.policies.world import TEXT, policy_text

COMMON = {"spend": "withdrawal", "from": "peg", "payments": ["0.5 BTC"]}


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text)
    return path


def test_examples_as_expected(pegwarden: Desk) -> None:
    for path in SHIPPED:
        said = pegwarden("policy", "test", path)
        assert said.status == 0
        assert "DIFFERS" not in said.out
        assert "examples as expected" in said.out


def test_a_difference_names_the_code_seen(pegwarden: Desk, tmp_path: Path) -> None:
    text = TEXT + example_text(name="as meant", **COMMON, expect="sign")
    text += example_text(
        name="not as meant", **COMMON, fee="0.003 BTC", vsize="2000 vB", expect="sign"
    )
    path = written(tmp_path, text)
    said = pegwarden("policy", "test", path)
    assert said.status == 1
    ok, differs = said.out.splitlines()[1:3]
    assert ok.split()[0] == "ok"
    assert differs.split()[0] == "DIFFERS"
    assert differs.endswith("refuse fee-too-high")
    assert said.out.splitlines()[-1] == "1 of 2 examples as expected"
    seen = pegwarden("policy", "test", path, "--json")
    assert (seen.status, seen.json["ok"]) == (1, False)
    assert seen.json["examples"][1] == {
        "name": "not as meant",
        "line": text.count("\n", 0, text.rindex("[[example]]")) + 1,
        "expected": "sign",
        "got": "refuse",
        "codes": ["fee-too-high"],
        "passed": False,
    }


def test_no_examples_are_no_success(pegwarden: Desk, tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    for command in ("test", "mutate"):
        said = pegwarden("policy", command, path)
        assert (said.status, said.out) == (1, "no [[example]] in this policy\n")
        seen = pegwarden("policy", command, path, "--json")
        assert (seen.status, seen.json) == (1, {"ok": False, "examples": []})


def test_mutate_names_survivors(pegwarden: Desk, tmp_path: Path) -> None:
    text = TEXT + example_text(name="as meant", **COMMON, expect="sign")
    said = pegwarden("policy", "mutate", written(tmp_path, text))
    assert said.status == 1
    assert "no example notices line" in said.out
    assert "payment_at_most(1 BTC): 100000001 sat" in said.out
    counted = said.out.splitlines()[-1]
    seen = pegwarden("policy", "mutate", tmp_path / "policy.toml", "--json").json
    assert seen["ok"] is False
    assert counted == (
        f"{seen['mutants']} mutants: {seen['noticed']} noticed, {seen['not_policies']} are no policies, "
        f"{len(seen['equivalent'])} mean the same, {len(seen['survivors'])} survive"
    )
    assert {"line", "what"} == set(seen["survivors"][0])


def test_mutate_a_policy_that_its_examples_know(pegwarden: Desk) -> None:
    said = pegwarden("policy", "mutate", SHIPPED[-1])
    assert (said.status, said.out.count("\n")) == (0, 1)
    assert said.err.startswith("100 of ")
    small = pegwarden("policy", "mutate", SHIPPED[0])
    assert (small.status, small.err) == (0, "")


def test_mutate_asks_only_examples_that_pass(pegwarden: Desk, tmp_path: Path) -> None:
    text = TEXT + example_text(name="not as meant", **COMMON, expect="refuse")
    path = written(tmp_path, text)
    said = pegwarden("policy", "mutate", path)
    assert said.status == 1
    assert "DIFFERS" in said.out
    assert "mutants" not in said.out
    seen = pegwarden("policy", "mutate", path, "--json")
    assert (seen.status, seen.json["ok"]) == (1, False)
    assert [each["got"] for each in seen.json["examples"]] == ["sign"]


def test_equal_mutants_are_told(pegwarden: Desk, tmp_path: Path) -> None:
    text = policy_text("and(attested(2, watchers), outputs_at_most(3), outputs_at_most(4))")
    text += example_text(name="as meant", **COMMON, expect="sign")
    seen = pegwarden("policy", "mutate", written(tmp_path, text), "--json").json
    assert "without outputs_at_most(4)" in [each["what"] for each in seen["equivalent"]]


def test_a_file_that_is_no_policy(pegwarden: Desk, tmp_path: Path) -> None:
    path = written(tmp_path, "format = 1\n")
    for command in ("test", "mutate"):
        said = pegwarden("policy", command, path)
        assert said.status != 0
        assert "policy-" in said.err + said.out
