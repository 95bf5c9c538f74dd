"""`pegwarden key ceremony commit | open | derive | witness | verify`, all offline (docs/ceremony.md).

1. A contributor's `commit` and `open` know that contributor's secret alone; `derive` and a `verify` with
   openings know the seed: they are for a machine that is wiped afterwards.
2. Nothing is overwritten, and no secret is printed but the words that `--words` asks for.
"""

from pathlib import Path

import click

from keystore.passphrase import passphrase_from_prompt
from keystore.sealed import create
from keystore.secret import UNSAFE_EXPOSE, Secret, taken, wipe
from keystore.vault_key import account_text, sealed_vault_key
from signer.bitcoin.network import NETWORKS
from signer.ceremony.commit import (
    NAME,
    Claim,
    Round,
    commit,
    commitment_text,
    contribution_of,
    gather,
    open_for,
    opening_text,
    read_commitment,
)
from signer.ceremony.health import SOURCES, measure
from signer.ceremony.transcript import transcript_of, transcript_text
from signer.cli.ceremony_draw import Drawing, draw
from signer.cli.ceremony_files import (
    read_contribution,
    read_text,
    seed_of,
    write_secret,
    write_text,
)
from signer.cli.ceremony_verify import (
    contributors,
    openings_option,
    verify_command,
    witness_command,
)
from signer.cli.ceremony_words import bip_utils, read_words, words_of
from signer.cli.options import FILE, Emit, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options, pin_options
from signer.core.ssh import parse_public_key
from signer.room import memory


@click.group("ceremony")
def command() -> None:
    """Make a vault key from the entropy of several people, offline (docs/ceremony.md)."""


command.add_command(witness_command)
command.add_command(verify_command)


def _name(_: click.Context, __: click.Parameter, text: str) -> str:
    if NAME.fullmatch(text) is None:
        raise click.BadParameter("small letters, digits and dashes, 40 at most")
    return text


_commitments = click.argument("commitments", type=FILE, nargs=-1, required=True)


@command.command("commit")
@click.argument("ceremony", callback=_name)
@click.argument("contributor", callback=_name)
@click.argument("stem", type=FILE)
@click.option("--network", type=click.Choice(sorted(NETWORKS)), required=True)
@click.option("--source", type=click.Choice(sorted(SOURCES)), default="os", show_default=True)
@click.option("--dice-file", type=FILE, help="Rolls (mode 600), digits 1 to 6; else a prompt.")
@click.option("--module", help="Of --source token: the vendor's PKCS#11 library.")
@click.option("--label", help="Of the token.")
@pin_options
@click.option("--words", is_flag=True, help="Print the secret as 24 words, for paper.")
@json_option
def commit_command(
    ceremony: str,
    contributor: str,
    stem: Path,
    network: str,
    source: str,
    dice_file: Path | None,
    module: str | None,
    label: str | None,
    pin_source: PassphraseSource,
    emit: Emit,
    *,
    words: object,
) -> None:
    """Draw a contribution: STEM.secret, which stays with its contributor, and STEM.commitment, for everybody.

    The machine that will derive the seed commits, too: its CONTRIBUTOR is `machine`.
    """
    memory.harden()
    drawing = Drawing(source, dice_file, module, label, pin_source)
    with draw(drawing) as drawn:
        samples = bytes(drawn.expose(UNSAFE_EXPOSE))
        health, contribution = measure(source, samples), contribution_of(samples)
        wipe(samples)
    commitment = commit(Claim(ceremony, network, contributor, health), contribution)
    paper = [words_of(contribution, bip_utils())] if words else []
    write_secret(_beside(stem, ".secret"), f"{contribution.hex()}\n")
    write_text(_beside(stem, ".commitment"), commitment_text(commitment))
    wipe(contribution)
    members: dict[str, object] = {"ok": True, "commitment": commitment.digest.hex()}
    shown = {"words": paper[0]} if paper else {}
    emit(members | shown, [*paper, *commitment_text(commitment).splitlines()])


@command.command("open")
@_commitments
@click.option("--contributor", required=True, callback=_name)
@click.option(
    "--secret", "secret_path", type=FILE, help="STEM.secret; else the words are asked for."
)
@click.option("--out", type=FILE, required=True, help="New file for the opening, a secret.")
@json_option
def open_command(
    commitments: tuple[Path, ...], contributor: str, secret_path: Path | None, out: Path, emit: Emit
) -> None:
    """Open one's own commitment, now that all COMMITMENTS of the round are known.

    Compare the round that is printed with the others', by voice, before the opening is handed over.
    """
    memory.harden()
    gathered = _round(commitments)
    with _own_secret(secret_path) as secret:
        opening = open_for(gathered, contributor, bytes(secret.expose(UNSAFE_EXPOSE)))
    write_secret(out, opening_text(opening))
    lines = [*contributors(gathered), f"opening     {out}"]
    emit({"ok": True, "round": gathered.digest.hex(), "opening": str(out)}, lines)


@command.command("derive")
@click.argument("key", type=FILE)
@_commitments
@openings_option
@click.option(
    "--witness",
    "witnesses",
    type=FILE,
    multiple=True,
    required=True,
    help="OpenSSH public key (`.pub`) of a witness. Repeatable.",
)
@click.option("--out", type=FILE, required=True, help="New file for the transcript.")
@passphrase_options()
@json_option
def derive_command(
    key: Path,
    commitments: tuple[Path, ...],
    openings: tuple[Path, ...],
    witnesses: tuple[Path, ...],
    out: Path,
    passphrase_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Derive the seed from all OPENINGS, seal it unbound in the new file KEY, and write the transcript.

    Each witness then signs the transcript: `ssh-keygen -Y sign -n pegwarden -f KEY TRANSCRIPT`.
    """
    memory.harden()
    gathered = _round(commitments)
    blobs = tuple(parse_public_key(read_text(each).rstrip("\n")) for each in witnesses)
    with seed_of(gathered, openings) as seed:
        text = account_text(seed, gathered.network)
        written = transcript_text(transcript_of(gathered, text, blobs))
        with passphrase_source.read_new("Passphrase for the new key") as passphrase:
            content, _ = sealed_vault_key(seed, gathered.network, passphrase)
    create(key, content)
    write_text(out, written)
    emit(
        {"ok": True, "key": str(key), "public": text, "transcript": str(out)},
        [*written.splitlines(), "", f"{key}: sealed, unbound", f"{out}: for the witnesses to sign"],
    )


def _own_secret(path: Path | None) -> Secret:
    if path is not None:
        return read_contribution(path)
    words = bip_utils()
    with passphrase_from_prompt("The 24 words: ") as given:
        text = bytes(given.expose(UNSAFE_EXPOSE)).decode("utf-8", "replace")
    return taken(read_words(text, words))


def _round(commitments: tuple[Path, ...]) -> Round:
    return gather(read_commitment(read_text(each)) for each in commitments)


def _beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)
