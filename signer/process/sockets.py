"""The kernel's socket: made before the kernel opens anything, and taken from nobody who is alive."""

import socket
from contextlib import suppress
from pathlib import Path

from signer.core.errors import Fault

_WAITING = 128
"""Connections that are not accepted yet: a few that knock in vain do not shut out an edge."""


def listen_at(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A listening socket there. Raises Fault where a process listens already, or nobody can.

    Anybody who reaches the file may connect; whom the kernel answers is decided by SO_PEERCRED.
    """
    listener = socket.socket(socket.AF_UNIX, kind)
    try:
        if _is_alive(path, kind):
            raise Fault(f"another process listens at {path}: stop it first")
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise Fault(f"cannot listen at {path}: {error.strerror or error}") from None
    except Fault:
        listener.close()
        raise
    return listener


def _is_alive(path: Path, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_UNIX, kind) as caller, suppress(OSError):
        caller.connect(str(path))
        return True
    return False
