"""`[processes]` of a configuration: kernel and edge as two processes (docs/configuration.md)."""

from dataclasses import dataclass
from pathlib import Path

from signer.core.errors import Objection, Refusal
from signer.toml_table import TomlTable


@dataclass(frozen=True, slots=True)
class ProcessesConfig:
    """`[processes]`."""

    sockets: Path
    """Folder of the kernel's socket."""
    edge_user: str | None
    """Whose process may connect; None: all processes are of one user, and none is named."""
    keeper_user: str | None = None
    """Whose processes may be keepers of the token."""
    kernel_user: str | None = None
    """Whose process edge and keepers believe to be the kernel."""
    open_room: bool = False
    """`unsafe_open_room`: the kernel serves without Landlock, seccomp and locked memory."""
    unlocked_memory: bool = False
    """`unsafe_unlocked_memory`: its memory may go to swap."""

    @property
    def kernel_socket(self) -> Path:
        """Where the kernel listens."""
        return self.sockets / "kernel.sock"

    @property
    def keeper_socket(self) -> Path:
        """Where it listens for keepers of its token."""
        return self.sockets / "keeper.sock"


def processes_in(top: TomlTable) -> ProcessesConfig | None:
    """None where there is no such table: one process for both."""
    if "processes" not in top:
        return None
    table = top.table("processes")
    sockets = table.path("sockets")
    edge, keeper, kernel = (
        table.text(key) if key in table else None
        for key in ("edge_user", "keeper_user", "kernel_user")
    )
    _require_users(table, {"kernel_user": kernel, "edge_user": edge}, keeper, "token" in top)
    open_room = table.switch("unsafe_open_room")
    unlocked = table.switch("unsafe_unlocked_memory")
    table.end()
    return ProcessesConfig(sockets, edge, keeper, kernel, open_room, unlocked)


def _require_users(
    table: TomlTable, named: dict[str, str | None], keeper: str | None, has_token: object
) -> None:
    """All of them or none: one that is left out would be whoever starts the process."""
    if has_token or keeper is not None:
        named = named | {"keeper_user": keeper}
    if set(named.values()) == {None}:
        return
    for key, user in named.items():
        if user is None:
            table.refuse(key, "is missing: where one process has a user of its own, all have")


def required(processes: ProcessesConfig | None, file: Path) -> ProcessesConfig:
    """What that file must have. Raises Refusal `config-key-missing`."""
    if processes is None:
        detail = f"{file}: `processes` is missing: kernel and edge meet at its socket"
        raise Refusal(Objection("config-key-missing", detail))
    return processes
