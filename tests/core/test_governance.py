"""Change control as a pure state machine: each step, who may take it, and what nobody can do."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.acts import (
    GENESIS_POLICY,
    ApprovePolicy,
    LiftHolds,
    SignedAct,
    StatedAct,
    act_text,
)
from signer.core.governance import (
    MAX_ENDED,
    MAX_OPEN,
    GovernanceState,
    GovernanceTerms,
    Scheduled,
    Standing,
    Step,
    Tightened,
    Verdict,
    apply,
)
from signer.core.governance_codec import decode_state, encode_state
from signer.core.notices import (
    AttestedNotice,
    Notice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)
from signer.core.policy_steps import MAX_VERSION_GAP, due, in_force_id_at, may_follow, steps_after

START = 1_800_000_000
HOUR = 3_600
ANNE, BERT, CARO = (name.encode().ljust(32, b".") for name in ("anne", "bert", "caro"))
TERMS = GovernanceTerms(
    officers=frozenset((ANNE, BERT, CARO)),
    group="officers",
    quorum=2,
    delay=48 * HOUR,
    confirm_within=24 * HOUR,
    hold_at_most=24 * HOUR,
)


class Record:
    """A journal's notices as the kernel writes them, and their fold."""

    def __init__(self) -> None:
        self.now = START
        self.notices = list[Notice]()
        self.state = GovernanceState()
        self.files = dict[bytes, PolicyNotice]()

    def write(self, *notices: Notice) -> tuple[str, ...]:
        """The steps among them."""
        for notice in notices:
            self.notices.append(notice)
            self.state = apply(self.state, notice)
        return tuple(each.step for each in notices if isinstance(each, PolicyStepNotice))

    def genesis(self, version: int = 1) -> bytes:
        policy_id = self.propose("genesis", version, Verdict.EQUAL, base=b"")
        for officer in sorted(TERMS.officers):
            self.approve(policy_id, officer)
        return policy_id

    def propose(
        self, name: str, version: int, verdict: Verdict, *, base: bytes | None = None
    ) -> bytes:
        self.pass_time(0)
        content = f"{name} {version}".encode()
        compared = self.state.in_force if base is None else base
        notice = PolicyNotice(self.now, "edge", content, compared, version, verdict.value)
        self.files[sha256(content)] = notice
        self.write(notice)
        return sha256(content)

    def approve(
        self,
        policy_id: bytes,
        officer: bytes,
        *,
        replaces: bytes | None = None,
        until: int = 30 * 24 * HOUR,
    ) -> tuple[str, ...]:
        self.pass_time(0)
        proposal = self.state.find(policy_id)
        named = proposal.replaces if proposal is not None else self.state.in_force
        act = ApprovePolicy(policy_id, named if replaces is None else replaces, 1)
        text = act_text(StatedAct(act, REGTEST, self.now + until))
        notice = OfficerNotice(self.now, "edge", b"", SignedAct(text, officer, b""))
        self.write(notice)
        return self.write(*steps_after(self.state, policy_id, TERMS, self.now))

    def pass_time(self, seconds: int) -> tuple[str, ...]:
        self.now += seconds
        return self.write(*due(self.state, self.now))

    def standing(self, policy_id: bytes) -> Standing | None:
        found = self.state.find(policy_id)
        return None if found is None else found.standing


@pytest.fixture
def record() -> Record:
    made = Record()
    made.genesis()
    return made


def test_nothing_is_governed_before_the_first_entry() -> None:
    assert GovernanceState().in_force == b""
    assert due(GovernanceState(), START) == ()
    assert in_force_id_at(GovernanceState(), START) == b""


def test_genesis_needs_every_officer() -> None:
    record = Record()
    genesis = record.propose("genesis", 7, Verdict.EQUAL, base=b"")
    assert record.approve(genesis, ANNE) == ()
    assert record.approve(genesis, BERT) == ()
    assert record.state.in_force == b""
    assert record.approve(genesis, CARO) == (Step.IN_FORCE,)
    assert (record.state.in_force, record.state.confirmed) == (genesis, genesis)
    assert (record.state.version, record.state.since) == (7, START)
    found = record.state.find(genesis)
    assert found is not None
    assert found.replaces == GENESIS_POLICY


