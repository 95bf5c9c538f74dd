"""What `pegwarden doctor` looks at: each look is a generator of findings, and none opens a key.

1. A finding says what was seen and, if it is not good, what to do. `bad` is what keeps a member from serving
   or lets a promise of ours fail; a `warning` is what its operator should know.
2. Looks are about this machine and this user's limits and files: run it as the user of the kernel, as that
   of the edge, and as root (`signer.cli.eyes`).
"""

import ctypes
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from keystore.arena import ArenaKind, process_arena
from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from signer.cli.config import missing_tokens
from signer.cli.config_caps import missing_ledgers
from signer.cli.eyes import exposed, eyes_of, unreachable
from signer.cli.status_chain import configured
from signer.config import KernelConfig
from signer.core.errors import Refusal
from signer.edge.tls import DAY, days_left
from signer.journal.room import RESERVED
from signer.member_files import read_policy
from signer.process.users import users_of
from signer.room.calls import this_machine
from signer.room.landlock import landlock_abi
from signer.room.system import LIBC

SOON, VERY_SOON = 30, 7
"""Days before an end that is a warning, and bad."""
_TIMEX_BYTES, _UNSYNCHRONISED = 208, 5
_LANDLOCK = 6


class Grade(StrEnum):
    """How good it is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    grade: Grade
    text: str


Look = Callable[[KernelConfig], Iterator[Finding]]


def good(what: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(what, Grade.GOOD, text)


def warning(what: str, text: str) -> Finding:
    """To be known."""
    return Finding(what, Grade.WARNING, text)


def bad(what: str, text: str) -> Finding:
    """To be mended."""
    return Finding(what, Grade.BAD, text)


def room(config: KernelConfig) -> Iterator[Finding]:
    """Whether keys and network are apart, and the kernel's room can be closed here."""
    processes = config.processes
    if processes is None:
        yield warning("room", "keys and network share one process: there is no [processes]")
        return
    if processes.open_room:
        yield bad("room", "unsafe_open_room: the kernel denies itself nothing")
    elif landlock_abi() < _LANDLOCK:
        yield bad("room", f"this system has no Landlock, or one older than {_LANDLOCK}")
    else:
        try:
            yield good("room", f"Landlock {landlock_abi()}, {this_machine().name}")
        except Refusal as refusal:
            yield bad("room", str(refusal))
    if processes.edge_user is None:
        yield warning("room", "edge and kernel are one user: set `edge_user`, and run them as two")


def memory(config: KernelConfig) -> Iterator[Finding]:
    """Whether secrets stay out of swap."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    processes = config.processes
    if processes is not None and processes.unlocked_memory:
        yield bad("memory", "unsafe_unlocked_memory: the kernel's memory may go to swap")
    elif soft != resource.RLIM_INFINITY:
        yield warning(
            "memory", f"this shell locks at most {soft} bytes: a unit has LimitMEMLOCK=infinity"
        )
    else:
        yield good("memory", "all of it can be locked")
    if process_arena().kind is ArenaKind.SECRET:
        yield good("memory", "memfd_secret: not even root reads a kernel's secrets")
    else:
        yield warning("memory", "no memfd_secret: secrets are locked, but root can read them")


def clock(config: KernelConfig) -> Iterator[Finding]:
    """Whether the system believes its clock. Times in rules are the kernel's own (docs/control.md)."""
    state: int = LIBC.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state in (_UNSYNCHRONISED, -1):
        yield warning("clock", "the system does not say that it is synchronised: run an NTP client")
    else:
        yield good("clock", "the system says that it is synchronised")
    if not eyes_of(config).keys:
        return
    if config.journal_head.exists() and config.journal_head.stat().st_mtime > time.time() + 60:
        yield bad("clock", f"{config.journal_head} was written later than now: the clock is behind")


def disk(config: KernelConfig) -> Iterator[Finding]:
    """Room for the journal, or for the head file beside a database server."""
    folder = config.journal_head.parent
    if not eyes_of(config).keys:
        return
    try:
        seen = os.statvfs(folder)
    except OSError as error:
        yield bad("disk", f"{folder}: {error.strerror}")
        return
    free = seen.f_bavail * seen.f_frsize
    text = f"{folder}: {free >> 20} MiB and {seen.f_favail} files free"
    if not isinstance(config.journal, Path):
        yield good("disk", text + "; the journal is in a database server")
    elif free < RESERVED.low + RESERVED.reserve:
        yield bad("disk", text + f"; below {RESERVED.low >> 20} MiB refusals are no more recorded")
    else:
        yield good("disk", text)


