"""A connection to an edge, at the kernel's end: blocking, read by one thread, written by many.

1. A frame goes out whole within SEND_SECONDS, or the connection ends: an edge that takes its answers by
   spoonfuls is cut off, too.
2. A call is read before its body, and the body only when it has a place: `body`, or `skip`, which keeps none
   of it, follows each call.
3. `end` wakes the reader and may come from any thread; `close` is the reader's, when it has ended.
"""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from pegwarden.internal.v1 import link_pb2 as pb
from signer.link.errors_codec import call_in
from signer.link.frame import LENGTHS_SIZE, MAX_CALL, Bounds, BrokenFrame, frame

SEND_SECONDS = 5.0
_BUFFER = 1 << 20
_READ_AHEAD = 65_536


class Line:
    """One edge."""

    def __init__(
        self, connection: socket.socket, request_bytes: int, send_seconds: float = SEND_SECONDS
    ) -> None:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            connection.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        self._connection = connection
        self._send_seconds = send_seconds
        self._stream = connection.makefile("rb", _READ_AHEAD)
        self._bounds = Bounds(MAX_CALL, request_bytes)
        self._writing = threading.Lock()

    def calls(self) -> Iterator[tuple[pb.Call, int]]:
        """Call after call with the size of its body, which is read next (2), until the other end closes.
        Raises BrokenFrame, OSError."""
        while raw := self._stream.read(LENGTHS_SIZE):
            header, body = self._bounds.lengths(_whole(raw, LENGTHS_SIZE))
            yield call_in(_whole(self._stream.read(header), header)), body

    def body(self, size: int) -> bytes:
        """The body of the call that was read last. Raises BrokenFrame, OSError."""
        return _whole(self._stream.read(size), size)

    def skip(self, size: int) -> None:
        """Past that body. Raises BrokenFrame, OSError."""
        while size > 0:
            size -= len(self.body(min(size, _READ_AHEAD)))

    def send(self, answer: pb.Answer, body: bytes = b"") -> None:
        """Send an answer; an end that does not take it is cut off (1)."""
        pieces = frame(answer.SerializeToString(), body)
        try:
            with self._writing:
                until = time.monotonic() + self._send_seconds
                for piece in pieces:
                    self._send_all(piece, until)
        except OSError:
            self.end()

    def end(self) -> None:
        """Let nothing more come or go (3)."""
        with suppress(OSError):  # it has ended already
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptor back (3)."""
        self.end()
        with self._writing:  # no answer may go to whom the descriptor is given next
            self._stream.close()
            self._connection.close()

    def _send_all(self, piece: bytes, until: float) -> None:
        """Raises OSError. SO_SNDTIMEO would begin anew with each part that is taken."""
        rest, ready = memoryview(piece), select.poll()
        ready.register(self._connection, select.POLLOUT)
        while rest:
            with suppress(BlockingIOError):
                rest = rest[self._connection.send(rest, socket.MSG_DONTWAIT) :]
                continue
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready.poll(left * 1_000)


def _whole(read: bytes, size: int) -> bytes:
    if len(read) < size:
        raise BrokenFrame(f"{len(read)} of {size} bytes")
    return read
