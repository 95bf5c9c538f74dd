"""A kernel in the edge's own process."""

import asyncio

import pytest

from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.edge.threads import KernelThreads
from tests.edge.lobby import EchoKernel, WaitingKernel

CALLER = Caller("relayer", frozenset({Role.RELAYER}))


def test_a_call_whose_deadline_passed_is_not_begun() -> None:
    kernel = EchoKernel()
    threads = KernelThreads(kernel, 1)
    try:
        with pytest.raises(Refusal) as refused:
            asyncio.run(threads.ask("GetInfo", CALLER, b"late", -1.0))
        assert refused.value.code == "deadline-exceeded"
        assert asyncio.run(threads.ask("GetInfo", CALLER, b"in time", 20.0)) == b"in time"
    finally:
        threads.close()
    assert [request for _, _, request in kernel.calls] == [b"in time"]


def test_audit_and_control_have_threads_of_their_own() -> None:
    kernel = WaitingKernel()
    threads = KernelThreads(kernel, 1)

    async def both() -> tuple[bytes, bytes]:
        busy = asyncio.create_task(threads.ask("SignPsbt", CALLER, b"sign", 20.0))
        await asyncio.to_thread(kernel.started.acquire)
        head = asyncio.create_task(threads.ask("GetHead", CALLER, b"head", 20.0))
        await asyncio.to_thread(kernel.started.acquire)  # though the only other thread waits
        kernel.release.set()
        return await busy, await head

    try:
        assert asyncio.run(both()) == (b"sign", b"head")
    finally:
        threads.close()
