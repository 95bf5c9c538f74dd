"""The one table from a refusal to a gRPC status, with its details (design section 5).

1. The kind of the first objection decides the status code.
2. Details: google.rpc.Status with ErrorInfo (the code in UPPER_SNAKE), pegwarden.v1.Refusal, and RetryInfo
   where time helps. Code, disposition, detail, remedy and receipt are for everybody.
3. Observed values and limits are for auditors and officers, and for relayers where the code is public.
4. At most 8 objections and 4 KiB: longer trailers are lost on the way. ExplainPsbt tells all.
5. A fault says its incident id and nothing else.
"""

from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from pegwarden.v1 import types_pb2 as t
from signer.core.caller import Role
from signer.core.catalogue import CodeKind
from signer.core.errors import MAX_OBJECTIONS, Objection, Refusal, shown_to
from signer.wire_answers import receipt_message

STATUS_OF_KIND = {
    CodeKind.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
    CodeKind.VERIFICATION: grpc.StatusCode.FAILED_PRECONDITION,
    CodeKind.STATE: grpc.StatusCode.FAILED_PRECONDITION,
    CodeKind.POLICY: grpc.StatusCode.PERMISSION_DENIED,
    CodeKind.ROLE: grpc.StatusCode.PERMISSION_DENIED,
    CodeKind.LIMIT: grpc.StatusCode.RESOURCE_EXHAUSTED,
    CodeKind.AWAY: grpc.StatusCode.UNAVAILABLE,
}
"""SETUP codes belong to files; when a request carries such text (an xpub), it is malformed."""
DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "pegwarden"
MAX_DETAILS = 4_096
MAX_TEXT = 210
"""Characters of one text. Four of them in any script, the remedy, a receipt and the rest fit MAX_DETAILS."""


@dataclass(frozen=True, slots=True)
class RpcError:
    """How an RPC ends that does not succeed."""

    status: grpc.StatusCode
    message: str
    details: bytes
    """Serialised google.rpc.Status; empty for a fault."""


def error_of_refusal(refusal: Refusal, roles: frozenset[Role], now: float) -> RpcError:
    """The refusal as that caller may see it at that time (Unix seconds)."""
    status = STATUS_OF_KIND.get(refusal.entry.kind, grpc.StatusCode.INVALID_ARGUMENT)  # 1
    message = f"{refusal.code}: {_clip(refusal.objections[0].detail)}"
    shown = [_objection(each, roles) for each in refusal.objections[:MAX_OBJECTIONS]]
    while True:
        details = _details(refusal, shown, now)
        body = Status(code=status.value[0], message=message, details=details).SerializeToString()
        if len(body) <= MAX_DETAILS or len(shown) == 1:  # 4
            return RpcError(status, message, body)
        shown.pop()


def error_of_fault(incident: str) -> RpcError:
    """Rule 5."""
    return RpcError(grpc.StatusCode.INTERNAL, f"incident {incident}", b"")


def _details(refusal: Refusal, shown: list[t.Objection], now: float) -> list[AnyMessage]:
    entry = refusal.entry
    reason = refusal.code.upper().replace("-", "_")
    said = t.Refusal(
        decision_id=refusal.decision_id,
        code=refusal.code,
        disposition=f"DISPOSITION_{entry.disposition}",
        objections=shown,
        remedy=entry.remedy,
        receipt=None if refusal.receipt is None else receipt_message(refusal.receipt),
    )
    messages: list[Message] = [ErrorInfo(reason=reason, domain=DOMAIN), said]
    moments = [each.not_before for each in refusal.objections if each.not_before is not None]
    if moments:
        seconds = max(1, round(max(moments) - now))
        messages.append(RetryInfo(retry_delay=Duration(seconds=seconds)))
    return [_packed(message) for message in messages]


def _packed(message: Message) -> AnyMessage:
    wrapped = AnyMessage()
    wrapped.Pack(message)
    return wrapped


def _objection(objection: Objection, roles: frozenset[Role]) -> t.Objection:
    shown = shown_to(roles, objection)  # 3
    return t.Objection(
        code=shown.code,
        detail=_clip(shown.detail),
        observed=_clip(shown.observed),
        limit=_clip(shown.limit),
    )


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
