"""What binds us goes on record in entries that a carrier can bring: else a member whose start took much could
never be followed again."""

from types import SimpleNamespace
from typing import Any

import pytest

from signer.core.agreement.claim_codec import claim_bytes
from signer.core.agreement.notices import Heard, HeardNotice, Released, Taken
from signer.journal import hearing
from signer.journal.hearing import write_heard
from tests.journal.agreement import claim, member

HEARD = Heard(member(1), 9, bytes(32))
TAKEN = [Taken(claim(1, number), granted=bool(number % 2)) for number in range(7)]
SIZE = len(claim_bytes(TAKEN[0].claim))


def written(taken: list[Taken], released: tuple[Released, ...] = ()) -> list[HeardNotice]:
    found: list[HeardNotice] = []
    session: Any = SimpleNamespace(now=5, write=found.append)
    write_heard(session, HEARD, taken, released)
    return found


@pytest.mark.parametrize(
    ("most", "counts"),
    [(SIZE - 1, [1] * 7), (SIZE, [1] * 7), (3 * SIZE, [3, 3, 1]), (7 * SIZE, [7])],
)
def test_each_entry_has_as_many_claims_as_fit_and_one_at_least(
    most: int, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "MAX_PORTION", most)
    found = written(TAKEN, (Released(member(1), 3),))
    assert [len(each.taken) for each in found] == counts
    assert [taken for each in found for taken in each.taken] == TAKEN
    assert [len(each.released) for each in found] == [*[0] * (len(found) - 1), 1]
    assert {(each.clock, each.heard) for each in found} == {(5, HEARD)}


def test_it_is_one_entry_where_nothing_is_taken() -> None:
    assert [(each.taken, each.released) for each in written([])] == [((), ())]
