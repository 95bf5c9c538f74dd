"""`pegwarden journal backup | restore | export | import | migrate`."""

from pathlib import Path

import pytest

from signer.journal.schema import VERSION
from tests.cli.desk import Desk, MemberPlace
from tests.journal.tampering import tamper


@pytest.fixture
def member(bound: MemberPlace, tmp_path: Path) -> MemberPlace:
    return bound.copy(tmp_path / "member")


def journal(member: MemberPlace) -> Path:
    return member.directory / "journal.sqlite"


def test_a_backup_is_restored(pegwarden: Desk, member: MemberPlace, tmp_path: Path) -> None:
    config, backup = ("--config", member.config), tmp_path / "backup"
    said = pegwarden("journal", "backup", backup, *config, "--json")
    assert (said.status, said.json["entries"]) == (0, 1)
    again = pegwarden("journal", "restore", backup, *config)
    assert (again.status, "journal-exists" in again.err) == (1, True)
    journal(member).unlink()
    restored = pegwarden("journal", "restore", backup, *config)
    assert restored.status == 0
    assert "could be" in restored.out
    assert "state-rolled-back" in restored.out
    assert pegwarden("journal", "verify", *config).status == 0
    journal(member).unlink()
    said = pegwarden("journal", "restore", backup, *config, "--json")
    assert said.json["last"].startswith("20")


def test_an_export_is_imported(pegwarden: Desk, member: MemberPlace, tmp_path: Path) -> None:
    config, exported = ("--config", member.config), tmp_path / "exported"
    said = pegwarden("journal", "export", exported, *config)
    assert (said.status, "1 entries" in said.out) == (0, True)
    journal(member).unlink()
    assert pegwarden("journal", "import", exported, *config, "--json").json["entries"] == 1
    assert pegwarden("journal", "verify", *config).status == 0


def test_a_copy_of_another_journal(
    pegwarden: Desk, member: MemberPlace, fresh: MemberPlace, tmp_path: Path
) -> None:
    """Another member's journal is no journal of this key."""
    config = ("--config", member.config)
    assert pegwarden("key", "bind", fresh.policy, *fresh.opened).status == 0
    other = ("--config", fresh.config)
    journal(member).unlink()
    for write, read in (("backup", "restore"), ("export", "import")):
        copy = tmp_path / write
        assert pegwarden("journal", write, copy, *other).status == 0
        said = pegwarden("journal", read, copy, *config)
        assert (said.status, "journal-foreign" in said.err) == (1, True)
        assert not journal(member).exists()


def test_migrate(pegwarden: Desk, member: MemberPlace) -> None:
    config = ("--config", member.config)
    said = pegwarden("journal", "migrate", *config)
    assert (said.status, said.out) == (0, "nothing to do\n")
    assert pegwarden("journal", "migrate", *config, "--json").json["migrations"] == []
    tamper(journal(member), f"PRAGMA user_version = {VERSION + 1}")
    said = pegwarden("journal", "migrate", *config)
    assert (said.status, "journal-schema-unknown" in said.err) == (1, True)
