"""Three kernels that agree through a carrier (docs/agreement.md): what members say, what carriers can do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrier.member import Refused
from carrier.round import Carrier
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.network import REGTEST
from signer.core.agreement.notices import ForkedNotice, HeardNotice
from signer.core.errors import Objection, Refusal
from signer.journal.cosignature import Witness as CosigningWitness
from signer.journal.cosignature import cosigned_at
from signer.journal.note import origin_of, verify_head
from signer.ports.recording import Passage
from signer.witness import MAX_MESSAGES
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.room import attested

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
PAID = ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


def codes(answer: pb.SignPsbtResponse) -> list[str]:
    """What it waits for; nothing when it is signed."""
    return [each.code for each in answer.pending.missing]


def refused(kernel: Witnessed, request: pb.SignPsbtRequest) -> str:
    with pytest.raises(Refusal) as caught:
        kernel.sign(request)
    return caught.value.code


def agreed(team: Team, name: str, request: pb.SignPsbtRequest, *carried: str) -> None:
    """Ask, carry, ask again: signed."""
    assert codes(team[name].sign(request)) == ["agreement-pending"]
    team.carry(*carried, rounds=1)
    assert team[name].sign(request).signatures == 1


def log_for(source: Witnessed, target: Witnessed) -> au.WitnessRequest:
    """What the target does not know yet of the source's log."""
    head = source.head()
    start = {each.log_key: each.size for each in target.head().followed}[source.log_key]
    pages = source.ask_all(au.ListEntriesRequest(start=start), au.ListEntriesResponse)
    records = [record for page in pages for record in page.records]
    piece = au.MemberLog(log_key=source.log_key, head=head.head, start=start, records=records)
    return au.WitnessRequest(log=piece, standing=head.standing)


def test_one_member_may_be_silent_once_all_have_started(team: Team) -> None:
    team.stop("c")
    for name in "ab":
        agreed(team, name, draft(team[name], (BIG,), PAID))


def test_a_restored_member_does_not_pay_again(team: Team) -> None:
    """A signs with B; A is restored to before; A and C are asked to pay the same withdrawal from another
    coin."""
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    first = draft(team["a"], (BIG,), PAID)
    agreed(team, "a", first)
    agreed(team, "b", first)
    team.stop("a", "b")
    team.restore("a", kept)
    team.start("a")
    again = draft(team["c"], (OTHER,), PAID)
    report = team.carry("a", "c", rounds=4)
    b = team.members[1]
    log_key = federated.log_key_of(b.number).hex()[:16]
    assert any(log_key in each for each in report.waiting["a"])
    assert refused(team["a"], again) in ("agreement-starting", "state-rolled-back")
    assert refused(team["c"], again) == "withdrawal-pinned"
    team.start("b")
    report = team.carry(rounds=6)
    assert (report.waiting, report.failures) == ({}, [])
    assert team["a"].sign(first).signatures == 1  # its lost entries are back
    assert refused(team["a"], again) == "withdrawal-pinned"


def test_two_stories_of_one_withdrawal_cannot_both_be_agreed(team: Team) -> None:
    """A hostile relayer has each member begin a version from another coin: at most one is agreed, and an
    honest one gets two signatures on a version that spends what the members are bound to."""
    for name, coin in zip("abc", (BIG, OTHER, FRESH), strict=True):
        assert codes(team[name].sign(draft(team[name], (coin,), PAID))) == ["agreement-pending"]
    team.carry(rounds=4)
    coins = (BIG, OTHER, FRESH)
    pins = [t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout) for each in coins]
    everything = draft(team["a"], coins, PAID, required_inputs=pins)
    for name in "ab":
        answer = team[name].sign(everything)
        if codes(answer):
            team.carry(rounds=2)
            answer = team[name].sign(everything)
        assert answer.signatures == 3


def test_a_carrier_that_withholds_delays_and_a_replay_changes_nothing(team: Team) -> None:
    request = draft(team["a"], (BIG,), PAID)
    for _ in range(3):
        assert codes(team["a"].sign(request)) == ["agreement-pending"]
    size = team["a"].size
    team.carry(rounds=1)
    assert team["a"].sign(request).signatures == 1
    sizes = {name: team[name].size for name in "abc"}
    team.carry(rounds=3)
    assert {name: team[name].size for name in "abc"} == sizes
    assert size < sizes["a"]


def test_a_forged_piece_is_refused_and_leaves_nothing(team: Team) -> None:
    """Entries changed, cut, reordered, or under a head of another member."""
    team["a"].sign(draft(team["a"], (BIG,), PAID))
    head, b = team["a"].head(), team["b"]
    start = {each.log_key: each.size for each in b.head().followed}[team["a"].log_key]
    request = au.ListEntriesRequest(start=start)
    pages = list(team["a"].ask_all(request, au.ListEntriesResponse))
    records = [record for page in pages for record in page.records]
    true = au.MemberLog(log_key=team["a"].log_key, head=head.head, start=start, records=records)
    flipped = bytes([records[-1][0] ^ 1]) + records[-1][1:]
    forged = {
        "member-log-contradicts": au.MemberLog(
            log_key=true.log_key, head=true.head, start=start, records=[*records[:-1], flipped]
        ),
        "member-log-malformed": au.MemberLog(
            log_key=true.log_key, head=true.head, start=start, records=records[:-1]
        ),
        "head-malformed": au.MemberLog(
            log_key=team["c"].log_key, head=true.head, start=start, records=records
        ),
        "log-unknown": au.MemberLog(
            log_key=bytes(32), head=true.head, start=start, records=records
        ),
    }
    for code, piece in forged.items():
        with pytest.raises(Refused) as caught:
            b.ask(au.WitnessRequest(log=piece), au.WitnessResponse)
        assert caught.value.code == code
    said = b.ask(au.WitnessRequest(log=true), au.WitnessResponse)
    assert said.followed_size == start + len(records)


