"""The same histories with fewer states: what only binds somebody more is left out.

Being bound by more takes possibilities from a member and gives it none, so a carrier who wants a double
payment never needs the moves left out here. `World` makes them all; both find the same weaknesses
(test_wordings.py).

1. Nobody reads that another's entry is agreed (but of equal terms, where that closes, when it is buried), or
   is asked to grant one that is void.
2. Once nobody may be restored any more, a grant that makes a quorum is heard at once, and a void by all who
   hold the entry; the order of a log tells nothing.
3. Void entries that nobody holds, and grants that no longer count, are forgotten.
4. Names do not matter: of states that differ only in them one is visited.
"""

from collections.abc import Iterator
from functools import cache

from tests.agreement.federation import Proposed, Tx, on_chain
from tests.agreement.member import (
    AGREED,
    PENDING,
    VOID,
    Member,
    Stage,
    Word,
    own_entries,
    void_entries,
)
from tests.agreement.world import State, World


class Brief:
    """A world, made shorter. `forgetful`: the members who may be restored."""

    def __init__(self, world: World, forgetful: frozenset[int]) -> None:
        self._world = world
        self._forgetful = forgetful
        self._deeds = world.deeds
        self._without_grant = cache(self._forget_grant)
        self._without_entry = cache(self._forget_entry)
        self._without_stale = cache(self._forget_stale)
        self._released = cache(self._release)
        self.in_order = cache(self._put_in_order)
        self._holds = cache(self._is_holding)
        self._mature = cache(self._words_of)

    @property
    def world(self) -> World:
        """The world in full."""
        return self._world

    @property
    def forgetful(self) -> frozenset[int]:
        """The members who may be restored."""
        return self._forgetful

    def first(self) -> State:
        """Nobody was asked anything yet."""
        return self.world.first()

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        """What can happen next."""
        left, deeds = self.world.rests[state[-1]].left, self._deeds
        for place in range(len(state) - 1):
            number = state[place]
            if not deeds.members[number].is_started:
                others = (*state[:place], *state[place + 1 : -1])
                for words, then, _ in deeds.starts(number, others):
                    yield words, self._all_tidied(_put(state, place, then))
                continue
            if left.proposals:
                for words, then, _ in deeds.proposals(number):
                    yield words, _put(state, place, then, self.world.less(state, "proposals"))
            for words, then, entry in deeds.timeouts(number):
                yield words, self._settled(_put(state, place, then), place, entry)
            yield from self._ends(state, place)
            yield from self._heard(state, place)
        if self.world.bounds.buried or self.world.bounds.sweeps:
            yield from self.world.burials(state)

    def _ends(self, state: State, place: int) -> Iterator[tuple[str, State]]:
        left, number = self.world.rests[state[-1]].left, state[place]
        if left.crashes:
            then = _put(state, place, self._deeds.crash(number), self.world.less(state, "crashes"))
            yield f"{place} restarts", self._stale(then, place)
        if left.restores and place in self.forgetful and self.world.may_restore(state, number):
            then = _put(
                state, place, self._deeds.restore(number), self.world.less(state, "restores")
            )
            yield f"{place} is restored", self._stale(then, place)

    def _heard(self, state: State, place: int) -> Iterator[tuple[str, State]]:
        deeds, number = self._deeds, state[place]
        for origin in range(len(state) - 1):
            if origin == place:
                continue
            buried = self.world.rests[state[-1]].buried if self.world.federation.equal else ()
            for word in self._mature(state[origin], buried):
                for words, then, entry in deeds.hearing(number, word):
                    after = _put(state, place, then)
                    if word[0] == VOID:
                        yield words, self._settled(after, origin, entry)
                    elif word[0] == AGREED:
                        yield words, after
                    else:
                        yield from self._granted(
                            words, self._voided(state, after, place), origin, entry
                        )
        for entry in deeds.waiting(number):
            yield from self._agreed("", state, place, entry)

    def _voided(self, before: State, after: State, place: int) -> State:
        """A grant may have voided own entries."""
        was, now = self._deeds.members[before[place]].log, self._deeds.members[after[place]].log
        for entry, said in now[len(was) :]:
            if said == VOID:
                after = self._settled(after, place, entry)
        return after

    def _granted(
        self, words: str, state: State, origin: int, entry: Proposed | None
    ) -> Iterator[tuple[str, State]]:
        assert entry is not None
        heard = list(self._agreed(words + "; ", state, origin, entry))
        if not heard or self.world.rests[state[-1]].left.restores:
            yield words, state
        yield from heard

    def _agreed(
        self, words: str, state: State, place: int, entry: Proposed
    ) -> Iterator[tuple[str, State]]:
        others = (*state[:place], *state[place + 1 : -1])
        granters = self._deeds.granters(state[place], entry, others)
        for more, then, _ in self._deeds.agreement(state[place], entry, granters):
            yield words + more, self._settled(_put(state, place, then), place, entry)

    # What is forgotten.

    def is_fixed(self, state: State) -> bool:
        """Whether nobody may be restored any more."""
        if self.world.rests[state[-1]].left.restores:
            return False
        return not any(self._deeds.members[number].lost for number in state[:-1])

    def _settled(self, state: State, origin: int, entry: Proposed | None) -> State:
        """That entry of the origin's is agreed or void."""
        assert entry is not None
        members = list(state[:-1])
        is_void = entry in void_entries(self._deeds.members[state[origin]].log)
        fixed = self.is_fixed(state)
        for place, each in enumerate(members):
            if place != origin:
                without = self._without_grant(each, origin, entry)
                members[place] = (
                    self._released(without, origin, entry) if is_void and fixed else without
                )
        held = any(self._holds(number, origin, entry) for number in members)
        if is_void and not held:
            members = [self._without_entry(number, origin, entry) for number in members]
        if fixed:
            members[origin] = self.in_order(members[origin])
        return (*members, state[-1])

    def _stale(self, state: State, origin: int) -> State:
        """A new incarnation: grants to the old one do not count."""
        members = [self._without_stale(number, origin) for number in state[:-1]]
        return (*members, state[-1])

    def _all_tidied(self, state: State) -> State:
        for origin in range(len(state) - 1):
            for entry in sorted(void_entries(self._deeds.members[state[origin]].log)):
                state = self._settled(state, origin, entry)
            if self.is_fixed(state):
                state = _put(state, origin, self.in_order(state[origin]))
        return state

    def _words_of(
        self, number: int, buried: tuple[Tx, ...]
    ) -> tuple[tuple[str, int, Proposed, int], ...]:
        """What others are shown of it (1)."""
        void = void_entries(self._deeds.members[number].log)
        return tuple(
            word
            for word in self._deeds.words(number)
            if word[0] == VOID
            or (word[0] == PENDING and word[2] not in void)
            or (word[0] == AGREED and on_chain(word[2].tx) in buried)
        )

    def _is_holding(self, number: int, origin: int, entry: Proposed) -> bool:
        return (origin, entry) in self._deeds.members[number].taken

    def _changed(self, member: Member, **fields: object) -> int:
        return self._deeds.number(member._replace(**fields))

    def _forget_grant(self, number: int, origin: int, entry: Proposed) -> int:
        member = self._deeds.members[number]
        kept = (each for each in member.granted if (each.origin, each.entry) != (origin, entry))
        return self._changed(member, granted=frozenset(kept))

    def _forget_stale(self, number: int, origin: int) -> int:
        member = self._deeds.members[number]
        kept = (each for each in member.granted if each.origin != origin)
        return self._changed(member, granted=frozenset(kept))

    def _forget_entry(self, number: int, origin: int, entry: Proposed) -> int:
        member = self._deeds.members[number]
        if member.me == origin:
            return self._changed(member, log=tuple(w for w in member.log if w.entry != entry))
        return self._changed(member, heard_void=member.heard_void - {(origin, entry)})

    def _release(self, number: int, origin: int, entry: Proposed) -> int:
        member = self._deeds.members[number]
        return self._changed(member, taken=member.taken - {(origin, entry)})

    def _put_in_order(self, number: int) -> int:
        member = self._deeds.members[number]
        log: list[Word] = []
        for entry, stage in sorted(own_entries(member.log).items()):
            log += [Word(entry, PENDING)] + [Word(entry, AGREED)] * (stage is Stage.AGREED)
        void = sorted(void_entries(member.log))
        log += [Word(entry, said) for entry in void for said in (PENDING, VOID)]
        return self._changed(member, log=tuple(log))


def _put(state: State, place: int, number: int, rest: int | None = None) -> State:
    last = state[-1] if rest is None else rest
    return (*state[:place], number, *state[place + 1 : -1], last)
