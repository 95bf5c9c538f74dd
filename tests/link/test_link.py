"""Calls between an edge and a kernel's door."""

import asyncio
import os
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pegwarden.internal.v1 import link_pb2 as pb
from signer.core.caller import Caller, Role
from signer.core.errors import Fault, Objection, PolicyDenied, Refusal
from signer.link.client import KernelLink
from signer.link.door import CONNECTIONS, KernelDoor
from signer.link.frame import MAX_CALL, frame
from signer.room.peer import peer_uid
from tests.link.halls import (
    BODY,
    Echo,
    Hall,
    Raising,
    Waiting,
    answer_from,
    call_frame,
    hall,
    is_ended,
)

RELAYER = Caller("relayer", frozenset({Role.RELAYER}))


def code_of(refused: pytest.ExceptionInfo[Refusal]) -> str:
    return refused.value.code


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, BODY])
def test_bodies_of_all_sizes_cross_both_ways(tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    echo = Echo()
    with hall(tmp_path, echo) as served:
        assert served.ask("SignPsbt", body=body) == body
    assert echo.calls == [("SignPsbt", RELAYER, body)]


def test_many_calls_of_one_connection_find_their_answers(tmp_path: Path) -> None:
    async def many(link: KernelLink) -> list[bytes]:
        return await asyncio.gather(
            *(link.call("GetInfo", "relayer", b"%d" % each, 20) for each in range(50))
        )

    with hall(tmp_path, Echo(), most=50) as served:
        assert served.run(many) == [b"%d" % each for each in range(50)]


def test_roles_are_the_kernels_own(tmp_path: Path) -> None:
    echo = Echo()
    with hall(tmp_path, echo) as served:
        with pytest.raises(Refusal) as refused:
            served.ask("SignPsbt", "auditor")
        assert code_of(refused) == "role-not-allowed"
        assert refused.value.objections[0].observed == "auditor"  # auditors see all
        assert echo.calls == []
        served.ask("GetHead", "auditor")
    assert echo.calls == [("GetHead", Caller("auditor", frozenset({Role.AUDITOR})), b"")]


@pytest.mark.parametrize("name", ["", "nobody", "Relayer", "edge"])
def test_a_caller_whom_the_configuration_does_not_name_is_nobody(tmp_path: Path, name: str) -> None:
    echo = Echo()
    with hall(tmp_path, echo) as served:
        with pytest.raises(Refusal) as refused:
            served.ask("GetInfo", name)
        assert code_of(refused) == "caller-unknown"
    assert echo.calls == []


def test_the_edge_itself_may_ask_for_the_status(tmp_path: Path) -> None:
    echo = Echo()
    with hall(tmp_path, echo) as served:
        assert served.ask("GetStatus", "edge") == b""
    assert echo.calls == [("GetStatus", Caller("edge", frozenset()), b"")]


def test_a_refusal_and_a_fault_cross(tmp_path: Path) -> None:
    refusal = PolicyDenied(Objection("outflow-exceeded", "too much", "2", "1", 7, "wait"))
    refusal.head = "head"
    with hall(tmp_path, Raising(refusal)) as served, pytest.raises(Refusal) as refused:
        served.ask("SignPsbt")
    assert refused.value.objections[0].detail == "too much"
    assert refused.value.head == "head"
    with hall(tmp_path, Raising(Fault("the disk"))) as served, pytest.raises(Fault) as failed:
        served.ask("SignPsbt")
    assert str(failed.value) == "the disk"


def test_of_an_unexpected_error_its_type_alone_crosses(tmp_path: Path) -> None:
    with hall(tmp_path, Raising(ValueError("secret"))) as served, pytest.raises(Fault) as failed:
        served.ask("SignPsbt")
    assert str(failed.value) == "ValueError"


def test_a_response_that_is_too_long_for_the_link_is_a_fault(tmp_path: Path) -> None:
    def double(method: str, caller: Caller, request: bytes) -> bytes:
        return request + b"+"

    with hall(tmp_path, double) as served:
        assert len(served.ask("SignPsbt", body=bytes(BODY - 1))) == BODY
        with pytest.raises(Fault):
            served.ask("SignPsbt", body=bytes(BODY))


def test_more_calls_than_the_door_takes_are_answered_busy(tmp_path: Path) -> None:
    kernel = Waiting()

    async def four(link: KernelLink) -> None:
        three = [
            asyncio.create_task(link.call("GetInfo", "relayer", b"%d" % each, 20))
            for each in range(3)
        ]
        for _ in range(2):  # threads
            await asyncio.to_thread(kernel.started.acquire)
        while len(link._link._waiting) < 3:
            await asyncio.sleep(0)
        with pytest.raises(Refusal) as refused:
            await link.call("GetInfo", "relayer", b"", 20)
        assert code_of(refused) == "kernel-busy"
        kernel.release.set()
        assert await asyncio.gather(*three) == [b"0", b"1", b"2"]
        assert await link.call("GetInfo", "relayer", b"again", 20) == b"again"

    with hall(tmp_path, kernel) as served:
        served.run(four)


def test_audit_and_control_have_threads_of_their_own(tmp_path: Path) -> None:
    kernel = Waiting()

    def handle(method: str, caller: Caller, request: bytes) -> bytes:
        return request if method == "GetHead" else kernel(method, caller, request)

    async def beside(link: KernelLink) -> bytes:
        busy = [asyncio.create_task(link.call("GetInfo", "relayer", b"", 20)) for _ in range(2)]
        for _ in busy:
            await asyncio.to_thread(kernel.started.acquire)
        answer = await link.call("GetHead", "auditor", b"head", 20)
        kernel.release.set()
        await asyncio.gather(*busy)
        return answer

    with hall(tmp_path, handle) as served:
        assert served.run(beside) == b"head"


def test_a_call_whose_deadline_passed_in_the_queue_is_not_begun(tmp_path: Path) -> None:
    kernel = Waiting()
    asked: list[bytes] = []

    def handle(method: str, caller: Caller, request: bytes) -> bytes:
        asked.append(request)
        return kernel(method, caller, request)

    async def late(link: KernelLink) -> None:
        first = asyncio.create_task(link.call("GetInfo", "relayer", b"first", 20))
        await asyncio.to_thread(kernel.started.acquire)
        expired = asyncio.create_task(link.call("GetInfo", "relayer", b"late", 0))
        in_time = asyncio.create_task(link.call("GetInfo", "relayer", b"in time", 20))
        await asyncio.sleep(0)
        kernel.release.set()
        assert (await first, await in_time) == (b"first", b"in time")
        with pytest.raises(Refusal) as refused:
            await expired
        assert code_of(refused) == "deadline-exceeded"

    with hall(tmp_path, handle, threads=1) as served:
        served.run(late)
    assert asked == [b"first", b"in time"]


def test_the_answer_to_a_forgotten_call_is_dropped(tmp_path: Path) -> None:
    kernel = Waiting()

    async def forget(link: KernelLink) -> bytes:
        forgotten = asyncio.create_task(link.call("GetInfo", "relayer", b"forgotten", 20))
        await asyncio.to_thread(kernel.started.acquire)
        forgotten.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forgotten
        kernel.release.set()
        return await link.call("GetInfo", "relayer", b"next", 20)

    with hall(tmp_path, kernel) as served:
        assert served.run(forget) == b"next"


def test_an_edge_that_was_killed_finds_the_same_kernel_again(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from signer.link.client import KernelLink\n"
        "async def main():\n"
        "    link = KernelLink(Path(sys.argv[1]), 1 << 20, os.getuid())\n"
        "    while True: await link.call('SignPsbt', 'relayer', bytes(100_000), 20)\n"
        "asyncio.run(main())\n"
    )
    echo = Echo()
    with hall(tmp_path, echo) as served:
        for _ in range(2):
            before = len(echo.calls)
            edge = subprocess.Popen([sys.executable, "-c", program, str(served.path)])
            try:
                while len(echo.calls) < before + 3:
                    assert edge.poll() is None
            finally:
                edge.kill()
                edge.wait(20)
        assert served.ask("GetInfo", body=b"still here") == b"still here"


def test_a_kernel_that_is_away_is_a_refusal_and_is_found_when_it_is_back(tmp_path: Path) -> None:
    async def through(link: KernelLink) -> bytes:
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                await link.call("GetInfo", "relayer", b"", 20)
            assert code_of(refused) == "kernel-restarting"
        with hall(tmp_path, Echo()):
            assert await link.call("GetInfo", "relayer", b"first", 20) == b"first"
        with pytest.raises(Refusal) as refused:
            await link.call("GetInfo", "relayer", b"", 20)
        assert code_of(refused) == "kernel-restarting"
        with hall(tmp_path, Echo()):
            return await link.call("GetInfo", "relayer", b"second", 20)

    assert Hall(tmp_path / "kernel.sock").run(through) == b"second"


def test_a_call_whose_kernel_ends_meanwhile_is_refused(tmp_path: Path) -> None:
    async def lost(link: KernelLink, kernel: socket.socket) -> str:
        call = asyncio.create_task(link.call("GetInfo", "relayer", b"", 20))
        connection, _ = await asyncio.to_thread(kernel.accept)
        await asyncio.to_thread(connection.recv, 8)
        connection.close()
        with pytest.raises(Refusal) as refused:
            await call
        return code_of(refused)

    path = tmp_path / "kernel.sock"
    with socket.socket(socket.AF_UNIX) as kernel:
        kernel.bind(str(path))
        kernel.listen(1)
        assert Hall(path).run(lambda link: lost(link, kernel)) == "kernel-restarting"


@pytest.mark.parametrize(
    "said",
    [
        struct.pack("!II", 1 << 31, 0),
        struct.pack("!II", 0, BODY + 1),
        b"".join(frame(b"\xff", b"")),
        b"".join(
            frame(pb.Answer(id=1, objections=[pb.Objection(code="x-y")]).SerializeToString(), b"")
        ),
    ],
    ids=["header too long", "body too long", "no message", "unknown code"],
)
def test_a_kernel_that_breaks_the_format_is_away(tmp_path: Path, said: bytes) -> None:
    async def broken(link: KernelLink, kernel: socket.socket) -> str:
        call = asyncio.create_task(link.call("GetInfo", "relayer", b"", 20))
        connection, _ = await asyncio.to_thread(kernel.accept)
        with connection:
            connection.sendall(said)
            with pytest.raises(Refusal) as refused:
                await call
        return code_of(refused)

    path = tmp_path / "kernel.sock"
    with socket.socket(socket.AF_UNIX) as kernel:
        kernel.bind(str(path))
        kernel.listen(1)
        assert Hall(path).run(lambda link: broken(link, kernel)) == "kernel-restarting"


HOSTILE = {
    "header of 4 GiB": struct.pack("!II", 0xFFFF_FFFF, 0),
    "body of 4 GiB": struct.pack("!II", 0, 0xFFFF_FFFF),
    "header one byte too long": struct.pack("!II", MAX_CALL + 1, 0) + bytes(MAX_CALL + 1),
    "body one byte too long": struct.pack("!II", 0, BODY + 1),
    "no message": struct.pack("!II", 1, 0) + b"\xff",
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_what_breaks_the_format_ends_the_connection_and_nothing_else(
    tmp_path: Path, sent: bytes
) -> None:
    echo = Echo()
    with hall(tmp_path, echo) as served, served.wire() as good:
        with served.wire() as bad:
            bad.sendall(sent)
            assert is_ended(bad)
        good.sendall(call_frame(9, body=b"good"))
        answer, body = answer_from(good)
        assert (answer.id, body) == (9, b"good")
    assert len(echo.calls) == 1


@pytest.mark.parametrize("cut", [1, 7, 8, 9, len(call_frame(body=b"body")) - 1])
def test_half_a_frame_is_no_call(tmp_path: Path, cut: int) -> None:
    echo = Echo()
    with hall(tmp_path, echo) as served:
        with served.wire() as wire:
            wire.sendall(call_frame(body=b"body")[:cut])
            wire.shutdown(socket.SHUT_WR)
            assert is_ended(wire)
        assert echo.calls == []
        with served.wire() as wire:
            for byte in call_frame(body=b"body"):
                wire.send(bytes([byte]))
            assert answer_from(wire)[1] == b"body"


def test_another_user_is_turned_away(tmp_path: Path) -> None:
    echo = Echo()
    with hall(tmp_path, echo, edge_uid=os.getuid() + 1) as served, served.wire() as wire:
        with suppress(OSError):  # it may have ended before
            wire.sendall(call_frame())
        assert is_ended(wire)
    assert echo.calls == []


def test_the_user_at_the_other_end_is_the_systems_word() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(ours) == os.getuid()


def test_an_edge_and_its_successor_may_connect_and_nobody_else(tmp_path: Path) -> None:
    assert CONNECTIONS == 2
    with hall(tmp_path, Echo()) as served, served.wire() as first, served.wire() as second:
        for each in (first, second):
            each.sendall(call_frame(body=b"welcome"))
            assert answer_from(each)[1] == b"welcome"
        with served.wire() as third:
            assert is_ended(third)
        second.sendall(call_frame(body=b"still"))
        assert answer_from(second)[1] == b"still"


def test_an_edge_waits_for_its_kernel(tmp_path: Path) -> None:
    async def wait(link: KernelLink) -> None:
        waiting = asyncio.create_task(link.await_kernel())
        with pytest.raises(Refusal) as refused:
            await link.call("GetInfo", "relayer", b"", 20)
        assert code_of(refused) == "kernel-restarting"
        assert not waiting.done()
        with hall(tmp_path, Raising(Fault("whatever it says"))):
            await waiting

    Hall(tmp_path / "kernel.sock").run(wait)


def test_what_has_begun_is_answered_when_the_door_closes_and_the_rest_is_refused(
    tmp_path: Path,
) -> None:
    kernel = Waiting()

    async def closing(link: KernelLink, door: KernelDoor) -> None:
        begun = asyncio.create_task(link.call("GetInfo", "relayer", b"begun", 20))
        await asyncio.to_thread(kernel.started.acquire)
        closed = asyncio.create_task(asyncio.to_thread(door.close))
        while not door._pool._shutdown:
            await asyncio.sleep(0)
        with pytest.raises(Refusal) as refused:
            await link.call("GetInfo", "relayer", b"late", 20)
        assert code_of(refused) == "kernel-restarting"
        kernel.release.set()
        assert await begun == b"begun"
        await closed

    with hall(tmp_path, kernel) as served:
        served.run(lambda link: closing(link, served.door))
