"""The kernel's door: it accepts edges on a Unix socket and answers their calls.

1. Who connects is read from the socket (SO_PEERCRED): one user, and few connections at a time.
2. Who calls is a name; the roles are looked up and asked for here, whatever the edge has found. A taken-over
   edge can be any caller whom the configuration names, and invent none. `edge` itself may ask GetStatus.
3. More open calls than `most` are answered `kernel-busy`, never queued, and their bodies not kept; a call
   whose deadline has passed before a thread took it is answered `deadline-exceeded`, and the kernel proper
   never sees it. So at most `most` bodies of `request_bytes` are in memory.
4. AuditService and ControlService have threads of their own: calls of SignPsbt that wait for grants must not
   keep these out.
5. Whatever an edge sends ends at worst its connection, and fills no disk with our log lines; nor does a
   connection for which there is no thread end more than itself.
6. `close` waits for calls that have begun; for edges that do not take their answers CLOSING_SECONDS at most.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pegwarden.internal.v1 import link_pb2 as pb
from signer.core.caller import Caller, Role
from signer.core.errors import Fault, LimitExceeded, Objection, Refusal, Unauthorized
from signer.edge.limits import TokenBucket
from signer.edge.logs import log_event, log_fault
from signer.edge.roles import EDGE, GET_STATUS, require_role
from signer.link.errors_codec import answer_of
from signer.link.frame import BrokenFrame
from signer.link.line import Line
from signer.room.peer import peer_uid

CONNECTIONS = 2
"""An edge's, and its successor's."""
AUDIT_THREADS = 2
CLOSING_SECONDS = 10.0
_ACCEPT_AGAIN = 0.1
_LOG_LINES, _LOG_BURST = 0.1, 10.0
"""Per second, and at once, about edges that do not behave."""

Handle = Callable[[str, Caller, bytes], bytes]
"""The kernel's narrow call: (method, caller, request) -> response. Raises Refusal or Fault."""


@dataclass(frozen=True, slots=True)
class DoorSetting:
    """Whom the kernel answers, and how much at a time."""

    edge_uid: int
    """The user that may connect."""
    callers: Mapping[str, frozenset[Role]]
    unblocked: frozenset[str]
    """The methods of rule 4."""
    threads: int
    most: int
    """Calls that are open at the same time."""
    request_bytes: int
    """Of a request."""
    body_bytes: int
    """Of a response."""


