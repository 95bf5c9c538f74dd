"""The ledger: its sum bounds what can confirm (C1), an honest bump is charged once (C4), and whatever happens
to the file is refused or brought back by the journal (C3)."""

import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.caps import DAY
from keystore.ledger import (
    KEPT,
    RECORD_SIZE,
    START_SIZE,
    Charged,
    Ledger,
    create_ledger,
    ledger_files,
)
from keystore.secret import Secret
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from tests.keystore.vaultroom import BINDING

KEY = b"\x0a" * 32
NOW = 1_800_000_000
FINGERPRINT = BINDING.vault_fingerprint


def point(number: int) -> OutPoint:
    return OutPoint(Txid(bytes([number]) * 32), number)


def charged(*inputs: int, leaving: int = 100, moment: int = NOW) -> Charged:
    return Charged(tuple(map(point, inputs)), Sats(leaving), moment)


def open_again(path: Path, key: bytes = KEY, fingerprint: bytes = FINGERPRINT) -> Ledger:
    descriptor = ledger_files(path.parent)[FINGERPRINT]
    try:
        return Ledger(descriptor, Secret(key), fingerprint)
    except Refusal:
        os.close(descriptor)
        raise


def new_ledger(path: Path) -> Ledger:
    create_ledger(path, Secret(KEY), FINGERPRINT)
    return open_again(path)


def refused(path: Path, **changes: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        open_again(path, **changes)
    return caught.value.code


Drawn = tuple[frozenset[Any], int]
"""Coins, and what leaves."""
DRAWN: st.SearchStrategy[list[Drawn]] = st.lists(
    st.tuples(st.frozensets(st.integers(0, 4), min_size=1, max_size=3), st.integers(1, 100)),
    max_size=7,
)


def most_that_confirms(drawn: list[Drawn]) -> int:
    """By trying all sets of transactions of which no two spend one coin."""
    best = 0
    for count in range(len(drawn) + 1):
        for chosen in combinations(drawn, count):
            coins = [coin for inputs, _ in chosen for coin in inputs]
            if len(coins) == len(set(coins)):
                best = max(best, sum(leaving for _, leaving in chosen))
    return best


@settings(max_examples=300, deadline=None)
@given(DRAWN)
def test_what_can_confirm_is_never_more_than_the_sum(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Drawn]
) -> None:
    """C1, whatever the order, and again after the file was read back."""
    path = tmp_path_factory.mktemp("ledger") / FINGERPRINT.hex()
    ledger = new_ledger(path)
    most, total = 0, 0
    for place, (inputs, leaving) in enumerate(drawn):
        growth = ledger.growth(map(point, inputs), Sats(leaving))
        ledger.charge(charged(*inputs, leaving=leaving), place)
        total += growth
        most = most_that_confirms(drawn[: place + 1])
        assert most <= ledger.used(NOW) == total
    ledger.close()
    again = open_again(path)
    assert again.used(NOW) == total
    for inputs, leaving in drawn:
        assert again.growth(map(point, inputs), Sats(leaving)) == 0
    again.close()