@pytest.mark.parametrize("verdict", [Verdict.TIGHTER, Verdict.EQUAL])
def test_what_is_proven_takes_one_officer_and_lapses(record: Record, verdict: Verdict) -> None:
    genesis = record.state.in_force
    tight = record.propose("tight", 2, verdict)
    assert record.approve(tight, ANNE) == (Step.TIGHTENED,)
    assert (record.state.in_force, record.state.confirmed) == (tight, genesis)
    assert record.state.tightened == Tightened(ANNE, START + 24 * HOUR)
    assert record.standing(genesis) == Standing.SUPERSEDED
    assert record.pass_time(24 * HOUR - 1) == ()
    assert record.pass_time(1) == (Step.LAPSED,)
    assert (record.state.in_force, record.state.since) == (genesis, record.now)
    assert record.standing(genesis) == Standing.IN_FORCE
    assert record.standing(tight) == Standing.LAPSED


@pytest.mark.parametrize("verdict", [Verdict.LOOSER, Verdict.MIXED, Verdict.UNPROVEN])
def test_what_is_not_proven_takes_the_quorum_and_the_delay(
    record: Record, verdict: Verdict
) -> None:
    genesis = record.state.in_force
    loose = record.propose("loose", 2, verdict)
    assert record.approve(loose, ANNE) == ()
    assert record.approve(loose, ANNE) == ()  # distinct officers
    assert record.approve(loose, b"stranger") == ()
    assert record.approve(loose, BERT) == (Step.SCHEDULED,)
    assert record.state.scheduled == Scheduled(loose, START + 48 * HOUR)
    assert record.standing(loose) == Standing.SCHEDULED
    assert record.approve(loose, CARO) == ()
    assert record.pass_time(48 * HOUR - 1) == ()
    assert record.state.in_force == genesis
    assert record.pass_time(1) == (Step.IN_FORCE,)
    assert (record.state.in_force, record.state.confirmed) == (loose, loose)


def test_the_quorum_confirms_what_one_officer_tightened(record: Record) -> None:
    tight = record.propose("tight", 2, Verdict.TIGHTER)
    record.approve(tight, ANNE)
    since = record.state.since
    record.pass_time(HOUR)
    assert record.approve(tight, ANNE) == ()
    assert record.approve(tight, BERT) == (Step.CONFIRMED,)
    assert (record.state.confirmed, record.state.tightened) == (tight, None)
    assert (record.state.since, record.state.barred) == (since, frozenset())
    confirmed = record.state
    assert record.approve(tight, CARO) == ()
    assert record.state == confirmed
    assert record.pass_time(100 * HOUR) == ()


def test_who_tightened_alone_cannot_repeat_it(record: Record) -> None:
    record.approve(record.propose("tight", 2, Verdict.TIGHTER), ANNE)
    tighter = record.propose("tighter", 3, Verdict.TIGHTER)
    assert record.approve(tighter, ANNE) == ()
    record.pass_time(24 * HOUR)
    again = record.propose("tight again", 3, Verdict.TIGHTER)
    assert record.approve(again, ANNE) == ()  # lapsed, and still barred
    assert record.state.barred == {ANNE}
    assert record.approve(again, BERT) == (Step.IN_FORCE,)  # but the word counts towards the quorum
    assert record.approve(record.propose("tighter", 4, Verdict.TIGHTER), ANNE) == (Step.TIGHTENED,)


def test_another_officer_builds_on_what_one_tightened(record: Record) -> None:
    genesis = record.state.in_force
    record.approve(record.propose("tight", 2, Verdict.TIGHTER), ANNE)
    record.pass_time(HOUR)
    tighter = record.propose("tighter", 3, Verdict.TIGHTER)
    assert record.approve(tighter, BERT) == (Step.TIGHTENED,)
    assert record.state.tightened == Tightened(BERT, START + 25 * HOUR)
    assert record.state.barred == {ANNE, BERT}
    assert record.pass_time(24 * HOUR) == (Step.LAPSED,)
    assert record.state.in_force == genesis


