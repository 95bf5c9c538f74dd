"""What officers did, and what became of policies, done again (rules of `signer.replay.deeds`)."""

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from signer import approvals, control, policy_changes
from signer.bitcoin.transaction import parse_unsigned
from signer.core.acts import (
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    ConfirmPause,
    ControlAct,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    Lock,
    NewEpoch,
    Pause,
    RejectWithdrawal,
    Resume,
    SignedAct,
    Unlock,
    read_act,
)
from signer.core.errors import Objection
from signer.core.evidence_codec import decode_evidence
from signer.core.notices import Notice, OfficerNotice, PolicyNotice, PolicyStepNotice
from signer.core.policy_steps import due, steps_after
from signer.core.proven import InclusionClaim
from signer.core.release import Release
from signer.core.released import ReleasedNotice
from signer.genesis import genesis_notices, require_signed
from signer.journal.entry import Entry
from signer.kernel import Kernel
from signer.policy_status import governed, terms_of
from signer.ports.reading import Reading
from signer.releases import WantedRelease, release
from signer.replay.bench import Bench, Deed, Unrepeatable
from signer.replay.chain import RecordedBlock, RecordedChain

STEPPED = Objection("clock-stepped", "the clock had stepped, which is not on record")


def due_steps(bench: Bench) -> None:
    """What each of the writer's turns begins with."""
    bench.journal.note(lambda reading, now: due(reading.governance(), now))


def officer_deeds(notice: OfficerNotice, ahead: Sequence[Entry]) -> Iterator[Deed] | Unrepeatable:
    """The act is verified again, by the officers of then."""
    act, signed = read_act(notice.signed.text).act, notice.signed
    match act:
        case ApproveWithdrawal() | ApproveMove():
            return iter((_act(approvals.approve, notice),))
        case RejectWithdrawal():
            return iter((_act(approvals.reject, notice),))
        case HoldWithdrawal() | HoldDestination():
            return iter((_held(notice, (signed,)),))
        case LiftHolds():
            return iter((_held(notice, _of_one_text(notice, ahead)),))
        case ApprovePolicy():
            return iter((_act(policy_changes.approve, notice),))
        case Pause() | ConfirmPause() | Resume() | Lock() | Unlock() | NewEpoch():
            return _controlled(act, notice, _of_one_text(notice, ahead))
    return Unrepeatable(f"an officer's {type(act).__name__}, folded as it is")


def _act(function: Callable[[Kernel, str, SignedAct], object], notice: OfficerNotice) -> Deed:
    def deed(bench: Bench) -> None:
        function(bench.kernel, notice.caller, notice.signed)

    return deed


def _held(notice: OfficerNotice, acts: tuple[SignedAct, ...]) -> Deed:
    def deed(bench: Bench) -> None:
        approvals.hold(bench.kernel, notice.caller, acts)

    return deed


def _of_one_text(notice: OfficerNotice, ahead: Sequence[Entry]) -> tuple[SignedAct, ...]:
    """What was brought together: one text, by one caller, at one time."""

    def belongs(entry: Entry) -> bool:
        return (
            isinstance(entry, OfficerNotice)
            and (entry.clock, entry.caller) == (notice.clock, notice.caller)
            and entry.signed.text == notice.signed.text
        )

    return tuple(
        entry.signed for entry in takewhile(belongs, ahead) if isinstance(entry, OfficerNotice)
    )


_CONTROL = {
    Pause: control.pause,
    ConfirmPause: control.pause,
    Resume: control.resume,
    Lock: control.lock,
    Unlock: control.unlock,
    NewEpoch: control.new_epoch,
}


def _controlled(
    act: ControlAct, notice: OfficerNotice, acts: tuple[SignedAct, ...]
) -> Iterator[Deed]:
    """As far as the record goes; an unlock also as it is done after the clock stepped."""

    def deed(bench: Bench) -> None:
        if isinstance(act, Unlock | NewEpoch):
            bench.clock.moment = act.moment
        _CONTROL[type(act)](bench.kernel, notice.caller, acts)

    def after_a_step(bench: Bench) -> None:
        bench.journal.stopped = (STEPPED,)
        try:
            deed(bench)
        finally:
            bench.journal.stopped = ()

    yield deed
    if isinstance(act, Unlock):
        yield after_a_step


def release_deed(notice: ReleasedNotice) -> Deed:
    """Transactions, statements and officers' words are judged again."""

    def deed(bench: Bench) -> None:
        transactions = tuple(map(parse_unsigned, notice.transactions))
        asked = Release(notice.terms.withdrawal_id, notice.pin, transactions)
        claim, killer = None, notice.proof
        if killer is not None:
            block = killer.block
            recorded = RecordedBlock(killer.header, block.height, block.burial)
            bench.journal.session.told = RecordedChain((recorded,))
            claim = InclusionClaim(block.hash, killer.proof)
        wanted = WantedRelease(asked, decode_evidence(notice.evidence), notice.acts, claim)
        release(bench.kernel, notice.caller, wanted)

    return deed


# --- policies


def policy_deed(notice: PolicyNotice, ahead: Sequence[Entry]) -> Deed:
    """Loaded and compared again; the first policy with the word of all its officers."""

    def propose(bench: Bench) -> None:
        policy_changes.propose(bench.kernel, notice.caller, notice.policy)

    def begin(bench: Bench) -> None:
        policy = bench.kernel.shelf.load(notice.policy)
        rest = takewhile(lambda entry: isinstance(entry, OfficerNotice), ahead[1:])
        acts = [entry.signed for entry in rest if isinstance(entry, OfficerNotice)]
        require_signed(policy, acts, notice.clock)
        bench.journal.note(lambda _, now: genesis_notices(policy, notice.policy, acts, now))

    return propose if notice.base else begin


def step_deed(notice: PolicyStepNotice) -> Deed:
    """A step that was not due: an approval on record was given again, when it led further."""

    def deed(bench: Bench) -> None:
        def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
            terms = terms_of(bench.kernel, reading)
            return steps_after(governed(reading), notice.policy_id, terms, now)

        bench.journal.note(decide)

    return deed
