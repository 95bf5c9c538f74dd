"""Streams made of narrow unary calls: Watch, which waits for more, and ListEntries, which ends.

1. The kernel is asked as by any call, `handle("Watch", ...)`, on a thread of the pool; between two looks the
   stream holds no thread.
2. Watch: what was found is sent and the next look comes soon; after looks that find nothing it comes twice
   as late each time, up to a bound.
3. ListEntries: a page is sent, then the next is asked for, up to the size that the first page tells. The next
   look waits until the caller takes what was sent: at most a page of a stream is in memory.
4. A stream ends when the caller leaves, at its deadline, with its connection's age, and when the server
   drains; the caller asks again with the last entry that it saw, and misses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import audit_pb2 as au
from signer.edge.limits import EdgeLimits
from signer.edge.roles import LIST_ENTRIES, WATCH

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


async def list_entries(request: bytes, look: Look, send: Send, rest: "Rest") -> None:
    """Send page after page up to the size that the first one tells, or as many as were asked for."""
    response = await look(request)  # the kernel reads it first: what it accepts is such a message
    asked = au.ListEntriesRequest.FromString(request)
    page = au.ListEntriesResponse.FromString(response)
    end = min(page.size, asked.start + (asked.max_entries or page.size))
    await send(response)
    while page.records and page.start + len(page.records) < end and not rest.is_over:
        start = page.start + len(page.records)
        following = au.ListEntriesRequest(
            start=start, max_entries=end - start, log_key=asked.log_key
        )
        response = await look(following.SerializeToString())
        page = au.ListEntriesResponse.FromString(response)
        await send(response)


class Rest:
    """The time between two looks."""

    def __init__(self, limits: EdgeLimits, draining: asyncio.Event) -> None:
        self._limits = limits
        self._draining = draining
        self._seconds = limits.watch_poll_seconds

    @property
    def is_over(self) -> bool:
        """Whether the server drains."""
        return self._draining.is_set()

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


STREAMS: Mapping[str, Callable[[bytes, Look, Send, Rest], Awaitable[None]]] = {
    WATCH: watch,
    LIST_ENTRIES: list_entries,
}
"""The RPCs that are answered by a stream."""