def test_the_quorum_reverts_a_tightening_without_delay(record: Record) -> None:
    genesis = record.state.in_force
    tight = record.propose("tight", 2, Verdict.TIGHTER)
    record.approve(tight, ANNE)
    back = record.propose("back", 3, Verdict.EQUAL, base=genesis)
    assert (
        record.approve(back, BERT) == ()
    )  # proven against the confirmed policy: not one officer's
    assert record.approve(back, CARO) == (Step.IN_FORCE,)
    assert (record.state.in_force, record.state.confirmed) == (back, back)
    assert record.standing(tight) == Standing.SUPERSEDED


def test_a_revert_leaves_the_bar_and_the_next_decision_lifts_it(record: Record) -> None:
    """Else one officer could make the others revert for ever."""
    record.approve(record.propose("tight", 2, Verdict.TIGHTER), ANNE)
    back = record.propose("back", 3, Verdict.EQUAL, base=record.state.confirmed)
    record.approve(back, BERT)
    record.approve(back, CARO)
    again = record.propose("tight again", 4, Verdict.TIGHTER)
    assert record.approve(again, ANNE) == ()
    assert record.approve(again, BERT) == (Step.IN_FORCE,)
    assert record.state.barred == frozenset()
    assert record.approve(record.propose("more", 5, Verdict.TIGHTER), ANNE) == (Step.TIGHTENED,)


def test_a_verdict_against_a_policy_that_is_confirmed_no_more_proves_nothing(
    record: Record,
) -> None:
    genesis = record.state.in_force
    tight = record.propose("tight", 2, Verdict.TIGHTER)
    record.approve(tight, ANNE)
    back = record.propose("back", 3, Verdict.EQUAL, base=genesis)
    record.approve(back, CARO)
    record.approve(tight, ANNE)
    assert record.approve(tight, BERT) == (Step.CONFIRMED,)
    assert record.approve(back, CARO) == ()
    assert record.approve(back, BERT) == (Step.SCHEDULED,)


def test_approvals_name_what_they_replace_and_go_when_another_policy_comes(record: Record) -> None:
    loose = record.propose("loose", 2, Verdict.LOOSER)
    record.approve(loose, BERT)
    record.approve(loose, CARO, replaces=b"\x07" * 32)
    assert record.standing(loose) == Standing.PROPOSED
    record.approve(record.propose("tight", 2, Verdict.TIGHTER), ANNE)
    assert record.standing(loose) is None
    assert record.approve(loose, CARO) == ()
    again = record.propose("loose", 3, Verdict.LOOSER)
    assert record.approve(again, CARO) == ()


def test_an_expired_word_does_not_count(record: Record) -> None:
    loose = record.propose("loose", 2, Verdict.LOOSER)
    record.approve(loose, ANNE, until=HOUR)
    record.pass_time(HOUR)
    assert record.approve(loose, BERT) == ()
    assert record.approve(loose, ANNE) == (Step.SCHEDULED,)


def test_an_officer_stands_behind_one_open_proposal(record: Record) -> None:
    one = record.propose("one", 2, Verdict.LOOSER)
    two = record.propose("two", 2, Verdict.LOOSER)
    record.approve(one, ANNE)
    record.approve(two, ANNE)
    assert record.approve(one, BERT) == ()
    assert record.approve(one, ANNE) == (Step.SCHEDULED,)


def test_what_one_officer_does_neither_stops_nor_outlives_a_decision(record: Record) -> None:
    loose = record.propose("loose", 2, Verdict.LOOSER)
    record.approve(loose, ANNE)
    record.approve(loose, BERT)
    record.pass_time(47 * HOUR)
    tight = record.propose("tight", 3, Verdict.TIGHTER)
    assert record.approve(tight, CARO) == (Step.TIGHTENED,)
    assert record.pass_time(HOUR) == (Step.IN_FORCE,)
    assert (record.state.in_force, record.state.tightened) == (loose, None)
    assert record.state.version == 3
    assert record.pass_time(100 * HOUR) == ()


