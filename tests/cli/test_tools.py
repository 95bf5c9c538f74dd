"""key backup and restore, journal, policy, vault and deposit commands."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.json_format import MessageToJson

from pegwarden.v1 import kernel_pb2 as pb
from policies.load import load_policy
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import parse_descriptor, with_checksum
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import InputDraft, OutputDraft, draft_psbt
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from signer.core.opreturn import Anchor, Deposit, encode_payload, op_return_script
from signer.core.stated import DepositStatement
from tests import federation
from tests.cli.desk import Desk, MemberPlace
from tests.core.spends import previous_transaction
from tests.journal.desk import Policy, case_number, desk, pay

VAULT = federation.vault()
STATEMENT_KEY = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
DEPOSIT = Deposit(bytes.fromhex("50475744"), 10, b"\xaa" * 20)
USER = b"\x00\x14" + b"\x33" * 20


def test_a_backup_is_restored_under_another_passphrase(
    bound: MemberPlace, pegwarden: Desk, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text("another passphrase\n")
    other.chmod(0o600)
    backup, restored = tmp_path / "backup.json", tmp_path / "restored.json"
    old, new = ("--passphrase-file", bound.passphrase), ("--new-passphrase-file", other)
    assert pegwarden("key", "backup", bound.vault_key, backup, *old, *new).status == 0
    said = pegwarden("key", "backup", bound.vault_key, backup, *old, *new, "--json")
    assert (said.status, said.json["code"]) == (1, "key-file-exists")
    said = pegwarden(
        *("key", "restore", backup, restored, "--json"),
        *("--passphrase-file", other, "--new-passphrase-file", bound.passphrase),
    )
    assert said.status == 0
    shown = [pegwarden("key", "show", path, "--json").json for path in (bound.vault_key, restored)]
    assert shown[0]["binding"] == shown[1]["binding"] is not None
    assert shown[0]["public"] == shown[1]["public"]
    wrong = pegwarden("key", "restore", backup, tmp_path / "x", *old, *new, "--json")
    assert (wrong.status, wrong.json["code"]) == (1, "key-passphrase-wrong")


def test_key_show_says_what_it_is_bound_to(
    made: MemberPlace, bound: MemberPlace, pegwarden: Desk
) -> None:
    assert "binding  none" in pegwarden("key", "show", made.vault_key).out
    assert "journal  " in pegwarden("key", "show", bound.vault_key).out


def test_the_journal_is_shown_and_verified(bound: MemberPlace, pegwarden: Desk) -> None:
    shown = pegwarden("journal", "show", "--config", bound.config, "--json").json
    assert [each["kind"] for each in shown["entries"]] == ["genesis"]
    verified = pegwarden("journal", "verify", "--config", bound.config, "--json")
    assert verified.status == 0
    assert verified.json["head"] == shown["head"]
    assert "genesis" in pegwarden("journal", "show", bound.directory / "journal.sqlite").out


def test_signed_and_refused_entries_are_shown_while_a_kernel_has_the_journal_open(
    pegwarden: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    with desk(path) as journal:
        pay(journal, case_number(1))
        with pytest.raises(Refusal):
            pay(journal, case_number(2), Policy(outflow=1))
        entries = pegwarden("journal", "show", path, "--json").json["entries"]
        later = pegwarden("journal", "show", path, "--start", 1, "--count", 1, "--json").json
    assert [each["kind"] for each in entries] == ["genesis", "signed", "refused"]
    assert entries[1]["payments"][0]["amount_sat"] == 60_000_000
    assert entries[2]["code"] == "outflow-exceeded"
    assert later["entries"] == entries[1:2]


def test_a_journal_that_the_keys_are_not_bound_to(
    member: MemberPlace, made: MemberPlace, pegwarden: Desk, tmp_path: Path
) -> None:
    again = made.copy(tmp_path / "again")
    assert pegwarden("key", "bind", again.policy, *again.opened).status == 0
    journal = member.directory / "journal.sqlite"
    journal.write_bytes((again.directory / "journal.sqlite").read_bytes())
    said = pegwarden("journal", "verify", "--config", member.config, "--json")
    assert (said.status, said.json["code"]) == (1, "journal-foreign")


def test_a_policy_in_english_and_as_json(bound: MemberPlace, pegwarden: Desk) -> None:
    assert "Default: no." in pegwarden("policy", "explain", bound.policy).out
    assert pegwarden("policy", "explain", bound.policy, "--json").json["default"] == "refuse"
    bound_text = bound.policy.read_text()
    broken = bound.directory.parent / "broken.toml"
    broken.write_text(bound_text.replace("fee_at_most", "fee_at_mots"))
    said = pegwarden("policy", "explain", broken, "--json")
    assert said.status == 1
    assert "line" in said.json["detail"]


def test_the_vaults_descriptors_for_core(bound: MemberPlace, pegwarden: Desk) -> None:
    said = pegwarden("vault", "export", bound.policy, "--core", "--since", "0")
    receive, change = said.json
    for request, branch in ((receive, 0), (change, 1)):
        body = request["desc"].partition("#")[0]
        assert f"/{branch}/*" in body
        assert with_checksum(body) == request["desc"]
        assert (request["internal"], request["timestamp"]) == (bool(branch), 0)
        assert request["range"] == [0, 999]
    assert pegwarden("vault", "export", bound.policy, "--core", "--vault", "nope").status == 2


@dataclass(frozen=True)
class Paid:
    """A deposit transaction, and the kernel's answer about it."""

    amount: int = 500_000
    index: int = 7
    script: bytes = b""
    payload: bytes = encode_payload(DEPOSIT)
    key: Ed25519PrivateKey = STATEMENT_KEY

    @property
    def vault_script(self) -> bytes:
        return self.script or VAULT.script(0, self.index).script_pubkey

    @property
    def psbt(self) -> bytes:
        coin = previous_transaction(USER, 900_000)
        source = InputDraft(
            outpoint=OutPoint(coin.txid, 1),
            sequence=0xFFFFFFFD,
            non_witness_utxo=coin.serialize(),
            witness_utxo=coin.outputs[1],
        )
        outputs = (
            OutputDraft(TxOut(Sats(self.amount), self.vault_script)),
            OutputDraft(TxOut(Sats(0), op_return_script(self.payload))),
        )
        return draft_psbt(2, 0, (source,), outputs)

    def answer(self) -> pb.GenerateDepositPsbtResponse:
        stated = DepositStatement(
            vault_address=address_of(self.vault_script, REGTEST),
            vault_script_pubkey=self.vault_script,
            vault_vout=0,
            amount_sat=self.amount,
            index=self.index,
            payload=self.payload,
        )
        answer = pb.GenerateDepositPsbtResponse(
            psbt=self.psbt,
            vault_address=stated.vault_address,
            vault_script_pubkey=stated.vault_script_pubkey,
            amount_sat=stated.amount_sat,
            index=stated.index,
            payload=stated.payload,
        )
        answer.statement.signature = self.key.sign(stated.digest(VAULT.realm))
        return answer


