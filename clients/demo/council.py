"""Change control and large withdrawals: what officers decide together, and what one of them cannot do alone.

1. An act is brought to every member, each of which records and judges it for itself.
2. A withdrawal above the limit waits for two officers and for its age; its fee bump asks nobody again.
3. What one officer tightens the others revert; what one officer holds they lift.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clients.demo.bridge import Told, confirmed
from clients.demo.command import pegwarden
from clients.demo.hostile import refusal_of
from clients.demo.narrator import Narrator, expect
from clients.demo.officers import Officer, officers_of
from clients.demo.policy import CHANGE_DELAY, GOVERNED, next_version
from clients.demo.scene import FEE, Cast, withdrawal_id
from clients.demo.stage import House
from clients.demo.story import deposit
from clients.member import Member
from clients.relayer.draft import Draft, Fee, Order
from clients.relayer.relayer import Relayer
from pegwarden.v1 import approval_pb2, kernel_pb2, policy_pb2

BURN, PROBE_BURN = 120, 121
LARGE, PROBED = 300_000_000, 30_000_000
"""Above the 2 BTC that no officer is asked about; below."""
TIGHT_CAP, WIDE_CAP, DEAR = 100, 100_000, 60_000
"""Satoshis: caps of fees, and a fee that only the wide one allows."""
PLACE = 5
"""Of the deposit, on the vault's receive branch."""
PATIENCE = 60.0
IN_FORCE, SCHEDULED, PROPOSED = "in force", "scheduled", "proposed"
TOO_DEAR, HELD, HELD_AGAIN = "fee-too-high", "withdrawal-held", "hold-repeated"


@dataclass(frozen=True)
class Council:
    """The officers, with a line to every member."""

    officers: tuple[Officer, ...]
    members: tuple[Member, ...]
    directory: Path

    @property
    def policy(self) -> str:
        """As it was signed first."""
        return (self.directory / "policy.toml").read_text()

    def propose(self, text: str) -> tuple[str, str]:
        """(verdict, text to sign) of that policy, on every member's record."""
        request = policy_pb2.ProposePolicyRequest(policy=text.encode())
        answers = [member.ask(request, policy_pb2.ProposePolicyResponse) for member in self.members]
        (verdict,) = {answer.status.verdict for answer in answers}
        (signed,) = {answer.text.rpartition("expires")[0] for answer in answers}
        expect(bool(signed), "nothing to sign")
        return verdict, answers[0].text

    def approve_policy(self, text: str, officers: Iterable[Officer]) -> set[str]:
        """How the policy stands at the members after these approvals."""
        requests = [policy_pb2.ApprovePolicyRequest(act=each.says(text)) for each in officers]
        answer = policy_pb2.ApprovePolicyResponse
        told = [[member.ask(each, answer) for each in requests] for member in self.members]
        return {answers[-1].status.state for answers in told}

    def approve(self, officer: Officer, text: str) -> None:
        """A withdrawal, at every member."""
        request = approval_pb2.SubmitApprovalRequest(act=officer.says(text))
        for member in self.members:
            member.ask(request, approval_pb2.SubmitApprovalResponse)

    def hold(self, *acts: approval_pb2.OfficerAct) -> None:
        """A hold, or that holds are lifted, at every member."""
        for member in self.members:
            member.ask(approval_pb2.HoldRequest(acts=acts), approval_pb2.HoldResponse)


@contextmanager
def council_of(directory: Path, houses: tuple[House, ...]) -> Iterator[Council]:
    """Until they part."""
    with ExitStack() as lines:
        members = tuple(lines.enter_context(house.connect("officer")) for house in houses)
        yield Council(officers_of(directory), members, directory)


