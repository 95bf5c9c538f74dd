"""The model finds planted bugs: each within a bounded number of lives of fixed seeds, on federations on which
it finds nothing without them. What a bug needs is drawn more often there."""

import pytest

from tests.model.life import Plan, life
from tests.model.plants import PLANTS, Plant

LIFE = 150
"""Steps of one federation."""


@pytest.mark.parametrize("plant", PLANTS, ids=lambda each: each.name)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.make(monkeypatch)
    plan = Plan(favoured=plant.favoured)
    found, steps, seed = list[str](), 0, plant.first
    for seed in range(plant.first, plant.first + plant.lives):
        found, driver = life(plant.shape, seed, LIFE, plan=plan)
        steps = len(driver.steps)
        if found:
            break
    assert found, f"{plant.name} is not found in {plant.lives} lives"
    monkeypatch.undo()
    assert life(plant.shape, seed, steps, plan=plan)[0] == []
