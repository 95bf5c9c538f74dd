"""An auditor with an exported journal and public keys: verifies, proves, and detects what was done to it."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.errors import Malformed
from signer.core.errors import Refusal
from signer.core.fields import pack
from signer.journal.audit import read_entries, read_head, verify_journal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.exported import MAGIC, is_exported, read_exported, write_exported
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, read_note, sign_head
from signer.journal.note import read_head as head_in
from signer.journal.offline import opened_log, verify_exported
from signer.journal.proof_file import read_proof
from tests.journal.desk import GENESIS, Policy, Signer, case_number, desk, pay

LOG_KEY = Signer().log_key
ORIGIN = origin_of(GENESIS.genesis_hash, LOG_KEY)
Exported = tuple[str, list[bytes]]
"""Head and records."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with desk(path) as opened:
        for number in range(1, 6):
            pay(opened, case_number(number))
        with pytest.raises(Refusal):
            pay(opened, case_number(9), Policy(outflow=0))
    return path


@pytest.fixture(scope="module")
def exported(journal: Path) -> Exported:
    records = [encode_entry(stored.entry) for stored in read_entries(journal, 0)]
    return read_head(journal), records


@pytest.fixture
def file(exported: Exported, tmp_path: Path) -> Path:
    return written(tmp_path / "journal.export", *exported)


def written(path: Path, head: str, records: list[bytes]) -> Path:
    with path.open("wb") as stream:
        write_exported(stream, head, records)
    return path


def head_over(records: list[bytes], signer: Signer | None = None) -> str:
    """The head of these records, signed."""
    frontier = Frontier()
    for record in records:
        frontier = frontier.append(leaf_hash(record))
    return sign_head(Head(ORIGIN, frontier.size, frontier.root()), signer or Signer())


def code_of(work: Callable[..., object], *arguments: object) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        work(*arguments)
    return caught.value.code


def verified(text: str) -> object:
    return read_proof(text).verify(LOG_KEY)


def changed(record: bytes) -> bytes:
    """The signed entry with another caller: canonical, and what a kernel could have written."""
    entry = decode_entry(record)
    return encode_entry(type(entry)(**{**_fields(entry), "caller": "another"}))


def _fields(entry: object) -> dict[str, object]:
    return {name: getattr(entry, name) for name in type(entry).__dataclass_fields__}


# --- the form ---


def test_the_bytes_of_an_exported_journal(exported: Exported, file: Path) -> None:
    head, records = exported
    expected = MAGIC + pack((head.encode(),)) + b"".join(pack((each,)) for each in records)
    assert file.read_bytes() == expected
    assert expected.startswith(b"pegwarden/journal/1\n")
    with file.open("rb") as stream:
        read = read_exported(stream)
        assert (read.head, list(read.records)) == (head, records)


def test_any_other_form_is_refused(exported: Exported) -> None:
    head, records = exported
    whole = MAGIC + pack((head.encode(), *records))

    def read(content: bytes) -> list[bytes]:
        return list(read_exported(io.BytesIO(content)).records)

    assert read(whole) == records
    for strange in (
        b"",
        whole[1:],
        MAGIC,
        MAGIC + pack((b"",)),
        MAGIC + pack((b"\xff",)),
        MAGIC + pack((b"no head",)),
        whole[:-1],
        whole[: -len(records[-1]) - 4],
        whole + b"\x00",
        whole + pack((records[-1],)),
        MAGIC + pack((head.encode(), *records[:-1], b"")),
        MAGIC + pack((head.encode(),)) + b"\xff\xff\xff\xff",
    ):
        assert code_of(read, strange) == "export-malformed"


def test_what_is_told_apart_by_its_first_line(file: Path, journal: Path, tmp_path: Path) -> None:
    assert is_exported(file)
    assert not is_exported(journal)
    assert not is_exported(tmp_path / "nothing")
    assert not is_exported(tmp_path)
    assert list(read_entries(file, 2)) == list(read_entries(journal, 2))
    assert read_head(file) == read_head(journal)


# --- verified with the log key alone ---


def test_an_honest_export_verifies_with_the_log_key_alone(file: Path, journal: Path) -> None:
    report, own = verify_exported(file, LOG_KEY), verify_journal(journal)
    assert (report.entries, report.first_leaf, report.head) == (7, own.first_leaf, own.head)
    assert report.rows == own.rows