PUBLISHED = ("--descriptor", with_checksum(VAULT.text), "--network", "regtest")
TRUSTED = ("--statement-key", STATEMENT_KEY.public_key().public_bytes_raw().hex())
EXPECTED = ("--magic", "50475744", "--l2-chain-id", "10", "--l2-address", "0x" + "aa" * 20)


def verify(pegwarden: Desk, file: Path, *options: str) -> str:
    said = pegwarden("deposit", "verify", file, *PUBLISHED, *options, "--json")
    return "ok" if said.status == 0 else str(said.json["code"])


def test_an_honest_answer_is_verified_offline(pegwarden: Desk, tmp_path: Path) -> None:
    assert parse_descriptor(with_checksum(VAULT.text), REGTEST) == VAULT.descriptor
    file = tmp_path / "answer.json"
    file.write_text(MessageToJson(Paid().answer()))
    said = pegwarden("deposit", "verify", file, *PUBLISHED, *TRUSTED, *EXPECTED, "--json")
    assert said.status == 0
    assert said.json["l2_address"] == "aa" * 20
    assert said.json["not_from_vault"] is True
    text = pegwarden("deposit", "verify", file, *PUBLISHED, *TRUSTED).out
    assert f"0x{'aa' * 20} on chain 10" in text


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("vault_address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "deposit-mismatch"),
        ("amount_sat", 500_001, "deposit-mismatch"),
        ("vault_vout", 1, "deposit-mismatch"),
        ("payload", b"\x00" * 30, "deposit-mismatch"),
        ("index", 8, "deposit-output"),
        ("psbt", Paid(script=USER).psbt, "deposit-output"),
        ("psbt", Paid(amount=499_999).psbt, "deposit-mismatch"),
        (
            "psbt",
            Paid(payload=encode_payload(Deposit(b"PGWD", 10, b"\xbb" * 20))).psbt,
            "deposit-mismatch",
        ),
        ("psbt", b"psbt\xff", "psbt-malformed"),
    ],
)
def test_an_answer_that_was_changed_on_the_way(
    pegwarden: Desk, tmp_path: Path, field: str, value: object, code: str
) -> None:
    answer = Paid().answer()
    setattr(answer, field, value)
    file = tmp_path / "answer.json"
    file.write_text(MessageToJson(answer))
    assert verify(pegwarden, file, *TRUSTED) == code


