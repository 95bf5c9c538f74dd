"""The day of a capped key, where entries are signed later than they were recorded, and where time steps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keystore.caps import DAY, LATE, Caps
from keystore.second_gate import Since
from signer.bitcoin.units import Sats
from signer.charged import Counting, recount
from signer.core.acts import Unlock
from signer.core.errors import Objection, Refusal
from signer.journal.reading import TableReading
from signer.ports.recording import Passage
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.controlled import Controlled
from tests.kernel.room import Member, attested, construct_request, sign_request
from tests.kernel.test_caps import PAID, House, cap, paid

WIDE = "and(attested(2, watchers), fee_at_most(0.01 BTC), outflow_at_most(24h, 100 BTC))"
"""The key's caps alone bind: two withdrawals a day."""


def asked(team: federated.Team, number: int) -> str:
    """`ok`, `waits`, or the code with which A refuses it."""
    request = federated.draft(team["a"], (Coin(salt=number),), ((number, PAID + number),))
    try:
        return "ok" if team["a"].sign(request).signatures else "waits"
    except Refusal as refusal:
        return refusal.code


@pytest.fixture
def team(tmp_path: Path) -> federated.Team:
    made = federated.team(tmp_path, when=WIDE)
    cap(made.members[0])
    return made


def test_an_explanation_during_a_start_counts_nothing(team: federated.Team) -> None:
    """Of a member that was put back: the ledger would be full without what comes back."""
    kept = team.save("a")
    team.start()
    team.carry(rounds=4)
    assert [paid(team, number) for number in (1, 2, 3)] == ["ok", "ok", "cap-per-day"]
    team.carry()
    team.stop("a")
    team.restore("a", kept)
    team.start("a")
    request = federated.draft(team["a"], (Coin(salt=9),), ((9, PAID + 9),))
    explained = team["a"].explain(request)
    assert not explained.would_sign
    assert "caps" in [line.rule for line in explained.trace if not line.passed]
    assert team["a"].keystore.behind()
    assert team.carry(rounds=6).waiting == {}
    assert not team["a"].keystore.behind(), "counted when the start was complete"
    assert paid(team, 4) == "cap-per-day"
    team.stop()


def test_entries_that_waited_together_are_within_the_cap_and_then_built_anew(
    team: federated.Team,
) -> None:
    """All are within the cap when they are asked for. Those that the second asking refuses are too old a day
    later, cut ledger or not; another version of them is signed."""
    team.start()
    team.carry(rounds=4)
    assert [asked(team, number) for number in range(1, 5)] == ["waits"] * 4
    team.carry(rounds=3)
    assert [asked(team, number) for number in range(1, 5)] == [*["ok"] * 2, *["cap-per-day"] * 2]
    team.stop()
    for member in team.members:
        member.clock.moment += DAY + LATE + 60
    team.start()
    team.carry(rounds=4)
    assert [asked(team, number) for number in (1, 2)] == ["ok", "ok"], "the ledger has them"
    assert [asked(team, number) for number in (3, 4)] == ["cap-entry-late"] * 2
    old = federated.draft(team["a"], (Coin(salt=3),), ((3, PAID + 3),))
    assert not team["a"].explain(old).would_sign
    coins, payments = (Coin(salt=3),), ((3, PAID + 3),)
    built = team["a"].construct(construct_request(coins, payments, min_fee_sat=2_000))
    anew = sign_request(built, attested(coins, payments, now=team.members[0].clock.moment))
    assert not team["a"].sign(anew).signatures
    team.carry(rounds=3)
    assert team["a"].sign(anew).signatures
    team.stop()


def test_an_unlock_after_a_stepped_clock_is_one_day(tmp_path: Path) -> None:
    """What was signed after it was as old, at the next start, as the clock had stepped."""
    room = Controlled(tmp_path / "a")
    room.running.stop()
    cap(room.member, Caps(Sats(50_100_000), Sats(100_200_000)))
    room.running = room.start()
    room.restart(down=2 * DAY)
    with pytest.raises(Refusal) as caught:
        room.pay(1)
    assert caught.value.code == "clock-stepped"
    assert room.running.keystore.behind()
    room.do("Unlock", Unlock(room.scope(), int(room.host.time)))
    room.host.pass_by(10)
    assert [room.pay(number).signatures for number in (2, 3)] == [1, 1]
    for _ in range(2):
        room.restart(down=5)
        with pytest.raises(Refusal) as caught:
            room.pay(4)
        assert caught.value.code == "cap-per-day"
    room.restart(down=DAY - 60)
    room.host.pass_by(60)
    assert room.pay(5).signatures
    room.running.stop()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    member = Member(tmp_path / "a", 0).init()
    cap(member)
    made = House(member, member.start())
    yield made
    made.running.stop()


def test_nothing_is_counted_while_a_start_is_not_complete(house: House) -> None:
    keys, journal = house.running.keystore, house.running.journal
    before = house.ledger.read_bytes()
    with pytest.raises(Refusal) as caught:
        Counting(keys, journal, lambda: ("waits for b",))()
    assert caught.value.code == "agreement-starting"
    assert caught.value.objections[0].observed == "waits for b"
    journal.gate.shut(Objection("clock-stepped", "it does not fit"), Passage.WHILE_LOCKED)
    with pytest.raises(Refusal) as caught:
        Counting(keys, journal)()
    assert caught.value.code == "clock-stepped"
    Counting(keys, journal).if_possible()
    assert keys.behind()
    assert house.ledger.read_bytes() == before
    journal.gate.reopen("clock-stepped")
    Counting(keys, journal)()
    assert not keys.behind()
    assert house.pay(1) == "ok"


def test_what_may_have_been_signed_within_a_day_is_counted(house: House) -> None:
    """It may have been signed six hours after its entry. The ledger's time may be ahead of the entries'."""
    assert house.pay(1) == "ok"
    vault = house.vault.fingerprint
    with house.running.journal.reading() as reading:
        made, size = reading.last_entry(), reading.size()
        for seconds, found in ((DAY + LATE - 1, 1), (DAY + LATE, 0)):
            look: Any = At(reading, made + seconds)
            for ended in (made + seconds, made + 9 * DAY):
                assert len(list(recount(look, vault, Since(size, ended, b"")))) == found


class At:
    """A look at another effective time."""

    def __init__(self, reading: TableReading, now: int) -> None:
        self._reading, self._now = reading, now

    def now(self) -> int:
        return self._now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reading, name)