@pytest.mark.parametrize(("after", "steps"), [(23, ["lapsed", "in force"]), (24, ["in force"])])
def test_what_starts_no_later_than_a_lapse_comes_alone(
    record: Record, after: int, steps: list[str]
) -> None:
    loose = record.propose("loose", 2, Verdict.LOOSER)
    record.approve(loose, ANNE)
    record.approve(loose, BERT)
    record.pass_time(after * HOUR)
    record.approve(record.propose("tight", 3, Verdict.TIGHTER), CARO)
    assert [each.step for each in due(record.state, record.now + 100 * HOUR)] == steps


def test_a_lapse_and_a_start_that_are_due_together_come_in_their_order(record: Record) -> None:
    genesis = record.state.in_force
    loose = record.propose("loose", 2, Verdict.LOOSER)
    record.approve(loose, ANNE)
    record.approve(loose, BERT)
    tight = record.propose("tight", 3, Verdict.TIGHTER)
    record.approve(tight, CARO)
    state, later = record.state, record.now + 48 * HOUR
    assert [each.step for each in due(state, later)] == [Step.LAPSED, Step.IN_FORCE]
    assert in_force_id_at(state, later) == loose
    assert in_force_id_at(state, later - 1) == genesis
    assert in_force_id_at(state, START + 24 * HOUR - 1) == tight
    assert record.pass_time(48 * HOUR) == (Step.LAPSED, Step.IN_FORCE)


def test_the_quorums_next_decision_cancels_what_is_scheduled(record: Record) -> None:
    genesis = record.state.in_force
    loose = record.propose("loose", 2, Verdict.LOOSER)
    record.approve(loose, ANNE)
    record.approve(loose, BERT)
    other = record.propose("other", 3, Verdict.LOOSER)
    record.approve(other, ANNE)
    assert record.approve(other, CARO) == (Step.SCHEDULED,)
    assert record.standing(loose) == Standing.SUPERSEDED
    stay = record.propose("stay", 4, Verdict.EQUAL)
    record.approve(stay, ANNE)  # one officer's: at once, and what is scheduled stays so
    assert record.state.scheduled == Scheduled(other, START + 48 * HOUR)
    assert record.approve(stay, BERT) == (Step.CONFIRMED,)
    assert record.state.scheduled is None
    assert record.pass_time(100 * HOUR) == ()
    assert record.state.in_force not in (genesis, loose, other)


def test_versions_only_grow_and_not_by_much(record: Record) -> None:
    assert may_follow(record.state, 2)
    assert not may_follow(record.state, 1)
    assert may_follow(record.state, 1 + MAX_VERSION_GAP)
    assert not may_follow(record.state, 2 + MAX_VERSION_GAP)
    old = record.propose("old", 2, Verdict.LOOSER)
    new = record.propose("new", 3, Verdict.LOOSER)
    for officer in (ANNE, BERT):
        record.approve(new, officer)
    assert record.state.version == 3
    assert record.approve(old, ANNE) == ()
    assert record.approve(old, BERT) == ()
    assert record.state.scheduled == Scheduled(new, START + 48 * HOUR)


def test_proposals_are_bounded_and_nobody_fills_the_places_of_the_others(record: Record) -> None:
    """An officer proposes and approves as much as the limits of calls allow."""
    honest = record.propose("honest", 2, Verdict.LOOSER)
    record.approve(honest, BERT)
    flood = [record.propose(f"flood {each}", 2, Verdict.LOOSER) for each in range(MAX_OPEN)]
    for each in flood:
        record.approve(each, ANNE)
    assert record.standing(flood[0]) is None
    assert record.standing(honest) == Standing.PROPOSED
    waiting = [each for each in record.state.proposals if each.standing is Standing.PROPOSED]
    assert len(waiting) == MAX_OPEN
    assert record.approve(honest, CARO) == (Step.SCHEDULED,)