def test_a_statement_by_another_key_is_not_believed(pegwarden: Desk, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    forged = Paid(key=Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)).answer()
    file.write_text(MessageToJson(forged))
    assert verify(pegwarden, file, *TRUSTED) == "statement-invalid"
    assert verify(pegwarden, file, "--statement-key", "zz") == "statement-invalid"
    file.write_text(MessageToJson(Paid().answer()))
    assert verify(pegwarden, file, *TRUSTED) == "ok"


@pytest.mark.parametrize(
    "changed",
    [
        ("--magic", "50475745", "--l2-chain-id", "10", "--l2-address", "aa" * 20),
        ("--magic", "50475744", "--l2-chain-id", "11", "--l2-address", "aa" * 20),
        ("--magic", "50475744", "--l2-chain-id", "10", "--l2-address", "ab" * 20),
    ],
)
def test_another_deposit_than_the_expected_one(
    pegwarden: Desk, tmp_path: Path, changed: tuple[str, ...]
) -> None:
    file = tmp_path / "deposit.psbt"
    file.write_bytes(Paid().psbt)
    assert verify(pegwarden, file, "--index", "7", *changed) == "deposit-mismatch"
    assert verify(pegwarden, file, "--index", "7", *EXPECTED) == "ok"


def test_a_transaction_alone(pegwarden: Desk, tmp_path: Path) -> None:
    file = tmp_path / "deposit.hex"
    file.write_text(parse_psbt(Paid().psbt).transaction.serialize().hex() + "\n")
    assert verify(pegwarden, file, "--index", "7") == "ok"
    assert verify(pegwarden, file, "--index", "6") == "deposit-output"
    text = pegwarden("deposit", "verify", file, *PUBLISHED, "--index", "7").out
    assert "Not proven here" in text


def test_an_anchor_is_no_deposit(pegwarden: Desk, tmp_path: Path) -> None:
    file = tmp_path / "anchor.psbt"
    file.write_bytes(
        Paid(payload=encode_payload(Anchor(b"PGWD", 1, b"\x01" * 32, b"\x02" * 32))).psbt
    )
    assert verify(pegwarden, file, "--index", "7") == "deposit-mismatch"


def test_the_vault_can_be_named_in_a_published_policy(
    bound: MemberPlace, pegwarden: Desk, tmp_path: Path
) -> None:
    vault = load_policy(bound.policy.read_bytes()).vaults[0]
    file = tmp_path / "deposit.psbt"
    file.write_bytes(Paid(script=vault.script(0, 3).script_pubkey).psbt)
    common = ("deposit", "verify", file, "--index", 3, "--json")
    said = pegwarden(*common, "--policy", bound.policy, "--vault", "peg")
    assert said.json["vault_address"] == address_of(vault.script(0, 3).script_pubkey, REGTEST)
    assert pegwarden(*common, "--policy", bound.policy, "--vault", "nope").status == 2


@pytest.mark.parametrize("content", [b"", b"zz", b"{}x", b'{"psbt": 7}', b"\xff\xfe"])
def test_what_is_none_of_these(pegwarden: Desk, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "deposit"
    file.write_bytes(content)
    assert verify(pegwarden, file, "--index", "7") in (
        "response-malformed",
        "transaction-malformed",
    )


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--descriptor", "x", "--policy", "y"],
        [*PUBLISHED],
        [*PUBLISHED, "--index", "7", "--magic", "50475744"],
        [*PUBLISHED, "--index", "7", "--magic", "x", "--l2-chain-id", "1", "--l2-address", "y"],
    ],
)
def test_half_of_what_is_needed_is_usage(
    pegwarden: Desk, tmp_path: Path, options: list[str]
) -> None:
    file = tmp_path / "deposit.psbt"
    file.write_bytes(Paid().psbt)
    assert pegwarden("deposit", "verify", file, *options).status == 2


def test_a_wrong_descriptor_is_refused(pegwarden: Desk, tmp_path: Path) -> None:
    file = tmp_path / "deposit.psbt"
    file.write_bytes(Paid().psbt)
    said = pegwarden(
        *("deposit", "verify", file, "--index", "7", "--json"),
        *("--descriptor", with_checksum(VAULT.text)[:-1] + "q", "--network", "regtest"),
    )
    assert (said.status, said.json["code"]) == (1, "descriptor-checksum")