def govern(cast: Cast, houses: tuple[House, ...], telling: tuple[Told, Narrator]) -> None:
    """The whole chapter."""
    told, narrator = telling
    txid, coin = deposit(cast, (GOVERNED, PLACE), LARGE + PROBED, narrator)
    told.deposits.append(txid)
    orders = {
        "large": Order(withdrawal_id(BURN), cast.wallet.address, LARGE),
        "probe": Order(withdrawal_id(PROBE_BURN), cast.wallet.address, PROBED),
    }
    cast.burn(orders)
    relayer = cast.sides[GOVERNED].relayer
    with council_of(cast.papers.directory, houses) as council:
        probe = relayer.construct((orders["probe"],), (coin,), FEE)
        dear = relayer.construct((orders["probe"],), (coin,), Fee(FEE.rate_sat_per_kvb, DEAR))
        tighten_and_revert(council, relayer, probe, narrator)
        loosen(council, relayer, dear, narrator)
        large = relayer.construct((orders["large"],), (coin,), FEE)
        told.withdrawals.append(approve_and_pay(cast, council, large, narrator))


def tighten_and_revert(
    council: Council, relayer: Relayer, probe: Draft, narrator: Narrator
) -> None:
    """One officer tightens at once, but not twice; the two others revert it."""
    ada, ben, cleo = council.officers
    expect_signable(relayer, probe)
    verdict, text = council.propose(next_version(council.policy, 2, TIGHT_CAP))
    expect(verdict == "tighter", f"a lower fee cap is {verdict}")
    expect(council.approve_policy(text, (ada,)) == {IN_FORCE}, "the tightening waits")
    expect_refused(relayer, probe, TOO_DEAR)
    narrator.step(f"{ada.name} alone lowered a fee cap to {TIGHT_CAP} sat, in force at once")
    _, text = council.propose(next_version(council.policy, 3))
    expect(council.approve_policy(text, (ben, cleo)) == {IN_FORCE}, "the quorum's word waits")
    expect_signable(relayer, probe)
    narrator.step(f"{ben.name} and {cleo.name} reverted it, in force at once")
    _, text = council.propose(next_version(council.policy, 4, TIGHT_CAP))
    expect(council.approve_policy(text, (ada,)) == {PROPOSED}, f"{ada.name} tightens again")
    expect_signable(relayer, probe)
    narrator.step(f"{ada.name} cannot tighten again alone")


def loosen(council: Council, relayer: Relayer, dear: Draft, narrator: Narrator) -> None:
    """The quorum, then the delay."""
    ada, ben, _ = council.officers
    expect_refused(relayer, dear, TOO_DEAR)
    verdict, text = council.propose(next_version(council.policy, 5, WIDE_CAP))
    expect(verdict == "looser", f"a higher fee cap is {verdict}")
    expect(council.approve_policy(text, (ada,)) == {PROPOSED}, "one officer is enough")
    states = council.approve_policy(text, (ben,))
    expect(states == {SCHEDULED}, f"the loosening does not wait: {states}")
    narrator.step(
        f"a fee cap of {WIDE_CAP} sat is looser: held for two officers, then for {CHANGE_DELAY} s"
    )
    deadline = time.monotonic() + PATIENCE
    while not all(_would_sign(relayer, member, dear) for member in relayer.federation.members):
        expect(time.monotonic() < deadline, "the loosening never came into force")
        time.sleep(0.5)
    narrator.step(f"it is in force at every kernel; a fee of {DEAR} sat would be signed now")


