"""`pegwarden journal replay` and `pegwarden upgrade check`, on the journal of a kernel that decided."""

import json
import sqlite3
from pathlib import Path

import pytest

from signer.config import load_config
from signer.journal.audit import read_head
from signer.journal.codec import encode_entry
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.journal.exported import write_exported
from tests.cli.desk import Desk, MemberPlace
from tests.cli.test_policy_simulate import OLD, decided
from tests.kernel.room import policy_text
from tests.replay.past import Past
from tests.replay.test_rederivation import _a_rule_more, _another_word, _charging_more


def test_a_replay_says_what_it_derived_again(past: Past, pegwarden: Desk) -> None:
    said = pegwarden("journal", "replay", past.path, "--json")
    assert (said.status, said.json["ok"], said.json["differences"]) == (0, True, 0)
    assert said.json["derived_again"]["signed"] == len(past.numbers(SignedEntry))
    assert said.json["derived_again"]["refused"] == len(past.numbers(RefusedEntry))
    assert sum(said.json["derived_again"].values()) == len(past.entries) - 1
    assert said.json["different"] == []


def test_a_replay_begins_where_it_is_told_to(past: Past, pegwarden: Desk) -> None:
    said = pegwarden("journal", "replay", past.path, "--since", len(past.entries) - 5, "--json")
    assert sum(said.json["derived_again"].values()) == 5
    lines = pegwarden("journal", "replay", past.path, "--since", len(past.entries) - 5).out
    assert lines.startswith("5 entries derived again to the byte: ")
    assert lines.endswith("0 differences\n")


def test_an_exported_journal_is_replayed_alike(past: Past, pegwarden: Desk, tmp_path: Path) -> None:
    export = tmp_path / "journal.export"
    with export.open("wb") as stream:
        records = (encode_entry(each.entry) for each in past.entries)
        write_exported(stream, read_head(past.path), records)
    said = pegwarden("journal", "replay", export, "--json")
    assert said.status == 0
    assert sum(said.json["derived_again"].values()) == len(past.entries) - 1


