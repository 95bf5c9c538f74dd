"""`pegwarden keeper`: the process that runs the token's module, and holds its PIN until it is logged in.

Exit status: 78 where nobody may start it again by itself (a PIN that was wrong), else 1 when it ends.
"""

import sys
from pathlib import Path

import click

from signer.cli.options import config_option, parent_option
from signer.cli.passphrases import PassphraseSource, pin_options
from signer.core.errors import Refusal
from signer.room import memory

AWAIT_SECONDS = 60.0
"""For a kernel; then the keeper ends, and its service manager starts another."""


@click.command("keeper")
@config_option
@pin_options
@parent_option
def command(config_path: Path, pin_source: PassphraseSource, parent: int | None) -> None:
    """Answer a member's kernel with its token, as [token] says, until one of them ends."""
    memory.harden()

    from keystore.token.keeper import (  # noqa: PLC0415
        Keeper,
        KernelPlace,
        TokenPlace,
        await_kernel,
        keep,
        log_in,
    )
    from keystore.token.questions import SERVING  # noqa: PLC0415
    from signer.config import load_config  # noqa: PLC0415
    from signer.config_processes import required  # noqa: PLC0415
    from signer.config_token import required_token  # noqa: PLC0415
    from signer.edge.logs import configure_logs, log_event  # noqa: PLC0415
    from signer.process.orphan import end_with  # noqa: PLC0415
    from signer.process.users import users_of  # noqa: PLC0415

    end_with(parent)
    configure_logs("keeper")
    config = load_config(config_path)
    place = required_token(config.token, config.path)
    processes = required(config.processes, config.path)
    kernel = KernelPlace(processes.keeper_socket, users_of(processes).kernel)
    with pin_source.read("PIN") as pin:
        await_kernel(kernel, AWAIT_SECONDS)  # before the login: it may be one of few
        try:
            token, _ = log_in(TokenPlace(place.module, place.label), pin)
        except Refusal as refusal:
            _leave(refusal)
            raise
    log_event("keeper-serving", label=place.label)
    keep(Keeper(token, SERVING), kernel)
    log_event("keeper-ended")
    raise click.exceptions.Exit(1)


def _leave(refusal: Refusal) -> None:
    """Exits 78 after a failure of the PIN."""
    from keystore.token.keeper import NOT_AGAIN  # noqa: PLC0415
    from signer.process.launch import NOT_AGAIN_STATUS  # noqa: PLC0415

    if refusal.code in NOT_AGAIN:
        click.echo(str(refusal), err=True)
        sys.stderr.flush()
        raise click.exceptions.Exit(NOT_AGAIN_STATUS)