def test_what_is_over_is_forgotten_and_the_confirmed_policy_is_not(record: Record) -> None:
    policy_id, version = b"", 0
    for version in range(2, MAX_ENDED + 5):
        policy_id = record.propose("next", version, Verdict.EQUAL)
        record.approve(policy_id, ANNE)
        record.approve(policy_id, BERT)
    assert len(record.state.proposals) == MAX_ENDED + 1
    assert record.state.in_force == policy_id
    record.approve(record.propose("tight", version + 1, Verdict.TIGHTER), CARO)
    assert record.state.confirmed == policy_id
    assert record.state.find(policy_id) is not None


def test_a_long_row_of_tightenings_leads_back_to_the_confirmed_policy(record: Record) -> None:
    """More officers than the state remembers policies, each once."""
    genesis = record.state.in_force
    for number in range(MAX_ENDED + 2):
        tighter = record.propose("tighter", 2 + number, Verdict.TIGHTER)
        until = record.now + HOUR
        officer = bytes([number]) * 32
        record.write(PolicyStepNotice(record.now, Step.TIGHTENED, tighter, until, officer))
    assert record.pass_time(HOUR) == (Step.LAPSED,)
    assert record.standing(genesis) == Standing.IN_FORCE


def test_other_notices_change_nothing(record: Record) -> None:
    before = record.state
    attested = AttestedNotice(START, "edge", b"", b"", b"", ())
    text = act_text(StatedAct(LiftHolds(ANNE), REGTEST, START + HOUR))
    record.write(attested, OfficerNotice(START, "edge", b"", SignedAct(text, BERT, b"")))
    assert record.state == before


def test_a_step_needs_its_proposal(record: Record) -> None:
    known = PolicyStepNotice(START, Step.SCHEDULED, record.state.in_force, START, b"")
    apply(record.state, known)
    with pytest.raises(Malformed) as caught:
        apply(record.state, replace(known, policy_id=b"\x01" * 32))
    assert caught.value.code == "entry-malformed"


def busy() -> GovernanceState:
    record = Record()
    record.genesis()
    for officer in (ANNE, BERT):
        record.approve(record.propose("loose", 2, Verdict.LOOSER), officer)
    scheduled = record.propose("looser", 2, Verdict.LOOSER)
    for officer in (ANNE, BERT):
        record.approve(scheduled, officer)
    record.approve(record.propose("tight", 3, Verdict.TIGHTER), CARO)
    record.approve(record.propose("open", 4, Verdict.UNPROVEN), ANNE)
    return record.state


@pytest.mark.parametrize("state", [GovernanceState(), busy()])
def test_the_state_survives_as_bytes(state: GovernanceState) -> None:
    assert decode_state(encode_state(state)) == state


def test_only_canonical_bytes_are_read() -> None:
    good = encode_state(busy())
    swapped = encode_state(replace(busy(), barred=frozenset((ANNE, BERT))))
    position = swapped.index(ANNE)
    order = swapped[:position] + BERT + swapped[position + 32 :].replace(BERT, ANNE, 1)
    unknown = good.replace(b"unproven", b"unprovem")
    for bad in (order, unknown, good + b"\x00", good[:-1], b"", b"\x00\x00\x00\x00"):
        with pytest.raises(Malformed) as caught:
            decode_state(bad)
        assert caught.value.code == "entry-malformed"


