"""A frame of the link: u32 header length, u32 body length (big-endian), header, body.

1. Both lengths are bounded before anything else is read; what breaks a bound breaks the connection.
2. The body is never inside the header's protobuf: a request of 9 MiB is neither encoded nor copied for it.
3. A short frame goes out in one piece; of a long one the body is not joined to its header.
"""

import struct
from dataclasses import dataclass

MAX_CALL, MAX_ANSWER = 16_384, 65_536
"""Bytes of the header of a call, and of an answer: eight objections of `errors_codec.MAX_TEXT`."""
LENGTHS_SIZE = 8
JOINED = 65_536
"""Bytes of a body up to which a copy costs less than a second system call."""
_LENGTHS = struct.Struct("!II")


class BrokenFrame(Exception):
    """The other end does not keep the format. It says what, for the log."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the parts of a frame may be that one end reads, in bytes."""

    header: int
    body: int

    def lengths(self, raw: bytes) -> tuple[int, int]:
        """Of header and body, from a frame's first LENGTHS_SIZE bytes. Raises BrokenFrame (1)."""
        header, body = _LENGTHS.unpack(raw)
        if header > self.header or body > self.body:
            raise BrokenFrame(f"header of {header} bytes, body of {body}")
        return header, body


def frame(header: bytes, body: bytes) -> tuple[bytes, ...]:
    """The frame in the pieces in which it is sent (3)."""
    begin = _LENGTHS.pack(len(header), len(body)) + header
    return (begin + body,) if len(body) <= JOINED else (begin, body)
