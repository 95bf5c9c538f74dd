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
from signer.ports import Passage
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


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[Team]:
    """Three that do not run."""
    made = federated.team(tmp_path)
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


def test_members_that_start_together_sign(sleeping: Team) -> None:
    sleeping.start()
    waits = [sleeping[name].head().waiting_for[0] for name in "abc"]
    assert all("2 of 2 more needed" in each for each in waits)
    request_of_b = draft(sleeping["b"], (BIG,), PAID)
    assert refused(sleeping["b"], request_of_b) == "agreement-starting"
    assert sleeping["b"].size == 1  # not even the refusal is on record
    report = sleeping.carry(rounds=4)
    assert (report.waiting, report.failures) == ({}, [])
    for name in "ab":
        agreed(sleeping, name, draft(sleeping[name], (BIG,), PAID))


def test_a_member_waits_for_as_many_others_as_it_has_to_import(sleeping: Team) -> None:
    sleeping.start("a", "b")
    report = sleeping.carry(rounds=4)
    c = federated.log_key_of(2).hex()[:16]
    assert report.waiting["a"] == (f"waits for members {c}: 1 of 2 more needed (vault peg)",)
    sleeping.start("c")
    assert sleeping.carry(rounds=4).waiting == {}


def test_one_member_may_be_silent_once_all_have_started(team: Team) -> None:
    team.stop("c")
    for name in "ab":
        agreed(team, name, draft(team[name], (BIG,), PAID))


def test_grants_are_not_given_before_they_are_asked_for_again_by_a_new_incarnation(
    team: Team,
) -> None:
    """A's old grants are replayed to a new process of A: they were given to another incarnation."""
    request = draft(team["a"], (BIG,), PAID)
    team["a"].sign(request)
    target, told = team["b"], log_for(team["a"], team["b"])
    old = target.ask(told, au.WitnessResponse).messages
    assert (
        target.ask(told, au.WitnessResponse).messages[1:] == old[1:]
    )  # idempotent, the same grant
    team.stop("a")
    team.start("a")
    team["a"].ask(au.WitnessRequest(messages=old), au.WitnessResponse)
    team.carry(rounds=1)
    team["a"].ask(au.WitnessRequest(messages=old), au.WitnessResponse)
    assert refused(team["a"], request) == "agreement-starting"
    team.carry(rounds=3)
    assert team["a"].sign(request).signatures == 1  # B holds it: not void, granted to the new one


def test_grants_that_come_before_the_start_is_complete_do_not_keep_it_from_going_on(
    team: Team,
) -> None:
    """All others hold what A asked for before it died: each word of theirs comes with a grant."""
    request = draft(team["a"], (BIG,), PAID)
    assert codes(team["a"].sign(request)) == ["agreement-pending"]
    for name in "bc":
        team[name].ask(log_for(team["a"], team[name]), au.WitnessResponse)
    team.stop("a")
    team.start("a")
    assert team.carry(rounds=1).failures == []
    assert team.carry(rounds=2).waiting == {}
    assert team["a"].sign(request).signatures == 1


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


def test_a_restored_member_with_one_of_the_others_down_says_whom_it_waits_for(team: Team) -> None:
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    agreed(team, "a", draft(team["a"], (BIG,), PAID))
    team.stop("a", "c")
    team.restore("a", kept)
    team.start("a")
    team.carry(rounds=2)
    waits = team["a"].head().waiting_for
    assert any(federated.log_key_of(2).hex()[:16] in each for each in waits)


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
        ("member-message-malformed", au.WitnessRequest(messages=[b"x"])),
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


def test_a_tail_that_our_key_did_not_sign_is_not_appended(sleeping: Team) -> None:
    """While it waits, a hostile carrier brings A other entries of its own log than it wrote."""
    sleeping.start("a", "b")
    a, b = sleeping["a"], sleeping["b"]
    records = [b"\x00" * 40]
    for code, tail in (
        ("member-log-malformed", au.MemberLog(log_key=b.log_key, head=b.head().head)),
        (
            "head-malformed",
            au.MemberLog(log_key=a.log_key, head=b.head().head, start=0, records=records),
        ),
        (
            "member-log-malformed",
            au.MemberLog(log_key=a.log_key, head=a.head().head, start=1, records=records),
        ),
    ):
        with pytest.raises(Refused) as caught:
            a.ask(au.WitnessRequest(own_tail=tail), au.WitnessResponse)
        assert caught.value.code == code
    assert a.size == 1


def test_what_was_lost_is_read_from_whoever_kept_it(sleeping: Team) -> None:
    """A lost everything but its first entry. C tells A how far its log goes and falls silent: B's copies of
    C's log and of A's own are enough."""
    kept = sleeping.save("a")
    sleeping.start()
    sleeping.carry(rounds=4)
    request = draft(sleeping["a"], (BIG,), PAID)
    agreed(sleeping, "a", request)
    sleeping.carry(rounds=2)
    size = sleeping["a"].size
    sleeping.stop("a")
    sleeping.restore("a", kept)
    sleeping.start("a")
    a = sleeping["a"]
    assert a.size == 1
    said = sleeping["c"].ask(au.WitnessRequest(standing=a.head().standing), au.WitnessResponse)
    a.ask(au.WitnessRequest(messages=said.messages), au.WitnessResponse)
    assert any("an old copy" in each for each in a.head().waiting_for)
    sleeping.stop("c")
    report = sleeping.carry(rounds=6)
    assert (report.waiting, report.failures) == ({}, [])
    assert a.size > size
    assert a.sign(request).signatures == 1
