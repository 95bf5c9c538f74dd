"""The order in which a kernel closes its room; each step needs the one before.

1. `harden`: from here on nobody of the same user reads this process.
2. All modules are imported, then `refuse_imports`: an import would open files.
3. The member's files, the passphrase and the ledger are read; 4. the sockets are bound (the caller's steps).
5. `one_heap` and `deny_files`, before the first thread: a denial binds the calling thread and its later
   children.
6. The journal is opened and the threads are started; 7. its writer commits once and its readers are opened
   (the caller's steps: what SQLite opens, it opens now).
8. `lock_memory`, when the address space has its size.
9. The filter of system calls, on all threads. 10. The caller accepts.
"""

import gc  # noqa: F401 (weakref imports it when the process ends and secrets are still to be wiped)
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from signer.core.errors import Objection, Refusal
from signer.room.calls import FILE_JOURNAL, this_machine
from signer.room.landlock import JOURNAL, REWRITE, deny_files
from signer.room.memory import lock_memory, one_heap
from signer.room.seccomp import close, program


@dataclass(frozen=True, slots=True)
class RoomSetting:
    """What a kernel still needs when its room is closed."""

    journal_folder: Path | None
    """Of its file; None where it is in a database server."""
    calls: frozenset[str] = FILE_JOURNAL
    families: tuple[int, ...] = ()
    """Of sockets that it may make."""
    ports: tuple[int, ...] = ()
    """TCP ports that it may connect to."""
    head_file: Path | None = None
    """Beside a database server: the one file that is kept here; it is made where it is missing."""
    locks_memory: bool = True
    """False where only the arena of secrets is locked (`keystore.arena`)."""


class _Imports:
    """Refuses what was not imported before."""

    def find_spec(
        self, name: str, _: Sequence[str] | None, __: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raises ImportError."""
        raise ImportError(f"{name} was not imported before the room was closed")


def refuse_imports() -> None:
    """Step 2. A module that is there is still found."""
    sys.meta_path[:] = [_Imports()]
    sys.path_hooks.clear()


def deny_paths(setting: RoomSetting) -> None:
    """Step 5. Raises Refusal `room-unsupported`."""
    one_heap()
    rules = [(path, JOURNAL) for path in (setting.journal_folder,) if path is not None]
    if setting.head_file is not None:
        setting.head_file.touch(0o600)
        rules.append((setting.head_file, REWRITE))
    deny_files(tuple(rules), setting.ports)


def close_room(setting: RoomSetting) -> None:
    """Steps 8 and 9. Raises Refusal `room-unsupported` or `room-incomplete`; then nobody is served."""
    machine = this_machine()
    if setting.locks_memory:
        lock_memory()
    try:
        close(machine, program(machine, setting.calls, setting.families))
    except OSError as error:
        raise Refusal(Objection("room-incomplete", str(error))) from None
