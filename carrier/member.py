"""One federation member's kernel, seen from outside: a channel, its stub, and its refusals as errors.

1. The channel is mutually authenticated TLS; the member's certificate must be of the given CA.
2. Every error of the kernel becomes `Refused` with code, disposition and objections as the kernel gave
   them; what carries no refusal is `Unreachable`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from pegwarden.v1 import types_pb2

MAX_MESSAGE = 16 << 20
DEADLINE = 30.0
"""Seconds for one call."""
Answer = TypeVar("Answer", bound=Message)


class NoAnswer(Exception):
    """A kernel did not do what it was asked."""


class Refused(NoAnswer):
    """The kernel said no, and why."""

    def __init__(self, member: str, status: str, refusal: types_pb2.Refusal) -> None:
        detail = refusal.objections[0].detail if refusal.objections else ""
        super().__init__(f"{member}: {refusal.code}: {detail}")
        self.member = member
        self.code = refusal.code
        self.status = status
        """gRPC status name."""
        self.refusal = refusal


class Unreachable(NoAnswer):
    """No answer of a kernel: not running, not trusted, too late, or its fault (with incident id)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files in PEM: who we trust and who we are."""

    ca: Path
    certificate: Path
    key: Path


class Member:
    """A connected kernel. `member.ask(GetInfoRequest(), GetInfoResponse)`."""

    def __init__(self, name: str, address: str, credentials: Credentials) -> None:
        self.name = name
        self.address = address
        secure = grpc.ssl_channel_credentials(
            credentials.ca.read_bytes(),
            credentials.key.read_bytes(),
            credentials.certificate.read_bytes(),
        )
        options = [
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", MAX_MESSAGE),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
        ]
        self._channel = grpc.secure_channel(address, secure, options)

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        """The kernel's answer; the request's type names the RPC, its file the service. Raises Refused or
        Unreachable."""
        return self.ask_at(_path_of(request), request, answer)

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        """What the kernel answers with a stream; it ends when the iterator is closed. Raises as `ask`."""
        stream = self._channel.unary_stream(
            _path_of(request), type(request).SerializeToString, answer.FromString
        )
        call = stream(request, timeout=DEADLINE)
        try:
            yield from call
        except grpc.RpcError as error:
            raise _translated(self.name, error) from None
        finally:
            call.cancel()

    def ask_each(self, requests: Sequence[Message], answer: type[Answer]) -> Iterator[Answer]:
        """The kernel's answer to each of these requests of one kind, in their order. Raises as `ask`, after
        the answers to those before what was refused; Unreachable where the kernel ends before the last."""
        stream = self._channel.stream_stream(
            _path_of(requests[0]), type(requests[0]).SerializeToString, answer.FromString
        )
        call, answered = stream(iter(requests), timeout=DEADLINE * len(requests)), 0
        try:
            for each in call:
                answered += 1
                yield each
        except grpc.RpcError as error:
            raise _translated(self.name, error) from None
        finally:
            call.cancel()
        if answered < len(requests):
            raise Unreachable(f"{self.name} answered {answered} of {len(requests)} requests")

    def ask_at(self, path: str, request: Message, answer: type[Answer]) -> Answer:
        """The same of another service, such as `/grpc.health.v1.Health/Check`."""
        method = self._channel.unary_unary(path, type(request).SerializeToString, answer.FromString)
        try:
            response: Answer = method(request, timeout=DEADLINE)
        except grpc.RpcError as error:
            raise _translated(self.name, error) from None
        return response

    def wait_ready(self, seconds: float) -> None:
        """Wait for the connection. Raises Unreachable."""
        try:
            grpc.channel_ready_future(self._channel).result(seconds)
        except grpc.FutureTimeoutError:
            raise Unreachable(f"{self.name} does not answer at {self.address}") from None

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _path_of(request: Message) -> str:
    """The request's type names the RPC, its file the service."""
    (service,) = request.DESCRIPTOR.file.services_by_name.values()
    rpc = request.DESCRIPTOR.name.removesuffix("Request")
    return f"/{service.full_name}/{rpc}"


def _translated(member: str, error: grpc.RpcError) -> Exception:
    if not isinstance(error, grpc.Call):
        return Unreachable(f"{member}: {error}")
    status = rpc_status.from_call(error)
    incident = ""
    for detail in status.details if status is not None else ():
        refusal, info = types_pb2.Refusal(), error_details_pb2.ErrorInfo()
        if detail.Is(refusal.DESCRIPTOR) and detail.Unpack(refusal):
            return Refused(member, error.code().name, refusal)
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
            incident = f" ({info.reason} {dict(info.metadata)})"
    return Unreachable(f"{member}: {error.code().name}: {error.details()}{incident}")
