"""The machine of agreement: what one member records when it hears of another's entry, grant or void."""

from dataclasses import dataclass, field

import pytest

from signer.core.agreement.claim import Claim, Holding, Stage
from signer.core.agreement.machine import (
    Agree,
    OwnEntry,
    Release,
    Step,
    Take,
    Void,
    complete_start,
    hear_grants,
    read_pending,
    read_standing,
    read_void,
    time_out,
)
from signer.core.agreement.rules import Bound
from tests.core.claims import (
    BEFORE,
    FIRST,
    HELD,
    HIGH,
    LOW,
    MID,
    NOW,
    OURS_HIGH,
    THEIRS_LOW,
    A,
    B,
    C,
    claim,
    pin,
)


@dataclass
class Memory:
    """A record in memory."""

    is_started: bool = True
    holdings: list[Holding] = field(default_factory=list)
    entries: dict[int, OwnEntry] = field(default_factory=dict)
    taken: set[tuple[bytes, int]] = field(default_factory=set)
    voidable: bool = True
    me: bytes = A

    def bound(self, _: Claim) -> Bound:
        return Bound(tuple(self.holdings), frozenset(), frozenset(), lambda _: self.voidable)

    def own(self, number: int) -> OwnEntry | None:
        return self.entries.get(number)

    def is_taken(self, origin: bytes, number: int) -> bool:
        return (origin, number) in self.taken


def waiting(quorum: int = 2, stage: Stage = Stage.PENDING) -> Memory:
    """Ours asks for grants."""
    return Memory(entries={3: OwnEntry(OURS_HIGH, stage, NOW, quorum)})


def test_a_grant_is_a_take_and_what_gives_way_is_void_before_it() -> None:
    record = Memory(holdings=[Holding(OURS_HIGH, Stage.PENDING)])
    steps, judged = read_pending(record, THEIRS_LOW)
    assert judged is not None
    assert judged.granted
    assert steps == (Void(3, "lower-rank"), Take(THEIRS_LOW, granted=True))
    record.taken.add((B, 7))
    again, judged = read_pending(record, THEIRS_LOW)
    assert (again, judged is not None and judged.granted) == ((), True)


def test_a_refusal_records_nothing() -> None:
    record = Memory(holdings=[Holding(HELD, Stage.HELD)])
    steps, judged = read_pending(record, claim(coins=(HIGH,)))
    assert (steps, judged is not None and judged.granted) == ((), False)


def test_nothing_is_granted_before_the_start_is_complete_or_to_ourselves() -> None:
    assert read_pending(Memory(is_started=False), THEIRS_LOW) == ((), None)
    assert read_pending(Memory(), OURS_HIGH) == ((), None)


def test_what_stands_is_taken_once_and_is_no_grant() -> None:
    record = Memory(is_started=False, holdings=[Holding(HELD, Stage.HELD)])
    contrary = claim(coins=(HIGH,))
    assert read_standing(record, contrary) == (Take(contrary, granted=False),)
    assert read_standing(record, OURS_HIGH) == ()
    record.taken.add((B, 7))
    assert read_standing(record, contrary) == ()


def test_a_void_releases_what_was_taken() -> None:
    record = Memory(taken={(B, 7)})
    assert read_void(record, B, 7) == (Release(B, 7),)
    assert read_void(record, B, 8) == ()
    assert read_void(record, C, 7) == ()


def test_an_entry_is_agreed_with_a_quorum_of_others() -> None:
    assert hear_grants(waiting(3), 3, (C, B, A)) == (Agree(3, (B, C)),)
    for granted_by in ((), (A,), (B,), (B, B, A)):
        assert hear_grants(waiting(3), 3, granted_by) == ()
    assert hear_grants(waiting(), 4, (B,)) == ()
    assert hear_grants(waiting(stage=Stage.AGREED), 3, (B,)) == ()
    starting = waiting()
    starting.is_started = False
    assert hear_grants(starting, 3, (B,)) == ()


@pytest.mark.parametrize("stage", [Stage.HELD, Stage.PENDING])
def test_an_entry_that_contradicts_what_binds_us_by_now_is_not_agreed(stage: Stage) -> None:
    """What it contradicts may be a pending entry of our own that would give way to it, too."""
    record = waiting()
    record.entries[3] = OwnEntry(claim(A, (LOW,), number=3), Stage.PENDING, NOW, 2)
    record.holdings.append(Holding(claim(A, (HIGH,), new=(pin(FIRST, HIGH),), number=5), stage))
    assert hear_grants(record, 3, (B,)) == ()
    record.holdings.clear()
    assert hear_grants(record, 3, (B,)) == (Agree(3, (B,)),)


def test_a_move_that_was_let_go_is_agreed_all_the_same() -> None:
    move = claim(A, (MID,), pays=(), number=3)
    record = Memory(entries={3: OwnEntry(move, Stage.PENDING, NOW, 2)})
    record.holdings.append(Holding(HELD, Stage.HELD))
    assert hear_grants(record, 3, (B,)) == (Agree(3, (B,)),)


def test_an_entry_that_waited_too_long_is_void_if_it_may_be() -> None:
    assert time_out(waiting(), 3) == (Void(3, "timed-out"),)
    assert time_out(waiting(), 4) == ()
    assert time_out(waiting(stage=Stage.AGREED), 3) == ()
    signed_perhaps, starting = waiting(), waiting()
    signed_perhaps.voidable = starting.is_started = False
    assert time_out(signed_perhaps, 3) == ()
    assert time_out(starting, 3) == ()


def test_a_complete_start_voids_what_no_member_holds() -> None:
    steps: list[Step] = list(
        complete_start(
            (
                OwnEntry(OURS_HIGH, Stage.PENDING, BEFORE, 2),
                OwnEntry(claim(A, number=5), Stage.PENDING, BEFORE, 2),
            ),
            frozenset({5}),
        )
    )
    assert steps == [Void(3, "not-held-elsewhere")]
