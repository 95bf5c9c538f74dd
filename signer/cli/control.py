"""`pegwarden control`: texts that pause, lock and unlock a kernel, made offline, and their way to it.

1. `status` asks a kernel where it stands. Its `--json` output is what the drafts are made from: the log key,
   the epoch and the entries that the officers know of.
2. `pause`, `confirm`, `resume`, `lock`, `unlock`, `epoch` and `release` write the text that officers sign
   with `pegwarden officer sign`; `submit` brings the acts to the kernel, those of a release the relayer does,
   with the proof. None of them decides anything.
"""

import json
import time
from pathlib import Path

import click

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import txid_from_display
from signer.cli.act_file import bounded
from signer.cli.control_service import status_command, submit_command
from signer.cli.options import FILE, Emit, json_option
from signer.core.acts import (
    ConfirmPause,
    ControlAct,
    Lock,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    Resume,
    Scope,
    StatedAct,
    Unlock,
    act_text,
    read_act,
)
from signer.core.acts_control import CLOSED, NO_PIN, STRUCK
from signer.core.acts_fields import read_hash, read_outpoint
from signer.core.moments import DAY

EXPIRES = DAY // 2
"""Seconds that a text lasts: its officers sign it within that time."""
_NO_ROOT = bytes(32).hex()


@click.group("control")
def command() -> None:
    """Pause, lock and unlock a kernel, open a new epoch of its journal, consent to releases."""


command.add_command(status_command)
command.add_command(submit_command)

STATUS = click.option(
    "--status", type=FILE, required=True, help="What `control status --json` printed."
)
OUT = click.option("--out", type=FILE, required=True, help="New file for the text to sign.")


@command.command("pause")
@STATUS
@click.option("--hours", type=click.IntRange(1, 24 * 30), required=True, help="From now.")
@OUT
@json_option
def pause_command(status: Path, hours: int, out: Path, emit: Emit) -> None:
    """Write the text by which one officer pauses the kernel."""
    known = _known(status)
    _draft(Pause(_scope(known), int(time.time()) + hours * 3_600), known, (out, emit))


@command.command("confirm")
@STATUS
@OUT
@json_option
def confirm_command(status: Path, out: Path, emit: Emit) -> None:
    """Write the text by which the quorum makes a pause last."""
    known = _known(status)
    _draft(ConfirmPause(_scope(known)), known, (out, emit))


@command.command("resume")
@STATUS
@OUT
@json_option
def resume_command(status: Path, out: Path, emit: Emit) -> None:
    """Write the text by which the quorum ends the pauses."""
    known = _known(status)
    _draft(Resume(_scope(known)), known, (out, emit))


@command.command("lock")
@STATUS
@OUT
@json_option
def lock_command(status: Path, out: Path, emit: Emit) -> None:
    """Write the text by which the quorum locks the kernel."""
    known = _known(status)
    _draft(Lock(_scope(known)), known, (out, emit))


@command.command("unlock")
@STATUS
@OUT
@json_option
def unlock_command(status: Path, out: Path, emit: Emit) -> None:
    """Write the text by which the quorum unlocks the kernel and states the time: this machine's."""
    known = _known(status)
    _draft(Unlock(_scope(known), int(time.time())), known, (out, emit))


@command.command("epoch")
@STATUS
@OUT
@json_option
def epoch_command(status: Path, out: Path, emit: Emit) -> None:
    """Write the text by which the quorum gives up the longer journal that the status names."""
    known = _known(status)
    size, root = int(str(known["contrary_size"])), bytes.fromhex(str(known["contrary_root"]))
    _draft(NewEpoch(_scope(known), size, root, int(time.time())), known, (out, emit))


@command.command("release")
@STATUS
@click.option("--vault", required=True, help="Its name.")
@click.option("--withdrawal", required=True, help="Its id, hexadecimal.")
@click.option("--pin", default=NO_PIN, help="The pin that it has, as TXID:VOUT, if it has one.")
@click.option("--killer", required=True, help="Txid of what took the pin, or paid.")
@click.option("--verdict", type=click.Choice([CLOSED, STRUCK]), required=True)
@OUT
@json_option
def release_command(status: Path, out: Path, emit: Emit, **said: str) -> None:
    """Write the text by which officers consent that a withdrawal is closed, or its pin struck."""
    known = _known(status)
    try:
        act = ReleaseWithdrawal(
            scope=_scope(known),
            vault_fingerprint=_fingerprint(status, said["vault"]),
            withdrawal_id=read_hash(said["withdrawal"]),
            verdict=said["verdict"],
            pin=None if said["pin"] == NO_PIN else read_outpoint(said["pin"]),
            killer=txid_from_display(said["killer"]),
        )
    except (ValueError, Malformed):
        raise click.UsageError("an id, pin or txid is not written as one") from None
    _draft(act, known, (out, emit))


def _fingerprint(status: Path, vault: str) -> bytes:
    """Of that vault, as the status tells it."""
    try:
        named = {
            each["name"]: each["fingerprint"] for each in json.loads(bounded(status))["vaults"]
        }
        return bytes.fromhex(named[vault])
    except (ValueError, TypeError, KeyError):
        raise click.UsageError(f"{status} names no vault {vault!r}") from None


def _known(path: Path) -> dict[str, object]:
    """What the status says. Raises UsageError for another file."""
    try:
        found = json.loads(bounded(path))
        known = {
            "network": str(found["network"]),
            "log_key": str(found["log_key"]),
            "epoch": int(found["epoch"]),
            "entries": int(found["entries"]),
            "contrary_size": int(found["contrary_size"]),
            "contrary_root": str(found["contrary_root"] or _NO_ROOT),
        }
        bytes.fromhex(str(known["log_key"]) + str(known["contrary_root"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise click.UsageError(f"{path} is not what `control status --json` prints") from None
    return known


def _scope(known: dict[str, object]) -> Scope:
    log_key = bytes.fromhex(str(known["log_key"]))
    return Scope(log_key, int(str(known["epoch"])), int(str(known["entries"])))


def _draft(act: ControlAct, known: dict[str, object], target: tuple[Path, Emit]) -> None:
    from signer.bitcoin.network import network_named  # noqa: PLC0415

    out, emit = target
    network = network_named(str(known["network"]))
    text = act_text(StatedAct(act, network, int(time.time()) + EXPIRES))
    read_act(text)
    with out.open("x", encoding="ascii", newline="") as stream:
        stream.write(text)
    lines = text.splitlines()
    emit({"ok": True, "text": text}, ("--- this is signed ---", *lines, "--- until here ---"))
