"""Watch: a stream made of narrow unary calls.

1. The kernel is asked as by any call, `handle("Watch", ...)`, on a thread of the pool; between two looks the
   stream holds no thread.
2. What was found is sent and the next look comes soon; after looks that find nothing it comes twice as late
   each time, up to a bound.
3. The stream ends when the caller leaves, at its deadline, with its connection's age, and when the server
   drains; the caller asks again with the last entry that it saw, and misses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable

from pegwarden.v1 import approval_pb2 as ap
from signer.edge.limits import EdgeLimits

Look = Callable[[bytes], Awaitable[bytes]]
"""One narrow call."""
Send = Callable[[bytes], Awaitable[None]]


async def watch(request: bytes, look: Look, send: Send, rest: "Rest") -> None:
    """Send what `look` finds until `rest` says that the server drains."""
    while True:
        response = await look(request)
        found = ap.WatchResponse.FromString(response)
        if found.events:
            await send(response)
        request = ap.WatchRequest(after_entry=found.last_entry).SerializeToString()
        if not await rest.taken(len(found.events)):
            return


class Rest:
    """The time between two looks."""

    def __init__(self, limits: EdgeLimits, draining: asyncio.Event) -> None:
        self._limits = limits
        self._draining = draining
        self._seconds = limits.watch_poll_seconds

    async def taken(self, events: int) -> bool:
        """Wait as long as rule 2 says; False when the server drains."""
        longest = max(self._limits.watch_poll_seconds, self._limits.watch_rest_seconds)
        wait = self._limits.watch_poll_seconds if events else self._seconds
        self._seconds = min(longest, wait * 2)
        try:
            await asyncio.wait_for(self._draining.wait(), wait)
        except TimeoutError:
            return True
        return False