def test_a_relayer_that_lost_everything_after_one_signature_goes_on_from_the_members(
    team: Team,
) -> None:
    agreed(team, "a", draft(team["a"], (BIG,), PAID))
    listed = pb.ListWithdrawalsResponse.FromString(
        team["a"].call("ListWithdrawals", pb.ListWithdrawalsRequest(vault_id="peg"))
    )
    (withdrawal,) = listed.withdrawals
    whole = pb.GetWithdrawalResponse.FromString(
        team["a"].call(
            "GetWithdrawal", pb.GetWithdrawalRequest(withdrawal_id=withdrawal.withdrawal_id)
        )
    ).withdrawal
    request = pb.SignPsbtRequest(
        vault_id="peg",
        psbt=whole.versions[0].psbt,
        payments=draft(team["a"], (BIG,), PAID).payments,
        attestations=attested((BIG,)),
    )
    agreed(team, "b", request)


def test_a_clone_is_named_and_gets_no_grants(team: Team, tmp_path: Path) -> None:
    """A's directory was copied and both run. The copy is told what it lacks and goes on where A stood; as
    soon as A goes on too there are two histories under one key: A itself is told, B has the proof on record
    and grants neither anything more. What B held for A still binds it."""
    agreed(team, "a", draft(team["a"], (BIG,), PAID))
    team.stop("a")
    clone = team.members[0].copy(tmp_path / "clone").start()
    team.start("a")
    team.carry(rounds=4)
    pair = Carrier([clone, team["b"], team["c"]])
    reports = [pair.carry() for _ in range(4)]
    assert (reports[-1].waiting, reports[-1].failures) == ({}, [])
    for number in range(2, 5):
        coin = Coin(salt=number + 2, index=number + 2)
        team["a"].sign(draft(team["a"], (coin,), ((number, 10_000_000 + number),)))
    assert team["a"].size >= clone.size
    report = team.carry("a", "b", rounds=3)
    assert any("member-forked" in each for each in report.failures), report
    (forked,) = (each for each in team["b"].entries() if isinstance(each, ForkedNotice))
    heads = {verify_head(each, team["a"].log_key) for each in (forked.first, forked.second)}
    assert (len(heads), len({head.size for head in heads})) == (2, 1)
    third = draft(team["a"], (FRESH,), ((7, 40_000_000),))
    assert refused(team["a"], third) == "state-rolled-back"
    assert codes(clone.sign(third)) == ["agreement-pending"]
    assert any("member-forked" in each for each in Carrier([clone, team["b"]]).carry().failures)
    assert codes(clone.sign(third)) == ["agreement-pending"]
    assert refused(team["b"], draft(team["b"], (OTHER,), PAID)) == "withdrawal-pinned"
    clone.stop()


def test_a_locked_member_grants_nothing_and_reads_on(team: Team) -> None:
    """The clock of B stepped: it takes what is agreed elsewhere, and stands behind nothing new."""
    gate = team["b"].journal.gate
    gate.shut(Objection("clock-stepped", "the clock stepped"), Passage.WHILE_LOCKED)
    request = draft(team["a"], (BIG,), PAID)
    assert codes(team["a"].sign(request)) == ["agreement-pending"]
    team.carry("a", "b", rounds=2)
    assert codes(team["a"].sign(request)) == ["agreement-pending"]
    team.carry("a", "c", rounds=1)
    assert team["a"].sign(request).signatures == 1
    team.carry("a", "b", rounds=1)
    taken = [
        each.taken[0].granted
        for each in team["b"].entries()
        if isinstance(each, HeardNotice) and each.taken
    ]
    assert taken == [False]
    gate.reopen("clock-stepped")


def test_heads_are_cosigned_by_who_followed_them(team: Team) -> None:
    head = team["a"].head().head
    for name in "bc":
        witness = CosigningWitness(
            origin_of(REGTEST.genesis_hash, team[name].log_key), team[name].log_key
        )
        assert cosigned_at(head, witness) == team[name].role.start.setting.clock.wall()


def test_the_clocks_of_the_members_are_heard_before_the_start_is_complete(team: Team) -> None:
    for member in team.members:
        others = {federated.log_key_of(n) for n in range(3)} - {federated.log_key_of(member.number)}
        assert set(member.clock.heard_from) == others
        assert member.clock.judged == 1


def test_what_is_told_is_bounded_and_of_one_member(team: Team) -> None:
    a, b = team["a"], team["b"]
    tail = au.MemberLog(log_key=b.log_key, head=b.head().head, start=0, records=[b"x"])
    piece = au.MemberLog(log_key=b.log_key, head=b.head().head, start=b.size)
    for code, request in (
        ("request-malformed", au.WitnessRequest(messages=[b"x"] * (MAX_MESSAGES + 1))),
        (
            "member-message-malformed",
            au.WitnessRequest(log=piece, standing=team["c"].head().standing),
        ),
        ("member-message-foreign", au.WitnessRequest(standing=a.head().standing)),
        ("head-malformed", au.WitnessRequest(cosigned_head="x")),
        ("request-malformed", au.WitnessRequest(log=au.MemberLog(log_key=b"x"))),
    ):
        with pytest.raises(Refused) as caught:
            a.ask(request, au.WitnessResponse)
        assert caught.value.code == code
    a.ask(au.WitnessRequest(log=piece, standing=b.head().standing), au.WitnessResponse)
    size = a.size
    a.ask(au.WitnessRequest(own_tail=tail), au.WitnessResponse)  # its log goes on: nothing is lost
    assert a.size == size
