"""A deposit before it is paid: what is known of it, and what can be proven offline.

1. The vault's address is derived anew from the published descriptor; the transaction pays it.
2. The transaction has one OP_RETURN, and it names the rollup, the chain and the address that are expected.
3. A kernel's answer says what the transaction says, and its statement is signed by the statement key that
   the user was told by other means. The key inside the answer is not believed.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.json_format import Parse, ParseError

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import Descriptor, canonical_text, derive
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.bitcoin.psbt.reader import MAGIC, parse_psbt, psbt_from_base64
from signer.bitcoin.transaction import Transaction, parse_transaction
from signer.core.errors import Objection, Refusal
from signer.core.evidence import Realm
from signer.core.opreturn import (
    Deposit,
    DepositReport,
    encode_payload,
    spent_outputs,
    validate_deposit,
)
from signer.core.registry import ScriptPlace
from signer.core.stated import DepositStatement
from signer.core.vault import RECEIVE

MAX_FILE = 32 << 20
Answer = pb.GenerateDepositPsbtResponse


@dataclass(frozen=True, slots=True)
class PublishedVault:
    """A published vault."""

    descriptor: Descriptor
    network: Network

    def script(self, index: int) -> bytes:
        """The scriptPubKey of that receive address."""
        return derive(self.descriptor, RECEIVE, index).script_pubkey

    @property
    def realm(self) -> Realm:
        """What the kernel's statements are bound to."""
        text = canonical_text(self.descriptor, self.network)
        return Realm(self.network.genesis_hash, sha256(text.encode()))


@dataclass(frozen=True, slots=True)
class Subject:
    """What is verified."""

    transaction: Transaction
    previous: tuple[bytes, ...]
    answer: Answer | None = None


def read_file(file: Path) -> bytes:
    """A file of bounded size. Raises Refusal `response-malformed`."""
    with file.open("rb") as stream:
        content = stream.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise _malformed(f"longer than {MAX_FILE} bytes")
    return content


def read_subject(content: bytes) -> Subject:
    """JSON answer, PSBT (binary or base64) or hexadecimal transaction. Raises Refusal
    `response-malformed` and Malformed."""
    if content.startswith(MAGIC):
        return _of_psbt(content)
    text = content.decode("latin-1").strip()
    if text.startswith("{"):
        answer = _answer(text)
        return _of_psbt(answer.psbt, answer)
    if text.startswith("cHNidP"):
        return _of_psbt(psbt_from_base64(text))
    try:
        return Subject(parse_transaction(bytes.fromhex(text)), ())
    except ValueError as error:
        raise _malformed(f"neither JSON, PSBT nor transaction: {error}") from None


def _answer(text: str) -> Answer:
    try:
        return Parse(text, Answer())
    except ParseError as error:
        raise _malformed(f"not a GenerateDepositPsbtResponse: {error}") from None


def _of_psbt(content: bytes, answer: Answer | None = None) -> Subject:
    psbt = parse_psbt(content)
    raw = (each.non_witness_utxo for each in psbt.inputs)
    previous = tuple(each for each in raw if each is not None)
    return Subject(psbt.transaction, previous, answer)


def verify_transaction(
    subject: Subject, vault: PublishedVault, index: int, expected: Deposit | None
) -> DepositReport:
    """Rules 1 and 2. That no vault coin is spent is known where the previous transactions are."""
    script, place = vault.script(index), ScriptPlace("vault", RECEIVE, index)
    report = validate_deposit(
        subject.transaction,
        spent_outputs(subject.transaction, subject.previous),
        lambda each: place if each == script else None,
        expected,
    )
    serious = [each for each in report.objections if each.code != "deposit-origin-unproven"]
    if serious:
        raise Refusal(*serious)
    return report


def verify_answer(answer: Answer, vault: PublishedVault, report: DepositReport) -> None:
    """Rule 3, the fields. Raises Refusal `deposit-mismatch`."""
    script = vault.script(answer.index)
    payload = encode_payload(report.payload) if report.payload is not None else b""
    stated = {
        "vault_address": (answer.vault_address, address_of(script, vault.network)),
        "vault_script_pubkey": (answer.vault_script_pubkey, script),
        "vault_vout": (answer.vault_vout, report.vout),
        "amount_sat": (answer.amount_sat, report.amount),
        "payload": (answer.payload, payload),
    }
    for name, (said, true) in stated.items():
        if said != true:
            detail = f"{name} of the answer is not the transaction's"
            raise Refusal(Objection("deposit-mismatch", detail, _shown(said), _shown(true)))


def verify_statement(answer: Answer, vault: PublishedVault, key: str) -> None:
    """Rule 3, the statement. Raises Refusal `statement-invalid`."""
    statement = DepositStatement(
        vault_address=answer.vault_address,
        vault_script_pubkey=answer.vault_script_pubkey,
        vault_vout=answer.vault_vout,
        amount_sat=answer.amount_sat,
        index=answer.index,
        payload=answer.payload,
    )
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(answer.statement.signature, statement.digest(vault.realm))
    except (InvalidSignature, ValueError):
        detail = "the statement is not signed by that key for this network and vault"
        raise Refusal(Objection("statement-invalid", detail)) from None


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _malformed(detail: str) -> Refusal:
    return Refusal(Objection("response-malformed", detail))
