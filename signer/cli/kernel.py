"""`pegwarden kernel`: the process that holds journal and keys, behind a socket, in a room of its own.

The order is that of `signer.room.close`, whose numbers stand in the body.
"""

import os
import signal
import socket
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signer.cli.beginning import Beginning, beginning_options
from signer.cli.options import config_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.core.errors import Objection, Refusal
from signer.room import memory

if TYPE_CHECKING:
    from signer.compose import Member
    from signer.config import KernelConfig
    from signer.link.door import KernelDoor
    from signer.room.close import RoomSetting

_STOPPING = (signal.SIGTERM, signal.SIGINT)


@click.command("kernel")
@config_option
@click.option(
    "--prove-room", is_flag=True, help="First try what the room denies, each in a process."
)
@beginning_options
@passphrase_options()
def command(
    config_path: Path,
    passphrase_source: PassphraseSource,
    beginning: Beginning,
    *,
    prove_room: object,
) -> None:
    """Run a member's kernel without its edge, as [processes] says, until SIGTERM or SIGINT."""
    memory.harden()  # 1
    _refuse_tracebacks()

    from signer.cli.told_entries import PACE, EntryTeller  # noqa: PLC0415 (after hardening; 2)
    from signer.compose import door_setting  # noqa: PLC0415
    from signer.config import load_config  # noqa: PLC0415
    from signer.config_processes import required  # noqa: PLC0415
    from signer.edge.logs import log_event, log_fault  # noqa: PLC0415
    from signer.link.door import KernelDoor  # noqa: PLC0415
    from signer.process.room import readers, room_setting  # noqa: PLC0415
    from signer.process.sockets import listen_at  # noqa: PLC0415
    from signer.process.users import require_kernel_user, users_of  # noqa: PLC0415
    from signer.room.close import close_room  # noqa: PLC0415
    from signer.room.failures import tell_uncaught  # noqa: PLC0415
    from signer.room.proof import prove  # noqa: PLC0415
    from signer.ticker import Ticker  # noqa: PLC0415

    beginning.begin("kernel")
    tell_uncaught(log_fault)
    config = load_config(config_path)
    processes = required(config.processes, config.path)
    users = users_of(processes)  # 3: the list of users is a file
    require_kernel_user(users)
    room = None if processes.open_room else room_setting(config, processes)
    if prove_room:
        prove(config.journal.absolute().parent if isinstance(config.journal, Path) else None)
    with ExitStack() as undo:
        listener = undo.enter_context(listen_at(processes.kernel_socket))  # 4
        member = _opened(config, passphrase_source, room, undo)  # 3 to 6
        undo.callback(member.close)
        member.journal.open_all(readers(config.limits))  # 7
        undo.callback(Ticker(EntryTeller(member.journal).tick, PACE).close)
        door = KernelDoor(listener, member.handler.handle, door_setting(config, users.edge))
        ending = threading.Thread(target=_end_on_signal, args=(door,), daemon=True)
        ending.start()
        if room is not None:
            close_room(room)  # 8, 9
        said = "open" if room is None else "closed"
        log_event("opened", name=config.name, network=config.network.name, room=said)
        say_keys(member)
        door.serve()  # 10
        ending.join()
    log_event("stopped")


def _opened(
    config: "KernelConfig", source: PassphraseSource, room: "RoomSetting | None", undo: ExitStack
) -> "Member":
    """Read the files, then nothing but the journal; `undo` closes what the member does not."""
    from signer.compose import compose  # noqa: PLC0415
    from signer.config_processes import required  # noqa: PLC0415
    from signer.consensus import load_library  # noqa: PLC0415
    from signer.opening import keeper_links  # noqa: PLC0415
    from signer.process.sockets import listen_at  # noqa: PLC0415
    from signer.process.users import users_of  # noqa: PLC0415
    from signer.read_member import read_member  # noqa: PLC0415
    from signer.room.close import deny_paths, refuse_imports  # noqa: PLC0415

    processes, links = required(config.processes, config.path), None
    keeper_uid = users_of(processes).keeper
    files = read_member(config)  # 3
    passphrase = undo.enter_context(source.read("Passphrase"))
    keepers = None
    if config.token is not None:
        keepers = listen_at(processes.keeper_socket, socket.SOCK_SEQPACKET)  # 4
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # before any thread: one will wait
    if room is not None:
        load_library()
        refuse_imports()  # 2
        deny_paths(room)  # 5
    if config.token is not None and keepers is not None:
        links = undo.enter_context(closing(keeper_links(keepers, config.token, keeper_uid)))
    member = compose(files, passphrase, links)  # 6
    passphrase.close()
    return member


def say_keys(member: "Member") -> None:
    """What signs for each vault, and how much at most: another start with other caps is seen in the log."""
    from signer.edge.logs import log_event  # noqa: PLC0415

    for vault, caps in member.keystore.caps().items():
        per_spend, per_day = (None, None) if caps is None else (caps.per_spend, caps.per_day)
        log_event(
            "vault-key",
            vault=vault.hex(),
            kind=member.kinds[vault],
            per_spend=per_spend,
            per_day=per_day,
        )


def _end_on_signal(door: "KernelDoor") -> None:
    signal.sigwait(_STOPPING)
    door.close()


def _refuse_tracebacks() -> None:
    if os.environ.get("PEGWARDEN_DEBUG") == "1":
        detail = (
            "PEGWARDEN_DEBUG=1 shows lines of source: to read them opens files, which kills here"
        )
        raise Refusal(Objection("room-incomplete", detail))
