"""The rules of agreement one by one (design J6); `tests/agreement` searches what they do together."""

import pytest

from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim, Holding, Stage, contradicts
from signer.core.agreement.rules import Bound, Quorums, is_agreed, judge, may_void
from signer.core.payment import WithdrawalTerms
from tests.core.claims import (
    BEFORE,
    FIRST,
    HELD,
    HIGH,
    LOW,
    MID,
    NOW,
    OURS_HIGH,
    SECOND,
    THEIRS_LOW,
    A,
    B,
    C,
    claim,
    pin,
)

# --- claims ---


def test_a_claim_is_named_by_its_entry_and_ranked_by_its_lowest_pin() -> None:
    of = claim(coins=(LOW, MID, HIGH), new=(pin(FIRST, HIGH),), relied=(pin(SECOND, MID),))
    assert of.name == (B, 7)
    assert of.paid == {FIRST.withdrawal_id}
    assert of.pins == {pin(FIRST, HIGH), pin(SECOND, MID)}
    assert of.rank == (MID, of.leaf)
    assert claim(coins=(MID, LOW)).rank == (LOW, of.leaf)
    assert claim(leaf=b"\x06" * 32).rank < claim().rank


OTHER_TERMS = WithdrawalTerms(FIRST.withdrawal_id, Sats(5_001), FIRST.script_pubkey)
OTHER_SCRIPT = WithdrawalTerms(FIRST.withdrawal_id, Sats(5_000), b"\x51")


@pytest.mark.parametrize(
    ("asked", "held", "stands"),
    [
        (claim(coins=(MID,)), HELD, True),
        (claim(coins=(MID,), pays=(OTHER_TERMS,)), HELD, False),  # 1
        (claim(coins=(MID,), pays=(OTHER_SCRIPT,)), HELD, False),
        (claim(coins=(HIGH,), pays=(FIRST,)), HELD, False),  # 2
        (claim(coins=(HIGH, MID), pays=(FIRST,)), HELD, True),
        (claim(coins=(HIGH,), pays=(SECOND,)), HELD, True),
        (claim(coins=(MID,), pays=(SECOND,)), HELD, False),  # 3
        (claim(coins=(MID,), pays=(FIRST, SECOND)), HELD, True),
        (claim(coins=(MID,), pays=(FIRST,)), claim(C, (MID,), relied=(pin(FIRST, MID),)), True),
        (claim(coins=(HIGH,), pays=(FIRST,)), claim(C, (MID,), relied=(pin(FIRST, MID),)), False),
        # 4
        (claim(coins=(MID,), pays=(SECOND,), new=(pin(SECOND, MID),)), claim(C, (MID,), pays=()), False),
        (claim(coins=(MID,), pays=(SECOND,), new=(pin(SECOND, MID),)), claim(C, (LOW,), pays=()), True),
        (claim(coins=(MID,), pays=(FIRST,), new=(pin(FIRST, MID),)), claim(C, (MID,)), True),
        (claim(coins=(MID,), pays=(SECOND,), relied=(pin(SECOND, MID),)), claim(C, (MID,), pays=()), True),
        # 5
        (claim(bonds=((b"7", b"x"),)), claim(C, (LOW,), pays=(), bonds=((b"7", b"y"),)), False),
        (claim(bonds=((b"7", b"x"),)), claim(C, (LOW,), pays=(), bonds=((b"7", b"x"),)), True),
        (claim(bonds=((b"8", b"x"),)), claim(C, (LOW,), pays=(), bonds=((b"7", b"y"),)), True),
        # 6
        (claim(coins=(HIGH,), pays=(SECOND,))._replace(txid=HELD.txid), HELD, False),
        (claim(coins=(HIGH,), pays=(SECOND,)), claim(C, (MID,), new=(pin(FIRST, MID),), number=8), True),
    ],
)  # fmt: skip
def test_who_is_bound_by_one_may_stand_behind_the_other(
    asked: Claim, held: Claim, stands: bool
) -> None:
    assert contradicts(asked, held) is not stands


def test_a_struck_pin_binds_no_longer() -> None:
    elsewhere, unpaid = claim(coins=(HIGH,)), claim(coins=(MID,), pays=(SECOND,))
    for asked in (elsewhere, unpaid):
        assert contradicts(asked, HELD)
        assert not contradicts(asked, HELD, frozenset({pin(FIRST, MID)}))
        assert contradicts(asked, HELD, frozenset({pin(SECOND, MID)}))
    other_terms = claim(coins=(HIGH,), pays=(OTHER_TERMS,))
    assert contradicts(other_terms, HELD, frozenset({pin(FIRST, MID)}))


