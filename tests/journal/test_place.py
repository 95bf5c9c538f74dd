"""Where a journal is: a URL that names the server completely, and holds no password."""

from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal.place import PostgresPlace, url_fault
from tests.cli.test_config import GOOD, load, refused

FILE = 'journal = "data/journal.sqlite"\n'
TABLE = '[journal]\npostgres = "{url}"\nhead = "data/journal.head"\n'


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://pegwarden@localhost/pegwarden",
        "postgresql://pegwarden@127.0.0.1:5433/pegwarden",
        "postgresql://pegwarden@[::1]/pegwarden",
        "postgresql://pegwarden@/pegwarden?host=/var/run/postgresql",
        "postgresql://pegwarden@db.example/pegwarden?sslmode=verify-full",
        "postgresql://pegwarden@db1,db2/pegwarden?sslmode=verify-full&sslrootcert=/etc/ca.pem",
    ],
)
def test_urls_that_are_used(url: str) -> None:
    assert url_fault(url) == ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("postgres://pegwarden@localhost/pegwarden", "begins"),
        ("journal.sqlite", "begins"),
        ("postgresql://pegwarden:secret@localhost/pegwarden", "no password"),
        ("postgresql://pegwarden@localhost/pegwarden?password=secret", "no password"),
        ("postgresql://pegwarden@localhost/pegwarden?passfile=/secret", "no password"),
        ("postgresql://localhost/pegwarden", "names user"),
        ("postgresql://pegwarden@localhost/", "names user"),
        ("postgresql://pegwarden@/pegwarden", "names user"),
        ("postgresql://pegwarden@localhost:port/pegwarden", "is no URL"),
        ("postgresql://pegwarden@localhost/pegwarden?sslmode", "is no URL"),
        ("postgresql://pegwarden@db.example/pegwarden", "verify-full"),
        ("postgresql://pegwarden@db.example/pegwarden?sslmode=require", "verify-full"),
        ("postgresql://pegwarden@10.0.0.7/pegwarden", "verify-full"),
        ("postgresql://pegwarden@localhost,db.example/pegwarden", "verify-full"),
        ("postgresql://pegwarden@localhost/pegwarden?hostaddr=10.0.0.7", "verify-full"),
        ("postgresql://pegwarden@localhost/pegwarden?host=db.example", "verify-full"),
    ],
)
def test_urls_that_are_not(url: str, fault: str) -> None:
    assert fault in url_fault(url)
    assert "secret" not in url_fault(url)


def test_a_journal_in_a_file_has_its_head_beside_it(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert config.journal == tmp_path / "data" / "journal.sqlite"
    assert config.journal_head == tmp_path / "data" / "journal.sqlite.head"


def test_a_journal_on_a_server(tmp_path: Path) -> None:
    url = "postgresql://pegwarden@localhost/pegwarden"
    table = TABLE.format(url=url)
    config = load(tmp_path, GOOD.replace(FILE, "") + table)
    assert config.journal == PostgresPlace(url)
    assert str(config.journal) == url
    assert config.journal_head == tmp_path / "data" / "journal.head"
    config = load(tmp_path, GOOD.replace(FILE, "") + table + 'password = "secret.txt"\n')
    assert config.journal == PostgresPlace(url, tmp_path / "secret.txt")


@pytest.mark.parametrize(
    ("change", "code", "key"),
    [
        (("pegwarden@localhost", "pegwarden:secret@localhost"), "config-value", "journal.postgres"),
        (("head =", "heads ="), "config-key-missing", "journal.head"),
        (("head =", "path = 1\nhead ="), "config-key-unknown", "journal.path"),
        (("postgres =", "sqlite ="), "config-key-missing", "journal.postgres"),
    ],
)
def test_a_table_that_is_not_complete(
    tmp_path: Path, change: tuple[str, str], code: str, key: str
) -> None:
    table = TABLE.format(url="postgresql://pegwarden@localhost/pegwarden").replace(*change)
    refusal: Refusal = refused(tmp_path, GOOD.replace(FILE, "") + table)
    assert refusal.code == code
    assert key in refusal.objections[0].detail
    assert "secret" not in refusal.objections[0].detail
