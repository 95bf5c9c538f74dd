"""`pegwarden deposit verify`: before the user pays, offline."""

from pathlib import Path

import click

from policies.load import load_policy
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import parse_descriptor
from signer.bitcoin.network import network_named
from signer.cli.deposit_claims import (
    PublishedVault,
    Subject,
    read_file,
    read_subject,
    verify_answer,
    verify_statement,
    verify_transaction,
)
from signer.cli.options import FILE, Emit, json_option
from signer.core.errors import Objection, Refusal
from signer.core.opreturn import Deposit, DepositReport, encode_payload
from signer.member_files import read_policy_bytes


@click.group("deposit")
def command() -> None:
    """Verify a deposit offline, before paying it."""


@command.command("verify")
@click.argument("file", type=FILE)
@click.option("--descriptor", help="The vault's published descriptor, with checksum.")
@click.option("--network", help="Network of that descriptor.")
@click.option("--policy", type=FILE, help="Or the published policy, with --vault.")
@click.option("--vault", help="Name of the vault in the policy.")
@click.option(
    "--index", type=click.IntRange(0, 2**31 - 1), help="Receive index; an answer says it."
)
@click.option(
    "--statement-key", help="The kernel's statement key (hex), for an answer's statement."
)
@click.option("--magic", help="Expected rollup magic (8 hex digits).")
@click.option("--l2-chain-id", type=click.IntRange(0, 2**32 - 1), help="Expected chain.")
@click.option("--l2-address", help="Expected address (40 hex digits, with or without 0x).")
@json_option
def verify_command(file: Path, emit: Emit, **options: str | int | None) -> None:
    """FILE is a kernel's GenerateDepositPsbt answer as JSON, a PSBT, or a transaction in hexadecimal."""
    vault = _vault(options)
    expected = _expected(options)
    subject = read_subject(read_file(file))
    index = _index(options, subject)
    report = verify_transaction(subject, vault, index, expected)
    if subject.answer is not None:
        verify_answer(subject.answer, vault, report)
        verify_statement(subject.answer, vault, _statement_key(options))
    deposit = report.payload
    if not isinstance(deposit, Deposit):
        raise Refusal(Objection("deposit-mismatch", "the payload is no deposit"))
    _emit(emit, vault, report, deposit)


def _statement_key(options: dict[str, str | int | None]) -> str:
    if not options["statement_key"]:
        raise click.UsageError(
            "--statement-key is needed with an answer: GetInfo of each member has it"
        )
    return str(options["statement_key"])


def _vault(options: dict[str, str | int | None]) -> PublishedVault:
    descriptor, policy = options["descriptor"], options["policy"]
    if (descriptor is None) == (policy is None):
        raise click.UsageError("give --descriptor and --network, or --policy and --vault")
    if policy is None:
        network = network_named(str(options["network"] or ""))
        return PublishedVault(parse_descriptor(str(descriptor), network), network)
    for vault in load_policy(read_policy_bytes(Path(str(policy)))).vaults:
        if options["vault"] in (None, vault.vault_id):
            return PublishedVault(vault.descriptor, vault.network)
    raise click.UsageError(f"no vault {options['vault']!r} in that policy")


def _expected(options: dict[str, str | int | None]) -> Deposit | None:
    magic, chain, address = (options[name] for name in ("magic", "l2_chain_id", "l2_address"))
    if magic is None and chain is None and address is None:
        return None
    if magic is None or chain is None or address is None:
        raise click.UsageError("--magic, --l2-chain-id and --l2-address go together")
    try:
        deposit = Deposit(
            bytes.fromhex(str(magic)), int(chain), bytes.fromhex(str(address).removeprefix("0x"))
        )
    except ValueError:
        raise click.UsageError("--magic and --l2-address are hexadecimal") from None
    encode_payload(deposit)
    return deposit


def _index(options: dict[str, str | int | None], subject: Subject) -> int:
    given = options["index"]
    if subject.answer is not None:
        if given not in (None, subject.answer.index):
            raise Refusal(
                Objection("deposit-mismatch", f"the answer is for index {subject.answer.index}")
            )
        return subject.answer.index
    if given is None:
        raise click.UsageError("--index is needed with a PSBT or transaction")
    return int(given)


def _emit(emit: Emit, vault: PublishedVault, report: DepositReport, deposit: Deposit) -> None:
    index = report.place.index if report.place is not None else 0
    address = address_of(vault.script(index), vault.network)
    members = {
        "ok": True,
        "vault_address": address,
        "index": index,
        "vout": report.vout,
        "amount_sat": report.amount,
        "magic": deposit.magic.hex(),
        "l2_chain_id": deposit.l2_chain_id,
        "l2_address": deposit.l2_address.hex(),
        "not_from_vault": report.from_vault is False,
    }
    lines = [
        f"Pays {report.amount} sat to {address} (output {report.vout}, receive index {index}).",
        f"Credits 0x{deposit.l2_address.hex()} on chain {deposit.l2_chain_id}, "
        f"rollup magic {deposit.magic.hex()}.",
    ]
    if report.from_vault is None:
        lines.append(
            "Not proven here: that no coin of the vault is spent (previous transactions missing)."
        )
    emit(members, lines)
