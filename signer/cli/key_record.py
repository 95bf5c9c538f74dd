"""`pegwarden key record make | prove | verify`: what members say to each other of their keys.

1. `make` opens the key and the identity, and signs with both. The key of a token it cannot sign with: its
   record stays without that proof until `prove`.
2. `prove` loads the token's module, and is given no passphrase.
"""

from pathlib import Path

import click

from keystore.hsm_sealed import header_of
from keystore.identity import Identity
from keystore.possession import prove_by_token, prove_possession, require_unproven
from keystore.sealed import KeyFile, open_sealed, read_sealed
from keystore.token.keeper import Keeper
from keystore.token.questions import Operation, read_question
from policies.proquint import words_of
from signer.cli.ceremony_files import read_text, write_text
from signer.cli.key_token import logged_in
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options, pin_options
from signer.config import KernelConfig, load_config
from signer.core.keyrecord import (
    KeyRecord,
    SignedRecord,
    log_message,
    read_signed,
    signed_text,
    verify_record,
)
from signer.room import memory

PROVING = frozenset((Operation.SIGN,))
"""What a keeper does for `prove`: nothing but sign, and nothing but what `keystore.possession` computed."""


@click.group("record")
def command() -> None:
    """Make, complete and verify the records of keys that members exchange."""


@command.command("make")
@click.argument("key", type=FILE)
@click.argument("out", type=FILE)
@config_option
@passphrase_options()
@json_option
def make_command(
    key: Path, out: Path, config_path: Path, passphrase_source: PassphraseSource, emit: Emit
) -> None:
    """Write the record of the unbound KEY in the new file OUT, signed by KEY and by the log key."""
    memory.harden()
    config = load_config(config_path)
    with passphrase_source.read("Passphrase") as passphrase:
        signed = _made(config, KeyFile(key, passphrase))
    write_text(out, signed_text(signed))
    lines = [f"{out}: {record_line(signed.record)}"]
    if not signed.possession:
        lines.append(
            "The key is in a token: complete the record with `pegwarden key record prove`."
        )
    emit({"ok": True, "record": str(out), "proven": bool(signed.possession)}, lines)


@command.command("prove")
@click.argument("record", type=FILE)
@click.argument("key", type=FILE)
@click.argument("out", type=FILE)
@config_option
@pin_options
@json_option
def prove_command(
    record: Path,
    key: Path,
    out: Path,
    config_path: Path,
    pin_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Have the token sign RECORD, which is of its key KEY, and write the whole in the new file OUT."""
    memory.harden()
    signed, header = read_signed(read_text(record)), header_of(read_sealed(key))
    require_unproven(header, signed.record)
    with logged_in(load_config(config_path), pin_source) as token:
        keeper = Keeper(token, PROVING)
        possession = prove_by_token(
            header, signed.record, lambda question: keeper.answer(read_question(question))
        )
    whole = SignedRecord(signed.record, possession, signed.log_signature)
    verify_record(whole)
    write_text(out, signed_text(whole))
    emit({"ok": True, "record": str(out)}, [f"{out}: {record_line(signed.record)}"])


@command.command("verify")
@click.argument("records", type=FILE, nargs=-1, required=True)
@json_option
def verify_command(records: tuple[Path, ...], emit: Emit) -> None:
    """Verify what is signed in RECORDS, and print it to be compared by voice."""
    proven = [verify_record(read_signed(read_text(each))) for each in records]
    members = {"ok": True, "records": [record_members(each) for each in proven]}
    emit(members, [line for each in proven for line in record_lines(each)])


def record_members(record: KeyRecord) -> dict[str, str]:
    """As JSON."""
    return {
        "member": record.member,
        "network": record.network.name,
        "key": record.key,
        "log_key": record.log_key.hex(),
        "statement_key": record.statement_key.hex(),
    }


def record_line(record: KeyRecord) -> str:
    """Short."""
    return f"{record.member}, {record.network}: {record.key}"


def record_lines(record: KeyRecord) -> list[str]:
    """For people; the log key in words."""
    return [
        record_line(record),
        f"  log key        {record.log_key.hex()}",
        f"                 {words_of(record.log_key)}",
        f"  statement key  {record.statement_key.hex()}",
    ]


def _made(config: KernelConfig, file: KeyFile) -> SignedRecord:
    identity = Identity(open_sealed(KeyFile(config.keys.identity, file.passphrase)))
    opened = open_sealed(file)
    record = KeyRecord(
        config.network,
        config.name,
        opened.header.public,
        identity.log_key,
        identity.statement_key,
    )
    if opened.header.token:
        opened.secret.close()
        require_unproven(opened.header, record)
        possession = b""
    else:
        possession = prove_possession(opened, record)
    return SignedRecord(record, possession, identity.sign_message(log_message(record)))
