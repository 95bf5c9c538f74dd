"""Asking a running kernel over mTLS: the options of every command that does, and how its refusals are told.

1. The service and the RPC follow from the request's type; nothing is guessed from an answer.
2. A refusal is printed with its code, its reasons and what to do next, exit status 1; what is no refusal is a
   fault of the connection or of the kernel.
3. gRPC is imported when a kernel is asked: commands that stay offline do not wait for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from signer.cli.options import FILE, Emit
from signer.core.errors import Fault

if TYPE_CHECKING:
    import grpc
    from google.protobuf.message import Message

    Answer = TypeVar("Answer", bound=Message)

DEADLINE = 30.0
"""Seconds for one answer."""
_MESSAGE = 9 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KernelClient:
    """How to reach a kernel, and as whom."""

    address: str
    ca: Path
    certificate: Path
    key: Path

    def ask(self, request: "Message", answer: "type[Answer]") -> "Answer":
        """The kernel's answer. Raises grpc.RpcError: ask within `refusals_told`."""
        with self._channel() as channel:
            method = channel.unary_unary(
                path_of(request),
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
            return method(request, timeout=DEADLINE)

    def stream(
        self, request: "Message", answer: "type[Answer]", seconds: float | None
    ) -> "Iterator[Answer]":
        """The kernel's answers until it, the deadline or our leaving ends them. Raises grpc.RpcError."""
        with self._channel() as channel:
            method = channel.unary_stream(
                path_of(request),
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
            yield from method(request, timeout=seconds)

    def _channel(self) -> "grpc.Channel":
        import grpc  # noqa: PLC0415 (rule 3)

        credentials = grpc.ssl_channel_credentials(
            self.ca.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes()
        )
        options = [
            ("grpc.max_receive_message_length", _MESSAGE),
            ("grpc.max_send_message_length", _MESSAGE),
        ]
        return grpc.secure_channel(self.address, credentials, options)


def path_of(request: "Message") -> str:
    """`/pegwarden.v1.ApprovalService/Hold` of a HoldRequest: a proto file has one service."""
    (service,) = request.DESCRIPTOR.file.services_by_name.values()
    return f"/{service.full_name}/{request.DESCRIPTOR.name.removesuffix('Request')}"


def client_options(command: Callable[..., object]) -> Callable[..., object]:
    """`--connect`, `--ca`, `--cert` and `--cert-key`, as one parameter `kernel`."""

    @wraps(command)
    def wrapped(*arguments: object, **options: object) -> object:
        address = str(options.pop("connect"))
        files = (Path(str(options.pop(name))) for name in ("ca", "cert", "cert_key"))
        return command(*arguments, kernel=KernelClient(address, *files), **options)

    for option in (
        click.option("--cert-key", type=FILE, required=True, help="Our private key (PEM)."),
        click.option("--cert", type=FILE, required=True, help="Our certificate (PEM)."),
        click.option("--ca", type=FILE, required=True, help="The member's authority (PEM)."),
        click.option("--connect", required=True, help="The kernel, such as 127.0.0.1:50551."),
    ):
        wrapped = option(wrapped)
    return wrapped


@contextmanager
def refusals_told(emit: Emit) -> Iterator[None]:
    """A kernel's refusal inside is printed and ends the command. Raises Fault, or Exit with status 1."""
    import grpc  # noqa: PLC0415 (rule 3)

    try:
        yield
    except grpc.RpcError as error:
        _tell(error, emit)
        raise click.exceptions.Exit(1) from None


def _tell(error: "grpc.RpcError", emit: Emit) -> None:
    import grpc  # noqa: PLC0415
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415
    from google.rpc.status_pb2 import Status  # noqa: PLC0415

    from pegwarden.v1 import types_pb2 as t  # noqa: PLC0415
    from signer.edge.status import DETAILS_KEY  # noqa: PLC0415

    if not isinstance(error, grpc.Call):
        raise Fault(f"the kernel cannot be asked: {error}")
    refusal = t.Refusal()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            for each in Status.FromString(value).details:
                each.Unpack(refusal)
    if not refusal.code:
        raise Fault(f"{error.code().name}: {error.details()}")
    members = MessageToDict(refusal, preserving_proto_field_name=True)
    lines = [f"{each.code}: {each.detail}" for each in refusal.objections]
    emit({"ok": False} | members, [*lines, refusal.remedy])
