"""The campaign finds planted bugs, each within a bounded number of lives of fixed seeds, on which it finds
nothing without them."""

import pytest

from tests.custody.plants import PLANTS, Plant
from tests.soak import custody

LIVES = 12


@pytest.mark.parametrize("plant", PLANTS, ids=lambda each: each.name)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = custody.new_one()
    plant.make(monkeypatch)
    found: list[str] = []
    for seed in range(plant.first, plant.first + LIVES):
        found, _ = custody.lived(identity, seed, custody.LIFE)
        if found:
            break
    assert any(plant.word in each for each in found), f"{plant.name}: {found}"
