"""`pegwarden edge`: the process that faces the network, and holds no key but its own TLS key."""

import asyncio
import os
import threading
from pathlib import Path

import click

from signer.cli.beginning import Beginning, beginning_options
from signer.cli.options import config_option
from signer.room import memory


@click.command("edge")
@config_option
@beginning_options
def command(config_path: Path, beginning: Beginning) -> None:
    """Run the edge of a member whose kernel is another process, until SIGTERM or SIGINT."""
    memory.harden()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its lines are not JSON; what matters we say

    from signer.config import load_config  # noqa: PLC0415
    from signer.config_processes import required  # noqa: PLC0415
    from signer.core.caller import Caller  # noqa: PLC0415
    from signer.edge.peers import carrying  # noqa: PLC0415
    from signer.edge.server import serve  # noqa: PLC0415
    from signer.front import edge_setting, peer_setting  # noqa: PLC0415
    from signer.link.client import KernelLink  # noqa: PLC0415
    from signer.process.users import users_of  # noqa: PLC0415

    beginning.begin("edge")
    config = load_config(config_path)
    processes = required(config.processes, config.path)
    kernel_uid = users_of(processes).kernel
    setting = edge_setting(config)

    async def run() -> None:
        link = KernelLink(processes.kernel_socket, config.limits.link_bytes, kernel_uid)

        async def ask(method: str, caller: Caller, request: bytes, seconds: float) -> bytes:
            return await link.call(method, caller.name, request, seconds)

        try:
            await link.await_kernel()
            await serve(setting, ask)
        finally:
            link.close()

    with carrying(peer_setting(config, threading.Event())):
        asyncio.run(run())
