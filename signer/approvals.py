"""Officers' acts about withdrawals and moves: approve, reject, hold, lift (docs/officers.md).

1. An act counts if its officer is one of the policy in force; signatures are verified before the writer's
   turn, under the policy that is still in force then. What the act is about is known here: an attested
   withdrawal, or a sweep statement that no spend used up.
2. Everything may be repeated: the same text by the same officer gives the entry that records it already.
3. A rejection is for ever: that officer's approval of that withdrawal counts neither now nor later.
4. One officer's hold is bounded in time, made once for each thing, and at most MAX_HOLDS at a time. All that
   an officer holds ends with the first hold of a series, and for a week after it that officer holds nothing:
   nobody stops the others for long. The quorum of [governance] lifts an officer's holds; a text lifts once.
"""

from collections.abc import Callable

from signer.bitcoin.network import Network
from signer.core.acts import (
    ApproveMove,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    SignedAct,
    StatedAct,
    read_act,
    subject_of,
)
from signer.core.errors import LimitExceeded, Objection, PolicyDenied, unverified
from signer.core.governance import GovernanceTerms
from signer.core.moments import DAY, format_time
from signer.core.notices import Notice, OfficerNotice
from signer.core.officers import require_live, verify_act
from signer.kernel import Kernel
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading
from signer.ports.recording import Noted, Passage
from signer.proposals import known_terms, not_proposed, require_move, vault_named_by

MAX_HOLDS = 16
"""Of one officer, at the same time."""
HOLD_REST = 7 * DAY
"""Seconds after an officer's last hold in which that officer holds nothing."""
HOLD_AT_MOST = DAY
"""Seconds, where the policy has no [governance] to say it."""


def approve(kernel: Kernel, caller: str, signed: SignedAct) -> Noted:
    """Record an approval of a withdrawal, a sweep or a rotation. Raises Refusal or Malformed."""

    def known(reading: Reading, stated: StatedAct) -> bytes:
        act = stated.act
        if isinstance(act, ApproveMove):
            vault_named_by(kernel.registry.all(), act.vault_fingerprint)
            require_move(kernel, reading, act.terms)
        elif isinstance(act, ApproveWithdrawal):
            _require_proposed(kernel, reading, act)
        else:
            raise _misplaced("approval")
        return _approved_already(reading, signed, stated)

    return _record(kernel, caller, signed, known)


def reject(kernel: Kernel, caller: str, signed: SignedAct) -> Noted:
    """Record a rejection of a withdrawal. Raises Refusal or Malformed."""

    def known(reading: Reading, stated: StatedAct) -> bytes:
        if not isinstance(stated.act, RejectWithdrawal):
            raise _misplaced("rejection")
        _require_proposed(kernel, reading, stated.act)
        return _earlier(reading, stated, lambda each, past: _rejects(signed, each, past))

    return _record(kernel, caller, signed, known)


def hold(kernel: Kernel, caller: str, acts: tuple[SignedAct, ...]) -> Noted:
    """Record one officer's hold, or that the quorum lifts an officer's holds. Raises Refusal or Malformed."""
    first = acts[0]
    if isinstance(read_act(first.text).act, LiftHolds):
        return _lift(kernel, caller, acts)
    if len(acts) != 1:
        raise _misplaced("hold, by one officer")

    def known(reading: Reading, stated: StatedAct) -> bytes:
        if not isinstance(stated.act, (HoldWithdrawal, HoldDestination)):
            raise _misplaced("hold")
        held = _earlier(reading, stated, lambda each, _: each.officer == first.officer)
        if held:
            _require_same(reading, stated, first)
            return held
        _require_bounds(stated.act.until, kernel.shelf.in_force(reading), reading.now())
        _require_series(stated.act.until, reading.last_hold(first.officer), reading.now())
        _require_few(reading, first.officer)
        return b""

    return _record(kernel, caller, first, known)


def _record(
    kernel: Kernel, caller: str, signed: SignedAct, known: Callable[[Reading, StatedAct], bytes]
) -> Noted:
    """Record the act, unless `known` gives the entry that does already."""
    with kernel.journal.reading() as look:
        policy = kernel.shelf.in_force(look)
        stated = verify_act(signed, kernel.network, policy.officer_keys, look.now())  # 1
    earlier = b""

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        nonlocal earlier
        kernel.require_in_force(policy, reading)
        require_live(stated, now)
        earlier = known(reading, stated)  # 2
        return () if earlier else (OfficerNotice(now, caller, policy.policy_id, signed),)

    noted = kernel.journal.note(decide)
    return Noted((earlier,), noted.head) if earlier else noted


def _lift(kernel: Kernel, caller: str, acts: tuple[SignedAct, ...]) -> Noted:
    with kernel.journal.reading() as look:
        policy = kernel.shelf.in_force(look)
        stated = _lifting(policy.governance, acts, kernel.network, look.now())
    earlier: dict[bytes, bytes] = {}

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        kernel.require_in_force(policy, reading)
        require_live(stated, now)
        earlier.update(_by_officer(reading, stated, acts[0].text))
        if earlier:
            return _lifted_already(acts, earlier)
        return tuple(OfficerNotice(now, caller, policy.policy_id, signed) for signed in acts)

    noted = kernel.journal.note(decide, Passage.TIMELY)
    if not earlier:
        return noted
    return Noted(tuple(earlier[signed.officer] for signed in acts), noted.head)