def test_a_difference_is_shown_and_is_status_1(
    past: Past, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _charging_more(monkeypatch)
    lines = pegwarden("journal", "replay", past.path)
    told = pegwarden("journal", "replay", past.path, "--jsonl")
    assert (lines.status, told.status) == (1, 1)
    assert "signed on record,\n  signed when derived again\n  claims.charge: " in lines.out
    *each, last = [json.loads(line) for line in told.out.splitlines()]
    assert (len(each), last["ok"]) == (last["differences"], False)
    assert each[0]["fields"][0]["name"] == "claims.charge"
    assert each[0]["outflow_sat"] > 0


def test_a_journal_without_change_control_needs_the_policy_s_file(
    tmp_path: Path, pegwarden: Desk
) -> None:
    file, other = tmp_path / "policy.toml", tmp_path / "other.toml"
    file.write_bytes(policy_text(when=OLD))
    other.write_bytes(policy_text(when="and(attested(2, watchers), fee_at_most(0.01 BTC))"))
    with decided(tmp_path):
        journal = tmp_path / "a" / "journal.sqlite"
        assert pegwarden("journal", "replay", journal).status == 2
        refused = pegwarden("journal", "replay", journal, "--policy", other, "--json")
        assert (refused.status, refused.json["code"]) == (1, "policy-not-descended")
        said = pegwarden("journal", "replay", journal, "--policy", file, "--json")
        checked = pegwarden("upgrade", "check", journal, "--policy", file, "--json")
    assert (said.status, said.json["derived_again"]) == (0, {"refused": 1, "signed": 2})
    assert (checked.status, checked.json["derived_again"]) == (0, 3)


def test_a_member_s_own_journal_is_named_by_its_configuration(
    member: MemberPlace, pegwarden: Desk
) -> None:
    """Its keys say which are ours; nothing was decided yet."""
    said = pegwarden("journal", "replay", "--config", member.config, "--json")
    assert (said.status, said.json["derived_again"]) == (0, {})
    checked = pegwarden("upgrade", "check", "--config", member.config, "--json")
    assert checked.status == 0
    assert [each["ok"] for each in checked.json["start"]] == [True] * 4


# --- upgrade check


def test_a_version_that_decides_alike_may_serve(past: Past, pegwarden: Desk) -> None:
    before = past.path.stat().st_mtime_ns
    said = pegwarden("upgrade", "check", past.path, "--last", 20, "--json")
    assert (said.status, said.json["ok"], said.json["changes"]) == (0, True, [])
    assert said.json["derived_again"] == 20
    assert past.path.stat().st_mtime_ns == before
    lines = pegwarden("upgrade", "check", past.path).out
    assert lines.count("yes  ") == 4
    assert lines.endswith("No verdict would change.\n")


def test_a_version_that_refuses_what_was_signed_is_told_with_amounts(
    past: Past, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _a_rule_more(monkeypatch)
    said = pegwarden("upgrade", "check", past.path, "--last", 30, "--json")
    assert (said.status, said.json["ok"]) == (1, False)
    change = next(each for each in said.json["changes"] if each["was"] == "signed")
    assert (change["would_be"], change["would_be_codes"]) == ("refused", ["fee-rate-out-of-range"])
    assert change["outflow_sat"] > 100_000
    lines = pegwarden("upgrade", "check", past.path, "--last", 30).out
    assert "entry  time" in lines
    assert "fee-rate-out-of-range" in lines


def test_a_version_that_charges_otherwise_names_what_differs(
    past: Past, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _charging_more(monkeypatch)
    said = pegwarden("upgrade", "check", past.path, "--last", 10)
    assert said.status == 1
    assert "claims.charge" in said.out


def test_other_words_alone_stop_nobody(
    past: Past, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _another_word(monkeypatch)
    said = pegwarden("upgrade", "check", past.path, "--json")
    assert (said.status, said.json["other_words"], said.json["changes"]) == (0, 1, [])
    lines = pegwarden("upgrade", "check", past.path).out
    assert "1 entries with the same verdict in other words" in lines


def copied(past: Past, folder: Path) -> Path:
    """A copy to be changed."""
    path = folder / "journal.sqlite"
    live, copy = sqlite3.connect(past.path), sqlite3.connect(path)
    live.backup(copy)
    live.close()
    copy.close()
    return path


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ("PRAGMA user_version = 99", "journal-schema-unknown"),
        ("CREATE TABLE more (one INTEGER)", "journal-tampered"),
    ],
)
def test_a_journal_that_would_not_open_is_told(
    past: Past, pegwarden: Desk, tmp_path: Path, change: str, objection: str
) -> None:
    path = copied(past, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    said = pegwarden("upgrade", "check", path, "--json")
    asked = said.json["start"][-1]
    assert (said.status, asked["ok"]) == (1, False)
    assert asked["objection"].startswith(objection)
    assert f"     {objection}" in pegwarden("upgrade", "check", path).out


def test_a_journal_of_an_earlier_schema_is_migrated_in_the_copy(
    past: Past, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signer.cli.upgrade.migrate_journal", lambda _: (2, 3))
    said = pegwarden("upgrade", "check", past.path, "--last", 1, "--json")
    assert (said.status, said.json["migrations"]) == (0, [2, 3])
    lines = pegwarden("upgrade", "check", past.path, "--last", 1).out
    assert "first: pegwarden journal migrate, to schema 3" in lines


def test_an_entry_that_cannot_be_read_is_told(past: Past, pegwarden: Desk, tmp_path: Path) -> None:
    path = copied(past, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE entries SET record = CAST(record || x'00' AS BLOB) WHERE number = 20"
    )
    connection.commit()
    connection.close()
    said = pegwarden("upgrade", "check", path, "--json")
    assert [each["ok"] for each in said.json["start"]] == [True, True, False]
    assert said.json["start"][2]["objection"].startswith("journal-tampered: entry 20 ")


def test_a_policy_that_no_longer_descends_is_told(
    past: Past, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This version finds the tightening that one officer brought no tighter."""
    monkeypatch.setattr("signer.descent.PROVEN", frozenset())
    said = pegwarden("upgrade", "check", past.path, "--last", 1, "--json")
    assert [each["ok"] for each in said.json["start"]] == [True, True, True, False]
    assert said.json["start"][3]["objection"].startswith("policy-not-descended")


def test_a_policy_file_that_was_never_in_force_is_told(
    member: MemberPlace, pegwarden: Desk
) -> None:
    """The configuration names another policy than the journal begins with."""
    file = load_config(member.config).policy
    file.write_bytes(file.read_bytes() + b"\n# other\n")
    said = pegwarden("upgrade", "check", "--config", member.config, "--json")
    assert said.status == 1
    assert said.json["start"][-1]["objection"].startswith("policy-not-descended")
