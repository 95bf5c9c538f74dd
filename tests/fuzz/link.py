"""Invariant: whatever an edge sends is calls, which written again are the same calls, or ends its connection
with BrokenFrame; nothing else is raised, and nothing is waited for.

The input is all that comes over a connection until the edge closes it.
"""

import socket
from collections.abc import Iterator

from pegwarden.internal.v1 import link_pb2 as pb
from signer.link.frame import BrokenFrame, frame
from signer.link.line import Line

BODY = 4_096


def seeds() -> Iterator[tuple[str, bytes]]:
    for name, calls in (
        ("one", [("GetInfo", b"")]),
        ("two", [("SignPsbt", b"psbt\xff"), ("GetStatus", b"")]),
        ("longest", [("SignPsbt", bytes(BODY))]),
    ):
        yield (
            name,
            b"".join(_written(_call(n, method), body) for n, (method, body) in enumerate(calls)),
        )


def accepts(data: bytes) -> bool:
    try:
        read = _read(data)
    except BrokenFrame:
        return False
    assert _read(b"".join(_written(call, body) for call, body in read)) == read
    return True


def _read(sent: bytes) -> list[tuple[pb.Call, bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        line = Line(ours, BODY)
        try:
            theirs.settimeout(20)
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            return [(call, line.body(size)) for call, size in line.calls()]
        finally:
            line.close()


def _written(call: pb.Call, body: bytes) -> bytes:
    return b"".join(frame(call.SerializeToString(), body))


def _call(number: int, method: str) -> pb.Call:
    return pb.Call(id=number, method=method, caller="relayer", deadline_ms=30_000)
