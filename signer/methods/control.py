"""Pause, Resume, Lock, Unlock, NewEpoch, GetStatus on the wire."""

from collections.abc import Collection, Iterator

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import control_pb2 as pb
from pegwarden.v1 import header_chain_pb2 as hb
from signer import control, wire
from signer.core.acts import SignedAct
from signer.core.caller import Caller
from signer.core.control import ControlState, control_objections, lock_objection
from signer.core.errors import malformed
from signer.kernel import Kernel
from signer.methods.chain import tip_message
from signer.methods.officer_acts import signed_act
from signer.ports.reading import Reading
from signer.wire_answers import custody_message

MAX_ACTS = 64
"""Of one request."""


def pause(kernel: Kernel, caller: Caller, raw: bytes) -> pb.PauseResponse:
    """One officer pauses, or the quorum confirms."""
    acts = _acts(wire.decode(pb.PauseRequest, raw).acts)
    noted = control.pause(kernel, caller.name, acts)
    return pb.PauseResponse(decision_ids=noted.decision_ids, head=noted.head)


def resume(kernel: Kernel, caller: Caller, raw: bytes) -> pb.ResumeResponse:
    """The quorum ends the pauses."""
    acts = _acts(wire.decode(pb.ResumeRequest, raw).acts)
    noted = control.resume(kernel, caller.name, acts)
    return pb.ResumeResponse(decision_ids=noted.decision_ids, head=noted.head)


def lock(kernel: Kernel, caller: Caller, raw: bytes) -> pb.LockResponse:
    """The quorum locks."""
    acts = _acts(wire.decode(pb.LockRequest, raw).acts)
    noted = control.lock(kernel, caller.name, acts)
    return pb.LockResponse(decision_ids=noted.decision_ids, head=noted.head)


def unlock(kernel: Kernel, caller: Caller, raw: bytes) -> pb.UnlockResponse:
    """The quorum unlocks."""
    acts = _acts(wire.decode(pb.UnlockRequest, raw).acts)
    noted = control.unlock(kernel, caller.name, acts)
    return pb.UnlockResponse(decision_ids=noted.decision_ids, head=noted.head)


def new_epoch(kernel: Kernel, caller: Caller, raw: bytes) -> pb.NewEpochResponse:
    """The quorum gives up a longer journal."""
    acts = _acts(wire.decode(pb.NewEpochRequest, raw).acts)
    noted = control.new_epoch(kernel, caller.name, acts)
    return pb.NewEpochResponse(decision_ids=noted.decision_ids, head=noted.head)


def get_status(kernel: Kernel, caller: Caller, raw: bytes) -> pb.GetStatusResponse:
    """Where the kernel stands."""
    wire.decode(pb.GetStatusRequest, raw)
    contrary = kernel.journal.contrary_head() or (0, b"")
    with kernel.journal.reading() as reading:
        state, now = reading.control(), reading.now()
        policy = kernel.shelf.in_force(reading)
        governance = policy.governance
        return pb.GetStatusResponse(
            state=_state(kernel, state, now),
            not_ready_reasons=kernel.readiness(),
            log_key=kernel.keystore.log_key,
            epoch=state.epoch,
            entries=reading.size(),
            head=reading.head(),
            clock_unix=now,
            wall_unix=kernel.clock.wall(),
            last_entry_unix=reading.last_entry(),
            quorum=0 if governance is None else governance.quorum,
            pauses=_pauses(state, now),
            pause_confirmed=state.confirmed > 0,
            epochs=_epochs(state),
            contrary_size=contrary[0],
            contrary_root=contrary[1],
            standing=kernel.agreement.standing(),
            waiting_for=kernel.agreement.waiting_for(),
            pending_entries=kernel.agreement.pending_entries(),
            followed=[
                au.FollowedLog(log_key=log_key, size=size)
                for log_key, size in kernel.agreement.followed()
            ],
            custody=custody_message(kernel),
            policy_expires_unix=policy.expires or 0,
            chain=_chain(reading, now, caller),
        )


def _chain(reading: Reading, now: int, caller: Caller) -> hb.GetTipResponse | None:
    chain = reading.chain()
    return None if chain is None else tip_message(chain, now, caller.roles)


def _acts(acts: Collection[ap.OfficerAct]) -> tuple[SignedAct, ...]:
    if not 1 <= len(acts) <= MAX_ACTS:
        raise malformed("request-malformed", f"1 to {MAX_ACTS} acts")
    return tuple(map(signed_act, acts))


def _state(kernel: Kernel, state: ControlState, now: int) -> str:
    if kernel.journal.stopped_by():
        return "shut"
    if lock_objection(state) is not None:
        return "locked"
    return "paused" if any(control_objections(state, now)) else "open"


def _pauses(state: ControlState, now: int) -> Iterator[pb.OfficerPause]:
    for each in state.pauses:
        yield pb.OfficerPause(
            officer_key=each.officer,
            until_unix=each.until,
            entry=each.entry,
            lives=each.lives and each.until > now,
        )


def _epochs(state: ControlState) -> Iterator[pb.Epoch]:
    for each in state.epochs:
        yield pb.Epoch(
            number=each.number,
            entry=each.entry,
            abandoned_size=each.abandoned_size,
            abandoned_root=each.abandoned_root,
            stated_unix=each.moment,
        )
