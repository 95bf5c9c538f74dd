"""The state of change control as bytes: canonical, and read strictly."""

from collections.abc import Iterable
from functools import lru_cache

from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.governance import (
    Approval,
    GovernanceState,
    Proposal,
    Scheduled,
    Standing,
    Tightened,
    Verdict,
)


def encode_state(state: GovernanceState) -> bytes:
    """Canonical bytes."""
    tightened, scheduled = state.tightened, state.scheduled
    return pack(
        (
            state.in_force,
            u64_be(state.since),
            state.confirmed,
            b"" if tightened is None else _moment(tightened.officer, tightened.confirm_before),
            b"" if scheduled is None else _moment(scheduled.policy_id, scheduled.effective),
            u64_be(state.version),
            pack(sorted(state.barred)),
            pack(map(_encode_proposal, state.proposals)),
        )
    )


@lru_cache(maxsize=4)  # asked several times for each request, and seldom another
def decode_state(content: bytes) -> GovernanceState:
    """The inverse. Raises Malformed `entry-malformed` for anything but what `encode_state` writes."""
    in_force, since, confirmed, tightened, scheduled, version, barred, known = unpack_exactly(
        content, 8
    )
    state = GovernanceState(
        in_force=in_force,
        since=read_number(since, 8),
        confirmed=confirmed,
        tightened=Tightened(*_read_moment(tightened)) if tightened else None,
        scheduled=Scheduled(*_read_moment(scheduled)) if scheduled else None,
        version=read_number(version, 8),
        barred=frozenset(unpack(barred)),
        proposals=tuple(map(_decode_proposal, unpack(known))),
    )
    if encode_state(state) != content:
        refuse_entry("a governance state that is not in canonical form")
    return state


def _encode_proposal(policy: Proposal) -> bytes:
    return pack(
        (
            policy.policy_id,
            u64_be(policy.version),
            policy.verdict.encode(),
            policy.base,
            policy.replaces,
            u64_be(policy.proposed),
            policy.standing.encode(),
            _words(policy.approvals),
        )
    )


def _decode_proposal(content: bytes) -> Proposal:
    policy_id, version, verdict, base, replaces, proposed, standing, words = unpack_exactly(
        content, 8
    )
    try:
        judged, stands = Verdict(read_text(verdict)), Standing(read_text(standing))
    except ValueError:
        refuse_entry("an unknown verdict or standing")
    approvals = tuple(Approval(*_read_moment(each)) for each in unpack(words))
    return Proposal(
        policy_id,
        read_number(version, 8),
        judged,
        base,
        replaces,
        read_number(proposed, 8),
        stands,
        approvals,
    )


def _words(approvals: Iterable[Approval]) -> bytes:
    return pack(_moment(each.officer, each.expires) for each in approvals)


def _moment(name: bytes, moment: int) -> bytes:
    return pack((name, u64_be(moment)))


def _read_moment(content: bytes) -> tuple[bytes, int]:
    name, moment = unpack_exactly(content, 2)
    return name, read_number(moment, 8)
