"""`pegwarden serve`."""

import asyncio
import os
from pathlib import Path

import click

from signer.cli.hardening import harden_process
from signer.cli.options import config_option
from signer.cli.passphrases import PassphraseSource, passphrase_options


@click.command("serve")
@config_option
@passphrase_options()
def command(config_path: Path, passphrase_source: PassphraseSource) -> None:
    """Run the kernel of a member until SIGTERM or SIGINT."""
    harden_process()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its lines are not JSON; what matters we say

    from signer.compose import (  # noqa: PLC0415 (after the environment is set)
        compose,
        edge_setting,
        peer_setting,
    )
    from signer.config import load_config  # noqa: PLC0415
    from signer.edge.logs import configure_logs, log_event  # noqa: PLC0415
    from signer.edge.peers import carrying  # noqa: PLC0415
    from signer.edge.server import serve  # noqa: PLC0415

    configure_logs()
    config = load_config(config_path)
    setting = edge_setting(config)
    with passphrase_source.read("Passphrase") as passphrase:
        member = compose(config, passphrase)
    try:
        log_event("opened", name=config.name, network=config.network.name)
        with carrying(peer_setting(config, member.carrying_wanted)):
            asyncio.run(serve(setting, member.handler.handle))
    finally:
        member.close()
