"""A folded ledger says what it said before, now and later, and a crash leaves the one or the other."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore.caps import DAY
from keystore.ledger import KEPT, RECORD_SIZE, START_SIZE, Charged, Ledger
from keystore.ledger_fold import fold_ledger
from keystore.secret import Secret
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from tests.keystore.test_ledger import (
    FINGERPRINT,
    KEY,
    NOW,
    charged,
    flipped,
    new_ledger,
    open_again,
    point,
)


def fold(path: Path, key: bytes = KEY) -> tuple[int, int]:
    return fold_ledger(path, Secret(key), FINGERPRINT)


def refused(path: Path, key: bytes = KEY) -> str:
    with pytest.raises(Refusal) as caught:
        fold(path, key)
    return caught.value.code


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Twenty days, two bumps a day of each day's own withdrawal, and one withdrawal that is bumped daily."""
    ledger = new_ledger(tmp_path / FINGERPRINT.hex())
    for day in range(20):
        moment = NOW + day * DAY
        for bump in range(3):
            ledger.charge(charged(day, leaving=100 + bump, moment=moment + bump), 5 * day + bump)
        ledger.charge(charged(99, leaving=1_000 + day, moment=moment + 9), 5 * day + 4)
    ledger.close()
    return tmp_path / FINGERPRINT.hex()


def test_a_long_ledger_becomes_short(path: Path) -> None:
    """Of days older than 14 nothing is left, of older ones a record each, of the last one all."""
    before = open_again(path)
    assert path.stat().st_size == START_SIZE + 80 * RECORD_SIZE
    assert fold(path) == (80, 4 + 13 + 1)
    after = open_again(path)
    assert path.stat().st_size == START_SIZE + 18 * RECORD_SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    assert (after.moment, after.size) == (before.moment, before.size) == (NOW + 19 * DAY + 9, 99)
    assert after.used(after.moment) == before.used(before.moment) == 102 + 1
    assert after.accounts() == before.accounts()
    assert fold(path) == (18, 18)


Step = tuple[int, frozenset[int], int]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from((0, 1, DAY // 2, DAY - 1, DAY, 3 * DAY, KEPT - 1, KEPT)),
        st.frozensets(st.integers(0, 3), min_size=1, max_size=2),
        st.integers(1, 100),
    ),
    max_size=10,
)


def told(ledger: Ledger, steps: list[Step], moment: int) -> list[object]:
    """All that it says and does about these further steps."""
    answers: list[object] = []
    for later, inputs, leaving in steps:
        moment += later
        answers.append(ledger.used(moment))
        answers.append(ledger.frees(50, moment))
        answers.append(ledger.growth(map(point, inputs), Sats(leaving)))
        entry, size = Charged(tuple(map(point, inputs)), Sats(leaving), moment), ledger.size + 1
        if leaving % 3:
            ledger.charge(entry, size)
        else:  # as at a start: what the journal brings back goes to accounts of its own
            ledger.catch_up((entry,), size)
    return [*answers, ledger.moment, ledger.size]


@settings(max_examples=120, deadline=None)
@given(STEPS, STEPS)
def test_it_says_the_same_of_all_that_follows(
    tmp_path_factory: pytest.TempPathFactory, first: list[Step], then: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    path = folder / FINGERPRINT.hex()
    ledger = new_ledger(path)
    told(ledger, first, NOW)
    ledger.close()
    (folder / "whole").mkdir()
    whole = folder / "whole" / FINGERPRINT.hex()
    whole.write_bytes(path.read_bytes())
    before, after = fold(path)
    assert after <= before
    one, other = open_again(whole), open_again(path)
    moment = one.moment or NOW
    assert told(one, then, moment) == told(other, then, moment)
    one.close()
    other.close()


def test_what_is_cut_of_a_folded_ledger_the_journal_brings_back(path: Path) -> None:
    """From its beginning, if the cut is among what was folded."""
    fold(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: START_SIZE + 15 * RECORD_SIZE])
    assert open_again(path).size == 95
    path.write_bytes(whole[: START_SIZE + 5 * RECORD_SIZE])
    assert open_again(path).size == 0


def test_what_a_ledger_of_another_key_holds_is_not_folded(path: Path) -> None:
    before = path.read_bytes()
    assert refused(path, key=b"\x0b" * 32) == "cap-ledger-broken"
    path.write_bytes(flipped(bytearray(before), START_SIZE + 5))
    assert refused(path) == "cap-ledger-broken"
    path.write_bytes(b"")
    assert refused(path) == "cap-ledger-missing"
    path.unlink()
    assert refused(path) == "cap-ledger-broken"
    path.write_bytes(before)
    assert fold(path)[0] == 80


@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
def test_a_crash_leaves_the_old_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The power fails before the new file has its name: the next fold replaces the draft."""
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        if name == "write":
            patch.setattr("keystore.ledger_fold.create_ledger", _half)
        else:
            patch.setattr(f"os.{name}", _fails)
        assert refused(path) == "cap-ledger-broken"
    assert path.read_bytes() == before
    assert open_again(path).size == 99
    assert fold(path) == (80, 18)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def _half(draft: Path, *_: object) -> None:
    """Half of the bytes."""
    draft.write_bytes(b"\x01" * 40)


def _fails(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_draft_that_says_something_else_takes_no_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("keystore.ledger_fold.folded", lambda ledger: list(ledger.records())[:-1])
        assert refused(path) == "cap-ledger-broken"
    assert path.read_bytes() == before


def test_a_kernel_that_ran_meanwhile_lost_only_what_the_journal_has(path: Path) -> None:
    running = open_again(path)
    fold(path)
    late = charged(50, leaving=7, moment=running.moment + 5)
    running.charge(late, 100)
    again = open_again(path)
    assert again.size == 99
    again.catch_up((late,), 100)
    assert (again.size, again.used(late.moment)) == (100, running.used(late.moment))