class ChangeControl(RuleBasedStateMachine):
    """Whatever officers, strangers and time do.

    Content is modelled by a number, how much a policy allows: verdicts are what a sound comparison would say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.record = Record()
        self.allows = dict[bytes, int]()
        self.known = list[bytes]()
        self.alone = set[bytes]()

    @initialize()
    def begin(self) -> None:
        genesis = self.record.genesis()
        self.allows[genesis] = 5

    @rule(allows=st.integers(0, 9), gap=st.integers(-1, 2), revert=st.booleans())
    def propose(self, allows: int, gap: int, revert: bool) -> None:
        self.watch(lambda: self._propose(allows, gap, revert))

    def _propose(self, allows: int, gap: int, revert: bool) -> None:
        self.record.pass_time(0)
        state = self.record.state
        base = state.confirmed if revert else state.in_force
        before = self.allows[base]
        verdict = Verdict.EQUAL if allows == before else Verdict.TIGHTER
        name, version = f"{allows} of {len(self.known)}", max(1, state.version + gap)
        judged = Verdict.LOOSER if allows > before else verdict
        policy_id = self.record.propose(name, version, judged, base=base)
        self.allows[policy_id] = allows
        self.known.append(policy_id)

    @precondition(lambda self: self.known)
    @rule(
        which=st.integers(0, 5),
        officer=st.sampled_from([ANNE, BERT, CARO, b"stranger"]),
        stale=st.booleans(),
        until=st.sampled_from([HOUR, 30 * 24 * HOUR]),
    )
    def approve(self, which: int, officer: bytes, stale: bool, until: int) -> None:
        policy_id = self.known[-1 - which % len(self.known)]
        replaces = self.record.state.confirmed if stale else None
        self.watch(lambda: self.record.approve(policy_id, officer, replaces=replaces, until=until))

    @rule(hours=st.sampled_from([0, 1, 12, 23, 24, 25, 48, 100]))
    def wait(self, hours: int) -> None:
        self.watch(lambda: self.record.pass_time(hours * HOUR))

    def watch(self, act: Callable[[], object]) -> None:
        """Do it, and hold each step that it led to against the rules in plain words."""
        start = len(self.record.notices)
        before = reduce(apply, self.record.notices, GovernanceState())
        act()
        for notice in self.record.notices[start:]:
            after = apply(before, notice)
            if isinstance(notice, PolicyStepNotice):
                self.judge(notice, before, after)
            else:
                assert after.in_force == before.in_force
            before = after

    def judge(
        self, step: PolicyStepNotice, before: GovernanceState, after: GovernanceState
    ) -> None:
        proposal = before.find(step.policy_id)
        assert proposal is not None
        officers = proposal.approved_by(step.clock) & TERMS.officers
        allowed, allows = self.allows[before.in_force], self.allows[after.in_force]
        match Step(step.step):
            case Step.TIGHTENED:
                assert step.officer in officers - self.alone
                self.alone.add(step.officer)
                assert allows <= allowed
                assert step.moment == step.clock + TERMS.confirm_within
            case Step.SCHEDULED:
                assert len(officers) >= TERMS.quorum
                assert step.moment == step.clock + TERMS.delay
                assert after.in_force == before.in_force
            case Step.CONFIRMED:
                assert len(officers) >= TERMS.quorum
                assert after.in_force == after.confirmed == before.in_force
                self.alone.clear()
            case Step.LAPSED:
                assert before.tightened is not None
                assert before.tightened.confirm_before <= step.clock
                assert after.in_force == before.confirmed
            case Step.IN_FORCE:
                started = before.scheduled is not None and (
                    before.scheduled.policy_id == step.policy_id
                    and before.scheduled.effective <= step.clock
                )
                assert started or allows <= self.allows[before.confirmed]
                assert started or len(officers) >= TERMS.quorum
                if before.tightened is None:
                    self.alone.clear()
        if step.step != Step.LAPSED:
            assert after.version >= before.version
        if step.step in (Step.TIGHTENED, Step.SCHEDULED):
            assert proposal.version > before.version

    @invariant()
    def the_state_is_the_fold_of_the_entries(self) -> None:
        folded = reduce(apply, self.record.notices, GovernanceState())
        assert folded == self.record.state
        assert decode_state(encode_state(folded)) == folded

    @invariant()
    def what_is_in_force_never_allows_more_than_the_confirmed_policy(self) -> None:
        state = self.record.state
        if state.in_force:
            assert self.allows[state.in_force] <= self.allows[state.confirmed]
            assert (state.in_force == state.confirmed) == (state.tightened is None)

    @invariant()
    def no_officer_is_behind_two_open_proposals(self) -> None:
        state = self.record.state
        behind = [
            word.officer
            for each in state.proposals
            if state.is_open(each)
            for word in each.approvals
        ]
        assert len(behind) == len(set(behind))

    @invariant()
    def the_state_is_bounded(self) -> None:
        assert len(self.record.state.proposals) <= MAX_OPEN + MAX_ENDED + 3


TestChangeControl = ChangeControl.TestCase
TestChangeControl.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
