"""One RPC from connection to answer.

1. Who calls: TLS version, certificate, name (`callers`).
2. May they: role (`roles`), then share (`limits`). Nothing of the message has been read.
3. The message: one, within the deadline.
4. The kernel: in a process of its own (`signer.link`), or on threads of this one (`threads`).
5. The answer, or the one table from refusals to statuses. Anything unexpected is a fault.
Watch and ListEntries are answered by a stream of such calls (`watch`), SubmitHeaders is a stream both ways
(`conversations`); each is admitted once. A call's share is given
back when the kernel has answered, not when its caller has gone away. What was never admitted is counted, and
logged a few times a second at most: nobody fills the disk with it.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn, TypeVar

import grpc
from grpc import aio

from signer.core.caller import Caller, Role
from signer.core.errors import Fault, LimitExceeded, Objection, Refusal, malformed
from signer.edge.callers import CallerBook
from signer.edge.conversations import Partner, answer_each
from signer.edge.limits import Admission, TokenBucket
from signer.edge.logs import log_event, log_fault
from signer.edge.metrics import EdgeMetrics
from signer.edge.roles import SUBMIT_HEADERS, WITNESS, require_role
from signer.edge.status import DETAILS_KEY, RpcError, error_of_fault, error_of_refusal
from signer.edge.watch import STREAMS, Rest

Handle = Callable[[str, Caller, bytes, float], Awaitable[bytes]]
"""The kernel's narrow call: (method, caller, request, seconds) -> response. Raises Refusal or Fault. It goes
on when nobody waits for it any more; what is not begun within so many seconds is refused."""
Context = aio.ServicerContext[bytes, bytes]
T = TypeVar("T")
_LINES = 10.0
"""Per second, for calls that were not admitted."""


@dataclass(slots=True)
class _Call:
    """What is known about a call while it goes on, for its one line in the log."""

    method: str
    request_id: str
    started: float
    caller: Caller | None = None
    admitted: bool = False

    @property
    def name(self) -> str:
        return "" if self.caller is None else self.caller.name

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset() if self.caller is None else self.caller.roles


@dataclass(frozen=True)
class Door:
    """Through which every call goes."""

    handle: Handle
    callers: CallerBook
    admission: Admission
    metrics: EdgeMetrics
    draining: asyncio.Event
    """Set when streams are to end."""
    _strangers: TokenBucket = field(
        default_factory=lambda: TokenBucket(_LINES, _LINES, _LINES, time.monotonic())
    )
    """Log lines for calls that were not admitted."""
    _headers: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One batch of headers is in work at a time, whoever brings it: those who sign wait for no more."""

    async def answer(self, method: str, context: Context) -> bytes:
        """The response's bytes; else the context is aborted with the status of the refusal."""
        call = _Call(method, uuid.uuid4().hex[:16], time.monotonic())
        return await self._told(call, context, self._admitted(call, context))

    async def stream(self, method: str, context: Context) -> None:
        """Send responses until the stream ends; as `answer` where it ends badly."""
        call = _Call(method, uuid.uuid4().hex[:16], time.monotonic())
        await self._told(call, context, self._streamed(call, context))

    async def _told(self, call: _Call, context: Context, work: Coroutine[object, object, T]) -> T:
        """What the work gives. How it ended is logged, and told to the caller where it ended badly."""
        try:
            result = await work
        except Refusal as refusal:
            if call.admitted:
                self.admission.charge_refusal(call.name, call.method, refusal.code)
            self._log(call, refusal.code)
            await _abort(context, error_of_refusal(refusal, call.roles, time.time()))
        except asyncio.CancelledError:
            self._log(call, "cancelled")
            raise
        except Exception as error:
            incident = uuid.uuid4().hex[:12]
            log_fault(error, incident=incident, request=call.request_id, method=call.method)
            self._log(call, "fault")
            await _abort(context, error_of_fault(incident))
        else:
            self._log(call, "ok")
            return result

    async def _admitted(self, call: _Call, context: Context) -> bytes:
        caller = self._identified(call, context)  # 1, 2
        self.admission.enter(caller.name, call.method)
        call.admitted = True
        work: asyncio.Future[bytes] | None = None
        until = asyncio.get_running_loop().time() + self._seconds(context)
        deadline = asyncio.timeout_at(until)
        try:
            async with deadline:
                request = await _read(context)  # 3
                self._require_size(call.method, request)
                work = self._submit(call.method, caller, request, until)
                return await asyncio.shield(work)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise _too_slow(self.admission.limits.deadline_seconds) from None
        finally:
            _after(work, partial(self.admission.leave, caller.name))
            del work  # what it raises has this frame, and would hold the request in a circle

    async def _streamed(self, call: _Call, context: Context) -> None:
        caller = self._identified(call, context)  # 1, 2
        self.admission.enter_watch(caller.name)
        call.admitted = True
        work: asyncio.Future[bytes] | None = None
        loop, seconds = asyncio.get_running_loop(), self.admission.limits.deadline_seconds

        async def look(request: bytes) -> bytes:
            nonlocal work
            self._require_size(call.method, request)
            if call.method == SUBMIT_HEADERS:
                await self._headers.acquire()
            work = self._submit(call.method, caller, request, loop.time() + seconds)
            if call.method == SUBMIT_HEADERS:
                work.add_done_callback(lambda _: self._headers.release())
            return await asyncio.shield(work)

        try:
            request = await self._first_message(context)  # 3
            if call.method == SUBMIT_HEADERS:
                partner = self._partner(caller.name, context)
                await answer_each(request, look, context.write, partner)
            else:
                rest = Rest(self.admission.limits, self.draining)
                await STREAMS[call.method](request, look, context.write, rest)
        finally:
            _after(work, partial(self.admission.leave_watch, caller.name))

    def _partner(self, caller: str, context: Context) -> Partner:
        async def read() -> bytes | None:
            message: object = await context.read()
            return message if isinstance(message, bytes) else None

        return Partner(
            name=caller,
            read=read,
            purse=partial(self.admission.take_header_message, caller),
            idle_seconds=self.admission.limits.connection_idle_seconds,
            draining=self.draining,
        )

    async def _first_message(self, context: Context) -> bytes:
        try:
            async with asyncio.timeout(self._seconds(context)):
                return await _read(context)
        except TimeoutError:
            raise _too_slow(self.admission.limits.deadline_seconds) from None

    def _submit(
        self, method: str, caller: Caller, request: bytes, until: float
    ) -> asyncio.Future[bytes]:
        seconds = until - asyncio.get_running_loop().time()
        return asyncio.ensure_future(self.handle(method, caller, request, seconds))  # 4

    def _require_size(self, method: str, request: bytes) -> None:
        """The transport lets ENTRY_MARGIN more pass, for Witness alone. Raises LimitExceeded."""
        most = self.admission.limits.message_bytes
        if len(request) > most and method != WITNESS:
            seen, limit = f"{len(request)} bytes", f"{most} bytes"
            raise LimitExceeded(
                Objection("request-too-large", f"a request of {method}", seen, limit)
            )

    def _identified(self, call: _Call, context: Context) -> Caller:
        caller = call.caller = self.callers.identify(context.auth_context())
        require_role(caller, call.method)
        return caller

    def _seconds(self, context: Context) -> float:
        cap: float = self.admission.limits.deadline_seconds
        asked: float | None = context.time_remaining()
        return cap if asked is None else min(asked, cap)

    def _log(self, call: _Call, code: str) -> None:
        seconds = time.monotonic() - call.started
        self.metrics.observe(call.method, code, seconds)
        self.metrics.in_flight.set(self.admission.in_flight)
        if not call.admitted:
            if self._strangers.wait(time.monotonic()) > 0:
                return
            self._strangers.take()
        log_event(
            "call",
            request=call.request_id,
            method=call.method,
            caller=call.name,
            code=code,
            ms=round(seconds * 1_000, 2),
        )


