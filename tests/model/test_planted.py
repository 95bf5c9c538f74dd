"""The model finds planted bugs: each within a bounded number of steps of fixed seeds, on federations on which
it finds nothing without them (tests/soak/test_slices.py)."""

import pytest

from tests.model.life import life
from tests.model.plants import PLANTS, Plant

LIFE = 150
"""Steps of one federation."""


@pytest.mark.parametrize("plant", PLANTS, ids=lambda each: each.name)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.make(monkeypatch)
    found: list[str] = []
    for seed in range(1, plant.steps // LIFE + 1):
        found, _ = life(plant.shape, seed, LIFE)
        if found:
            break
    assert found, f"{plant.name} is not found in {plant.steps} steps"
