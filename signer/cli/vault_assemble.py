"""`pegwarden vault assemble | sign`: members agree on what their vault is, before anything is bound to it.

1. Each member runs both on its own copy of the policy and of the records: nobody signs what another made.
2. Fingerprint and log keys are printed in words, the first addresses as they are: people compare by voice.
"""

from pathlib import Path
from typing import NamedTuple

import click

from keystore.identity import Identity
from keystore.sealed import KeyFile, open_sealed
from policies.load import load_policy
from policies.proquint import words_of
from signer.cli.ceremony_files import read_text, write_text
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.config import load_config
from signer.core.errors import Objection, Refusal
from signer.core.keyrecord import KeyRecord, read_signed, verify_record
from signer.core.registration import (
    MemberSignature,
    addresses_of,
    match_records,
    read_signature,
    registration_message,
    registration_text,
    require_signed,
    signature_text,
)
from signer.core.vault import Vault
from signer.member_files import read_policy_bytes
from signer.room import memory

_policy = click.argument("policy", type=FILE)
_vault = click.option("--vault", "vault_id", required=True, help="Its name in POLICY.")
_records = click.option(
    "--record",
    "records",
    type=FILE,
    multiple=True,
    required=True,
    help="A key's record (`key record make`). Repeatable: one for each key of the vault.",
)


class _Registration(NamedTuple):
    """A vault with the records of its keys, all verified."""

    vault: Vault
    records: tuple[KeyRecord, ...]
    text: str


@click.command("assemble")
@_policy
@_vault
@_records
@click.option(
    "--signature",
    "signatures",
    type=FILE,
    multiple=True,
    help="A member's signature (`vault sign`). Repeatable: with any, all must be there.",
)
@click.option("--out", type=FILE, help="New file for the registration with its signatures.")
@json_option
def assemble_command(
    policy: Path,
    vault_id: str,
    records: tuple[Path, ...],
    signatures: tuple[Path, ...],
    out: Path | None,
    emit: Emit,
) -> None:
    """Verify the records of a vault's keys, print what to compare by voice, and collect the signatures."""
    found = _registration(policy, vault_id, records)
    if out is not None or signatures:
        given = [read_signature(read_text(each)) for each in signatures]
        whole = require_signed(found.text, found.records, given)
        if out is not None:
            write_text(out, whole)
    signed = "by every member" if signatures else "not yet"
    _emit(found, signed, emit)


@click.command("sign")
@_policy
@click.argument("out", type=FILE)
@_vault
@_records
@config_option
@passphrase_options()
@json_option
def sign_command(
    policy: Path,
    out: Path,
    vault_id: str,
    records: tuple[Path, ...],
    config_path: Path,
    passphrase_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Sign, with this member's log key, the registration that POLICY and the records make."""
    memory.harden()
    found = _registration(policy, vault_id, records)
    config = load_config(config_path)
    with passphrase_source.read("Passphrase") as passphrase:
        identity = Identity(open_sealed(KeyFile(config.keys.identity, passphrase)))
    if identity.log_key not in {each.log_key for each in found.records}:
        detail = "this member's log key stands in none of the records"
        raise Refusal(Objection("key-record-missing", detail))
    signature = identity.sign_message(registration_message(found.text))
    write_text(out, signature_text(MemberSignature(identity.log_key, signature)))
    _emit(found, f"by this member: {out}", emit)


def _registration(policy: Path, vault_id: str, records: tuple[Path, ...]) -> _Registration:
    content = read_policy_bytes(policy)
    loaded = load_policy(content)
    vaults = {vault.vault_id: vault for vault in loaded.vaults}
    if vault_id not in vaults:
        raise click.UsageError(f"no vault {vault_id!r} in {policy}")
    vault = vaults[vault_id]
    proven = [verify_record(read_signed(read_text(each))) for each in records]
    matched = match_records(vault, proven)
    return _Registration(vault, matched, registration_text(vault, loaded.policy_id, matched))


def _emit(found: _Registration, signed: str, emit: Emit) -> None:
    vault, addresses = found.vault, addresses_of(found.vault)
    members: dict[str, object] = {
        "ok": True,
        "vault": vault.vault_id,
        "fingerprint": vault.fingerprint.hex(),
        "words": words_of(vault.fingerprint),
        "addresses": list(addresses),
        "members": [each.member for each in found.records],
        "registration": found.text,
        "signed": signed,
    }
    lines = [
        f"vault {vault.vault_id}, {vault.network}: compare all of this by voice",
        f"fingerprint  {vault.fingerprint.hex()}",
        f"in words     {words_of(vault.fingerprint)}",
        *(f"address {place}    {each}" for place, each in enumerate(addresses)),
    ]
    for each in found.records:
        lines += [
            f"member       {each.member}: {each.key}",
            f"  log key    {words_of(each.log_key)}",
        ]
    emit(members, [*lines, f"signed       {signed}"])
