"""The denial of files: this process reaches no path but the named ones, connects to no port but the named
ones, and signals nobody.

1. It binds the calling thread and those that it starts later, so it comes before the first thread.
2. Reaching a file through a descriptor that is open already is not denied; a process that wants nothing
   opens nothing before.
3. Less than the ABI that denies all of this is `room-unsupported`: half a denial would read as one.
"""

import os
import struct
from enum import IntFlag
from pathlib import Path

from signer.core.errors import Objection, Refusal
from signer.room.system import (
    LANDLOCK_ADD_RULE,
    LANDLOCK_CREATE_RULESET,
    LANDLOCK_RESTRICT_SELF,
    PR_SET_NO_NEW_PRIVS,
    process_control,
    system_call,
)

ABI = 6
"""Of Linux 6.12: files, TCP ports, abstract sockets and signals."""
_ASK_ABI = 1
_BENEATH, _PORT = 1, 2
_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2


class Right(IntFlag):
    """What may be done beneath a path."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIRECTORY = 1 << 3
    REMOVE_DIRECTORY = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHARACTER_DEVICE = 1 << 6
    MAKE_DIRECTORY = 1 << 7
    MAKE_FILE = 1 << 8
    MAKE_SOCKET = 1 << 9
    MAKE_PIPE = 1 << 10
    MAKE_BLOCK_DEVICE = 1 << 11
    MAKE_LINK = 1 << 12
    MOVE = 1 << 13
    TRUNCATE = 1 << 14
    DEVICE_CONTROL = 1 << 15


ALL = Right((1 << 16) - 1)
JOURNAL = (
    Right.READ_FILE
    | Right.WRITE_FILE
    | Right.READ_DIRECTORY
    | Right.REMOVE_FILE
    | Right.REMOVE_DIRECTORY
    | Right.MAKE_FILE
    | Right.MAKE_DIRECTORY
    | Right.TRUNCATE
)
"""What SQLite does in the journal's folder; and a log that lost its end is kept there, in a folder."""
REWRITE = Right.READ_FILE | Right.WRITE_FILE
"""Of one file."""


def landlock_abi() -> int:
    """What this system can deny; 0 for nothing."""
    try:
        return system_call("landlock", LANDLOCK_CREATE_RULESET, None, 0, _ASK_ABI)
    except OSError:
        return 0


def deny_files(rules: tuple[tuple[Path, Right], ...], ports: tuple[int, ...] = ()) -> None:
    """Everything but these. Raises Refusal `room-unsupported`, or OSError where a path is not there."""
    found = landlock_abi()
    if found < ABI:
        detail = f"Landlock's ABI {ABI} is needed (Linux 6.12, enabled at boot); here is {found}"
        raise Refusal(Objection("room-unsupported", detail, f"ABI {found}", f"ABI {ABI}"))
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    denied = struct.pack("=QQQ", ALL, _BIND_TCP | _CONNECT_TCP, _ABSTRACT_SOCKETS | _SIGNALS)
    ruleset = system_call("landlock", LANDLOCK_CREATE_RULESET, denied, len(denied), 0)
    try:
        for path, rights in rules:
            _allow_beneath(ruleset, path, rights)
        for port in ports:
            allowed = struct.pack("=QQ", _CONNECT_TCP, port)
            system_call("landlock port", LANDLOCK_ADD_RULE, ruleset, _PORT, allowed, 0)
        system_call("landlock", LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_beneath(ruleset: int, path: Path, rights: Right) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = struct.pack("=Qi", rights, descriptor)
        system_call(f"landlock {path}", LANDLOCK_ADD_RULE, ruleset, _BENEATH, allowed, 0)
    finally:
        os.close(descriptor)
