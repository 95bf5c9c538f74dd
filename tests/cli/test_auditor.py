"""An auditor with an exported log and the log key, by the command line alone: it verifies the log, proves one
entry included and two heads consistent, and detects entries removed, changed, reordered or re-signed.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.network import REGTEST
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.copies import export_journal
from signer.journal.entry import SignedEntry
from signer.journal.exported import read_exported, write_exported
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head
from tests.cli.desk import Desk, Said
from tests.journal.desk import Signer, case_number, desk, pay

MEMBER, STRANGER = Signer(), Signer(Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
KEY = ("--log-key", MEMBER.log_key.hex())
ENTRIES = 7
Records = list[bytes]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The member's."""
    path = tmp_path_factory.mktemp("member") / "journal.sqlite"
    with desk(path) as opened:
        for number in range(1, ENTRIES):
            pay(opened, case_number(number))
    return path


@pytest.fixture
def exported(journal: Path, tmp_path: Path) -> Path:
    """All that the auditor gets."""
    path = tmp_path / "journal.export"
    export_journal(journal, path)
    return path


def read(path: Path) -> tuple[str, Records]:
    with path.open("rb") as stream:
        export = read_exported(stream)
        return export.head, list(export.records)


def head_over(records: Records, signer: Signer = MEMBER) -> str:
    frontier = Frontier()
    for record in records:
        frontier = frontier.append(leaf_hash(record))
    origin = origin_of(REGTEST.genesis_hash, MEMBER.log_key)
    return sign_head(Head(origin, frontier.size, frontier.root()), signer)


def another(record: bytes) -> bytes:
    """As a kernel could have written it, for another caller."""
    entry = decode_entry(record)
    assert isinstance(entry, SignedEntry)
    fields = {name: getattr(entry, name) for name in SignedEntry.__dataclass_fields__}
    return encode_entry(SignedEntry(**(fields | {"caller": "another"})))


def changed(records: Records) -> Records:
    return [*records[:3], another(records[3]), *records[4:]]


def verified(pegwarden: Desk, path: Path, *given: object) -> Said:
    return pegwarden("journal", "verify", path, *KEY, *given, "--json")


def rewritten(path: Path, head: str, records: Records) -> Path:
    path.unlink()
    with path.open("wb") as stream:
        write_exported(stream, head, records)
    return path


def test_an_auditor_verifies_a_log_and_proves_what_is_in_it(
    pegwarden: Desk, exported: Path, tmp_path: Path
) -> None:
    said = verified(pegwarden, exported)
    assert (said.status, said.json["entries"]) == (0, ENTRIES)
    proof = tmp_path / "entry.proof"
    assert pegwarden("journal", "prove", "entry", 4, exported, "-o", proof).status == 0
    said = pegwarden("journal", "prove", "verify", proof, *KEY, "--json")
    assert (said.status, said.json["entry"]["number"], said.json["entries"]) == (0, 4, ENTRIES)
    _, records = read(exported)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(head_over(records[:3]))
    new.write_text(head_over(records))
    proof = tmp_path / "heads.proof"
    consistent = ("journal", "prove", "consistency", old, new, exported, "-o", proof)
    assert pegwarden(*consistent).status == 0
    said = pegwarden("journal", "prove", "verify", proof, *KEY, "--json")
    assert (said.json["old_entries"], said.json["new_entries"]) == (3, ENTRIES)


@pytest.mark.parametrize(
    ("hostile", "code"),
    [
        (lambda head, it: (head, [*it[:3], *it[4:]]), "export-malformed"),
        (lambda head, it: (head, it[:-1]), "export-malformed"),
        (lambda head, it: (head, [*it[:3], *it[4:], it[-1]]), "journal-tampered"),
        (lambda head, it: (head, changed(it)), "journal-tampered"),
        (lambda head, it: (head, [*it[:2], it[3], it[2], *it[4:]]), "journal-tampered"),
        (lambda _, it: (head_over(changed(it), STRANGER), changed(it)), "head-malformed"),
        (lambda head, it: (head, it), ""),
    ],
    ids=["removed", "last removed", "removed and filled", "changed", "reordered", "re-signed", "as it is"],
)  # fmt: skip
def test_a_tampered_log_is_detected(
    pegwarden: Desk,
    exported: Path,
    hostile: Callable[[str, Records], tuple[str, Records]],
    code: str,
) -> None:
    said = verified(pegwarden, rewritten(exported, *hostile(*read(exported))))
    assert (said.status, said.json.get("code", "")) == (1 if code else 0, code)


def test_what_the_log_key_itself_signs_anew_is_detected_by_any_other_head(
    pegwarden: Desk, exported: Path, tmp_path: Path
) -> None:
    """Who has the log key can write another history; a head of the true one convicts it."""
    _, records = read(exported)
    path, head = rewritten(exported, head_over(changed(records)), changed(records)), tmp_path / "h"
    assert verified(pegwarden, path).status == 0
    for size in (4, ENTRIES):
        head.write_text(head_over(records[:size]))
        said = verified(pegwarden, path, "--head", head)
        assert (said.status, said.json["code"]) == (1, "log-forked")
    head.write_text(head_over([*records, records[-1]]))
    said = verified(pegwarden, path, "--head", head)
    assert (said.status, said.json["code"]) == (1, "journal-behind-head")
    head.write_text(head_over(records[:3]))
    assert verified(pegwarden, path, "--head", head).status == 0
