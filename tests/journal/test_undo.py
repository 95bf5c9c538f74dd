"""What a void undoes: the tables are as if the entry had not been, and charges as if only live versions were.

Invariant: after any sequence of versions, agreements and voids every window holds what the live versions
alone would have charged, recomputed here from the design's words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.transaction import OutPoint
from signer.bitcoin.units import Sats
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.database import Contradiction
from signer.journal.entry import SignedEntry
from signer.journal.sqlite_tables import scratch_tables
from tests.journal.agreement import (
    MAGIC,
    START,
    VAULT,
    Log,
    anchor,
    claims_of,
    coin,
    rotation,
    signed,
    terms,
    withdrawal,
)


def first_version(number: int, coins: tuple[int, ...], fee: int = 10) -> SignedEntry:
    """Pays withdrawal `number` and pins it to the first coin."""
    owed = terms(number)
    return signed(
        claims_of(
            number,
            coins,
            (owed,),
            new_pins=((owed.withdrawal_id, coin(coins[0])),),
            first_pin=coin(coins[0]),
            fee=Sats(fee),
            charge=Sats(owed.amount + fee),
        )
    )


def test_a_void_leaves_nothing_but_what_was_seen() -> None:
    with scratch_tables() as tables:
        log = Log(tables)
        kept = ("coins", "places", "charges", "freed", "voids")
        before = log.contents(*kept)
        number = log.add(first_version(1, (1, 2)))
        assert log.view().pins_of(withdrawal(1)) == {coin(1)}
        assert log.view().outflow_since(VAULT, 0) == 2_010
        log.void(number)
        assert log.contents(*kept) == before
        assert log.view().outflow_since(VAULT, 0) == 0
        assert log.view().withdrawals_since(VAULT, 0) == 0
        assert log.view().charges_since(VAULT, 0) == ()
        assert log.view().recorded_coin(VAULT, coin(1)) is not None


def test_agreed_and_void_are_final() -> None:
    """J4: neither follows the other, nor itself; an entry that waits for nobody is neither."""
    with scratch_tables() as tables:
        log = Log(tables)
        one, two = log.add(first_version(1, (1,))), log.add(first_version(2, (2,)))
        final = log.add(signed(claims_of(3, (3,)), quorum=0))
        log.agree(one)
        log.void(two)
        for number in (one, two, final, 99):
            log.leaves.setdefault(number, bytes(32))
            with pytest.raises(Contradiction):
                log.void(number)
            log.size += 1
            with pytest.raises(Contradiction):
                log.agree(number)
            log.size += 1


def test_a_withdrawal_stays_with_its_other_version() -> None:
    """The pin of the voided first version is the one that the second relies on."""
    with scratch_tables() as tables:
        log, pin = Log(tables), (withdrawal(1), coin(1))
        one = log.add(first_version(1, (1,)))
        bump = claims_of(
            7, (1, 2), (terms(1),), relied=(pin,), first_pin=coin(1), fee=Sats(30), charge=Sats(20)
        )
        two = log.add(signed(bump, clock=130))
        log.void(one)
        recorded = log.view().withdrawal(withdrawal(1))
        assert recorded is not None
        assert recorded.pin == coin(1)
        assert log.view().charges_since(VAULT, 0) == ((130, 2_030, 1),)
        log.void(two)
        assert log.view().withdrawal(withdrawal(1)) is None
        assert log.view().charges_since(VAULT, 0) == ()


def test_a_pin_that_no_version_spends_goes() -> None:
    """Struck, pinned anew, and the version that did so is void: pinned to nothing, as before it."""
    with scratch_tables() as tables:
        log, owed = Log(tables), terms(1)
        log.add(first_version(1, (1,)))
        key = outpoint_bytes(coin(1))
        tables.execute("INSERT INTO releases VALUES (?,?,?,?)", (withdrawal(1), key, key[:32], 1))
        tables.execute("UPDATE withdrawals SET pin = NULL")
        anew = claims_of(2, (2,), (owed,), new_pins=((owed.withdrawal_id, coin(2)),))
        number = log.add(signed(anew))
        assert log.view().pins_of(withdrawal(1)) == {coin(2)}
        log.void(number)
        recorded = log.view().withdrawal(withdrawal(1))
        assert recorded is not None
        assert recorded.pin is None


def test_batches_and_sweep_statements() -> None:
    """A batch keeps its root while a live version carries it; a sweep statement serves again."""
    with scratch_tables() as tables:
        log, nonce = Log(tables), b"n" * 16
        one = log.add(signed(claims_of(1, (1,), anchor=anchor(5, 1))))
        two = log.add(signed(claims_of(2, (2,), anchor=anchor(5, 1))))
        three = log.add(signed(claims_of(3, (3,), sweep_nonce=nonce)))
        with pytest.raises(Contradiction):
            log.add(signed(claims_of(4, (4,), anchor=anchor(5, 2))))
        log.size += 1
        log.void(one)
        assert log.view().batch_root(MAGIC, 5) == b"\x01" * 32
        log.void(two)
        assert log.view().highest_batch(MAGIC) is None
        assert log.view().nonce_used(nonce)
        log.void(three)
        assert not log.view().nonce_used(nonce)
        log.add(signed(claims_of(5, (5,), anchor=anchor(5, 2), sweep_nonce=nonce)))


def test_a_withdrawal_is_pinned_once() -> None:
    with scratch_tables() as tables:
        log = Log(tables)
        log.add(first_version(1, (1,)))
        again = claims_of(9, (2,), (terms(1),), new_pins=((withdrawal(1), coin(2)),))
        with pytest.raises(Contradiction):
            log.add(signed(again))
        log.size += 1
        stated = claims_of(8, (1,), (terms(1),), new_pins=((withdrawal(1), coin(1)),))
        log.add(signed(stated))  # one that waits states again what it could give up


def pins_of(numbers: Iterable[int]) -> tuple[tuple[bytes, OutPoint], ...]:
    """Each withdrawal with the coin of its number."""
    return tuple((withdrawal(number), coin(number)) for number in sorted(numbers))


@dataclass(frozen=True)
class Made:
    """A version as the reference remembers it."""

    entry: int
    moment: int
    pays: frozenset[int]
    pin: int | None
    fee: int
    moved: int


def charged(live: list[Made]) -> dict[tuple[int, int], tuple[int, int]]:
    """J3, from scratch: (moment, entry) -> (amount, new withdrawals)."""
    seen: set[int] = set()
    dearest: dict[int, int] = {}
    found = {}
    for each in live:
        new = each.pays - seen
        fee = each.fee
        if each.pin is not None:
            fee = max(0, each.fee - dearest.get(each.pin, 0))
            dearest[each.pin] = max(each.fee, dearest.get(each.pin, 0))
        seen |= new
        amount = sum(terms(number).amount for number in new) + fee + each.moved
        if amount or new:
            found[each.moment, each.entry] = (amount, len(new))
    return found


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, int, int]]:
    """(what, withdrawals or which of those that wait, fee, seconds until then)."""
    kinds = st.sampled_from(["version", "version", "version", "sweep", "void", "void", "agree"])
    step = st.tuples(kinds, st.integers(0, 7), st.integers(0, 5), st.integers(0, 2))
    return draw(st.lists(step, max_size=25))


@settings(max_examples=150, deadline=None)
@given(steps())
def test_charges_are_those_of_the_live_versions(plan: list[tuple[str, int, int, int]]) -> None:
    """Withdrawals 0, 1, 2 in all combinations, each pinned to a coin of its own; fees that rise and fall."""
    with scratch_tables() as tables:
        log, now = Log(tables), 1_000
        live: list[Made] = []
        waiting: list[int] = []
        for name, (what, which, fee, later) in enumerate(plan):
            now += later
            if what in ("void", "agree"):
                if not waiting:
                    continue
                number = waiting.pop(which % len(waiting))
                if what == "agree":
                    log.agree(number)
                else:
                    log.void(number)
                    live = [each for each in live if each.entry != number]
            else:
                pays = frozenset(at for at in range(3) if which >> at & 1 and what == "version")
                pin = min(pays, default=None)
                made = Made(log.size, now, pays, pin, fee, which if what == "sweep" else 0)
                amount, _ = charged([*live, made]).get((now, log.size), (0, 0))
                known = frozenset(number for each in live for number in each.pays)
                claims = claims_of(
                    name,
                    sorted(pays) or [9],
                    [terms(number) for number in sorted(pays)],
                    new_pins=pins_of(pays - known),
                    relied=pins_of(pays & known),
                    first_pin=None if pin is None else coin(pin),
                    fee=Sats(fee),
                    charge=Sats(amount),
                    rotations=(rotation(made.moved),) if made.moved else (),
                )
                waiting.append(log.add(signed(claims, clock=now, incarnation=START)))
                live.append(made)
            expected = charged(live)
            view = log.view()
            rows = tuple((moment, *each) for (moment, _), each in sorted(expected.items()))
            assert view.charges_since(VAULT, 0) == rows
            for moment in range(999, now + 1):
                later_ones = [each for (when, _), each in expected.items() if when > moment]
                assert view.outflow_since(VAULT, moment) == sum(each[0] for each in later_ones)
                assert view.withdrawals_since(VAULT, moment) == sum(each[1] for each in later_ones)
