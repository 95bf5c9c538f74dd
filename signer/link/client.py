"""The edge's connection to the kernel, on the edge's event loop.

1. The edge connects, and connects again when a call finds the connection lost: the kernel never does.
2. A call that finds no kernel, and one whose kernel ends meanwhile, is refused `kernel-restarting`: the same
   request again finds what was recorded.
3. Calls are told apart by their ids. The answer to a call that nobody waits for any more is dropped.
4. Who listens is asked of the system (SO_PEERCRED): a process of another user is no kernel, is told nothing,
   and is said once in the log.
5. No asyncio transport: in Python 3.11 its buffer moves a message of 8 MiB once for each part that is sent.
"""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from pegwarden.internal.v1 import link_pb2 as pb
from signer.core.errors import Fault, Objection, Refusal
from signer.edge.logs import log_event
from signer.edge.roles import EDGE, GET_STATUS
from signer.link.errors_codec import answer_in, error_of
from signer.link.frame import JOINED, LENGTHS_SIZE, MAX_ANSWER, Bounds, BrokenFrame, frame
from signer.room.peer import peer_uid

RESTARTING = "kernel-restarting"
LOOK_SECONDS = 0.1
"""Between two looks for a kernel."""
_LATEST = (1 << 32) - 1


class Link:
    """One connection. Its calls end with it."""

    def __init__(self, connection: socket.socket, body_bytes: int) -> None:
        self._connection = connection
        self._bounds = Bounds(MAX_ANSWER, body_bytes)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._last_id = 0
        self._writing = asyncio.Lock()
        self.is_lost = False
        self._reader = self._loop.create_task(self._read())

    async def call(self, method: str, name: str, body: bytes, seconds: float) -> bytes:
        """The response. Raises the kernel's Refusal or Fault, or Refusal `kernel-restarting`."""
        if self.is_lost:
            raise _restarting()
        self._last_id = call_id = self._last_id + 1
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting[call_id] = answer
        deadline = min(max(0, int(seconds * 1_000)), _LATEST)
        call = pb.Call(id=call_id, method=method, caller=name, deadline_ms=deadline)
        try:
            await self._send(frame(call.SerializeToString(), body))
            return await answer
        finally:
            self._waiting.pop(call_id, None)  # 3
            if answer.done() and not answer.cancelled():
                answer.exception()  # of a link that was lost while we sent: it is told once

    def close(self) -> None:
        """End it, and the calls on it; the reader closes the socket when nobody sends any more."""
        self.is_lost = True
        with suppress(OSError):  # the other end was faster
            self._connection.shutdown(socket.SHUT_RDWR)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_restarting())

    async def _send(self, pieces: tuple[bytes, ...]) -> None:
        async with self._writing:
            if self.is_lost:
                raise _restarting()
            try:
                for piece in pieces:
                    await self._loop.sock_sendall(self._connection, piece)
            except BaseException as error:  # half a frame may be out: nothing can follow it
                self.close()
                if isinstance(error, OSError):
                    raise _restarting() from None
                raise

    async def _read(self) -> None:
        try:
            while True:
                header, body = self._bounds.lengths(await self._exactly(LENGTHS_SIZE))
                if body <= JOINED:
                    both = await self._exactly(header + body)
                    self._hear(both[:header], both[header:])
                else:
                    self._hear(await self._exactly(header), await self._exactly(body))
        except (OSError, BrokenFrame):
            return
        finally:
            self.close()
            async with self._writing:
                self._connection.close()

    async def _exactly(self, size: int) -> bytes:
        read, at = bytearray(size), 0
        view = memoryview(read)
        while at < size:
            count = await self._loop.sock_recv_into(self._connection, view[at:])
            if count == 0:
                raise ConnectionResetError
            at += count
        return bytes(read)

    def _hear(self, header: bytes, body: bytes) -> None:
        """Raises BrokenFrame."""
        answer = answer_in(header)
        error = error_of(answer)
        waiting = self._waiting.get(answer.id)
        if waiting is None or waiting.done():  # 3
            return
        if error is None:
            waiting.set_result(body)
        else:
            waiting.set_exception(error)


class KernelLink:
    """The kernel behind that socket, whichever process of its user it is (1, 4)."""

    def __init__(self, path: Path, body_bytes: int, kernel_uid: int) -> None:
        self._path, self._body_bytes, self._kernel_uid = path, body_bytes, kernel_uid
        self._link: Link | None = None
        self._connecting = asyncio.Lock()
        self._stranger: int | None = None
        """Whom the log names already."""

    async def call(self, method: str, name: str, body: bytes, seconds: float) -> bytes:
        """The response. Raises the kernel's Refusal or Fault, or Refusal `kernel-restarting`."""
        async with self._connecting:
            if self._link is None or self._link.is_lost:
                self._link = Link(await self._connected(), self._body_bytes)
            link = self._link
        return await link.call(method, name, body, seconds)

    async def await_kernel(self) -> None:
        """Until one answers, whatever it says."""
        while await self._is_away():
            await asyncio.sleep(LOOK_SECONDS)

    async def _is_away(self) -> bool:
        try:
            await self.call(GET_STATUS, EDGE, b"", LOOK_SECONDS)
        except Refusal as refusal:
            return refusal.code == RESTARTING
        except Fault:
            return False
        return False

    async def _connected(self) -> socket.socket:
        """Raises Refusal `kernel-restarting`."""
        connection = await connect(self._path)
        uid = peer_uid(connection)
        if uid == self._kernel_uid:
            return connection
        connection.close()
        if uid != self._stranger:
            self._stranger = uid
            log_event("kernel-of-another-user", uid=uid)
        raise _restarting()

    def close(self) -> None:
        """End the connection."""
        if self._link is not None:
            self._link.close()


async def connect(path: Path) -> socket.socket:
    """A connection to whoever listens there. Raises Refusal `kernel-restarting`."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, str(path))
    except OSError:
        connection.close()
        raise _restarting() from None
    return connection


def _restarting() -> Refusal:
    return Refusal(Objection(RESTARTING, "the kernel's process does not answer at this moment"))
