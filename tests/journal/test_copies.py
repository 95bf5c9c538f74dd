"""Backup, restore, export and import: what they write is verified, and nothing is overwritten."""

from pathlib import Path

import pytest

from signer.bitcoin.errors import Malformed
from signer.core.errors import Refusal
from signer.journal.audit import read_entries, verify_journal
from signer.journal.copies import copy_journal, export_journal, import_journal
from signer.journal.offline import verify_exported
from signer.journal.place import Place
from tests.conftest import Places
from tests.journal.desk import Signer, case_number, desk, pay
from tests.journal.tampering import tables_of, tamper
from tests.journal.words import approval, attested, noted, said, terms_of

KEY = Signer().log_key


@pytest.fixture
def made(place: Place) -> Place:
    with desk(place) as journal:
        journal.count("stranger", "psbt-magic")
        pay(journal, case_number(1))
        noted(journal, attested(terms_of(2)), said(approval(2)))
        pay(journal, case_number(1, fee=20_000))
    return place


def code_of(caught: pytest.ExceptionInfo[Refusal]) -> str:
    return caught.value.code


def test_a_backup_is_taken_beside_a_running_kernel_and_restored(
    made: Place, places: Places, tmp_path: Path
) -> None:
    backup, restored = tmp_path / "backup", places.new()
    with desk(made) as journal:
        report = copy_journal(made, backup)
        pay(journal, case_number(3))
    assert report.entries == verify_journal(backup).entries == 5
    assert copy_journal(backup, restored) == report
    assert list(read_entries(restored, 0)) == list(read_entries(made, 0))[:5]
    with tables_of(restored) as tables:
        assert tables.execute("SELECT * FROM counters").fetchall() == [
            ("stranger", "psbt-magic", 1)
        ]
    with desk(restored) as journal:
        assert pay(journal, case_number(1)).decision_id == next(iter(read_entries(made, 1))).leaf


def test_a_copy_overwrites_nothing(made: Place, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    for make in (lambda: copy_journal(made, backup), lambda: export_journal(made, backup)):
        backup.write_bytes(b"something")
        with pytest.raises(Refusal) as caught:
            make()
        assert code_of(caught) == "journal-exists"
        assert backup.read_bytes() == b"something"
        backup.unlink()
        make()
        backup.unlink()
    copy_journal(made, backup)
    with pytest.raises(Refusal) as caught:
        copy_journal(backup, made)
    assert code_of(caught) == "journal-exists"
    assert {each.name for each in tmp_path.iterdir() if ".new" in each.name} == set()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE versions SET fee = fee + 1",
        "DELETE FROM payments",
        "UPDATE checkpoint SET clock = clock + 1",
        "DELETE FROM entries WHERE number = 3",
        "UPDATE entries SET leaf = record WHERE number = 2",
    ],
)
def test_a_journal_that_is_not_as_it_should_be_is_not_copied(
    made: Place, places: Places, tmp_path: Path, change: str
) -> None:
    backup = tmp_path / "backup"
    copy_journal(made, backup)
    tamper(made, change)
    with pytest.raises(Refusal) as caught:
        copy_journal(made, tmp_path / "another")
    assert code_of(caught) == "journal-tampered"
    assert not (tmp_path / "another").exists()
    tamper(backup, change)
    target = places.new()
    with pytest.raises(Refusal) as caught:
        copy_journal(backup, target)
    assert code_of(caught) == "journal-tampered"
    with pytest.raises(Refusal) as caught:
        verify_journal(target)
    assert code_of(caught) == "journal-missing"


def test_an_export_is_verified_and_imported(made: Place, places: Places, tmp_path: Path) -> None:
    exported, imported = tmp_path / "exported", places.new()
    report = export_journal(made, exported)
    assert report == verify_exported(exported, KEY)
    assert import_journal(exported, imported, KEY) == report
    assert verify_journal(imported) == verify_journal(made)
    assert list(read_entries(imported, 0)) == list(read_entries(made, 0))
    with tables_of(imported) as tables:  # what is no fold of entries is not in an export
        assert tables.execute("SELECT * FROM counters").fetchall() == []
    with desk(imported) as journal:
        assert pay(journal, case_number(1)).decision_id == next(iter(read_entries(made, 1))).leaf


def test_an_export_with_another_record_is_not_imported(
    made: Place, places: Places, tmp_path: Path
) -> None:
    exported, target = tmp_path / "exported", places.new()
    export_journal(made, exported)
    honest = exported.read_bytes()
    place = honest.index(b"relayer")
    exported.write_bytes(honest[:place] + b"R" + honest[place + 1 :])
    with pytest.raises(Refusal) as caught:
        import_journal(exported, target, KEY)
    assert code_of(caught) == "journal-tampered"
    exported.write_bytes(honest[:-1])
    with pytest.raises(Malformed) as cut:
        import_journal(exported, target, KEY)
    assert cut.value.code == "export-malformed"
    exported.write_bytes(honest)
    with pytest.raises(Malformed) as foreign:
        import_journal(exported, target, b"\x01" * 32)
    assert foreign.value.code == "head-malformed"
    import_journal(exported, target, KEY)


def test_an_export_of_a_tampered_log_is_not_written(made: Place, tmp_path: Path) -> None:
    exported = tmp_path / "exported"
    tamper(made, "DELETE FROM entries WHERE number = 3")
    with pytest.raises((Refusal, Malformed)):
        export_journal(made, exported)
    assert list(tmp_path.glob("exported*")) == []


def test_a_folder_that_is_not_there(made: Place, tmp_path: Path) -> None:
    for make in (copy_journal, export_journal):
        with pytest.raises(Refusal) as caught:
            make(made, tmp_path / "nowhere" / "copy")
        assert code_of(caught) == "journal-unavailable"