def approve_and_pay(cast: Cast, council: Council, large: Draft, narrator: Narrator) -> str:
    """Proposed, held by one and lifted by two, aged, approved, signed, bumped. The txid that confirmed."""
    relayer, (ada, ben, _) = cast.sides[GOVERNED].relayer, council.officers
    (claim,) = large.payments
    order = Order(claim.withdrawal_id, cast.wallet.address, LARGE)
    for answer in relayer.propose((order,)):
        expect(len(answer.withdrawals) == 1, "the withdrawal does not wait for officers")
    pending = relayer.federation.sign(cast.kernels[0], large).pending
    codes = {each.code for each in pending.missing}
    expect("approval-missing" in codes, f"the large withdrawal lacks only {codes}")
    narrator.step(
        f"a withdrawal of {LARGE} sat, above the limit: pending, {', '.join(sorted(codes))}"
    )
    _hold_and_lift(council, relayer, large, narrator)
    for officer in (ada, ben):
        council.approve(officer, reviewed(council, officer, claim.withdrawal_id))
        narrator.step(
            f"{officer.name} reviewed the packet offline and approved, by {_means(officer)}"
        )
    first = relayer.finish_in_time(large, PATIENCE)
    narrator.step(f"aged and approved by two, it was signed and accepted: {first}")
    bump = relayer.further_version(claim.withdrawal_id, 3 * FEE.rate_sat_per_kvb)
    second = relayer.finish(bump)
    expect(relayer.confirmations(first) == -1, "the node kept both versions")
    confirmed(cast, second)
    narrator.step(f"its fee bump was signed without asking officers again: {second}")
    return second


def _hold_and_lift(council: Council, relayer: Relayer, large: Draft, narrator: Narrator) -> None:
    ada, ben, cleo = council.officers
    (claim,) = large.payments
    council.hold(
        cleo.says(
            drafted(council, "hold", "--withdrawal", claim.withdrawal_id.hex(), "--hours", "1")
        )
    )
    expect_refused(relayer, large, HELD)
    narrator.step(f"{cleo.name} holds it: no kernel signs it")
    lift = drafted(council, "lift", "--officer", cleo.listed)
    council.hold(ada.says(lift), ben.says(lift))
    time.sleep(1.1)  # the next hold's end lies in another second: another text
    again = drafted(council, "hold", "--withdrawal", claim.withdrawal_id.hex(), "--hours", "1")
    act = cleo.says(again)
    refused = refusal_of(lambda: council.hold(act), "holding again")
    expect(refused.code == HELD_AGAIN, f"holding again: {refused}")
    narrator.refused("an officer holds again what the others have lifted", (refused,))
    narrator.step(f"{ada.name} and {ben.name} lifted the hold; {cleo.name} cannot hold it again")


def reviewed(council: Council, officer: Officer, about: bytes) -> str:
    """What the officer reads and signs: made offline, from the packet and the officer's own policy file."""
    request = approval_pb2.GetPacketRequest(vault_id=GOVERNED, withdrawal_id=about)
    answer = council.members[0].ask(request, approval_pb2.GetPacketResponse)
    packet = officer.directory / f"{about.hex()[:8]}.packet"
    packet.write_bytes(answer.packet)
    own = officer.directory / "policy.toml"
    own.write_text(next_version(council.policy, 5, WIDE_CAP))
    said = pegwarden("officer", "review", str(packet), "--policy", str(own))
    expect(said["warnings"] == [], f"the review warns: {said['warnings']}")
    text: str = said["text"]
    return text


def drafted(council: Council, what: str, *options: str) -> str:
    """A text that an officer makes from the policy file, offline."""
    out = council.directory / f"{what}-{time.monotonic_ns()}.txt"
    policy = str(council.directory / "policy.toml")
    pegwarden("officer", f"draft-{what}", "--policy", policy, *options, "--out", str(out))
    return out.read_text()


def expect_signable(relayer: Relayer, draft: Draft) -> None:
    """At every member."""
    for member in relayer.federation.members:
        expect(_would_sign(relayer, member, draft), f"{member.name} would not sign")


def expect_refused(relayer: Relayer, draft: Draft, code: str) -> None:
    """By every member."""
    federation = relayer.federation
    for member in federation.members:
        refused = refusal_of(partial(federation.sign, member, draft), code)
        expect(refused.code == code, f"{refused}, not {code}")


def _would_sign(relayer: Relayer, member: Member, draft: Draft) -> bool:
    explained: kernel_pb2.ExplainPsbtResponse = relayer.federation.explain(member, draft)
    return explained.would_sign


def _means(officer: Officer) -> str:
    return "ssh-keygen -Y sign" if officer.listed.startswith("ssh-") else "a key of its own"
