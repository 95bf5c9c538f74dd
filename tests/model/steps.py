"""What happens, one thing at a time: each step is a function of the driver, drawn by weight."""

from collections.abc import Callable

from tests.model import asked, events, governing, liar, officers
from tests.model.driver import Driver

Step = Callable[[Driver], None]
STEPS: dict[Step, int] = {
    asked.pay: 22,
    asked.pay_again: 8,
    asked.bump: 8,
    asked.grow: 7,
    asked.shrink: 5,
    asked.present_again: 22,
    asked.relabel: 8,
    asked.split: 2,
    asked.retry: 8,
    asked.anchor: 5,
    asked.forget: 1,
    events.burn: 6,
    events.deposit: 5,
    events.mine: 9,
    events.bury: 3,
    events.reorganise: 4,
    events.take: 2,
    events.release: 6,
    events.reorganise_rollup: 2,
    events.carry: 30,
    events.carry_again: 6,
    events.restart: 3,
    events.sleep: 1,
    events.wake: 3,
    events.restore: 3,
    events.wait: 4,
    events.wait_long: 1,
    events.step_clock: 2,
    officers.command: 3,
    officers.bring_late: 2,
    officers.let_all_go_on: 3,
    governing.rename_rollup: 1,
    liar.grant_all: 4,
    liar.recall_little: 2,
    liar.write_untrue: 1,
    liar.clone: 1,
}
_NAMED, _WEIGHTS = list(STEPS), list(STEPS.values())
_ALWAYS = (
    events.wake,
    events.burn,
    events.deposit,
    events.mine,
    events.bury,
    events.wait,
    events.wait_long,
)
"""Also where no member runs."""


def step(driver: Driver, number: int, favoured: tuple[Step, ...] = ()) -> None:
    """One thing at random, by the seed and the number: what it is does not depend on the steps before. Those
    that are favoured are drawn together about half of the time."""
    driver.random.seed(f"{driver.seed} {number}")
    if favoured and driver.random.random() < 0.5:
        chosen = driver.random.choice(favoured)
    else:
        (chosen,) = driver.random.choices(_NAMED, _WEIGHTS)
    driver.steps.append(chosen.__name__)
    if driver.running or chosen in _ALWAYS:
        chosen(driver)
