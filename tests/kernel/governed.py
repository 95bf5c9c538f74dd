"""A kernel whose policy has [governance], with its officers; what `key bind --approval` begins."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keystore.identity import Identity
from keystore.sealed import KeyFile, open_sealed
from keystore.secret import Secret
from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import policy_pb2 as pb
from policies.load import load_policy
from signer.bitcoin.hashes import sha256
from signer.core.acts import Act, ApprovePolicy, SignedAct
from signer.core.caller import Caller
from signer.core.caller import Role as CallerRole
from signer.core.errors import Refusal
from signer.core.governance import GovernanceState
from signer.core.notices import Notice
from signer.genesis import genesis_act, genesis_notices
from signer.journal.audit import read_entries
from signer.journal.journal import open_journal
from tests.kernel.room import PASSPHRASE, Member, Running, policy_text
from tests.officers import Officer

if TYPE_CHECKING:
    from tests.kernel.federated import Team

HOUR = 3_600
OFFICERS = tuple(Officer(name) for name in ("ada", "bob", "cyd"))
ADA, BOB, CYD = OFFICERS
SECRETARY = Caller("secretary", frozenset({CallerRole.OFFICER}))
_KEYS = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
GOVERNANCE = """
[governance]
officers = "officers"
quorum = 2
delay = "48h"
confirm_within = "24h"
"""


def governed_text(version: int = 1, limit: str = "2 BTC", more: str = "") -> bytes:
    """A policy that may change: what leaves in a day is at most the limit."""
    text = policy_text(
        when=f"and(attested(2, watchers), fee_at_most(0.01 BTC), outflow_at_most(24h, {limit}))",
        groups=f"officers = [{_KEYS}]",
        more=GOVERNANCE + more,
    )
    return text.replace(b"version = 1\n", b"version = %d\n" % version)


GENESIS = governed_text()


def begin(member: Member, *officers: Officer) -> None:
    """Record the genesis policy, signed by these officers, in a fresh member's journal."""
    policy = load_policy(member.policy)
    acts = tuple(each.says(genesis_act(policy), member.clock.now() + HOUR) for each in officers)
    record(member, lambda now: genesis_notices(policy, member.policy, acts, now))


def running(made: "Team") -> Iterator["Team"]:
    """That team of `federated.governed`, begun: all run, and have imported each other's claims, until this
    is closed."""
    for member in made.members:
        begin(member, *OFFICERS)  # type: ignore[arg-type]
    made.start()
    made.carry(rounds=4)
    yield made
    made.stop()


def record(member: Member, notices: Callable[[int], tuple[Notice, ...]]) -> None:
    """Write entries as the member's own log key can, whatever they say."""
    identity = Identity(open_sealed(KeyFile(member.folder / "identity.key", Secret(PASSPHRASE))))
    place = member.folder / "journal.sqlite"
    leaf = next(iter(read_entries(place, 0))).leaf
    opening = open_journal(place, signer=identity, clock=member.clock, expected_first_leaf=leaf)
    with closing(opening) as journal:
        journal.note(lambda _, now: notices(now))


@dataclass
class Governed:
    """A member whose policy may change, while it runs."""

    member: Member
    running: Running

    @classmethod
    def start(cls, folder: Path) -> "Governed":
        member = Member(folder, 0, GENESIS).init()
        begin(member, *OFFICERS)
        return cls(member, member.start())

    @property
    def state(self) -> GovernanceState:
        with self.running.journal.reading() as reading:
            return reading.governance()

    @property
    def in_force(self) -> bytes:
        """What the kernel says that it runs."""
        return self.running.info().policy_id

    def wait(self, seconds: int) -> None:
        self.member.clock.moment += seconds

    def propose(self, content: bytes) -> pb.ProposePolicyResponse:
        asked = pb.ProposePolicyRequest(policy=content)
        answer = self.running.call("ProposePolicy", asked, SECRETARY)
        return pb.ProposePolicyResponse.FromString(answer)

    def bring(self, signed: SignedAct) -> pb.ApprovePolicyResponse:
        act = ap.OfficerAct(
            text=signed.text, officer_key=signed.officer, signature=signed.signature
        )
        answer = self.running.call("ApprovePolicy", pb.ApprovePolicyRequest(act=act), SECRETARY)
        return pb.ApprovePolicyResponse.FromString(answer)

    def says(self, officer: Officer, act: Act, seconds: int = HOUR) -> pb.ApprovePolicyResponse:
        return self.bring(officer.says(act, self.member.clock.now() + seconds))

    def approve(self, officer: Officer, content: bytes, **other: object) -> pb.PolicyStatus:
        """The officer's approval of that file; `replaces` and `version` may be others."""
        known = self.state.find(sha256(content))
        replaces = other.get("replaces", known.replaces if known else self.state.in_force)
        version = other.get("version", load_policy(content).version)
        assert isinstance(replaces, bytes)
        assert isinstance(version, int)
        return self.says(officer, ApprovePolicy(sha256(content), replaces, version)).status

    def get(self, policy_id: bytes = b"") -> pb.GetPolicyResponse:
        asked = pb.GetPolicyRequest(policy_id=policy_id)
        return pb.GetPolicyResponse.FromString(self.running.call("GetPolicy", asked, SECRETARY))

    def listed(self) -> dict[int, str]:
        """Version -> where it stands."""
        answer = self.running.call("ListPolicies", pb.ListPoliciesRequest(), SECRETARY)
        policies = pb.ListPoliciesResponse.FromString(answer).policies
        return {each.version: each.state for each in policies}


def refused(act: Callable[[], object]) -> str:
    """The code of the refusal."""
    try:
        act()
    except Refusal as refusal:
        return refusal.code
    return "none"
