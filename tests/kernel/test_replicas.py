"""Two replicas of one member's kernel on one journal: what one records the other goes by."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from signer.core.errors import Refusal
from tests.core.spends import Coin
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

if TYPE_CHECKING:
    from tests.postgres import Cluster

BIG, OTHER = Coin(), Coin(salt=1, index=1)


@pytest.fixture
def replicas(tmp_path: Path, postgres: "Cluster") -> Iterator[tuple[Running, Running]]:
    member = Member(tmp_path / "member", 0, place=postgres.new_place()).init()
    pair = member.start(), member.start()
    yield pair
    for each in pair:
        each.stop()


def windows(replica: Running) -> dict[tuple[str, int], int]:
    return dict(replica.handler.kernel.registry._covered)


def test_what_one_signed_the_other_signs_again_and_nothing_else(
    replicas: tuple[Running, Running],
) -> None:
    one, other = replicas
    request = sign_request(one.construct(construct_request((BIG,))), attested((BIG,)))
    rival = sign_request(other.construct(construct_request((OTHER,))), attested((OTHER,)))
    first = one.sign(request)
    assert other.sign(request).decision_id == first.decision_id
    with pytest.raises(Refusal) as caught:
        other.sign(rival)
    assert caught.value.code == "withdrawal-pinned"
    assert one.info().journal_head == other.info().journal_head


def test_address_windows_follow_the_record(replicas: tuple[Running, Running]) -> None:
    one, other = replicas
    request = sign_request(one.construct(construct_request((BIG,))), attested((BIG,)))
    before = windows(other)
    one.sign(request)
    assert windows(other) == before != windows(one)
    assert other.explain(request).on_record
    assert windows(other) == windows(one)
