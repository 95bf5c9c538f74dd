"""`pegwarden journal verify | prove | receipt | follow`: files, public keys, and a kernel's answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToJson

from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.caller import Caller
from signer.core.receipt import Answer, Receipt, receipt_text
from signer.journal.audit import read_entries, read_head
from signer.journal.codec import encode_entry
from signer.journal.cosignature import cosign
from signer.journal.exported import write_exported
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head
from signer.journal.offline import LeafTree
from signer.journal.proofs import prove_consistency
from signer.wire_answers import receipt_message
from tests.cli.desk import Desk, MemberPlace, Said
from tests.edge.lobby import AUDITOR, AUTHORITY, EchoKernel, served
from tests.journal.desk import Signer, case_number, desk, pay
from tests.journal.test_cosignature import WitnessSigner

LOG_KEY = Signer().log_key
ORIGIN = origin_of(REGTEST.genesis_hash, LOG_KEY)
WITNESS = origin_of(REGTEST.genesis_hash, WitnessSigner.log_key)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    with desk(path) as opened:
        for number in range(1, 5):
            pay(opened, case_number(number))
    return path


@pytest.fixture(scope="module")
def records(journal: Path) -> list[bytes]:
    return [encode_entry(stored.entry) for stored in read_entries(journal, 0)]


@pytest.fixture
def exported(journal: Path, records: list[bytes], tmp_path: Path) -> Path:
    path = tmp_path / "journal.export"
    with path.open("wb") as stream:
        write_exported(stream, read_head(journal), records)
    return path


def head_of(records: list[bytes], moment: int | None = None) -> str:
    """Their head, cosigned at that time."""
    frontier = Frontier()
    for record in records:
        frontier = frontier.append(leaf_hash(record))
    head = Head(ORIGIN, frontier.size, frontier.root())
    line = "" if moment is None else cosign(head.text, moment, WITNESS, WitnessSigner())
    return sign_head(head, Signer()) + line


def file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# --- verify, show ---


def test_an_exported_journal_verifies_with_the_log_key(pegwarden: Desk, exported: Path) -> None:
    said = pegwarden("journal", "verify", exported, "--log-key", LOG_KEY.hex(), "--json")
    assert (said.status, said.json["entries"], said.json["cosigned"]) == (0, 5, [])
    without = pegwarden("journal", "verify", exported)
    assert (without.status, "--log-key" in without.err) == (2, True)
    other = pegwarden("journal", "verify", exported, "--log-key", "0b" * 32, "--json")
    assert (other.status, other.json["code"]) == (1, "head-malformed")
    for strange in ("0b", "no hex"):
        assert pegwarden("journal", "verify", exported, "--log-key", strange).status == 2


def test_an_own_journal_may_be_held_to_its_log_key_too(pegwarden: Desk, journal: Path) -> None:
    assert pegwarden("journal", "verify", journal, "--log-key", LOG_KEY.hex()).status == 0
    said = pegwarden("journal", "verify", journal, "--log-key", "0b" * 32, "--json")
    assert (said.status, said.json["code"]) == (1, "journal-foreign")


def test_heads_and_witnesses_that_an_auditor_brings(
    pegwarden: Desk, exported: Path, journal: Path, records: list[bytes], tmp_path: Path
) -> None:
    old = file(tmp_path / "old", head_of(records[:3], moment=1_700_000_000))
    keys = ("--log-key", LOG_KEY.hex(), "--witness", WitnessSigner.log_key.hex())
    for place in (exported, journal):
        said = pegwarden("journal", "verify", place, *keys, "--head", old, "--json")
        (seen,) = said.json["cosigned"]
        assert (seen["entries"], seen["time_unix"]) == (3, 1_700_000_000)
        assert "cosigned by" in pegwarden("journal", "verify", place, *keys, "--head", old).out
        said = pegwarden("journal", "verify", place, *keys, "--json")
        assert (said.status, said.json["code"]) == (1, "head-malformed")
        forked = file(tmp_path / "forked", head_of([*records[:2], records[3]]))
        said = pegwarden("journal", "verify", place, *keys[:2], "--head", forked, "--json")
        assert (said.status, said.json["code"]) == (1, "log-forked")


def test_an_exported_journal_is_shown(pegwarden: Desk, exported: Path, journal: Path) -> None:
    ours = pegwarden("journal", "show", journal, "--start", 2, "--json").json
    assert pegwarden("journal", "show", exported, "--start", 2, "--json").json == ours
    assert [each["number"] for each in ours["entries"]] == [2, 3, 4]


# --- prove, receipt ---


def test_an_entry_is_proved_and_the_proof_verified_with_the_log_key_alone(
    pegwarden: Desk, exported: Path, journal: Path, records: list[bytes], tmp_path: Path
) -> None:
    by_id = leaf_hash(records[3]).hex()
    for name, entry, place in (("a", 3, journal), ("b", 3, exported), ("c", by_id, exported)):
        said = pegwarden("journal", "prove", "entry", entry, place, "-o", tmp_path / name, "--json")
        assert (said.status, said.json["number"], said.json["entries"]) == (0, 3, 5)
        assert (tmp_path / name).read_bytes() == (tmp_path / "a").read_bytes()
    key = ("--log-key", LOG_KEY.hex())
    said = pegwarden("journal", "prove", "verify", tmp_path / "a", *key, "--json")
    assert (said.status, said.json["log"], said.json["entries"]) == (0, ORIGIN, 5)
    assert (said.json["entry"]["number"], said.json["entry"]["kind"]) == (3, "signed")
    assert f"decision {by_id}" in pegwarden("journal", "prove", "verify", tmp_path / "a", *key).out
    other = pegwarden("journal", "prove", "verify", tmp_path / "a", "--log-key", "0b" * 32)
    assert other.status == 1
    assert pegwarden("journal", "prove", "verify", tmp_path / "a").status == 2


def test_an_entry_that_is_not_there_or_no_entry(
    pegwarden: Desk, exported: Path, tmp_path: Path
) -> None:
    out = ("-o", tmp_path / "proof")
    for entry, status, code in ((5, 1, "entry-unknown"), ("00" * 32, 1, "entry-unknown")):
        said = pegwarden("journal", "prove", "entry", entry, exported, *out, "--json")
        assert (said.status, said.json["code"]) == (status, code)
    for entry in ("first", "zz" * 32):
        assert pegwarden("journal", "prove", "entry", entry, exported, *out).status == 2
    assert pegwarden("journal", "prove", "entry", 1, exported, *out).status == 0
    again = pegwarden("journal", "prove", "entry", 1, exported, *out)
    assert (again.status, "exists" in again.err) == (2, True)


def test_a_members_own_journal_is_the_configurations(
    pegwarden: Desk, member: MemberPlace, tmp_path: Path
) -> None:
    config = ("--config", member.config)
    said = pegwarden("journal", "prove", "entry", 0, *config, "-o", tmp_path / "proof", "--json")
    assert (said.status, said.json["entries"]) == (0, 1)
    head = file(tmp_path / "head", read_head(member.directory / "journal.sqlite"))
    said = pegwarden("journal", "prove", "consistency", head, head, *config, "-o", tmp_path / "c")
    assert said.status == 0


def test_two_heads_are_proved_consistent(
    pegwarden: Desk, exported: Path, records: list[bytes], tmp_path: Path
) -> None:
    old, new = (file(tmp_path / f"{size}", head_of(records[:size])) for size in (2, 5))
    proof = tmp_path / "proof"
    said = pegwarden("journal", "prove", "consistency", old, new, exported, "-o", proof, "--json")
    assert said.status == 0
    said = pegwarden("journal", "prove", "verify", proof, "--log-key", LOG_KEY.hex(), "--json")
    assert (said.json["old_entries"], said.json["new_entries"]) == (2, 5)
    forked = file(tmp_path / "forked", head_of([records[0], records[2]]))
    strange = ("journal", "prove", "consistency", forked, new, exported, "-o", tmp_path / "x")
    said = pegwarden(*strange, "--json")
    assert (said.status, said.json["code"]) == (1, "log-forked")
    assert not (tmp_path / "x").exists()


def receipt_json(answer: Answer) -> str:
    signature = Signer().key.sign(receipt_text(answer, ORIGIN))
    return MessageToJson(receipt_message(Receipt(answer, signature)))


def test_a_receipt_is_verified_with_the_log_key_alone(
    pegwarden: Desk, exported: Path, records: list[bytes], tmp_path: Path
) -> None:
    frontier = Frontier()
    for record in records:
        frontier = frontier.append(leaf_hash(record))
    leaf, root = leaf_hash(records[3]), frontier.root()
    answer = Answer(leaf, "signed", sha256(b"request"), b"\x03" * 32, 5, root)
    receipt = file(tmp_path / "receipt.json", receipt_json(answer))
    given = ("--log-key", LOG_KEY.hex(), "--network", "regtest")
    said = pegwarden("journal", "receipt", receipt, *given, "--json")
    assert (said.status, said.json["verdict"], said.json["proved"]) == (0, "signed", False)
    for entry, status in ((3, 0), (2, 1)):
        proof = tmp_path / f"proof{entry}"
        pegwarden("journal", "prove", "entry", entry, exported, "-o", proof)
        said = pegwarden("journal", "receipt", receipt, *given, "--proof", proof, "--json")
        assert said.status == status
    assert said.json["code"] == "receipt-invalid"
    said = pegwarden("journal", "receipt", receipt, *given, "--proof", tmp_path / "proof3")
    assert "entry 3 is that one" in said.out
    elsewhere = ("--log-key", LOG_KEY.hex(), "--network", "signet")
    said = pegwarden("journal", "receipt", receipt, *elsewhere, "--json")
    assert (said.status, said.json["code"]) == (1, "receipt-invalid")
    broken = file(tmp_path / "broken.json", "{")
    said = pegwarden("journal", "receipt", broken, *given, "--json")
    assert (said.status, said.json["code"]) == (1, "receipt-invalid")


# --- follow ---


class TellingKernel(EchoKernel):
    """Has the log of these records, and shows as many of them as it is told, one number for each look."""

    def __init__(self, records: list[bytes], *shown: int) -> None:
        super().__init__()
        self.records = records
        self.shown = list(shown)

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        if method == "GetHead":
            size = au.GetHeadRequest.FromString(request).size or self.shown.pop(0)
            head = self.head(size)
            return au.GetHeadResponse(head=head).SerializeToString()
        assert method == "ProveConsistency"
        asked = au.ProveConsistencyRequest.FromString(request)
        tree = LeafTree(map(leaf_hash, self.records))
        path = prove_consistency(asked.old_size, asked.new_size, tree).path
        return au.ProveConsistencyResponse(path=path).SerializeToString()

    def head(self, size: int) -> str:
        return head_of(self.records[:size], moment=1_700_000_000 + size)


def follow(
    pegwarden: Desk, folder: Path, kernel: Callable[[str, Caller, bytes], bytes], *options: object
) -> Said:
    (folder / "ca.pem").write_bytes(AUTHORITY.issued.certificate_pem)
    (folder / "us.pem").write_bytes(AUDITOR.certificate_pem)
    (folder / "us.key").write_bytes(AUDITOR.key_pem)
    with served(kernel) as lobby:
        return pegwarden(
            *("journal", "follow", "--log-key", LOG_KEY.hex(), "--every", 0),
            *("--keep", folder / "kept", *options),
            *("--connect", f"127.0.0.1:{lobby.port}", "--ca", folder / "ca.pem"),
            *("--cert", folder / "us.pem", "--cert-key", folder / "us.key"),
        )


def test_each_head_goes_on_from_the_last_also_after_a_restart(
    pegwarden: Desk, tmp_path: Path, records: list[bytes]
) -> None:
    said = follow(pegwarden, tmp_path, TellingKernel(records, 2, 2, 4), "--looks", 3)
    assert (said.status, said.out.count("entries, root")) == (0, 3)
    assert (tmp_path / "kept").read_text() == head_of(records[:4], moment=1_700_000_004)
    witness = ("--looks", 1, "--witness", WitnessSigner.log_key.hex())
    said = follow(pegwarden, tmp_path, TellingKernel(records, 5), *witness, "--json")
    assert (said.status, said.json["entries"]) == (0, 5)
    assert said.json["cosigned"][0]["time_unix"] == 1_700_000_005
    said = follow(
        pegwarden, tmp_path, TellingKernel(records, 5), "--looks", 1, "--witness", "0b" * 32
    )
    assert said.status == 1


@pytest.mark.parametrize("size", [3, 5])
def test_an_equivocation_is_named_and_both_heads_are_kept(
    pegwarden: Desk, tmp_path: Path, records: list[bytes], size: int
) -> None:
    """Another history, at the size that we know or a larger one: two heads of three entries convict it."""
    assert follow(pegwarden, tmp_path, TellingKernel(records, 3), "--looks", 1).status == 0
    kept = (tmp_path / "kept").read_text()
    other = [records[0], *records[2:], records[1]]
    said = follow(pegwarden, tmp_path, TellingKernel(other, size), "--looks", 9, "--json")
    assert (said.status, said.json["code"]) == (1, "log-forked")
    assert (tmp_path / "kept").read_text() == kept
    assert (tmp_path / "kept.forked").read_text() == head_of(other[:3], moment=1_700_000_003)


def test_a_log_that_became_shorter_is_named(
    pegwarden: Desk, tmp_path: Path, records: list[bytes]
) -> None:
    assert follow(pegwarden, tmp_path, TellingKernel(records, 4), "--looks", 1).status == 0
    said = follow(pegwarden, tmp_path, TellingKernel(records, 3), "--looks", 1, "--json")
    assert (said.status, said.json["code"]) == (1, "journal-behind-head")


class WrongKernel(TellingKernel):
    """Says of three entries what it said before, and proves another tree."""

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        if method == "ProveConsistency":
            return au.ProveConsistencyResponse(path=[bytes(32)]).SerializeToString()
        return super().__call__(method, caller, request)


class ElsewhereKernel(TellingKernel):
    """Shows, by the same key, the log of another chain; or another size than it was asked for."""

    def __init__(self, records: list[bytes], shown: int, origin: str) -> None:
        super().__init__(records, shown)
        self.origin = origin

    def head(self, size: int) -> str:
        return sign_head(Head(self.origin, size + 1, bytes(32)), Signer())


def test_what_a_kernel_cannot_prove_is_not_kept(
    pegwarden: Desk, tmp_path: Path, records: list[bytes]
) -> None:
    assert follow(pegwarden, tmp_path, TellingKernel(records, 3), "--looks", 1).status == 0
    kept = (tmp_path / "kept").read_text()
    other_chain = ORIGIN.replace(REGTEST.genesis_hash.hex(), "00" * 32)
    for kernel, code in (
        (WrongKernel(records, 5), "proof-invalid"),
        (ElsewhereKernel(records, 5, other_chain), "head-malformed"),
        (ElsewhereKernel(records, 5, ORIGIN), "head-malformed"),
    ):
        said = follow(pegwarden, tmp_path, kernel, "--looks", 1, "--json")
        assert (said.status, said.json["code"]) == (1, code)
        assert (tmp_path / "kept").read_text() == kept


def test_a_kernel_that_cannot_be_reached_contradicts_nobody(
    pegwarden: Desk, tmp_path: Path
) -> None:
    for name, content in (
        ("ca.pem", AUTHORITY.issued.certificate_pem),
        ("us.pem", AUDITOR.certificate_pem),
        ("us.key", AUDITOR.key_pem),
    ):
        (tmp_path / name).write_bytes(content)
    with served(EchoKernel()) as lobby:
        port = lobby.port
    said = pegwarden(
        *("journal", "follow", "--log-key", LOG_KEY.hex(), "--every", 0, "--looks", 2),
        *("--keep", tmp_path / "kept", "--connect", f"127.0.0.1:{port}"),
        *("--ca", tmp_path / "ca.pem", "--cert", tmp_path / "us.pem"),
        *("--cert-key", tmp_path / "us.key"),
    )
    assert (said.status, said.out.count("cannot be reached")) == (0, 2)
    assert not (tmp_path / "kept").exists()


def test_a_kernel_that_refuses_ends_it(
    pegwarden: Desk, tmp_path: Path, records: list[bytes]
) -> None:
    from signer.core.errors import unverified

    def refusing(method: str, caller: Caller, request: bytes) -> bytes:
        raise unverified("head-size-unknown", "no such head")

    said = follow(pegwarden, tmp_path, refusing, "--looks", 2, "--json")
    assert (said.status, said.json["code"]) == (1, "head-size-unknown")


def test_following_needs_the_log_key(pegwarden: Desk, tmp_path: Path) -> None:
    said = pegwarden(
        *("journal", "follow", "--keep", tmp_path / "kept", "--connect", "127.0.0.1:1"),
        *("--ca", "x", "--cert", "x", "--cert-key", "x"),
    )
    assert (said.status, "--log-key" in said.err) == (2, True)
