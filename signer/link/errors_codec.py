"""How a call's bad end crosses the link.

1. A refusal arrives as it left: objections with `change` and `not_before`, decision, head and receipt. Its
   class does not: behind the kernel's door nothing depends on it.
2. It leaves as the caller's roles may see it: what an edge is not told it cannot tell.
3. At most MAX_OBJECTIONS objections, and no text longer than MAX_TEXT: more would not reach a caller anyway.
4. A fault crosses as a text for the edge's log.
"""

from google.protobuf.message import DecodeError

from pegwarden.internal.v1 import link_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.core.caller import Role
from signer.core.catalogue import CATALOGUE
from signer.core.errors import MAX_OBJECTIONS, Fault, Objection, Refusal, shown_to
from signer.core.receipt import Answer, Receipt
from signer.link.frame import BrokenFrame
from signer.wire_answers import receipt_message

MAX_TEXT = 300
"""Characters. Of 8 objections they fit `frame.MAX_ANSWER` in any script; a gRPC status holds fewer."""


def answer_of(call_id: int, error: Refusal | Fault, roles: frozenset[Role]) -> pb.Answer:
    """What a caller with these roles is told of it."""
    if isinstance(error, Fault):
        return pb.Answer(id=call_id, fault=_clip(str(error)) or "fault")  # 4
    shown = (shown_to(roles, each) for each in error.objections[:MAX_OBJECTIONS])  # 2, 3
    return pb.Answer(
        id=call_id,
        objections=map(_objection_message, shown),
        decision_id=error.decision_id,
        head=error.head,
        receipt=None if error.receipt is None else receipt_message(error.receipt),
    )


def error_of(answer: pb.Answer) -> Refusal | Fault | None:
    """The inverse; None where the call succeeded. Raises BrokenFrame where no kernel says so."""
    if answer.fault:
        return Fault(answer.fault)
    if not answer.objections:
        return None
    if any(each.code not in CATALOGUE for each in answer.objections):
        raise BrokenFrame("a refusal with a code of no catalogue")
    refusal = Refusal(*map(_objection, answer.objections))
    refusal.decision_id, refusal.head = answer.decision_id, answer.head
    if answer.HasField("receipt"):
        refusal.receipt = _receipt(answer.receipt)
    return refusal


def answer_in(header: bytes) -> pb.Answer:
    """The header of an answer. Raises BrokenFrame."""
    try:
        return pb.Answer.FromString(header)
    except DecodeError:
        raise BrokenFrame("not an Answer") from None


def call_in(header: bytes) -> pb.Call:
    """The header of a call. Raises BrokenFrame."""
    try:
        return pb.Call.FromString(header)
    except DecodeError:
        raise BrokenFrame("not a Call") from None


def _objection_message(objection: Objection) -> pb.Objection:
    return pb.Objection(
        code=objection.code,
        detail=_clip(objection.detail),
        observed=_clip(objection.observed),
        limit=_clip(objection.limit),
        change=_clip(objection.change),
        not_before=objection.not_before,
    )


def _objection(said: pb.Objection) -> Objection:
    return Objection(
        code=said.code,
        detail=said.detail,
        observed=said.observed,
        limit=said.limit,
        not_before=said.not_before if said.HasField("not_before") else None,
        change=said.change,
    )


def _receipt(said: t.Receipt) -> Receipt:
    return Receipt(
        Answer(
            said.decision_id, said.verdict, said.request_digest, said.txid, said.size, said.root
        ),
        said.signature,
    )


def _clip(text: str) -> str:
    """As long as it may be (3), and what protobuf takes for a text."""
    short = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
    return short.encode(errors="replace").decode()
