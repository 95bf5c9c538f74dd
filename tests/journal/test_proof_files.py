"""Proofs as files, from a journal and from what was exported of it."""

from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal.audit import read_entries, read_head
from signer.journal.codec import encode_entry
from signer.journal.merkle import leaf_hash
from signer.journal.note import Head, sign_head
from signer.journal.offline import consistency_of, inclusion_of, opened_log
from signer.journal.proof_file import ConsistencyFile, InclusionFile, read_proof, write_proof
from tests.journal.desk import Policy, Signer, case_number, desk, pay
from tests.journal.test_offline import (
    LOG_KEY,
    Exported,
    changed,
    code_of,
    head_over,
    verified,
    written,
)


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


# --- proofs as files ---


@pytest.mark.parametrize("number", range(7))
def test_an_entry_is_proved_from_the_journal_and_from_its_export_alike(
    number: int, file: Path, journal: Path, exported: Exported
) -> None:
    with opened_log(file) as log, opened_log(journal) as own:
        assert (log.log_key, log.head, log.note) == (own.log_key, own.head, own.note)
        proof = inclusion_of(log, number)
        assert proof == inclusion_of(own, number)
        for each in (log, own):
            assert each.records.number_of(leaf_hash(proof.record)) == number
            assert each.records.number_of(bytes(32)) is None
    text = write_proof(proof)
    read = read_proof(text)
    assert read == proof
    assert read.verify(LOG_KEY).size == 7
    assert text.startswith("c2sp.org/tlog-proof@v1\nextra ")
    assert f"\nindex {number}\n" in text
    assert text.endswith(f"\n\n{exported[0]}")


def test_heads_are_proved_consistent(file: Path, exported: Exported) -> None:
    head, records = exported
    old = head_over(records[:3])
    with opened_log(file) as log:
        proof = consistency_of(log, old, head)
        assert consistency_of(log, head, head).path == ()
    read = read_proof(write_proof(proof))
    assert read == proof
    assert isinstance(read, ConsistencyFile)
    assert [each.size for each in read.verify(LOG_KEY)] == [3, 7]


def test_what_cannot_be_proved_is_named(file: Path, exported: Exported) -> None:
    head, records = exported
    old = head_over(records[:3])
    with opened_log(file) as log:
        assert code_of(lambda: inclusion_of(log, 7)) == "entry-unknown"
        assert code_of(lambda: consistency_of(log, head, old)) == "proof-span-invalid"
        forked = head_over([*records[:2], changed(records[2])])
        assert code_of(lambda: consistency_of(log, forked, head)) == "log-forked"
        longer = head_over([*records, records[-1]])
        assert code_of(lambda: consistency_of(log, old, longer)) == "journal-behind-head"
        foreign = sign_head(Head(f"pegwarden/{'00' * 32}/{'00' * 32}", 1, bytes(32)), Signer())
        assert code_of(lambda: consistency_of(log, foreign, head)) == "head-malformed"
        assert code_of(lambda: consistency_of(log, "no head", head)) == "head-malformed"


def test_a_changed_journal_gives_no_proof(exported: Exported, tmp_path: Path) -> None:
    head, records = exported
    path = written(tmp_path / "x", head, [*records[:3], changed(records[3]), *records[4:]])
    with opened_log(path) as log:
        assert code_of(lambda: inclusion_of(log, 5)) == "journal-tampered"
        old = head_over(records[:2])
        assert code_of(lambda: consistency_of(log, old, head)) == "journal-tampered"


@pytest.fixture
def proof(file: Path) -> InclusionFile:
    with opened_log(file) as log:
        return inclusion_of(log, 3)


def test_no_line_of_an_inclusion_file_can_be_changed(proof: InclusionFile) -> None:
    lines = write_proof(proof).split("\n")
    for place, line in enumerate(lines):
        for other in (line + "A", line[:-4], ""):
            if other == line:
                continue
            text = "\n".join([*lines[:place], other, *lines[place + 1 :]])
            code = code_of(verified, text)
            assert code in ("proof-invalid", "head-malformed")
    assert code_of(lambda: proof.verify(bytes(32))) == "head-malformed"


def test_a_proof_of_another_entry_does_not_verify(proof: InclusionFile, exported: Exported) -> None:
    from dataclasses import replace

    for other in (
        replace(proof, number=2),
        replace(proof, record=exported[1][2]),
        replace(proof, path=proof.path[:-1]),
        replace(proof, head=head_over(exported[1][:6])),
    ):
        assert code_of(other.verify, LOG_KEY) == "proof-invalid"


def test_no_line_of_a_consistency_file_can_be_changed(file: Path, exported: Exported) -> None:
    head, records = exported
    with opened_log(file) as log:
        proof = consistency_of(log, head_over(records[:3]), head)
    lines = write_proof(proof).split("\n")
    for place, line in enumerate(lines):
        for other in (line + "A", line[:-4], ""):
            if other == line:
                continue
            text = "\n".join([*lines[:place], other, *lines[place + 1 :]])
            code = code_of(verified, text)
            assert code in ("proof-invalid", "head-malformed")
    other_log = Head(f"pegwarden/{'00' * 32}/{'00' * 32}", 3, bytes(32))
    strange = ConsistencyFile(proof.path, sign_head(other_log, Signer()), head)
    assert code_of(lambda: strange.verify(LOG_KEY)) == "proof-invalid"


def test_a_file_that_is_no_proof_says_so() -> None:
    for text in (
        "",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v1\nextra AA==\n\n",
        "x\n\ny",
    ):
        assert code_of(read_proof, text) == "proof-invalid"
