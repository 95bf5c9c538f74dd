"""What an edge, or whoever pretends to be a kernel, can bring about at the link: nothing that lasts."""

import asyncio
import os
import socket
import threading
from functools import partial
from pathlib import Path

import pytest

from signer.core.caller import Caller
from signer.core.errors import Refusal
from signer.link import client, door
from signer.link.client import KernelLink
from signer.link.door import CONNECTIONS
from signer.link.line import Line
from tests.link.halls import BODY, Echo, Waiting, answer_from, call_frame, hall, is_ended


def test_a_process_of_another_user_is_no_kernel_and_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could say what a user's deposit address is, if an edge asked it."""
    said: list[str] = []
    monkeypatch.setattr(client, "log_event", lambda event, **_: said.append(event))
    echo = Echo()

    async def ask(path: Path, uid: int) -> None:
        link = KernelLink(path, BODY, uid)
        try:
            for _ in range(2):
                await link.call("GetVaultAddress", "relayer", b"", 20)
        finally:
            link.close()

    with hall(tmp_path, echo) as served:
        asyncio.run(ask(served.path, os.getuid()))
        assert (len(echo.calls), said) == (2, [])
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                asyncio.run(ask(served.path, os.getuid() + 1))
            assert refused.value.code == "kernel-restarting"
    assert len(echo.calls) == 2
    assert said == ["kernel-of-another-user"] * 2, "once for each link"


def test_a_call_is_answered_once_where_no_more_threads_can_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool queues a call before it finds that no thread can start: it would be refused, and done, too."""
    echo = Echo()
    start = threading.Thread.start

    def only_edges(thread: threading.Thread) -> None:
        if thread.name.startswith(("kernel", "audit")):
            raise RuntimeError("can't start new thread")
        start(thread)

    with hall(tmp_path, echo) as served:
        monkeypatch.setattr(threading.Thread, "start", only_edges)
        for method in ("GetVaultAddress", "GetHead"):
            assert served.ask(method, "auditor", b"once") == b"once"
    assert len(echo.calls) == 2


def test_an_edge_for_which_there_is_no_thread_ends_no_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(threading.Thread):
        def start(self) -> None:
            if self.name == "edge":
                raise RuntimeError("can't start new thread")
            super().start()

    with hall(tmp_path, Echo()) as served:
        with monkeypatch.context() as full:
            full.setattr(door.threading, "Thread", Full)
            for _ in range(CONNECTIONS + 1):  # none of them keeps its place
                with served.wire() as wire:
                    assert is_ended(wire)
        assert served.ask("GetInfo", body=b"again") == b"again"


def test_a_body_without_a_place_is_skipped_and_the_next_call_is_read(tmp_path: Path) -> None:
    kernel = Waiting()
    with hall(tmp_path, kernel, most=1) as served, served.wire() as wire:
        wire.sendall(call_frame(1, body=b"first"))
        kernel.started.acquire()
        wire.sendall(call_frame(2, body=bytes(BODY)) + call_frame(3, "GetHead"))
        answers = [answer_from(wire)[0] for _ in range(2)]
        assert [(each.id, each.objections[0].code) for each in answers] == [
            (2, "kernel-busy"),
            (3, "kernel-busy"),
        ]
        kernel.release.set()
        assert answer_from(wire)[1] == b"first"


def test_a_body_that_breaks_off_gives_its_place_back(tmp_path: Path) -> None:
    with hall(tmp_path, Echo(), most=1) as served:
        for _ in range(2):
            with served.wire() as wire:
                wire.sendall(call_frame(body=bytes(1_000))[:-1])
                wire.shutdown(socket.SHUT_WR)
                assert is_ended(wire)
        assert served.ask("GetInfo", body=b"again") == b"again"


def test_a_request_is_bounded_by_less_than_an_answer(tmp_path: Path) -> None:
    def double(method: str, caller: Caller, request: bytes) -> bytes:
        return request * 2

    with hall(tmp_path, double, request_bytes=BODY // 2) as served:
        assert len(served.ask("SignPsbt", body=bytes(BODY // 2))) == BODY
        with served.wire() as wire:
            wire.sendall(call_frame(body=bytes(BODY // 2 + 1))[:100])
            assert is_ended(wire)


def test_an_edge_that_takes_no_answer_holds_up_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "CLOSING_SECONDS", 0.1)
    monkeypatch.setattr(door, "Line", partial(Line, send_seconds=60.0))
    kernel = Waiting()

    def long(method: str, caller: Caller, request: bytes) -> bytes:
        return kernel(method, caller, bytes(BODY))

    with hall(tmp_path, long) as served, served.wire() as wire:
        wire.sendall(call_frame())
        kernel.started.acquire()
        kernel.release.set()
        closing = threading.Thread(target=served.door.close, daemon=True)
        closing.start()
        closing.join(20)
        assert not closing.is_alive()
        monkeypatch.setattr(served.door, "close", lambda: None)  # it is closed
