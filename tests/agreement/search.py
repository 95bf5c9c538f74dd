"""Breadth first through all that can happen, and deep at random.

1. `explore` visits every state that the bounds allow, the nearest first: the first counterexample has as few
   moves as any.
2. `wander` draws a history beyond what can be exhausted.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple, Protocol

from tests.agreement.world import State


class Histories(Protocol):
    """`World` or `Brief`."""

    def first(self) -> State:
        """Where all begin."""

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        """What can happen next."""


Fault = Callable[[State], str | None]
"""What is wrong with a state."""
LONGEST = 300
"""Moves of a history that is drawn."""
OneOf = Callable[[State], State]


class Found(NamedTuple):
    """What a search saw."""

    states: int
    moves: int
    depth: int
    """Moves of the longest shortest history."""
    exhausted: bool
    """Whether it ended by itself, and not at a fault or at the most states that it may visit."""
    fault: str | None = None
    history: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line, and the history under it."""
        how = "exhausted" if self.exhausted else "stopped"
        line = f"{self.states} states, {self.moves} moves, depth {self.depth}, {how}"
        if self.fault is None:
            return line
        return "\n".join([f"{line}: {self.fault}", *(f"  {each}" for each in self.history)])


def explore(
    world: Histories, fault: Fault, one_of: OneOf = lambda state: state, most: int = 10_000_000
) -> Found:
    """All states, up to a fault. `one_of`: the same state for all that are equal for the purpose."""
    first = one_of(world.first())
    parents: dict[State, State | None] = {first: None}
    edge, moves, depth = [first], 0, 0
    while edge:
        beyond: list[State] = []
        for state in edge:
            for _, after in world.moves(state):
                moves += 1
                then = one_of(after)
                if then in parents:
                    continue
                parents[then] = state
                wrong = fault(then)
                if wrong is not None:
                    history = tuple(_history(world, one_of, _path(parents, then)))
                    return Found(len(parents), moves, depth + 1, False, wrong, history)
                beyond.append(then)
            if len(parents) >= most:
                return Found(len(parents), moves, depth + 1, exhausted=False)
        edge, depth = beyond, depth + bool(beyond)
    return Found(len(parents), moves, depth, exhausted=True)


def _path(parents: dict[State, State | None], last: State) -> list[State]:
    path, state = [last], parents[last]
    while state is not None:
        path.append(state)
        state = parents[state]
    return path[::-1]


def _history(world: Histories, one_of: OneOf, path: list[State]) -> Iterator[str]:
    """Moves that lead along these states, with the names that the first state gives."""
    state = world.first()
    for wanted in path[1:]:
        words, state = next(each for each in world.moves(state) if one_of(each[1]) == wanted)
        yield words


def wander(world: Histories, fault: Fault, at_end: Fault, random: Random) -> Found:
    """One history to its end, or LONGEST moves: of the kinds of moves that can happen one is drawn, then one
    move of it."""
    state, history = world.first(), list[str]()
    while len(history) < LONGEST and (kinds := _by_kind(world.moves(state))):
        words, state = random.choice(kinds[random.choice(sorted(kinds))])
        history.append(words)
        wrong = fault(state)
        if wrong is not None:
            return Found(len(history), len(history), len(history), False, wrong, tuple(history))
    wrong = at_end(state)
    past = tuple(history) if wrong is not None else ()
    return Found(len(history), len(history), len(history), False, wrong, past)


def _by_kind(moves: Iterable[tuple[str, State]]) -> dict[str, list[tuple[str, State]]]:
    """By what is done, whoever does it."""
    kinds: dict[str, list[tuple[str, State]]] = {}
    for words, state in moves:
        kinds.setdefault(words.split()[1], []).append((words, state))
    return kinds
