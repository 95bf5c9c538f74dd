"""One dishonest member's words and entries keep nobody else's away: a bad message is dropped alone, a log
that grows does not hold up a start, and one that floods is not read on (docs/agreement.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.network import REGTEST
from signer.core.agreement.messages import Recollection, signed_message
from signer.core.agreement.notices import VoidNotice
from signer.journal import pace
from signer.journal.codec import encode_entry
from signer.journal.note import verify_head
from signer.vouching import Vouching
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.test_agreement_wire import codes, log_for
from tests.kernel.test_dishonest_member import forged, recollect, records_of, told
from tests.kernel.test_vouching import log_of

BIG, OTHER = Coin(), Coin(salt=1, index=1)
PAID = ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims; whoever has C's log key is dishonest."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


def recollection(liar: Witnessed, starting: Witnessed, known_head: str) -> bytes:
    """Its answer to a standing, with that head of the log of the one that starts."""
    head = verify_head(liar.head().head, liar.log_key)
    said = Recollection(
        liar.log_key,
        starting.log_key,
        starting.journal.incarnation,
        head.size,
        head.root,
        known_head,
        NOW,
    )
    return signed_message(said, REGTEST.genesis_hash, liar.keystore)


def test_a_bad_message_is_dropped_alone(team: Team) -> None:
    """Among them C's recollection with a head that is none; B's grant comes behind them all."""
    a, b, c = team["a"], team["b"], team["c"]
    request = draft(a, (BIG,), PAID)
    assert codes(a.sign(request)) == ["agreement-pending"]
    granted = b.ask(log_for(a, b), au.WitnessResponse).messages
    foreign = granted[-1][:-64] + bytes(64)
    bad = [b"x", foreign, recollection(c, a, "x"), recollection(c, a, c.head().head)]
    a.ask(au.WitnessRequest(messages=[*bad, *granted]), au.WitnessResponse)
    assert a.sign(request).signatures == 1
    team.stop("a")
    team.start("a")
    a = team["a"]
    said = b.ask(au.WitnessRequest(standing=a.head().standing), au.WitnessResponse).messages
    bad = [b"x", recollection(c, a, "x")]
    a.ask(au.WitnessRequest(messages=[*bad, *said]), au.WitnessResponse)
    assert "1 of 2 more needed" in a.head().waiting_for[0]
    a.ask(au.WitnessRequest(messages=[recollection(c, a, "")]), au.WitnessResponse)
    assert team.carry(rounds=3).waiting == {}


def test_a_log_that_grows_does_not_hold_up_a_start(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While B looks at what waits, C brings one more entry: each time, and none is looked at twice."""
    c = team["c"]
    c.sign(draft(c, (BIG,), PAID))
    base, looked, grown = records_of(c), list[int](), list[bytes]()
    team.stop("b")
    team.start("b")
    b, at_start = team["b"], Vouching.at_start

    def slow(*asked: object) -> object:
        for each in at_start(*asked):  # type: ignore[arg-type]
            looked.append(each[0].number)
            grown.append(encode_entry(VoidNotice(NOW, len(grown), bytes(32), "timed-out")))
            told(b, log_of(c, [*base, *grown]))
            yield each

    monkeypatch.setattr(Vouching, "at_start", slow)
    team.carry("a", "b", rounds=2)
    log = log_of(c, base)
    recollect(c, b, log.head)
    told(b, log)
    assert b.head().waiting_for == []
    assert looked == [len(base) - 1]
    assert {each.log_key: each.size for each in b.head().followed}[c.log_key] == len(base) + 1


def junk(size: int) -> VoidNotice:
    """An entry that nobody needs, of about that many bytes."""
    return VoidNotice(NOW, size, bytes(32), "timed-out")


def test_who_floods_is_not_read_on_and_keeps_no_start_waiting(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C's log grows by more than its pace; B reads it to there, and on when time has passed. What A's start
    imports of B goes no further than B could read."""
    b, c = team["b"], team["c"]
    kept = sum(map(len, records_of(c)))
    few, many = [junk(1)] * 90, [junk(1)] * 120
    size = len(encode_entry(junk(1)))
    monkeypatch.setattr(pace, "BURST", kept + 100 * size)
    monkeypatch.setattr(pace, "PER_HOUR", 30 * size)
    told(b, forged(c, *few))
    with pytest.raises(Refused) as caught:
        told(b, forged(c, *many))
    assert caught.value.code == "member-log-too-fast"
    later = [VoidNotice(NOW + 7_200, 1, bytes(32), "timed-out")] * 50
    with pytest.raises(Refused, match="member-log-too-fast"):
        told(b, forged(c, *few, *later))
    team.members[1].clock.moment += 3_600
    said = told(b, forged(c, *few, *later))
    assert said.followed_size == c.size + 140
    team.stop("a")
    team.start("a")
    recollect(c, team["a"], forged(c, *few).head)
    team.carry("a", "b", rounds=2)
    told(team["a"], forged(c, *few))
    assert team["a"].head().waiting_for == []


def test_what_is_owed_follows_from_the_entries_alone() -> None:
    """Whatever the pieces; a clock that runs back or ahead pays nothing."""
    entries = [(NOW, 10), (NOW + 9, 500), (NOW - 50, 30), (NOW + 7_000, 9), (NOW + 90_000, 70)]
    whole = pace.gone_on(None, entries, NOW)
    for place in range(len(entries) + 1):
        before = pace.gone_on(None, entries[:place], NOW)
        after = pace.gone_on(before if place else None, entries[place:], NOW)
        assert after == whole
    assert whole.moment == NOW + pace.AHEAD
