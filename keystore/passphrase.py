"""Where a passphrase comes from: a file descriptor, a file or a prompt; never argv or the environment.

Rule 1: one line ending at the end is not part of it; everything else is, byte for byte (a prompt: UTF-8).
Rule 2: 1 to MAX_BYTES bytes; a file is a regular one that only its owner can read, or a systemd credential:
        root's file of mode 0440, which beside root only those of its access list read, here we.
"""

import os
import stat
from getpass import getpass
from pathlib import Path

from keystore.secret import Secret
from signer.core.errors import Objection, Refusal

MAX_BYTES = 1_024


def passphrase_from_descriptor(descriptor: int) -> Secret:
    """Read to the end of an inherited descriptor and close it. Raises `passphrase-unreadable`."""
    content = bytearray()
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            while len(content) <= MAX_BYTES + 2 and (part := stream.read(MAX_BYTES)):
                content += part
    except OSError as error:
        raise _unreadable(f"descriptor {descriptor}: {error.strerror}") from None
    return _accept(content)


def passphrase_from_file(path: Path) -> Secret:
    """Read a file that is its owner's alone. Raises `passphrase-unreadable`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(f"{path}: {error.strerror}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not _is_private(status):
        os.close(descriptor)
        raise _unreadable(f"{path} is no regular file, or others can read it: chmod 600 it")
    return passphrase_from_descriptor(descriptor)


def _is_private(status: os.stat_result) -> bool:
    """Rule 2."""
    mode = stat.S_IMODE(status.st_mode)
    return mode & 0o077 == 0 or (mode, status.st_uid, status.st_gid) == (0o440, 0, 0)


def passphrase_from_prompt(question: str) -> Secret:
    """Ask on the terminal, without echo. Raises `passphrase-unreadable`."""
    try:
        answer = getpass(question)
    except (EOFError, OSError):
        raise _unreadable("no terminal to ask on") from None
    return _accept(bytearray(answer.encode("utf-8", "surrogateescape")))


def _accept(content: bytearray) -> Secret:
    end = len(content)
    if content.endswith(b"\n"):
        end -= 2 if content.endswith(b"\r\n") else 1
    accepted = Secret(memoryview(content)[:end])
    content[:] = bytes(len(content))
    if not 1 <= len(accepted) <= MAX_BYTES:
        accepted.close()
        raise _unreadable(f"a passphrase has 1 to {MAX_BYTES} bytes")
    return accepted


def _unreadable(detail: str) -> Refusal:
    return Refusal(Objection("passphrase-unreadable", detail))