BROUGHT: st.SearchStrategy[list[tuple[int, frozenset[int], int]]] = st.lists(
    st.tuples(
        st.sampled_from((0, 1, 3_600, DAY // 2, DAY - 1, DAY)),
        st.frozensets(st.integers(0, 3), min_size=1, max_size=2),
        st.integers(1, 100),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=300, deadline=None)
@given(BROUGHT, st.sampled_from((0, 1, 3_600, DAY // 2, DAY - 1)))
def test_what_the_journal_brings_back_fills_every_day_that_it_may_have_been_signed_in(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, frozenset[int], int]],
    later: int,
) -> None:
    """Whichever of the entries were signed: those of one day, of which all may confirm, are counted in it;
    no more than all of them; and a start that brings the same again adds nothing."""
    path, moment = tmp_path_factory.mktemp("ledger") / FINGERPRINT.hex(), NOW
    ledger, entries = new_ledger(path), []
    for gap, inputs, leaving in drawn:
        moment += gap
        entries.append(charged(*inputs, leaving=leaving, moment=moment))
    ledger.catch_up(entries, len(entries))
    now = ledger.moment + later
    day = [each for each in entries if each.moment > now - DAY]
    plain = [(frozenset(map(str, each.inputs)), int(each.leaving)) for each in day]
    used, size = ledger.used(now), path.stat().st_size
    assert most_that_confirms(plain) <= used <= sum(each for _, each in plain)
    ledger.close()
    again = open_again(path)
    again.catch_up((each for each in entries if each.moment > again.moment - DAY), len(entries))
    assert (again.used(now), path.stat().st_size) == (used, size)
    for needed in {min(1, used), used // 2, used}:
        assert again.used(again.frees(needed, now)) <= used - needed
    again.close()


def test_an_earlier_entry_dates_no_later_one(tmp_path: Path) -> None:
    """Of one coin: 100 sat, then 60; when the first has left the day, 60 are still of it."""
    ledger = new_ledger(tmp_path / FINGERPRINT.hex())
    entries = (charged(1, leaving=100), charged(1, leaving=60, moment=NOW + DAY // 2))
    ledger.catch_up(entries, 2)
    assert ledger.frees(40, NOW + DAY // 2) == NOW + DAY
    assert ledger.frees(41, NOW + DAY // 2) == NOW + DAY + DAY // 2
    used = [ledger.used(NOW + moment) for moment in (DAY - 1, DAY, DAY + DAY // 2 - 1)]
    assert [*used, ledger.used(NOW + DAY + DAY // 2)] == [100, 60, 60, 0]


def test_sharing_a_coin_is_no_discount(tmp_path: Path) -> None:
    """T1{a}, T2{a,b}, T3{b}: T1 and T3 both confirm."""
    ledger = new_ledger(tmp_path / FINGERPRINT.hex())
    for inputs in ((1,), (1, 2), (2,)):
        ledger.charge(charged(*inputs), 1)
    assert ledger.used(NOW) == 200


def test_a_fee_bump_is_charged_by_its_difference(tmp_path: Path) -> None:
    """C4: 20 bumps of one withdrawal do not exhaust a day; a further coin brings no second charge."""
    ledger = new_ledger(tmp_path / FINGERPRINT.hex())
    for bump in range(20):
        inputs = (1, 2) if bump < 10 else (1, 2, 3)
        ledger.charge(charged(*inputs, leaving=1_000 + bump), bump)
    assert ledger.used(NOW) == 1_019
    ledger.charge(charged(4, leaving=1_000), 20)
    assert ledger.used(NOW) == 2_019


def test_the_same_again_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / FINGERPRINT.hex()
    ledger = new_ledger(path)
    assert path.stat().st_size == START_SIZE
    for _ in range(3):
        ledger.charge(charged(1, 2), 1)
        assert path.stat().st_size == START_SIZE + RECORD_SIZE


def test_a_day_rolls(tmp_path: Path) -> None:
    path = tmp_path / FINGERPRINT.hex()
    ledger = new_ledger(path)
    ledger.charge(charged(1, leaving=100), 1)
    ledger.charge(charged(2, leaving=50, moment=NOW + 3_600), 2)
    assert ledger.frees(100, NOW + 3_600) == NOW + DAY
    assert ledger.frees(101, NOW + 3_600) == NOW + 3_600 + DAY
    assert ledger.frees(0, NOW + 3_600) == NOW + 3_600
    assert ledger.used(NOW + DAY - 1) == 150
    assert ledger.used(NOW + DAY) == 50
    assert ledger.used(NOW) == 50, "time does not go back"
    assert ledger.used(NOW + DAY + 3_600) == 0
    assert ledger.growth([point(1)], Sats(100)) == 0, "an account outlives the day"
    assert open_again(path).moment == NOW + 3_600


def test_an_account_is_forgotten_at_last(tmp_path: Path) -> None:
    """Then the coin is charged in full again: that is too much, never too little."""
    ledger = new_ledger(tmp_path / FINGERPRINT.hex())
    ledger.charge(charged(1, leaving=100), 1)
    ledger.charge(charged(2, leaving=100), 1)
    ledger.charge(charged(2, leaving=150, moment=NOW + 1), 1)
    ledger.charge(charged(2, leaving=160, moment=NOW + 1), 1)
    assert ledger.used(NOW + KEPT - 1) == 0
    assert ledger.growth([point(1)], Sats(100)) == 0
    assert ledger.used(NOW + KEPT) == 0
    assert ledger.growth([point(1)], Sats(100)) == 100
    assert ledger.growth([point(2)], Sats(160)) == 0
    assert ledger.used(NOW + KEPT + 1) == 0
    assert ledger.growth([point(2)], Sats(160)) == 160


ENTRIES = tuple(charged(number, leaving=100 + number, moment=NOW + number) for number in range(9))
TOTAL = sum(each.leaving for each in ENTRIES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of nine records, closed."""
    ledger = new_ledger(tmp_path / FINGERPRINT.hex())
    for number, entry in enumerate(ENTRIES):
        ledger.charge(entry, number + 1)
    ledger.close()
    return tmp_path / FINGERPRINT.hex()


def record(number: int) -> slice:
    return slice(START_SIZE + number * RECORD_SIZE, START_SIZE + (number + 1) * RECORD_SIZE)


def damage(path: Path, change: Callable[[bytearray], bytes]) -> None:
    path.write_bytes(change(bytearray(path.read_bytes())))


def flipped(raw: bytearray, place: int, bits: int = 1) -> bytes:
    raw[place] ^= bits
    return bytes(raw)


def test_what_was_charged_is_read_back(path: Path) -> None:
    ledger = open_again(path)
    assert (ledger.moment, ledger.size, ledger.used(NOW + 9)) == (NOW + 8, 9, TOTAL)
    ledger.catch_up(ENTRIES, 9)
    assert ledger.used(NOW + 9) == TOTAL


@settings(max_examples=100, deadline=None)
@given(st.integers(0, START_SIZE + 9 * RECORD_SIZE - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, bits: int
) -> None:
    path = tmp_path_factory.mktemp("ledger") / FINGERPRINT.hex()
    ledger = new_ledger(path)
    for number, entry in enumerate(ENTRIES):
        ledger.charge(entry, number + 1)
    ledger.close()
    raw = path.read_bytes()
    damage(path, lambda raw: flipped(raw, place, bits))
    if (
        place == len(raw) - 1 and raw[-1] == bits
    ):  # the last byte became zero: as if it had been torn
        assert open_again(path).size == 8
        return
    assert refused(path) == "cap-ledger-broken"


def replaced(raw: bytearray, number: int, by: int) -> bytes:
    raw[record(number)] = raw[record(by)]
    return bytes(raw)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[: record(3).start] + raw[record(4).start :],
        lambda raw: replaced(raw, 2, 1),
        lambda raw: raw[: record(8).start] + raw[record(7)] + raw[record(8)],
        lambda raw: raw + raw[record(8)],
        lambda raw: raw + b"\x00" * RECORD_SIZE + b"\x01",
        lambda raw: raw + b"\x01" * RECORD_SIZE,
        lambda raw: raw[:START_SIZE] + raw[record(1)],
        lambda raw: raw[: START_SIZE - 1],
        lambda raw: b"\x00" * START_SIZE,
    ],
    ids=range(9),
)
def test_a_file_that_does_not_fit_is_refused(
    path: Path, change: Callable[[bytearray], bytes]
) -> None:
    open_again(path).close()
    damage(path, change)
    assert refused(path) == "cap-ledger-broken"


def test_no_ledger(path: Path) -> None:
    open_again(path).close()
    damage(path, lambda _: b"")
    assert refused(path) == "cap-ledger-missing"
    path.unlink()
    assert ledger_files(path.parent) == ledger_files(path.parent / "nowhere") == {}


def test_a_ledger_of_another_key_or_vault(path: Path) -> None:
    assert refused(path, key=b"\x0b" * 32) == "cap-ledger-broken"
    assert refused(path, fingerprint=b"\x01" * 32) == "cap-ledger-broken"
    open_again(path).close()


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda raw: raw[: -4 * RECORD_SIZE], 5),
        (lambda raw: raw[:-7], 8),
        (lambda raw: raw[:START_SIZE], 0),
        (lambda raw: raw + b"\x00" * 5_000, 9),
        (lambda raw: raw[:-20] + b"\x00" * 20, 8),
        (lambda raw: raw[: record(6).start + 9] + b"\x00" * 500_000, 6),
    ],
    ids=range(6),
)
def test_what_was_cut_the_journal_brings_back(
    path: Path, change: Callable[[bytearray], bytes], left: int
) -> None:
    """By a power failure or by hand: the day's sum is what it was."""
    damage(path, change)
    ledger = open_again(path)
    assert ledger.size == left
    assert ledger.used(NOW + 9) == sum(each.leaving for each in ENTRIES[:left])
    ledger.catch_up(ENTRIES[max(0, left - 2) :], 9)
    assert ledger.used(NOW + 9) == TOTAL
    ledger.close()
    assert open_again(path).used(NOW + 9) == TOTAL


def test_a_journal_that_was_set_back(path: Path) -> None:
    ledger = open_again(path)
    with pytest.raises(Refusal) as caught:
        ledger.catch_up(ENTRIES[:8], 8)
    assert caught.value.code == "state-rolled-back"
    ledger.catch_up((), 9)


def test_a_ledger_is_never_overwritten(path: Path, tmp_path: Path) -> None:
    for place in (path, tmp_path / "no" / "folder"):
        with pytest.raises(Refusal) as caught:
            create_ledger(place, Secret(KEY), FINGERPRINT)
        assert caught.value.code == "cap-ledger-broken"
    with pytest.raises(Refusal) as caught:
        ledger_files(path)
    assert caught.value.code == "cap-ledger-broken"
    create_ledger(tmp_path / "another", Secret(KEY), FINGERPRINT)
    assert (tmp_path / "another").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("written", [0, 40, None])
def test_a_charge_that_is_not_written_counts_for_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    """Nothing is signed for it, and the next one takes its place in the file."""
    ledger = open_again(path)
    honest = os.pwrite

    def full(descriptor: int, content: bytes, at: int) -> int:
        if written is None:
            raise OSError(28, "No space left on device")
        return honest(descriptor, content[:written], at)

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        with pytest.raises(Refusal) as caught:
            ledger.charge(charged(20, moment=NOW + 9), 10)
    assert caught.value.code == "cap-ledger-broken"
    assert ledger.used(NOW + 9) == TOTAL
    ledger.charge(charged(20, moment=NOW + 9), 10)
    assert ledger.used(NOW + 9) == open_again(path).used(NOW + 9) == TOTAL + 100
