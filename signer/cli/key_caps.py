"""`pegwarden key caps show | set | successor | fold`."""

from dataclasses import replace
from pathlib import Path

import click

from keystore.caps import Caps
from keystore.header import Header, Limits
from keystore.hsm_sealed import header_of
from keystore.ledger import create_ledger
from keystore.ledger_fold import fold_ledger
from keystore.sealed import KeyFile, ledger_key_of, limit, open_sealed, read_sealed
from signer.bitcoin.units import Sats
from signer.cli.config_caps import lacks_ledger
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.cli.rehearsals import require_rehearsed
from signer.config import load_config
from signer.core.errors import Objection, Refusal
from signer.core.vault import Vault
from signer.member_files import read_policy


@click.group("caps")
def command() -> None:
    """What a vault key signs away at most, whatever the policy says."""


@command.command("show")
@click.argument("key", type=FILE)
@json_option
def show_command(key: Path, emit: Emit) -> None:
    """The caps of KEY. Its seal is not verified without the passphrase."""
    _emit(key, header_of(read_sealed(key)), emit)


@command.command("set")
@click.argument("key", type=FILE)
@click.option("--per-spend", type=int, required=True, help="Sats that leave by one transaction.")
@click.option("--per-day", type=int, required=True, help="Sats that leave in 24 hours.")
@config_option
@passphrase_options()
@json_option
def set_command(
    key: Path,
    per_spend: int,
    per_day: int,
    config_path: Path,
    passphrase_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Seal caps into KEY, a bound vault key, and make its ledger where there is none.

    A kernel has the caps with which it was started: start it again. Older files and backups of KEY have no
    caps, or others: destroy them.
    """
    config = load_config(config_path)
    before = header_of(read_sealed(key))
    if before.binding is None:
        raise Refusal(Objection("key-unbound", "caps are those of a bound vault key"))
    successor = b"" if before.limits is None else before.limits.successor
    limits = Limits(Caps(Sats(per_spend), Sats(per_day)), successor)
    with passphrase_source.read("Passphrase") as passphrase:
        file = KeyFile(key, passphrase)
        header = limit(file, limits)
        config.keys.ledgers.mkdir(mode=0o700, exist_ok=True)
        place = config.keys.ledgers / before.binding.vault_fingerprint.hex()
        if lacks_ledger(config.keys.ledgers, header):
            place.unlink(missing_ok=True)  # empty
            opened = open_sealed(file)
            with opened.secret, ledger_key_of(opened) as ledger_key:
                create_ledger(place, ledger_key, before.binding.vault_fingerprint)
    _emit(key, header, emit)


@command.command("successor")
@click.argument("key", type=FILE)
@click.argument("vault", required=False)
@click.option("--rehearsal", type=FILE, help="VAULT's rehearsal: a raw transaction in hex a line.")
@click.option("--unsafe-unrehearsed", is_flag=True, help="Whether or not VAULT can be spent from.")
@config_option
@passphrase_options()
@json_option
def successor_command(
    key: Path,
    vault: str | None,
    config_path: Path,
    passphrase_source: PassphraseSource,
    emit: Emit,
    *,
    rehearsal: Path | None,
    unsafe_unrehearsed: bool,
) -> None:
    """Seal into KEY the vault to which its own is emptied outside the caps: VAULT, by its name in the
    member's policy; without VAULT no longer any.

    What goes to VAULT's receive addresses does not count as leaving, whoever decided it. So VAULT must have
    been rehearsed (docs/rotation.md).
    """
    policy = read_policy(load_config(config_path))
    header = header_of(read_sealed(key))
    if header.limits is None or header.binding is None:
        raise Refusal(Objection("caps-absent", "a key without caps needs no successor"))
    own = header.binding.vault_fingerprint
    successor = b""
    if vault is not None:
        following = other_vault(policy.vaults, vault, own)
        if not unsafe_unrehearsed:
            require_rehearsed(following, rehearsal)
        successor = following.fingerprint
    with passphrase_source.read("Passphrase") as passphrase:
        header = limit(KeyFile(key, passphrase), replace(header.limits, successor=successor))
    _emit(key, header, emit)


@command.command("fold")
@click.argument("key", type=FILE)
@config_option
@passphrase_options()
@json_option
def fold_command(
    key: Path, config_path: Path, passphrase_source: PassphraseSource, emit: Emit
) -> None:
    """Make the ledger of KEY short: what is older than a day becomes one record for each coin whose account
    still stands. While no kernel runs with KEY."""
    folder = load_config(config_path).keys.ledgers
    with passphrase_source.read("Passphrase") as passphrase:
        opened = open_sealed(KeyFile(key, passphrase))
    with opened.secret, ledger_key_of(opened) as ledger_key:
        header = opened.header
        if header.limits is None or header.binding is None:
            raise Refusal(Objection("caps-absent", "a key without caps has no ledger"))
        vault = header.binding.vault_fingerprint
        before, after = fold_ledger(folder / vault.hex(), ledger_key, vault)
    emit(
        {"ok": True, "records_before": before, "records": after},
        [f"{folder / vault.hex()}: {before} records became {after}."],
    )


def other_vault(vaults: tuple[Vault, ...], name: str, own: bytes) -> Vault:
    """The vault of that name, another one. Raises Refusal `successor-unknown`."""
    others = [each for each in vaults if each.fingerprint != own]
    for each in others:
        if each.vault_id == name:
            return each
    known = ", ".join(each.vault_id for each in others) or "none"
    detail = "a successor is another vault of the member's policy"
    raise Refusal(Objection("successor-unknown", detail, name, known))


def _emit(path: Path, header: Header, emit: Emit) -> None:
    limits = header.limits
    members = {"ok": True, "file": str(path), "per_spend": None, "per_day": None, "successor": None}
    if limits is None:
        emit(members, [f"{path}: no caps"])
        return
    caps, successor = limits.caps, limits.successor.hex() or None
    members |= {"per_spend": caps.per_spend, "per_day": caps.per_day, "successor": successor}
    emit(
        members,
        [
            f"{path}: at most {caps.per_spend} sat in a transaction, {caps.per_day} sat in 24 hours",
            f"successor  {successor or 'none'}",
        ],
    )
