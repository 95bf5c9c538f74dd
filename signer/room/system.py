"""Linux system calls that Python has no function for.

1. A call is made by its number; what it refuses is an OSError with the call's name.
2. The numbers here are the same on every machine; those of `signer.room.calls` are not.
"""

import ctypes
import os

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38

LIBC = ctypes.CDLL(None, use_errno=True)
_Argument = int | bytes | ctypes.Array[ctypes.c_char] | None


def system_call(name: str, number: int, *arguments: _Argument) -> int:
    """What it answered (1). Raises OSError."""
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    answer: int = LIBC.syscall(ctypes.c_long(number), *passed)
    if answer < 0:
        raise refused(name)
    return answer


def process_control(option: int, value: int) -> None:
    """prctl. Raises OSError."""
    rest = (ctypes.c_ulong(0),) * 3
    if LIBC.prctl(ctypes.c_int(option), ctypes.c_ulong(value), *rest) != 0:
        raise refused(f"prctl {option}")


def refused(name: str) -> OSError:
    """What the system said to the last call."""
    number = ctypes.get_errno()
    return OSError(number, f"{name}: {os.strerror(number)}")
