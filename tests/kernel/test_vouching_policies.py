"""A start judges others' entries also by the policy that they were recorded under, if that is on record; a
log without officers opens no epochs (docs/agreement.md)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.network import REGTEST
from signer.core.agreement.messages import Contrary, read_message
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.federated import CARRIER, Member, Team, Witnessed, draft
from tests.kernel.governed import ADA, BOB, HOUR, Governed, running
from tests.kernel.test_agreement_wire import codes, log_for
from tests.kernel.test_dishonest_member import held_by, records_of, told
from tests.kernel.test_two_histories import other_history

BIG = Coin()
PAID = ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    yield from running(federated.governed(tmp_path))


def change_policy(member: Member, running: Witnessed, policy: bytes) -> None:
    officers = Governed(member, running)  # type: ignore[arg-type]
    officers.propose(policy)
    for officer in (ADA, BOB):
        officers.approve(officer, policy)
    officers.wait(48 * HOUR)
    assert running.info().policy_version == 2


def test_what_was_right_under_another_policy_on_record_is_taken(team: Team) -> None:
    """B may have granted C's entry before a policy that asks for three attestors came into force, and lost
    that."""
    b, c, member = team["b"], team["c"], team.members[1]
    tighter = member.policy.replace(b"version = 1", b"version = 2").replace(
        b"attested(2, watchers)", b"attested(3, watchers)"
    )
    change_policy(member, b, tighter)
    assert codes(c.sign(draft(c, (BIG,), PAID))) == ["agreement-pending"]
    said = b.ask(log_for(c, b), au.WitnessResponse).messages[-1]
    refusal = read_message(said, REGTEST.genesis_hash, frozenset({b.log_key}))
    assert isinstance(refusal, Contrary)
    assert "recorded by" in refusal.unvouched
    assert held_by(b) == []
    number = c.size - 1
    team.stop("b")
    team.start("b")
    team.carry(rounds=4)
    assert held_by(team["b"]) == [(c.log_key, number, False)]


def test_who_witnesses_is_told_by_the_policy_in_force(team: Team) -> None:
    """GetInfo and VerifyScript, after a policy that has no witnesses any more."""
    b, member = team["b"], team.members[1]
    asked = pb.VerifyScriptRequest(vault_id="peg").SerializeToString()

    def told_by_script() -> pb.VerifyScriptResponse:
        raw = b.handler.handle("VerifyScript", CARRIER, asked)
        return pb.VerifyScriptResponse.FromString(raw)

    assert b.info().vaults[0].witnesses.quorum == told_by_script().witnesses.quorum == 2
    change_policy(
        member,
        b,
        re.sub(rb"version = 1(?s:(.*))\nwitnesses = .*\n", rb"version = 2\1\n", member.policy),
    )
    assert not b.info().vaults[0].HasField("witnesses")
    assert not told_by_script().HasField("witnesses")


def test_without_officers_nobody_opens_an_epoch(tmp_path: Path) -> None:
    """What comes instead of entries that B has read contradicts them."""
    team = federated.started(tmp_path)
    b, c = team["b"], team["c"]
    records = records_of(c)
    told(b, other_history(c, records, 1))
    other = other_history(c, records[:-1], 3)
    del other.records[: len(records) - 1]
    other.start = len(records) - 1
    with pytest.raises(Refused, match="member-log-contradicts"):
        told(b, other)
    other = other_history(c, records, 2)
    assert told(b, other).followed_size == len(records) + 2
    team.stop()
