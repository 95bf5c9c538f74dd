"""Witness: what carriers tell this kernel of the other members (signer/witness.py)."""

from pegwarden.v1 import audit_pb2 as pb
from signer import wire
from signer.core.caller import Caller
from signer.kernel import Kernel
from signer.ports.members import BroughtLog, Told


def witness(kernel: Kernel, caller: Caller, raw: bytes) -> pb.WitnessResponse:
    """Take in what other members recorded and said; what this kernel says to the one whose log it is."""
    request = wire.decode(pb.WitnessRequest, raw)
    told = Told(
        log=_log(request.log) if request.HasField("log") else None,
        standing=request.standing,
        messages=tuple(request.messages),
        own_tail=_log(request.own_tail) if request.HasField("own_tail") else None,
        cosigned_head=request.cosigned_head,
        caller=caller.name,
    )
    replies = kernel.agreement.tell(told)
    return pb.WitnessResponse(
        followed_size=replies.followed_size,
        messages=replies.messages,
        cosignature=replies.cosignature,
    )


def _log(log: pb.MemberLog) -> BroughtLog:
    return BroughtLog(
        log_key=wire.sized(log.log_key, 32, "log_key"),
        head=wire.required(log.head, "head"),
        start=log.start,
        records=tuple(log.records),
    )
