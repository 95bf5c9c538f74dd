"""A kernel in the edge's own process: its calls on threads of bounded pools, never on the event loop.

1. AuditService and ControlService have threads of their own (`UNBLOCKED`).
2. A call whose deadline passed before a thread was free is not begun.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from signer.core.caller import Caller
from signer.core.errors import LimitExceeded, Objection
from signer.edge.roles import UNBLOCKED

AUDIT_THREADS = 2

Blocking = Callable[[str, Caller, bytes], bytes]
"""The kernel's narrow call: (method, caller, request) -> response. Raises Refusal or Fault."""


class KernelThreads:
    """Calls that kernel."""

    def __init__(self, handle: Blocking, threads: int) -> None:
        self._handle = handle
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kernel")
        self._audit_pool = ThreadPoolExecutor(AUDIT_THREADS, thread_name_prefix="audit")

    async def ask(self, method: str, caller: Caller, request: bytes, seconds: float) -> bytes:
        """The response. Raises what the kernel raises, and LimitExceeded `deadline-exceeded`."""
        pool = self._audit_pool if method in UNBLOCKED else self._pool  # 1
        until = time.monotonic() + seconds
        return await asyncio.wrap_future(pool.submit(self._begin, until, method, caller, request))

    def close(self) -> None:
        """Wait for the calls that have begun; the others never do."""
        for pool in (self._pool, self._audit_pool):
            pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, until: float, method: str, caller: Caller, request: bytes) -> bytes:
        if time.monotonic() > until:  # 2
            raise LimitExceeded(
                Objection("deadline-exceeded", "no thread was free before the call's deadline")
            )
        return self._handle(method, caller, request)
