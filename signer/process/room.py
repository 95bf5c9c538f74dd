"""The room of a member's kernel: what its configuration leaves open (docs/room.md)."""

import socket
from pathlib import Path

from signer.config import KernelConfig
from signer.config_processes import ProcessesConfig
from signer.core.errors import Objection, Refusal
from signer.edge.limits import EdgeLimits
from signer.journal.place import PostgresPlace, is_local_socket
from signer.link.door import AUDIT_THREADS
from signer.room.calls import FILE_JOURNAL, SERVER_JOURNAL
from signer.room.close import RoomSetting


def room_setting(config: KernelConfig, processes: ProcessesConfig) -> RoomSetting:
    """Raises Refusal `room-unsupported`."""
    locks = not processes.unlocked_memory
    if isinstance(config.journal, Path):
        return RoomSetting(config.journal.absolute().parent, FILE_JOURNAL, locks_memory=locks)
    _require_local(config.journal)
    head = config.journal_head.absolute()
    families = (socket.AF_UNIX,)
    return RoomSetting(None, SERVER_JOURNAL, families, head_file=head, locks_memory=locks)


def readers(limits: EdgeLimits) -> int:
    """Of the journal, so that none is waited for: a call may look while it looks; the ticker looks, too, and
    what logs the entries."""
    return 2 * (limits.threads + AUDIT_THREADS) + 3


def _require_local(place: PostgresPlace) -> None:
    if not is_local_socket(place.url):
        detail = (
            "the room of a kernel whose database is reached by TCP: names are resolved and certificates read "
            "from files. Reach it by a Unix socket (host=/folder), or see `processes.unsafe_open_room`"
        )
        raise Refusal(Objection("room-unsupported", detail))
