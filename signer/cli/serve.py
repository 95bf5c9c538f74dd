"""`pegwarden serve`."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signer.cli.beginning import Beginning, beginning_options
from signer.cli.kernel import say_keys
from signer.cli.options import FILE, config_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.core.errors import Objection, Refusal
from signer.room import memory

if TYPE_CHECKING:
    from signer.config import KernelConfig
    from signer.config_processes import ProcessesConfig

SPARE_SECONDS = 5
"""For an edge to end in after its calls were drained; then it is killed."""
FAULT = 3
"""Exit status where a signal ended the kernel."""


@click.command("serve")
@config_option
@click.option(
    "--pin-file", type=FILE, help="File (mode 600) with the PIN of [token], for its keepers."
)
@beginning_options
@passphrase_options()
def command(
    config_path: Path,
    passphrase_source: PassphraseSource,
    pin_file: Path | None,
    beginning: Beginning,
) -> None:
    """Run a member until SIGTERM or SIGINT: as several processes where its configuration has [processes]."""
    memory.harden()
    from signer.config import load_config  # noqa: PLC0415 (after hardening)

    config = load_config(config_path)
    beginning.begin("serve")
    if config.processes is None:
        _one_process(config, passphrase_source)
    else:
        _require_one_user(config.processes)
        _processes(config, passphrase_source, beginning, pin_file)


def _require_one_user(processes: "ProcessesConfig") -> None:
    """Raises Refusal `config-value`: the kernel would turn its edge or its keepers away."""
    if processes.edge_user is not None:
        detail = (
            "`processes.edge_user`: its processes have users of their own, and `serve` is one: start "
            "`pegwarden kernel`, `edge` and `keeper` as services"
        )
        raise Refusal(Objection("config-value", detail))


def _processes(
    config: "KernelConfig", source: PassphraseSource, beginning: Beginning, pin_file: Path | None
) -> None:
    from signer.process.launch import Parent, Program  # noqa: PLC0415

    given = ("--config", str(config.path))
    logged = (*given, *beginning.arguments())
    handed = () if source.descriptor is None else (source.descriptor,)
    others = {"edge": Program(("edge", *logged))}
    if config.token is not None:
        pin = ("--pin-file", str(_required_pin(pin_file)))
        keepers = range(1, config.token.keepers + 1)
        others |= {f"keeper-{place}": Program(("keeper", *given, *pin)) for place in keepers}
    kernel = Program(("kernel", *logged, *source.arguments()), handed)
    status = Parent(kernel, others, config.limits.drain_seconds + SPARE_SECONDS).run()
    if status != 0:
        raise click.exceptions.Exit(status if status > 0 else FAULT)


def _required_pin(pin_file: Path | None) -> Path:
    if pin_file is None:
        raise click.UsageError("[token] needs --pin-file: each keeper reads it when it is started")
    return pin_file


def _one_process(config: "KernelConfig", passphrase_source: PassphraseSource) -> None:
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its lines are not JSON; what matters we say

    from signer.cli.told_entries import PACE, EntryTeller  # noqa: PLC0415 (after the environment is set)
    from signer.compose import compose  # noqa: PLC0415
    from signer.edge.logs import log_event  # noqa: PLC0415
    from signer.edge.peers import carrying  # noqa: PLC0415
    from signer.edge.server import serve  # noqa: PLC0415
    from signer.edge.threads import KernelThreads  # noqa: PLC0415
    from signer.front import edge_setting, peer_setting  # noqa: PLC0415
    from signer.read_member import read_member  # noqa: PLC0415
    from signer.ticker import Ticker  # noqa: PLC0415

    setting = edge_setting(config)
    with passphrase_source.read("Passphrase") as passphrase:
        member = compose(read_member(config), passphrase)
    say_keys(member)
    threads = KernelThreads(member.handler.handle, config.limits.threads)
    entries = Ticker(EntryTeller(member.journal).tick, PACE)
    try:
        log_event("opened", name=config.name, network=config.network.name)
        with carrying(peer_setting(config, member.carrying_wanted)):
            asyncio.run(serve(setting, threads.ask))
    finally:
        threads.close()
        entries.close()
        member.close()
