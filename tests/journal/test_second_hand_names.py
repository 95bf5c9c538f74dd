"""Under which numbers entries of other histories are held: who writes entries until two of them meet in one
number (2^32 hashes) keeps nobody's start from its end."""

import pytest

from signer.core.agreement.claim import Claim
from signer.journal import second_hand
from signer.journal.fold_agreement import name_of
from signer.journal.second_hand import FIRST_NUMBER, first_number, second_hand_names
from signer.journal.sqlite_tables import scratch_tables
from tests.journal.agreement import Log, claim

ONE, TWO = (claim(1, number) for number in (7, 8))
LAST = (1 << 64) - 1


def numbers(claims: list[Claim]) -> list[int]:
    return [each.number for each in claims]


def test_the_number_follows_from_the_leaf() -> None:
    with scratch_tables() as tables:
        found = second_hand_names(tables, (ONE, TWO))
    assert numbers(found) == sorted(first_number(each.leaf) for each in (ONE, TWO))
    assert all(FIRST_NUMBER <= each <= LAST for each in numbers(found))


@pytest.mark.parametrize("met", [FIRST_NUMBER, LAST])
def test_two_that_meet_in_one_number_are_both_held(
    met: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_hand, "first_number", lambda _: met)
    after = FIRST_NUMBER if met == LAST else met + 1
    with scratch_tables() as tables:
        log = Log(tables)
        log.start()
        assert set(numbers(second_hand_names(tables, (ONE, TWO)))) == {met, after}
        (held,) = second_hand_names(tables, (ONE,))
        log.take(held)
        (again,) = second_hand_names(tables, (ONE,))
        (other,) = second_hand_names(tables, (TWO,))
        assert (again.number, other.number) == (met, after)
        log.take(other)
        rows = tables.execute("SELECT name FROM holdings ORDER BY name").fetchall()
        assert {bytes(name) for (name,) in rows} == {
            name_of(ONE.origin, each) for each in (met, after)
        }