def _after(work: asyncio.Future[bytes] | None, leave: Callable[[], None]) -> None:
    """Give the share back when the kernel has answered."""
    if work is None or work.done():
        leave()
    else:
        work.add_done_callback(lambda _: leave())


async def _read(context: Context) -> bytes:
    message: object = await context.read()
    if not isinstance(message, bytes):
        raise malformed("request-malformed", "the call ended without a message")
    return message


async def _abort(context: Context, error: RpcError) -> NoReturn:
    trailers = ((DETAILS_KEY, error.details),) if error.details else ()
    await context.abort(error.status, error.message, trailers)
    raise Fault("an aborted call went on")


def _too_slow(limit: int) -> LimitExceeded:
    return LimitExceeded(
        Objection(
            "deadline-exceeded",
            "the request was not sent or not answered in time",
            limit=f"the caller's deadline, at most {limit} s",
        )
    )


def unary(method: str, door: Door) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """The handler of a unary RPC. For gRPC it reads a stream, so that it decides before it reads."""

    async def answer(_: object, context: Context) -> bytes:
        return await door.answer(method, context)

    return grpc.stream_unary_rpc_method_handler(answer)


def streaming(method: str, door: Door) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """The handler of an RPC with a stream of responses, and of requests where it has more than one."""

    async def answer(_: object, context: Context) -> None:
        await door.stream(method, context)

    return grpc.stream_stream_rpc_method_handler(answer)