# --- judging ---


def never(_: Claim) -> bool:
    return False


def always(_: Claim) -> bool:
    return True


def test_a_pending_entry_of_ours_of_higher_rank_gives_way() -> None:
    pending = Holding(OURS_HIGH, Stage.PENDING)
    judged = judge(THEIRS_LOW, Bound((pending,), frozenset(), frozenset(), always))
    assert (judged.granted, judged.gives_way) == (True, (OURS_HIGH,))
    kept = judge(THEIRS_LOW, Bound((pending,), frozenset(), frozenset(), never))
    assert (kept.granted, kept.contrary, kept.gives_way) == (False, (OURS_HIGH,), ())
    for stage in (Stage.AGREED, Stage.HELD):
        final = Bound((Holding(OURS_HIGH, stage),), frozenset(), frozenset(), always)
        assert judge(THEIRS_LOW, final).contrary == (OURS_HIGH,)


def test_a_pending_entry_of_ours_of_lower_or_equal_rank_stays() -> None:
    ours = claim(A, (LOW,), new=(pin(FIRST, LOW),), number=3, leaf=b"\x03" * 32)
    theirs = claim(B, (HIGH,), new=(pin(FIRST, HIGH),))
    stays = Bound((Holding(ours, Stage.PENDING),), frozenset(), frozenset(), always)
    assert judge(theirs, stays).contrary == (ours,)
    same = claim(B, (LOW,), pays=(SECOND,), new=(pin(SECOND, LOW),), leaf=b"\x03" * 32)
    assert judge(same, stays).contrary == (ours,)


def test_nothing_gives_way_to_what_is_refused_anyway() -> None:
    held = Holding(claim(C, (MID,), new=(pin(FIRST, MID),)), Stage.HELD)
    bound = Bound((Holding(OURS_HIGH, Stage.PENDING), held), frozenset(), frozenset(), always)
    judged = judge(THEIRS_LOW, bound)
    assert (judged.contrary, judged.gives_way) == ((held.claim,), ())


def test_what_is_closed_is_refused_and_its_pins_bind_nobody() -> None:
    held, closed = Holding(HELD, Stage.HELD), frozenset({FIRST.withdrawal_id})
    paid = judge(claim(coins=(MID,)), Bound((held,), frozenset(), closed, never))
    assert (paid.granted, paid.closed, paid.contrary) == (False, closed, ())
    reused = claim(coins=(MID,), pays=(SECOND,))
    assert judge(reused, Bound((held,), frozenset(), closed, never)).granted
    assert not judge(reused, Bound((held,), frozenset(), frozenset(), never)).granted
    struck = frozenset({pin(FIRST, MID)})
    assert judge(reused, Bound((held,), struck, frozenset(), never)).granted


def test_pins_bind_a_move_unless_it_is_said_otherwise() -> None:
    move, held = claim(coins=(MID,), pays=()), (Holding(HELD, Stage.HELD),)
    assert not judge(move, Bound(held, frozenset(), frozenset(), never)).granted
    assert judge(move, Bound(held, frozenset(), frozenset(), never, lets_pins_go=True)).granted


def test_a_quorum_counts_members_and_the_origin_once() -> None:
    assert is_agreed((B,), A, 2)
    assert not is_agreed((), A, 2)
    assert not is_agreed((A, A), A, 2)
    assert not is_agreed((B, B), A, 3)
    assert is_agreed((B, C), A, 3)


@pytest.mark.parametrize(
    ("recorded", "elsewhere", "allowed"),
    [
        (NOW, None, True),
        (NOW, True, True),
        (BEFORE, False, True),
        (BEFORE, None, False),
        (BEFORE, True, False),
    ],
)
def test_what_may_be_voided(recorded: bytes, elsewhere: bool | None, allowed: bool) -> None:
    assert may_void(recorded, NOW, held_elsewhere=elsewhere) is allowed


def test_sizes_that_promise_nothing() -> None:
    assert (Quorums(1, 1, 0).tolerated, Quorums(2, 5, 2).tolerated) == (0, -1)
    assert Quorums(3, 3, 2).tolerated == 0
    assert Quorums(15, 15, 15).tolerated == 13
    assert Quorums(2, 4, 4).tolerated == 1, "two dishonest members sign by themselves"