def _lifting(
    governance: GovernanceTerms | None, acts: tuple[SignedAct, ...], network: Network, now: int
) -> StatedAct:
    """What the quorum says with one text. Raises Refusal or Malformed."""
    if governance is None:
        raise _too_few("none", "a policy with [governance]")
    stated = [verify_act(each, network, governance.officers, now) for each in acts]
    if len(set(stated)) != 1:
        raise _misplaced("one text for all officers")
    officers = {signed.officer for signed in acts}
    if len(officers) < max(governance.quorum, len(acts)):
        found = f"{len(officers)} officers, {len(acts)} acts"
        raise _too_few(found, f"{governance.quorum} officers, one act of each")
    return stated[0]


def _lifted_already(acts: tuple[SignedAct, ...], earlier: dict[bytes, bytes]) -> tuple[Notice, ...]:
    """Nothing to record. Raises PolicyDenied `act-used` for whoever joins a text that has served: it would
    lift later holds, too."""
    if not all(signed.officer in earlier for signed in acts):
        raise PolicyDenied(Objection("act-used", "this text has lifted holds before"))
    return ()


def _by_officer(reading: Reading, stated: StatedAct, text: str) -> dict[bytes, bytes]:
    """Officer -> the entry that records that text of theirs."""
    subject = subject_of(stated.act, stated.network.genesis_hash)
    return {
        notice.signed.officer: decision_id
        for decision_id, notice in reading.acts_about(subject)
        if notice.signed.text == text
    }


def _earlier(
    reading: Reading, stated: StatedAct, counts: Callable[[SignedAct, StatedAct], bool]
) -> bytes:
    """The newest act about the same that counts as this one; empty for none."""
    subject = subject_of(stated.act, stated.network.genesis_hash)
    for decision_id, notice in reversed(reading.acts_about(subject)):
        if counts(notice.signed, read_act(notice.signed.text)):
            return decision_id
    return b""


def _rejects(signed: SignedAct, each: SignedAct, past: StatedAct) -> bool:
    return each.officer == signed.officer and isinstance(past.act, RejectWithdrawal)


def _approved_already(reading: Reading, signed: SignedAct, stated: StatedAct) -> bytes:
    """The entry of that officer's approval that lasts as long. Raises PolicyDenied `withdrawal-rejected`."""
    subject = subject_of(stated.act, stated.network.genesis_hash)
    if signed.officer in reading.rejecters(subject):  # 3
        raise PolicyDenied(
            Objection("withdrawal-rejected", "this officer has rejected that withdrawal before")
        )

    def counts(each: SignedAct, past: StatedAct) -> bool:
        return each.officer == signed.officer and past.expires >= stated.expires

    return _earlier(reading, stated, counts)


def _require_proposed(
    kernel: Kernel, reading: Reading, act: ApproveWithdrawal | RejectWithdrawal
) -> None:
    vault = vault_named_by(kernel.registry.all(), act.vault_fingerprint)
    policy = kernel.shelf.in_force(reading)
    if act.terms not in known_terms(reading, vault, policy, act.terms.withdrawal_id):
        raise not_proposed(act.terms.withdrawal_id)


def _require_same(reading: Reading, stated: StatedAct, signed: SignedAct) -> None:
    if signed.officer not in _by_officer(reading, stated, signed.text):  # 4
        raise PolicyDenied(
            Objection(
                "hold-repeated", "this officer has held that withdrawal or destination before"
            )
        )


def _require_bounds(until: int, policy: ServedPolicy, now: int) -> None:
    governance = policy.governance
    longest = HOLD_AT_MOST if governance is None else governance.hold_at_most
    if not now < until <= now + longest:
        raise PolicyDenied(
            Objection(
                "hold-out-of-bounds",
                "a hold ends in the future, and soon",
                format_time(until),
                f"after {format_time(now)}, at latest {format_time(now + longest)}",
            )
        )


def _require_series(until: int, last: int, now: int) -> None:
    """A hold lasts no longer than the one that the officer's series began with."""
    if until > last > now - HOLD_REST:
        raise PolicyDenied(
            Objection(
                "hold-out-of-bounds",
                "an officer's holds end with the first of them, and a week passes before the next",
                format_time(until),
                f"at latest {format_time(last)}, or after {format_time(last + HOLD_REST)}",
                last + HOLD_REST,
            )
        )


def _require_few(reading: Reading, officer: bytes) -> None:
    ends = tuple(until for until in reading.holds_by(officer) if until > reading.now())
    if len(ends) >= MAX_HOLDS:
        raise LimitExceeded(
            Objection(
                "too-many-holds",
                "this officer holds as much as one officer may",
                f"{len(ends)} holds",
                f"{MAX_HOLDS} holds",
                min(ends),
            )
        )


def _too_few(observed: str, limit: str) -> Exception:
    detail = "an officer's holds are lifted by a quorum of the officers of [governance]"
    return PolicyDenied(Objection("approval-quorum-missing", detail, observed, limit))


def _misplaced(wanted: str) -> Exception:
    return unverified("act-misplaced", f"the officer's text is not of the kind asked for: {wanted}")
