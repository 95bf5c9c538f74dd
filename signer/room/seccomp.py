"""The filter of system calls: a list of what is allowed; everything else kills the process.

1. A call of another architecture kills, and so does one with the x32 bit: their numbers mean other calls.
2. mmap and mprotect with PROT_EXEC kill: nothing that was written becomes code.
3. clone passes with exactly the flags of a thread; clone3, whose flags cannot be seen, is answered ENOSYS, so
   that libc uses clone.
4. socket passes for streams of the named families alone: a datagram would go out to any socket that somebody
   bound, without a connection. Without families it kills like any other.
5. The filter holds for all threads at once (TSYNC), for what they start, and cannot be taken off.
"""

import ctypes
import errno
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signer.room.calls import Machine
from signer.room.system import PR_SET_NO_NEW_PRIVS, process_control, system_call

ALLOW, KILL, ERRNO = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
LOAD, AND, EQUAL, ANY_BIT, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x45, 0x35, 0x06
"""BPF: load a word of the call, keep some of its bits, compare what is left, end."""
NUMBER, ARCHITECTURE = 0, 4
"""Where the words of a call stand; its arguments follow at 16, 8 bytes each, low half first."""
X32_BIT = 0x4000_0000
PROT_EXEC = 4
SOCK_STREAM, SOCK_FLAGS = 1, 0o2004000
"""The kind of socket; SOCK_CLOEXEC and SOCK_NONBLOCK may be added to it, on both machines."""
THREAD_FLAGS = 0x003D_0F00
"""VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID: what glibc asks for."""
_CLOSER = frozenset({"mmap", "mprotect", "clone", "clone3", "socket"})
_FILTER, _ALL_THREADS = 1, 1
_SECCOMP = {"x86_64": 317, "aarch64": 277}


class Instruction(NamedTuple):
    """One of the filter's."""

    code: int
    if_true: int
    """How many are skipped where a comparison holds."""
    if_false: int
    operand: int


def program(
    machine: Machine, calls: Iterable[str], families: tuple[int, ...] = ()
) -> tuple[Instruction, ...]:
    """The filter that allows these calls; a name that the machine does not have is left out."""
    wanted = frozenset(calls) & machine.numbers.keys()
    found = [
        Instruction(LOAD, 0, 0, ARCHITECTURE),  # 1
        *_unless(EQUAL, machine.audit, KILL),
        Instruction(LOAD, 0, 0, NUMBER),
        *_where(AT_LEAST, X32_BIT, KILL),
    ]
    for name in sorted(wanted & _CLOSER):
        closer = tuple(_closer(name, families))
        found += [Instruction(EQUAL, 0, len(closer), machine.numbers[name]), *closer]
    for name in sorted(wanted - _CLOSER):
        found += _where(EQUAL, machine.numbers[name], ALLOW)
    return (*found, _end(KILL))


def _closer(name: str, families: tuple[int, ...]) -> Iterator[Instruction]:
    """How a call that is looked at closer ends."""
    if name in ("mmap", "mprotect"):  # 2
        yield _argument(2)
        yield from _where(ANY_BIT, PROT_EXEC, KILL)
        yield _end(ALLOW)
    elif name == "clone":  # 3
        yield _argument(0)
        yield from _where(EQUAL, THREAD_FLAGS, ALLOW)
        yield _end(KILL)
    elif name == "clone3":
        yield _end(ERRNO | errno.ENOSYS)
    else:  # 4
        yield _argument(1)
        yield Instruction(AND, 0, 0, ~SOCK_FLAGS & 0xFFFF_FFFF)
        yield from _unless(EQUAL, SOCK_STREAM, KILL)
        yield _argument(0)
        for family in families:
            yield from _where(EQUAL, family, ALLOW)
        yield _end(KILL)


def _argument(place: int) -> Instruction:
    """Load the low half of that argument: all that the system's kernel looks at in those we ask about."""
    return Instruction(LOAD, 0, 0, 16 + 8 * place)


def _where(comparison: int, operand: int, ending: int) -> tuple[Instruction, ...]:
    return Instruction(comparison, 0, 1, operand), _end(ending)


def _unless(comparison: int, operand: int, ending: int) -> tuple[Instruction, ...]:
    return Instruction(comparison, 1, 0, operand), _end(ending)


def _end(ending: int) -> Instruction:
    return Instruction(RETURN, 0, 0, ending)


def close(machine: Machine, instructions: tuple[Instruction, ...]) -> None:
    """Put the filter on all threads of this process (5). Raises OSError."""
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    raw = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    listed = ctypes.create_string_buffer(raw, len(raw))
    head = struct.pack("@HP", len(instructions), ctypes.addressof(listed))
    stray = system_call("seccomp", _SECCOMP[machine.name], _FILTER, _ALL_THREADS, head)
    if stray:
        raise OSError(errno.ESRCH, f"seccomp: thread {stray} could not be filtered")
