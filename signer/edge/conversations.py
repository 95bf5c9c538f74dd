"""SubmitHeaders: a stream both ways, made of narrow unary calls.

1. One message, one call, one answer, in this order: the next message is read when the answer was taken, so
   one message of a stream is in memory, and who does not read its answers is not read from.
2. A caller has a purse of messages of its own (`limits`): a stream whose purse is empty waits, and is
   refused nothing. Its other calls cost as before.
3. The first message comes within the deadline. A stream that then says nothing for as long as a connection
   may be idle ends, and so does one when the server drains, after the message that is being answered;
   neither is an error. Its caller opens another.
4. A refusal ends the stream. What earlier messages brought stays.
What leaves the best chain, and a source that contradicts itself, is a line of the log.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from pegwarden.v1 import header_chain_pb2 as pb
from signer.edge.logs import log_event
from signer.edge.watch import Look, Send

Read = Callable[[], Awaitable[bytes | None]]
"""The next message; None when there is no other."""
Purse = Callable[[], float]
"""Takes one message out of it; or says for how many seconds there is none."""


@dataclass(frozen=True, slots=True)
class Partner:
    """Whoever is answered, and until when."""

    name: str
    read: Read
    purse: Purse
    idle_seconds: float
    draining: asyncio.Event

    async def may_go_on(self) -> bool:
        """Wait for the purse; False when the server drains (2, 3)."""
        while not self.draining.is_set():
            seconds = self.purse()
            if seconds <= 0:
                return True
            with suppress(TimeoutError):
                await asyncio.wait_for(self.draining.wait(), seconds)
        return False

    async def next_message(self) -> bytes | None:
        """The next one; None when there is no other, or when the stream is to end (3)."""
        reading = asyncio.ensure_future(self.read())
        ending = asyncio.ensure_future(self.draining.wait())
        waited = (reading, ending)
        try:
            await asyncio.wait(
                waited, timeout=self.idle_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            return reading.result() if reading.done() else None
        finally:
            for each in waited:
                each.cancel()


async def answer_each(first: bytes, look: Look, send: Send, partner: Partner) -> None:
    """Answer message after message (1)."""
    message: bytes | None = first
    while message is not None and await partner.may_go_on():
        response = await look(message)
        _tell(partner.name, response)
        await send(response)
        message = await partner.next_message()


def _tell(caller: str, response: bytes) -> None:
    brought = pb.SubmitHeadersResponse.FromString(response)
    if brought.left:
        log_event(
            "headers-reorganised", caller=caller, left=brought.left, tip_height=brought.tip_height
        )
    if brought.equivocated:
        log_event("headers-equivocated", caller=caller, last_height=brought.last_height)