def token(config: KernelConfig) -> Iterator[Finding]:
    """The module of [token]; the token itself is asked by `pegwarden key doctor`, with its PIN."""
    if config.token is None:
        return
    module = Path(config.token.module)
    try:
        seen = module.stat()
    except OSError as error:
        yield bad("token", f"{module}: {error.strerror}")
        return
    if seen.st_mode & 0o022 or seen.st_uid not in (0, os.getuid()):
        yield bad("token", f"{module} can be changed by others: whoever does has the PIN")
    else:
        yield good("token", f"{module}; ask the token itself by `pegwarden key doctor`")


def keys(config: KernelConfig) -> Iterator[Finding]:
    """What holds each vault key, what it signs away at most, and what keeps a kernel from opening it."""
    if not eyes_of(config).keys:
        return
    for fault in (*missing_tokens(config), *missing_ledgers(config)):
        yield bad("keys", fault)
    for path in config.keys.vaults:
        try:
            header = header_of(read_sealed(path))
        except Refusal as refusal:
            yield bad("keys", str(refusal))
            continue
        if header.binding is None:
            yield bad("keys", f"{path} is unbound: pegwarden key bind")
        elif header.limits is None:
            yield warning(
                "keys", f"{path} has no caps: what the policy lets pass is signed (key caps set)"
            )
        else:
            caps = header.limits.caps
            yield good(
                "keys", f"{path}: caps {caps.per_spend} sat a transaction, {caps.per_day} a day"
            )


def chain(config: KernelConfig) -> Iterator[Finding]:
    """Whether one source of headers alone could say what is confirmed."""
    if config.chain is None:
        return
    if config.chain.sources_needed > 1:
        yield good("chain", configured(config.chain))
    else:
        yield warning("chain", f"{configured(config.chain)}: it alone says what is confirmed")


def ends(config: KernelConfig) -> Iterator[Finding]:
    """How long certificates and policy still hold. Keys have no end of their own."""
    files = {"server": config.tls.certificate, "client authority": config.tls.client_ca}
    if config.agreement.identity is not None:
        identity = config.agreement.identity
        files |= {"peer": identity.certificate, "peers' authority": identity.client_ca}
    eyes = eyes_of(config)
    for name, path in files.items() if eyes.tls else ():
        try:
            yield _end(name, days_left(path.read_bytes(), time.time()))
        except OSError as error:
            yield bad("days", f"{path}: {error.strerror}")
        except ValueError:
            yield bad("days", f"{path}: no readable certificate")
    if not eyes.keys:
        return
    with suppress(Refusal):  # `config check` says why
        expires = read_policy(config).expires
        if expires is not None:
            yield _end("policy file", (expires - time.time()) / DAY)


def _end(name: str, days: float) -> Finding:
    text = f"{name}: {int(days)} days left"
    if days < VERY_SOON:
        return bad("days", text)
    return warning("days", text) if days < SOON else good("days", text)


def owners(config: KernelConfig) -> Iterator[Finding]:
    """Whether each service's user can reach its files, and no other's secrets; root compares."""
    processes, eyes = config.processes, eyes_of(config)
    for sentence in eyes.unseen():
        yield good("owners", sentence)
    if processes is None or processes.edge_user is None:
        return
    try:
        users_of(processes)
    except Refusal as refusal:
        yield bad("owners", str(refusal))
        return
    with suppress(FileNotFoundError):  # /run: it is there while a kernel runs
        if processes.sockets.stat().st_mode & 0o007:
            yield bad("owners", f"{processes.sockets}: every user reaches the sockets (mode 0710)")
    if _shared(config):
        folder = config.journal_head.parent
        yield warning("owners", f"{folder}: a room leaves it writable; move the journal out of it")
    if eyes.owners:
        faults = [*unreachable(config, processes), *exposed(config, processes)]
        yield from (bad("owners", fault) for fault in faults)
        if not faults:
            yield good(
                "owners", "each service's user reaches its own files, and no other's secrets"
            )


def _shared(config: KernelConfig) -> bool:
    """Whether the journal's folder, in which a kernel in its room may remove files, holds keys or policy."""
    held = (config.policy, *config.keys.sealed, config.keys.ledgers)
    folder = config.journal_head.parent
    return isinstance(config.journal, Path) and any(path.is_relative_to(folder) for path in held)


LOOKS: tuple[Look, ...] = (room, memory, clock, disk, token, keys, chain, ends, owners)