def test_a_removed_entry_is_detected(exported: Exported, tmp_path: Path) -> None:
    head, records = exported
    cut = [*records[:3], *records[4:]]
    path = written(tmp_path / "removed", head, cut)
    assert code_of(lambda: verify_exported(path, LOG_KEY)) == "export-malformed"
    filled = written(tmp_path / "filled", head, [*cut, records[-1]])
    assert code_of(lambda: verify_exported(filled, LOG_KEY)) == "journal-tampered"


def test_a_changed_entry_is_detected(exported: Exported, tmp_path: Path) -> None:
    head, records = exported
    path = written(tmp_path / "x", head, [*records[:3], changed(records[3]), *records[4:]])
    assert code_of(lambda: verify_exported(path, LOG_KEY)) == "journal-tampered"
    for place in range(0, len(records[3]), 97):
        flipped = bytearray(records[3])
        flipped[place] ^= 1
        path = written(tmp_path / "x", head, [*records[:3], bytes(flipped), *records[4:]])
        assert code_of(verify_exported, path, LOG_KEY) == "journal-tampered"


def test_reordered_entries_are_detected(exported: Exported, tmp_path: Path) -> None:
    head, records = exported
    swapped = [records[0], records[2], records[1], *records[3:]]
    path = written(tmp_path / "swapped", head, swapped)
    assert code_of(lambda: verify_exported(path, LOG_KEY)) == "journal-tampered"


def test_an_entry_resigned_by_another_key_is_detected(exported: Exported, tmp_path: Path) -> None:
    _, records = exported
    stranger = Signer(Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
    rewritten = [*records[:3], changed(records[3]), *records[4:]]
    path = written(tmp_path / "resigned", head_over(rewritten, stranger), rewritten)
    assert code_of(lambda: verify_exported(path, LOG_KEY)) == "head-malformed"


def test_an_entry_resigned_by_the_log_key_itself_is_detected(
    exported: Exported, tmp_path: Path
) -> None:
    """Whoever holds the log key can write another history, and it verifies. Any head of the true one, of the
    same size, an earlier or a later one, convicts it: a member, a client or a witness has one."""
    head, records = exported
    rewritten = [*records[:3], changed(records[3]), *records[4:]]
    path = written(tmp_path / "resigned", head_over(rewritten), rewritten)
    assert verify_exported(path, LOG_KEY).entries == 7
    for size in (4, 5, 7):
        earlier = head_over(records[:size])
        assert code_of(verify_exported, path, LOG_KEY, earlier) == "log-forked"
    assert verify_exported(path, LOG_KEY, head_over(records[:3])).entries == 7
    longer = head_over([*records, records[-1]])
    assert code_of(lambda: verify_exported(path, LOG_KEY, longer)) == "journal-behind-head"
    assert head_in(read_note(head).text).size == 7


def test_heads_of_the_same_history_agree(exported: Exported, file: Path, journal: Path) -> None:
    _, records = exported
    heads = [head_over(records[:size]) for size in (1, 4, 7)]
    assert verify_exported(file, LOG_KEY, *heads).entries == 7
    assert verify_journal(journal, *heads).entries == 7
    forked = head_over([*records[:3], changed(records[3])])
    assert code_of(lambda: verify_journal(journal, *heads, forked)) == "log-forked"
    foreign = sign_head(Head(f"pegwarden/{'00' * 32}/{'00' * 32}", 1, bytes(32)), Signer())
    assert code_of(lambda: verify_exported(file, LOG_KEY, foreign)) == "head-malformed"
    stranger = Signer(Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
    theirs = head_over(records[:3], stranger)
    assert code_of(lambda: verify_journal(journal, theirs)) == "head-malformed"


def test_the_log_of_another_member_is_not_the_one_asked_for(
    exported: Exported, tmp_path: Path
) -> None:
    """Its own records under a head by the key that the auditor trusts: the genesis entry names another."""
    _, records = exported
    stranger = Signer(Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
    path = written(tmp_path / "theirs", head_over(records, stranger), records)
    assert code_of(lambda: verify_exported(path, stranger.log_key)) == "journal-foreign"
    other_chain = sign_head(
        Head(ORIGIN.replace(GENESIS.genesis_hash.hex(), "00" * 32), 7, bytes(32)), Signer()
    )
    path = written(tmp_path / "chain", other_chain, records)
    assert code_of(lambda: verify_exported(path, LOG_KEY)) == "head-malformed"


def test_a_log_without_a_beginning_is_none(exported: Exported, tmp_path: Path) -> None:
    _, records = exported
    path = written(tmp_path / "headless", head_over(records[1:]), records[1:])
    assert code_of(lambda: verify_exported(path, LOG_KEY)) == "journal-tampered"

    def opened() -> None:
        with opened_log(path):
            pass

    assert code_of(opened) == "journal-tampered"
