"""The fewest steps of a life with which something still goes wrong: `python -m tests.model.shorter`.

Each step draws from the seed and its own number, so that the others stay as they are where one is left out.
What is looked for is anything wrong, not the same thing: a shorter life with another fault is as welcome.
"""

import argparse

from tests.model.hosts import SHAPES
from tests.model.life import Plan, life


def shortened(shape: int, seed: int, steps: int) -> tuple[list[int], list[str]]:
    """The numbers of the steps that are left, and what is wrong with them."""
    found, driver = life(SHAPES[shape], seed, steps)
    left, size = list(range(len(driver.steps))), max(1, len(driver.steps) // 2)
    while found and size:
        for begin in range(0, len(left), size):
            fewer = left[:begin] + left[begin + size :]
            without = frozenset(range(steps)) - frozenset(fewer)
            then, _ = life(SHAPES[shape], seed, steps, plan=Plan(without))
            if then:
                left, found = fewer, then
                break
        else:
            size //= 2
    return left, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("shape", "seed", "steps"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args()
    left, found = shortened(asked.shape, asked.seed, asked.steps)
    _, driver = life(
        SHAPES[asked.shape],
        asked.seed,
        asked.steps,
        plan=Plan(frozenset(range(asked.steps)) - frozenset(left)),
    )
    for number, name in zip(left, driver.steps, strict=False):
        print(f"step {number}: {name}")
    print(*found, sep="\n")


if __name__ == "__main__":
    main()
