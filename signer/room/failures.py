"""Failures told without opening a file: what Python says by itself shows lines of source, for which it opens
them, and that kills a process in its room.

1. Of an exception its type and places are told, never its text, which could quote a secret, and never a line
   of source.
2. What nobody caught, in any thread or destructor, is handed to `tell` and ends nothing but that thread.
"""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType

MOST_CAUSES, MOST_PLACES = 5, 4


def causes(error: BaseException) -> list[str]:
    """`ValueError at file:line < file:line`, innermost place first; then what it came from."""
    return [f"{type(each).__name__} at {_places(each.__traceback__)}" for each in _chain(error)]


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _places(trace: TracebackType | None) -> str:
    frames = [f"{frame.f_code.co_filename}:{line}" for frame, line in traceback.walk_tb(trace)]
    return " < ".join(reversed(frames[-MOST_PLACES:])) or "unknown place"


def tell_uncaught(tell: Callable[[BaseException], None]) -> None:
    """From now on `tell` hears what nobody caught (2); it must not raise and opens nothing itself."""

    def of_process(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        tell(error)

    def of_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
            tell(failed.exc_value)

    def of_destructor(failed: "sys.UnraisableHookArgs") -> None:
        if failed.exc_value is not None:
            tell(failed.exc_value)

    sys.excepthook = of_process
    threading.excepthook = of_thread
    sys.unraisablehook = of_destructor
