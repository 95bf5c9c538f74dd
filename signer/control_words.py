"""What officers say about the kernel as a whole, verified: claims -> facts (docs/control.md).

1. An act counts if its officer is one of [governance] of the policy in force, and its text names this kernel,
   the epoch of the journal, and no more entries than it has. Signatures are verified before the writer's
   turn, under the policy that is still in force then.
2. All but a pause takes the quorum: one text, one act of each officer, all in one request.
3. A text that was recorded never counts again; who repeats a request gets the entries that it made.
4. Texts that state the time are judged by this machine's clock, which they confirm, not by effective time,
   which may be what they set right.
5. Where [governance] was given up the officers of the policy that was replaced may still unlock, by its
   quorum, and nothing else: what was attested or released before may lock the kernel at any later time. The
   time that their text states is judged by effective time, and sets no clock.
"""

from dataclasses import dataclass

from signer.clock import MAX_DIFFERENCE
from signer.core.acts import (
    GENESIS_POLICY,
    ControlAct,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    SignedAct,
    StatedAct,
    Unlock,
    read_act,
    subject_of,
)
from signer.core.errors import Objection, PolicyDenied, Refusal, unverified
from signer.core.governance import GovernanceTerms
from signer.core.moments import DAY, format_time
from signer.core.officers import require_live, verify_act
from signer.kernel import Kernel
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading


@dataclass(frozen=True, slots=True)
class OfficersWords:
    """One text, and all who signed it."""

    kernel: Kernel
    policy: ServedPolicy
    """In force when they were verified."""
    governance: GovernanceTerms
    stated: StatedAct
    act: ControlAct
    signed: tuple[SignedAct, ...]

    @property
    def are_former(self) -> bool:
        """Whether they are officers of the policy that was replaced (5)."""
        return self.policy.governance is None

    def require(self, reading: Reading, now: int) -> None:
        """Rule 1 in the writer's turn. Raises Refusal."""
        self.kernel.require_in_force(self.policy, reading)
        require_live(
            self.stated, _judged_at(self.kernel, self.act, now, are_former=self.are_former)
        )
        scope, epoch = self.act.scope, reading.control().epoch
        if scope.epoch != epoch:
            raise unverified(
                "control-other-epoch",
                "the text is for another epoch of the journal",
                str(scope.epoch),
                str(epoch),
            )
        if scope.size > reading.size():
            raise unverified(
                "control-journal-shorter",
                "the text is for a journal with more entries",
                f"{scope.size} entries",
                f"{reading.size()} entries",
            )

    def recorded(self, reading: Reading) -> dict[bytes, bytes]:
        """Officer -> the entry that records this very text of theirs (3). Raises Refusal `control-act-used`
        for whoever joins a text that has served."""
        subject, text = subject_of(self.act, self.stated.network.genesis_hash), self.signed[0].text
        found = {
            notice.signed.officer: decision_id
            for decision_id, notice in reading.acts_about(subject)
            if notice.signed.text == text
        }
        if found and not all(each.officer in found for each in self.signed):
            raise Refusal(Objection("control-act-used", "this text is on record, and has served"))
        return found


def officers_words(
    kernel: Kernel, acts: tuple[SignedAct, ...], *kinds: type[ControlAct]
) -> OfficersWords:
    """What these officers say with one text of one of these kinds. Raises Refusal or Malformed."""
    with kernel.journal.reading() as look:
        policy, now = kernel.shelf.in_force(look), look.now()
        governance = policy.governance or _governance_before(kernel, policy, look)
    act = read_act(acts[0].text).act
    if governance is None or not (policy.governance or isinstance(act, Unlock)):
        raise Refusal(
            Objection("control-without-officers", "the policy in force has no [governance]")
        )
    if not isinstance(act, kinds):
        raise unverified("act-misplaced", "the officer's text is not of the kind asked for")
    moment = _judged_at(kernel, act, now, are_former=policy.governance is None)
    stated = {verify_act(each, kernel.network, governance.officers, moment) for each in acts}
    if len(stated) != 1:
        raise unverified("act-misplaced", "all officers sign one text")
    _require_ours(kernel, act)
    _require_enough(governance, act, acts)
    return OfficersWords(kernel, policy, governance, stated.pop(), act, acts)


def _governance_before(
    kernel: Kernel, policy: ServedPolicy, reading: Reading
) -> GovernanceTerms | None:
    """[governance] of the policy that this one was proposed to replace (5); None where none did. If another
    one came between, one officer's tightening came or lapsed, which leaves [governance] as it is."""
    proposal = reading.governance().find(policy.policy_id)
    if proposal is None or proposal.replaces == GENESIS_POLICY:
        return None
    return kernel.shelf.policy(proposal.replaces, reading).governance


def _judged_at(kernel: Kernel, act: ControlAct, now: int, *, are_former: bool) -> int:
    """By which time the text's expiry is judged (4, 5). Raises VerificationError `clock-misstated`."""
    if not isinstance(act, (Unlock, NewEpoch)):
        return now
    judge = now if are_former else kernel.clock.wall()
    if not -MAX_DIFFERENCE <= judge - act.moment <= DAY:
        clock = "effective time" if are_former else "this machine's clock"
        raise unverified(
            "clock-misstated",
            f"the time that the text states does not fit {clock}",
            format_time(act.moment),
            format_time(judge),
        )
    return judge


def _require_ours(kernel: Kernel, act: ControlAct) -> None:
    ours = kernel.keystore.log_key
    if act.scope.log_key != ours:
        named = act.scope.log_key.hex()
        raise unverified(
            "control-other-kernel", "the text is for another kernel", named, ours.hex()
        )


def _require_enough(
    governance: GovernanceTerms, act: ControlAct, acts: tuple[SignedAct, ...]
) -> None:
    by_one = isinstance(act, (Pause, ReleaseWithdrawal))  # a vault has a release_quorum of its own
    needed = 1 if by_one else governance.quorum
    officers = {each.officer for each in acts}
    alone = isinstance(act, Pause) and len(acts) > 1
    if len(officers) < max(needed, len(acts)) or alone:
        raise PolicyDenied(
            Objection(
                "control-quorum-missing",
                "one officer pauses, all else takes a quorum of the officers of [governance]",
                f"{len(officers)} officers, {len(acts)} acts",
                f"{needed} officers, one act of each",
            )
        )
