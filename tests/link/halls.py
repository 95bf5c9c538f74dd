"""A kernel's door in a thread, and what tests of the link connect to it with."""

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pegwarden.internal.v1 import link_pb2 as pb
from signer.core.caller import Caller, Role
from signer.link.client import KernelLink
from signer.link.door import DoorSetting, Handle, KernelDoor
from signer.link.frame import LENGTHS_SIZE, frame

T = TypeVar("T")
BODY = 4 << 20
SETTING = DoorSetting(
    edge_uid=os.getuid(),
    callers={
        "relayer": frozenset({Role.RELAYER}),
        "auditor": frozenset({Role.AUDITOR}),
        "operator": frozenset({Role.OPERATOR}),
    },
    unblocked=frozenset({"GetHead", "GetStatus"}),
    threads=2,
    most=3,
    request_bytes=BODY,
    body_bytes=BODY,
)


@dataclass
class Echo:
    """Answers what it was asked, and remembers who asked."""

    calls: list[tuple[str, Caller, bytes]] = field(default_factory=list)

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        self.calls.append((method, caller, request))
        return request


@dataclass
class Waiting:
    """Answers when it is released."""

    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    release: threading.Event = field(default_factory=threading.Event)

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        self.started.release()
        self.release.wait(20)
        return request


@dataclass(frozen=True)
class Raising:
    """Fails with that."""

    error: Exception

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        raise self.error


@dataclass(frozen=True)
class Hall:
    """A served door."""

    path: Path
    door: KernelDoor | None = None

    def run(self, act: Callable[[KernelLink], Awaitable[T]]) -> T:
        """Do that with an edge's link, on an event loop of its own."""

        async def run() -> T:
            link = KernelLink(self.path, BODY, os.getuid())
            try:
                return await act(link)
            finally:
                link.close()

        return asyncio.run(run())

    def ask(self, method: str, name: str = "relayer", body: bytes = b"") -> bytes:
        return self.run(lambda link: link.call(method, name, body, 20))

    @contextmanager
    def wire(self) -> Iterator[socket.socket]:
        """A bare connection."""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(20)
            wire.connect(str(self.path))
            yield wire


@contextmanager
def hall(folder: Path, handle: Handle, **changes: object) -> Iterator[Hall]:
    """A door in front of that kernel."""
    path = folder / "kernel.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(4)
        door = KernelDoor(listener, handle, replace(SETTING, **changes))
        thread = threading.Thread(target=door.serve)
        thread.start()
        try:
            yield Hall(path, door)
        finally:
            door.close()
            thread.join(20)
    assert not thread.is_alive()


def call_frame(
    call_id: int = 1, method: str = "GetInfo", body: bytes = b"", ms: int = 20_000
) -> bytes:
    """What an edge sends."""
    call = pb.Call(id=call_id, method=method, caller="relayer", deadline_ms=ms)
    return b"".join(frame(call.SerializeToString(), body))


def answer_from(wire: socket.socket) -> tuple[pb.Answer, bytes]:
    """The next answer."""
    header, body = struct.unpack("!II", _exactly(wire, LENGTHS_SIZE))
    return pb.Answer.FromString(_exactly(wire, header)), _exactly(wire, body)


def is_ended(wire: socket.socket) -> bool:
    """Whether the kernel ends the connection, and says nothing before."""
    try:
        return wire.recv(1) == b""
    except ConnectionResetError:
        return True


def _exactly(wire: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        part = wire.recv(size - len(read))
        assert part, "the kernel ended the connection"
        read += part
    return read