class KernelDoor:
    """Answers edges until it is closed."""

    def __init__(self, listener: socket.socket, handle: Handle, setting: DoorSetting) -> None:
        self._listener, self._handle, self._setting = listener, handle, setting
        self._free = threading.Semaphore(setting.most)
        self._pool = _pool(setting.threads, "kernel")
        self._audit_pool = _pool(AUDIT_THREADS, "audit")
        self._lines: set[Line] = set()
        self._changing = threading.Lock()
        self._closing = threading.Event()
        self._sayings = TokenBucket(_LOG_LINES, _LOG_BURST, _LOG_BURST, time.monotonic())

    def serve(self) -> None:
        """Accept edges until `close`."""
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
                self._welcome(connection)
            except (OSError, RuntimeError):  # 5: "can't start new thread" is a RuntimeError
                self._closing.wait(_ACCEPT_AGAIN)

    def close(self) -> None:
        """Take no more calls, answer those that a thread has taken, end the connections. Once."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        impatient = threading.Timer(CLOSING_SECONDS, self._end_lines)  # 6
        impatient.start()
        for pool in (self._pool, self._audit_pool):
            pool.shutdown(wait=True, cancel_futures=True)
        impatient.cancel()
        self._end_lines()

    def _end_lines(self) -> None:
        with self._changing:
            lines = tuple(self._lines)
        for line in lines:
            line.end()

    def _welcome(self, connection: socket.socket) -> None:
        uid = peer_uid(connection)
        line = Line(connection, self._setting.request_bytes)
        with self._changing:
            welcome = uid == self._setting.edge_uid and len(self._lines) < CONNECTIONS  # 1
            if welcome:
                self._lines.add(line)
        if not welcome:
            line.close()
            self._say("edge-turned-away", uid=uid)
            return
        try:
            threading.Thread(target=self._converse, args=(line,), name="edge", daemon=True).start()
        except RuntimeError:
            self._leave(line)
            raise

    def _converse(self, line: Line) -> None:
        """Read calls until the connection ends (5)."""
        try:
            for call, size in line.calls():
                self._take(line, call, size)
        except (BrokenFrame, OSError) as error:
            self._say("edge-broken", error=type(error).__name__)
        finally:
            self._leave(line)

    def _leave(self, line: Line) -> None:
        with self._changing:
            self._lines.discard(line)
        line.close()

    def _take(self, line: Line, call: pb.Call, size: int) -> None:
        """Raises BrokenFrame, OSError."""
        roles = self._setting.callers.get(call.caller, frozenset())
        if not self._free.acquire(blocking=False):  # 3
            line.skip(size)
            line.send(answer_of(call.id, _busy(self._setting.most), roles))
            return
        until = time.monotonic() + call.deadline_ms / 1_000
        pool = self._audit_pool if call.method in self._setting.unblocked else self._pool  # 4
        try:
            pool.submit(self._work, line, call, line.body(size), until)
        except RuntimeError:  # closed meanwhile
            self._free.release()
            line.send(answer_of(call.id, _ending(), roles))
        except BaseException:
            self._free.release()
            raise

    def _work(self, line: Line, call: pb.Call, body: bytes, until: float) -> None:
        try:
            line.send(*self._answer(call, body, until))
        finally:
            self._free.release()

    def _answer(self, call: pb.Call, body: bytes, until: float) -> tuple[pb.Answer, bytes]:
        roles = self._setting.callers.get(call.caller, frozenset())
        try:
            caller = self._caller(call)  # 2
            if time.monotonic() >= until:  # 3
                raise _too_late()
            response = self._handle(call.method, caller, body)
            if len(response) > self._setting.body_bytes:
                raise Fault(f"a response of {len(response)} bytes is too long for the link")
        except Refusal as refusal:
            return answer_of(call.id, refusal, roles), b""
        except Exception as error:
            log_fault(error, method=call.method, caller=call.caller)
            fault = error if isinstance(error, Fault) else Fault(type(error).__name__)
            return answer_of(call.id, fault, roles), b""
        return pb.Answer(id=call.id), response

    def _say(self, event: str, **fields: object) -> None:
        with self._changing:
            if self._sayings.wait(time.monotonic()) > 0:
                return
            self._sayings.take()
        log_event(event, **fields)

    def _caller(self, call: pb.Call) -> Caller:
        """Raises Unauthorized `caller-unknown` or `role-not-allowed`."""
        roles = self._setting.callers.get(call.caller)
        if roles is None:
            if (call.caller, call.method) == (EDGE, GET_STATUS):
                return Caller(EDGE, frozenset())
            raise Unauthorized(
                Objection("caller-unknown", "the kernel knows no caller of that name")
            )
        caller = Caller(call.caller, roles)
        require_role(caller, call.method)
        return caller


def _pool(threads: int, name: str) -> ThreadPoolExecutor:
    """With all its threads: one that cannot start raises RuntimeError after the call was queued, too late."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
    together = threading.Barrier(threads + 1)
    for _ in range(threads):
        pool.submit(together.wait)
    together.wait()
    return pool


def _busy(most: int) -> LimitExceeded:
    return LimitExceeded(
        Objection("kernel-busy", "the kernel has as many open calls as it takes", "", f"{most}")
    )


def _ending() -> Refusal:
    return Refusal(Objection("kernel-restarting", "the kernel ends, and takes no more calls"))


def _too_late() -> LimitExceeded:
    return LimitExceeded(
        Objection("deadline-exceeded", "the call's deadline passed before the kernel began with it")
    )
