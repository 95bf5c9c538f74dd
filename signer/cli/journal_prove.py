"""`pegwarden journal prove entry | consistency | verify`: proofs as files; and `journal receipt`.

1. Making a proof needs the journal, or an exported one. Verifying a proof or a receipt needs the file and the
   member's log key, and no kernel.
2. No file is overwritten.
"""

from pathlib import Path

import click
from google.protobuf.json_format import Parse, ParseError

from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.network import NETWORKS
from signer.cli.journal_entry import described
from signer.cli.journal_heads import (
    Trusted,
    public_key,
    read_text_file,
    trust_options,
    write_new,
)
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.config import load_config
from signer.core.errors import unverified
from signer.core.receipt import Answer, Receipt, verify_receipt
from signer.journal.audit import StoredEntry, decoded
from signer.journal.merkle import leaf_hash
from signer.journal.note import origin_of
from signer.journal.offline import OpenedLog, consistency_of, inclusion_of, opened_log
from signer.journal.proof_file import ConsistencyFile, InclusionFile, read_proof, write_proof


@click.group("prove")
def prove_command() -> None:
    """Make and verify proofs that stand alone."""


_output = click.option("-o", "--output", type=FILE, required=True, help="The file to write.")


@prove_command.command("entry")
@click.argument("entry")
@click.argument("path", type=FILE, required=False)
@config_option
@_output
@json_option
def entry_command(
    entry: str, path: Path | None, config_path: Path, output: Path, emit: Emit
) -> None:
    """Prove that ENTRY, a number or a decision id in hex, is in the newest head of the journal at PATH (else
    the configuration's)."""
    with opened_log(path or load_config(config_path).journal) as log:
        proof = inclusion_of(log, _number(entry, log))
    write_new(output, write_proof(proof))
    members = {"ok": True, "number": proof.number, "entries": log.head.size, "file": str(output)}
    emit(members, (f"{output}: entry {proof.number} is one of the {log.head.size} of the head",))


@prove_command.command("consistency")
@click.argument("old_head", type=FILE)
@click.argument("new_head", type=FILE)
@click.argument("path", type=FILE, required=False)
@config_option
@_output
@json_option
def consistency_command(
    old_head: Path, new_head: Path, path: Path | None, config_path: Path, output: Path, emit: Emit
) -> None:
    """Prove that the journal at PATH (else the configuration's) goes on from OLD_HEAD to NEW_HEAD."""
    with opened_log(path or load_config(config_path).journal) as log:
        proof = consistency_of(log, read_text_file(old_head), read_text_file(new_head))
    write_new(output, write_proof(proof))
    emit({"ok": True, "file": str(output)}, (f"{output}: the log goes on from one to the other",))


@prove_command.command("verify")
@click.argument("proof", type=FILE)
@trust_options
@json_option
def verify_command(proof: Path, trusted: Trusted, emit: Emit) -> None:
    """Verify a proof with the log key alone; each --witness must have cosigned its (new) head."""
    read, key = read_proof(read_text_file(proof)), trusted.required_log_key
    if isinstance(read, InclusionFile):
        _tell_inclusion(read, key, emit)
    else:
        _tell_consistency(read, key, emit)


@click.command("receipt")
@click.argument("receipt", type=FILE)
@click.option("--log-key", type=public_key, required=True, help="The member's log key.")
@click.option("--network", type=click.Choice(sorted(NETWORKS)), required=True)
@click.option("--proof", type=FILE, help="A proof that the entry is in the log.")
@json_option
def receipt_command(
    receipt: Path, log_key: bytes, network: str, proof: Path | None, emit: Emit
) -> None:
    """Verify a receipt (pegwarden.v1.Receipt in protobuf's JSON) with the log key alone."""
    log = origin_of(NETWORKS[network].genesis_hash, log_key)
    answer = verify_receipt(_read_receipt(receipt), log, log_key)
    lines = [f"{answer.verdict}: entry {answer.decision_id.hex()}"]
    lines.append(f"in a tree of {answer.size} entries with root {answer.root.hex()}")
    if proof is not None:
        lines.append(_proved(answer, read_text_file(proof), log_key))
    members = {"ok": True, "verdict": answer.verdict, "decision_id": answer.decision_id.hex()}
    said = {"request_digest": answer.request_digest.hex(), "entries": answer.size}
    emit(members | said | {"proved": proof is not None}, lines)


def _number(entry: str, log: OpenedLog) -> int:
    if len(entry) != 64:
        if not entry.isdecimal():
            raise click.UsageError("ENTRY is a number or a decision id in hex")
        return int(entry)
    try:
        number = log.records.number_of(bytes.fromhex(entry))
    except ValueError:
        raise click.UsageError("ENTRY is a number or a decision id in hex") from None
    if number is None:
        raise unverified("entry-unknown", "no entry has that decision id")
    return number


def _tell_inclusion(proof: InclusionFile, log_key: bytes, emit: Emit) -> None:
    head = proof.verify(log_key)
    leaf, entry = leaf_hash(proof.record), decoded(proof.number, proof.record)
    stored = StoredEntry(proof.number, leaf, entry, len(proof.record))
    about = described(stored)
    first = f"entry {proof.number} is in the tree of {head.size} entries of {head.origin}"
    told = f"{about['time']} {about['kind']}: {about['about']}"
    members = {"ok": True, "log": head.origin, "entries": head.size, "entry": about}
    emit(members, (first, f"decision {stored.leaf.hex()}", told))


def _tell_consistency(proof: ConsistencyFile, log_key: bytes, emit: Emit) -> None:
    old, new = proof.verify(log_key)
    line = f"the {old.size} entries of the old head are the first of the new one's {new.size}: {new.origin}"
    members = {"ok": True, "log": new.origin, "old_entries": old.size, "new_entries": new.size}
    emit(members, (line,))


def _proved(answer: Answer, text: str, log_key: bytes) -> str:
    """The entry of a receipt is in the log by that proof. Raises VerificationError `receipt-invalid`."""
    proof = read_proof(text)
    if not isinstance(proof, InclusionFile) or leaf_hash(proof.record) != answer.decision_id:
        raise unverified("receipt-invalid", "the proof is of another entry")
    head = proof.verify(log_key)
    return f"entry {proof.number} is that one, in a head of {head.size} entries"


def _read_receipt(path: Path) -> Receipt:
    try:
        message = Parse(read_text_file(path), t.Receipt())
    except ParseError:
        raise unverified("receipt-invalid", f"{path} is not a receipt in protobuf's JSON") from None
    answer = Answer(
        decision_id=message.decision_id,
        verdict=message.verdict,
        request_digest=message.request_digest,
        txid=message.txid,
        size=message.size,
        root=message.root,
    )
    return Receipt(answer, message.signature)
