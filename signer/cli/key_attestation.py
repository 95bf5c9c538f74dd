"""`pegwarden key attestation`: a key that attests deposits, and signs nothing else (docs/spv.md)."""

from pathlib import Path

import click

from keystore.attestation import new_attestation_key
from keystore.sealed import create
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.config import load_config
from signer.room import memory


@click.command("attestation")
@click.argument("file", type=FILE)
@config_option
@passphrase_options()
@json_option
def attestation_command(
    file: Path, config_path: Path, passphrase_source: PassphraseSource, emit: Emit
) -> None:
    """Make a key that attests deposits in the new FILE, under the passphrase of the member's other keys, and
    print the public key that the second layer's contract is given."""
    memory.harden()
    network = load_config(config_path).network
    with passphrase_source.read_new("Passphrase of the member's keys") as passphrase:
        sealed, public = new_attestation_key(network, passphrase)
        create(file, sealed)
    lines = [
        f"{file}: attestation key {public.hex()}",
        'Next: name it in the configuration ([keys] attestation = "..."), back it up with '
        "`pegwarden key backup`, and restart.",
    ]
    emit({"ok": True, "file": str(file), "attestation_key": public.hex()}, lines)
