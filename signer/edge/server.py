"""The gRPC server: options, methods, start and end.

1. Limits are options of the transport where it has them; the rest is `limits`.
2. One port, bound by us alone: no SO_REUSEPORT, and a port that is taken is a sentence, not a surprise.
3. Messages arrive as they were sent: compression is refused, so no small message grows.
4. On SIGTERM and SIGINT: not serving, streams end, then calls in flight are drained, then the end.
5. One large request must not stall the others: threads take turns more often than Python's 5 ms, for the
   journal's writer needs its turn again after each statement; and what stands since the start is never
   searched for garbage again, which stops all threads.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import DecodeError
from grpc import aio
from grpc_health.v1 import health_pb2

from signer.core.caller import Caller
from signer.core.errors import Fault, malformed
from signer.edge.address import Address
from signer.edge.callers import CallerBook, CallerEntry
from signer.edge.door import Door, Handle, streaming, unary
from signer.edge.fitting import TlsFiles
from signer.edge.heartbeat import SECONDS, Heartbeat, is_ready
from signer.edge.limits import Admission, EdgeLimits
from signer.edge.logs import log_event
from signer.edge.metrics import EdgeMetrics, serve_metrics
from signer.edge.roles import HEALTH_CHECK, KERNEL_SERVICE, PATHS, SERVICES, STREAMED
from signer.edge.tls import CertificateDays, Renewal, Reread

SERVICE = KERNEL_SERVICE
TURN_SECONDS = 0.0005
"""For which a thread keeps the interpreter while another waits for it."""


@dataclass(frozen=True, slots=True)
class EdgeSetting:
    """What the edge serves with."""

    listen: Address
    metrics: Address | None
    tls: TlsFiles
    callers: tuple[CallerEntry, ...]
    limits: EdgeLimits
    reflection: bool
    """For development only: tells anybody with a client certificate what the API looks like."""
    reread: Reread | None = None
    """None: the TLS files are never renewed."""
    dated: Mapping[str, bytes] = field(default_factory=dict)
    """Name -> further certificates in use, whose days left are told."""


class Edge:
    """A server in front of a kernel."""

    def __init__(self, setting: EdgeSetting, handle: Handle) -> None:
        self._setting = setting
        self._draining = asyncio.Event()
        self._kernel = handle
        limits = setting.limits
        self._loop = asyncio.get_running_loop()
        self.metrics = EdgeMetrics()
        self.metrics.registry.register(Heartbeat(self._scraped))
        self._renewal = Renewal(setting.tls, setting.reread or (lambda: setting.tls))
        self.metrics.registry.register(CertificateDays(self._renewal, setting.dated))
        callers, admission = CallerBook(setting.callers), Admission(limits)
        self._door = Door(self._handle, callers, admission, self.metrics, self._draining)
        self._server = aio.server(options=_options(limits))
        self._server.add_generic_rpc_handlers((_Methods(self._door),))

    async def start(self) -> int:
        """Bind and serve; the port. Raises Fault where it cannot be ours."""
        listen = self._setting.listen
        if self._setting.reflection:
            _add_reflection(self._server)
        try:
            port = self._server.add_secure_port(str(listen), self._renewal.credentials())
        except RuntimeError:
            raise _unbound(listen) from None
        if port == 0 or listen.port not in (0, port):
            raise _unbound(listen)
        await self._server.start()
        return port

    async def stop(self) -> None:
        """Drain, within the limit; then give up what is still open."""
        self._draining.set()
        await self._server.stop(self._setting.limits.drain_seconds)

    async def _handle(self, method: str, caller: Caller, request: bytes, seconds: float) -> bytes:
        if method == HEALTH_CHECK:
            return await self._health(request)
        return await self._kernel(method, caller, request, seconds)

    def _scraped(self, method: str, caller: Caller, request: bytes) -> bytes:
        """The narrow call from the thread that is scraped."""
        call = self._handle(method, caller, request, SECONDS)
        work = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return work.result(SECONDS)
        except TimeoutError:
            work.cancel()
            raise Fault("the kernel does not answer") from None

    async def _health(self, request: bytes) -> bytes:
        """grpc.health.v1 for the whole server and for each service."""
        try:
            service = health_pb2.HealthCheckRequest.FromString(request).service
        except DecodeError:
            raise malformed("request-malformed", "not a HealthCheckRequest") from None
        state = "NOT_SERVING" if self._draining.is_set() else "SERVING"
        if service and service not in SERVICES:
            state = "SERVICE_UNKNOWN"
        elif service == KERNEL_SERVICE and not await is_ready(self._kernel):
            state = "NOT_SERVING"
        return health_pb2.HealthCheckResponse(status=state).SerializeToString()


async def serve(setting: EdgeSetting, handle: Handle) -> None:
    """Serve until SIGTERM or SIGINT."""
    edge = Edge(setting, handle)
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    stop_metrics: Callable[[], None] | None = None
    if setting.metrics is not None:
        stop_metrics = serve_metrics(edge.metrics, setting.metrics.host, setting.metrics.port)
    try:
        port = await edge.start()
        log_event("serving", listen=str(Address(setting.listen.host, port)))
        _take_turns()
        await stopping.wait()
        log_event("stopping", drain_seconds=setting.limits.drain_seconds)
    finally:
        if stop_metrics is not None:
            await asyncio.to_thread(stop_metrics)  # a scrape asks this loop
        await edge.stop()
        log_event("stopped")


def _take_turns() -> None:
    """5."""
    sys.setswitchinterval(TURN_SECONDS)
    gc.collect()
    gc.freeze()


class _Methods(grpc.GenericRpcHandler):
    """Path -> handler, for the methods of the role table."""

    def __init__(self, door: Door) -> None:
        self._handlers = {
            path: (streaming if method in STREAMED else unary)(method, door)
            for path, method in PATHS.items()
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """None for what is not served: UNIMPLEMENTED."""
        return self._handlers.get(handler_call_details.method)


def _options(limits: EdgeLimits) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # 2
        ("grpc.max_receive_message_length", limits.request_bytes),
        ("grpc.max_send_message_length", 2 * limits.message_bytes),  # entries exceed requests
        ("grpc.max_concurrent_streams", limits.streams_per_connection),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.server_handshake_timeout_ms", limits.handshake_seconds * 1_000),
        ("grpc.max_connection_idle_ms", limits.connection_idle_seconds * 1_000),
        ("grpc.max_connection_age_ms", limits.connection_age_seconds * 1_000),
        ("grpc.max_connection_age_grace_ms", limits.deadline_seconds * 1_000),
        ("grpc.max_metadata_size", 8_192),
        ("grpc.absolute_max_metadata_size", 16_384),
        ("grpc.compression_enabled_algorithms_bitset", 1),  # 3: identity alone
    ]


def _unbound(listen: Address) -> Fault:
    return Fault(
        f"cannot listen on {listen}: another process has that port, or the address is not this "
        "machine's; stop that process, or change `listen`"
    )


def _add_reflection(server: aio.Server) -> None:
    from grpc_reflection.v1alpha import reflection  # noqa: PLC0415 (development only)

    from pegwarden.v1 import (  # noqa: PLC0415 (registers the descriptors)
        approval_pb2,  # noqa: F401
        audit_pb2,  # noqa: F401
        header_chain_pb2,  # noqa: F401
        kernel_pb2,  # noqa: F401
        policy_pb2,  # noqa: F401
    )

    reflection.enable_server_reflection((*SERVICES, reflection.SERVICE_NAME), server)
