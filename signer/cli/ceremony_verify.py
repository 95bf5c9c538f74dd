"""`pegwarden key ceremony witness | verify`: what a ceremony leaves behind, judged by anybody."""

from pathlib import Path

import click

from keystore.vault_key import account_text
from policies.proquint import words_of
from signer.ceremony.commit import Round
from signer.ceremony.transcript import (
    Transcript,
    add_signature,
    read_transcript,
    require_witnessed,
    transcript_text,
)
from signer.cli.act_file import bounded
from signer.cli.ceremony_files import read_text, seed_of, write_text
from signer.cli.options import FILE, Emit, json_option
from signer.core.errors import Objection, Refusal
from signer.core.ssh import format_public_key, parse_public_key
from signer.core.ssh_signature import signature_blob
from signer.room import memory

openings_option = click.option(
    "--opening", "openings", type=FILE, multiple=True, help="A contributor's opening. Repeatable."
)


@click.command("witness")
@click.argument("transcript", type=FILE)
@click.option(
    "--signed",
    type=(FILE, FILE),
    multiple=True,
    required=True,
    metavar="PUB SIG",
    help="A witness's public key, and what `ssh-keygen -Y sign -n pegwarden` made. Repeatable.",
)
@click.option("--out", type=FILE, required=True, help="New file for the signed transcript.")
@json_option
def witness_command(
    transcript: Path, signed: tuple[tuple[Path, Path], ...], out: Path, emit: Emit
) -> None:
    """Put the witnesses' signatures into TRANSCRIPT, each verified."""
    made = read_transcript(read_text(transcript))
    for public, signature in signed:
        blob = parse_public_key(read_text(public).rstrip("\n"))
        made = add_signature(made, blob, signature_blob(bounded(signature)))
    require_witnessed(made)
    write_text(out, transcript_text(made))
    _emit_transcript(made, "not asked", emit)


@click.command("verify")
@click.argument("transcript", type=FILE)
@openings_option
@json_option
def verify_command(transcript: Path, openings: tuple[Path, ...], emit: Emit) -> None:
    """Verify TRANSCRIPT: its health tests, its witnesses; with all openings, that they make its key."""
    made = read_transcript(read_text(transcript))
    require_witnessed(made)
    if openings:
        memory.harden()
        with seed_of(made.round, openings) as seed:
            text = account_text(seed, made.round.network)
        if text != made.key:
            detail = "the openings derive to another key"
            raise Refusal(Objection("ceremony-seed-differs", detail, text, made.key))
    _emit_transcript(made, "repeated" if openings else "not asked", emit)


def contributors(gathered: Round) -> list[str]:
    """The round, in digits and in words to be compared by voice, and a line for each commitment."""
    return [
        f"round       {gathered.digest.hex()}",
        f"            {words_of(gathered.digest)}",
        *(
            f"  {each.claim.contributor} ({each.claim.health.source})  {each.digest.hex()}"
            for each in gathered.commitments
        ),
    ]


def _emit_transcript(made: Transcript, derivation: str, emit: Emit) -> None:
    members: dict[str, object] = {
        "ok": True,
        "ceremony": made.round.ceremony,
        "round": made.round.digest.hex(),
        "key": made.key,
        "witnesses": [format_public_key(each) for each in made.witnesses],
        "derivation": derivation,
    }
    lines = [
        *contributors(made.round),
        f"key         {made.key}",
        *(f"witness     {format_public_key(each)}" for each in made.witnesses),
        f"derivation  {derivation}",
    ]
    emit(members, lines)
