"""The system calls that a kernel in its room may still make, and their numbers on the machines that we know.

1. A call that is missing here kills. Whoever adds one says what needs it.
2. Four are looked at closer (`signer.room.seccomp`): mmap and mprotect make nothing executable, clone makes
   threads alone, clone3 is answered "not there".
3. `openat` is missing: a kernel whose journal is a file opens nothing after its room is closed.
4. `tgkill`, `sendmsg` and `recvmsg` are missing: the first ends other processes, the others pass descriptors.
"""

import platform
from dataclasses import dataclass

from signer.core.errors import Objection, Refusal


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor architecture, as the kernel of the system names it."""

    name: str
    audit: int
    """AUDIT_ARCH_*: what a filter is told."""
    numbers: dict[str, int]
    """Of the calls; what the machine does not have is missing."""


_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    # memory
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214),
    "mlock": (149, 228), "munlock": (150, 229),  # the consensus code's pool of locked pages
    # threads and signals
    "futex": (202, 98), "clone": (56, 220), "clone3": (435, 435), "set_robust_list": (273, 99),
    "rseq": (334, 293), "rt_sigprocmask": (14, 135), "rt_sigaction": (13, 134),
    "rt_sigreturn": (15, 139), "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132), "sched_yield": (24, 124), "restart_syscall": (219, 128),
    "exit": (60, 93), "exit_group": (231, 94),
    # who and when
    "getpid": (39, 172), "gettid": (186, 178), "geteuid": (107, 175), "getcwd": (79, 17),
    "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "getrandom": (318, 278),
    # descriptors that are open
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "lseek": (8, 62), "close": (3, 57),
    "fcntl": (72, 25), "fstat": (5, 80), "fstatfs": (138, 44), "fsync": (74, 82),
    "fdatasync": (75, 83), "ftruncate": (77, 46), "fallocate": (285, 47),
    "poll": (7, None), "ppoll": (271, 73),
    # the link: connections of the listeners that were bound before
    "accept4": (288, 242), "recvfrom": (45, 207), "sendto": (44, 206), "shutdown": (48, 210),
    "setsockopt": (54, 208), "getsockopt": (55, 209), "getsockname": (51, 204),
    # names of files: what room their disk has, whether they are there (SQLite's hot journals), away with them
    "statfs": (137, 43), "newfstatat": (262, 79), "access": (21, None), "faccessat": (269, 48),
    "unlink": (87, None), "unlinkat": (263, 35),
    # a database server's connection, made again when it was lost
    "socket": (41, 198), "connect": (42, 203), "getpeername": (52, 205), "openat": (257, 56),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "uname": (63, 160),
}  # fmt: skip

X86_64 = Machine(
    "x86_64", 0xC000_003E, {name: here for name, (here, _) in _NUMBERS.items() if here is not None}
)
AARCH64 = Machine(
    "aarch64", 0xC000_00B7, {name: here for name, (_, here) in _NUMBERS.items() if here is not None}
)
MACHINES = {machine.name: machine for machine in (X86_64, AARCH64)}

_RECONNECTING = frozenset(
    {"socket", "connect", "getpeername", "openat", "uname"}
    | {"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait"}
)
FILE_JOURNAL = frozenset(_NUMBERS) - _RECONNECTING
"""What a kernel needs whose journal is a file (3)."""
SERVER_JOURNAL = FILE_JOURNAL | _RECONNECTING
"""What one needs whose journal is in a PostgreSQL server. Its driver looks for files when it connects again:
they are refused by Landlock, and do not kill."""


def this_machine() -> Machine:
    """Raises Refusal `room-unsupported`."""
    name = platform.machine()
    if name not in MACHINES:
        detail = f"the numbers of system calls are known for {', '.join(MACHINES)}, not for {name}"
        raise Refusal(Objection("room-unsupported", detail))
    return MACHINES[name]
