"""Whether the policy in force descends from genesis by recorded approvals: verified at each start.

1. The first policy on record is the one that our keys are bound to, and all its officers signed it.
2. Every officer's approval verifies, under [governance] of the policy that was confirmed then, and counted
   when it was recorded.
3. Every step follows from the approvals, or from the time, before it; and what followed was recorded.
4. What was decided is loaded again, with the version on record, and compared again where it did not wait: it
   is still proven to allow no more.
Else: `policy-not-descended`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network
from signer.core.acts import ApprovePolicy, read_act
from signer.core.errors import Objection, Refusal
from signer.core.governance import GovernanceState, GovernanceTerms, Step, apply
from signer.core.notices import Notice, OfficerNotice, PolicyNotice, PolicyStepNotice
from signer.core.officers import verify_act
from signer.core.policy_steps import PROVEN, due, in_force_id_at, is_proven, steps_after
from signer.ports.reading import Reading
from signer.shelf import Shelf

_PAGE = 16
"""Entries in memory at a time; a policy may have a megabyte."""


@dataclass(frozen=True, slots=True)
class Descent:
    """What the record says of policies."""

    state: GovernanceState
    policy_ids: frozenset[bytes]
    """The policies that are or were in force."""


def verify_descent(shelf: Shelf, network: Network, reading: Reading) -> Descent:
    """Raises Refusal `policy-not-descended`."""
    walk = _Walk(shelf, network, reading)
    try:
        for notice in _notices(reading):
            walk.pass_by(notice)
        walk.end()
    except Refusal as refusal:
        if refusal.code == "policy-not-descended":
            raise
        raise _not_descended(f"an entry: {refusal}") from None
    except Malformed as error:
        raise _not_descended(f"an entry: {error.code}: {error.detail}") from None
    in_force = in_force_id_at(walk.state, reading.now())
    return Descent(walk.state, frozenset(walk.policy_ids | {in_force}))


def _notices(reading: Reading) -> Iterator[Notice]:
    after = 0
    while page := reading.policy_notices(after, _PAGE):
        after = page[-1][0]
        yield from (notice for _, notice in page)


@dataclass(slots=True)
class _Walk:
    """The record from its beginning to an entry."""

    shelf: Shelf
    network: Network
    reading: Reading
    state: GovernanceState = field(default_factory=GovernanceState)
    policy_ids: set[bytes] = field(default_factory=set)
    expected: tuple[PolicyStepNotice, ...] = ()
    """Steps that the next entries must be."""

    def pass_by(self, notice: Notice) -> None:
        """One entry on."""
        if isinstance(notice, PolicyStepNotice):
            self._step(notice)
        elif self.expected or due(self.state, notice.clock):
            raise _not_descended("a step that was due is not on record")  # 3
        elif isinstance(notice, PolicyNotice):
            self._propose(notice)
        elif isinstance(notice, OfficerNotice):
            self._approve(notice)

    def end(self) -> None:
        """The last entry left nothing open."""
        if self.expected:
            raise _not_descended("a step that was due is not on record")
        if self.state.in_force != self.reading.governance().in_force:
            raise _not_descended("the tables name another policy in force than the entries")

    def _propose(self, notice: PolicyNotice) -> None:
        genesis = sha256(notice.policy) == self.shelf.genesis.policy_id and not notice.base
        if not self.state.in_force and not genesis:  # 1
            raise _not_descended(
                "the first policy on record is not the one that our keys are bound to"
            )
        self.state = apply(self.state, notice)

    def _approve(self, notice: OfficerNotice) -> None:
        act = read_act(notice.signed.text).act
        if not isinstance(act, ApprovePolicy):
            return
        terms = self._terms()
        verify_act(notice.signed, self.network, terms.officers, notice.clock)  # 2
        after = apply(self.state, notice)
        if after == self.state:
            raise _not_descended("an approval that does not count")
        self.state = after
        self.expected = steps_after(after, act.policy_id, terms, notice.clock)

    def _step(self, notice: PolicyStepNotice) -> None:
        if not self.expected:
            self.expected = due(self.state, notice.clock)
        if not self.expected:
            self.expected = self._repeated(notice)
        if self.expected[:1] != (notice,):
            raise _not_descended(f"the step {notice.step!r} does not follow from what is before it")
        self.expected = self.expected[1:]
        self._compare(notice)  # 4
        self.state = apply(self.state, notice)
        self.policy_ids.add(self.state.in_force)

    def _repeated(self, notice: PolicyStepNotice) -> tuple[PolicyStepNotice, ...]:
        """An approval that was on record already and was given again when it led further."""
        return steps_after(self.state, notice.policy_id, self._terms(), notice.clock)

    def _terms(self) -> GovernanceTerms:
        confirmed = self.state.confirmed or self.shelf.genesis.policy_id
        terms = self.shelf.policy(confirmed, self.reading).governance
        if terms is None:
            raise _not_descended("a change under a policy that has no [governance]")
        return terms

    def _compare(self, notice: PolicyStepNotice) -> None:
        proposal = self.state.find(notice.policy_id)
        if proposal is None or notice.step not in (Step.TIGHTENED, Step.SCHEDULED, Step.IN_FORCE):
            return
        policy = self.shelf.policy(notice.policy_id, self.reading)
        if policy.version != proposal.version:
            raise _not_descended(f"policy {notice.policy_id.hex()} has another version on record")
        waits = notice.step == Step.SCHEDULED or not is_proven(proposal, self.state)
        if waits or not self.state.in_force:
            return
        base = self.shelf.policy(proposal.base, self.reading)
        if self.shelf.compare(base, policy).verdict not in PROVEN:
            raise _not_descended(f"policy {notice.policy_id.hex()} is not proven to allow no more")


def _not_descended(detail: str) -> Refusal:
    return Refusal(Objection("policy-not-descended", detail))
