"""All that can happen in a federation: every order of requests, messages, crashes and restores.

1. A state is what the honest members are and what is buried in the chain. Whoever carries messages is
   hostile: any word that ever left a member may be shown to any other, at any time, once, often or never, in
   any order.
2. Every move of a member is one durable commit. Its process may end between any two of them; what it would
   have answered is then lost, or was carried away before.
3. Dishonest members have no state: they sign every transaction, grant every claim, and tell a start nothing.
4. A cloned member is two honest processes with one key, each with a record of its own.
5. The chain confirms and buries any transaction with k signatures that conflicts with nothing buried;
   officers may order a sweep, which spends a coin and pays nothing.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import chain, combinations
from operator import or_
from typing import NamedTuple

from tests.agreement.deeds import Deeds
from tests.agreement.federation import Federation, Tx, on_chain, seen
from tests.agreement.member import Member

CLONED = 100
"""The incarnation of the second process of a cloned member: each draws its own."""
Request = tuple[int, Tx]
"""Who is asked for what."""
State = tuple[int, ...]
"""The members by their numbers in `Deeds`, then the rest by its number in `World.rests`."""


class Bounds(NamedTuple):
    """How much may happen in one history, or still may."""

    proposals: int
    """Entries that ask for grants, of all members together."""
    crashes: int = 0
    restores: int = 0
    buried: int = 0
    """Transactions with k signatures."""
    sweeps: int = 0
    lies: int = 0
    """Entries of a dishonest member, each shown to one honest one."""


class Rest(NamedTuple):
    """Of a state, beside its members."""

    left: Bounds
    buried: tuple[Tx, ...]
    """Ascending."""


class World:
    """A federation and what its histories may contain."""

    def __init__(self, federation: Federation, bounds: Bounds, requests: Iterable[Request]) -> None:
        self.federation = federation
        self.bounds = bounds
        self.deeds = Deeds(federation, requests)
        self.rests: list[Rest] = []
        self._numbers: dict[Rest, int] = {}
        self._faults: dict[tuple[object, ...], str | None] = {}

    @property
    def world(self) -> "World":
        """Itself: see `symmetry.Nameless`."""
        return self

    @property
    def forgetful(self) -> frozenset[int]:
        """Who may be restored: everybody."""
        return frozenset(range(self.federation.honest))

    def is_fixed(self, state: State) -> bool:
        """The order of logs counts."""
        del state
        return False

    def in_order(self, number: int) -> int:
        """See `is_fixed`."""
        return number

    def first(self) -> State:
        """Nobody was asked anything yet."""
        q = self.federation.witnesses
        names = range(self.federation.honest)
        torn = self.federation.torn
        fresh = [Member(me, q, has_gap=me < torn) for me in names]
        for me in names[len(names) - self.federation.cloned :]:
            fresh.append(Member(me, q, incarnation=CLONED))
        if self.federation.equal:
            origins = max(self.federation.quorums.tolerated, 0) + 1
            fresh = [each._replace(origins=origins) for each in fresh]
        members = map(self.deeds.number, fresh)
        return (*members, self.rest(Rest(self.bounds, ())))

    def rest(self, rest: Rest) -> int:
        """Its number."""
        found = self._numbers.setdefault(rest, len(self.rests))
        if found == len(self.rests):
            self.rests.append(rest)
        return found

    def less(self, state: State, what: str) -> int:
        """The rest of the state after one more of what is bounded."""
        rest = self.rests[state[-1]]
        return self.rest(rest._replace(left=less_of(rest.left, what)))

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        """All that can happen next, and the state after it."""
        left = self.rests[state[-1]].left
        for place in range(len(state) - 1):
            for words, then in self._free(state, place):
                yield words, (*state[:place], then, *state[place + 1 :])
            for words, then, what in self._bounded(state, place, left):
                rest = self.less(state, what)
                yield words, (*state[:place], then, *state[place + 1 : -1], rest)
        if self.bounds.buried or self.bounds.sweeps:
            yield from self.burials(state)

    def _bounded(self, state: State, place: int, left: Bounds) -> Iterator[tuple[str, int, str]]:
        number, deeds = state[place], self.deeds
        if left.proposals:
            for words, then, _ in deeds.proposals(number):
                yield words, then, "proposals"
        if left.lies and deeds.members[number].is_started:
            for words, then, _ in deeds.lies(number):
                yield words, then, "lies"
        if left.crashes and deeds.members[number].is_started:
            yield f"{place} restarts", deeds.crash(number), "crashes"
        if left.restores and self.may_restore(state, number):
            yield f"{place} is restored", deeds.restore(number), "restores"

    def _free(self, state: State, place: int) -> Iterator[tuple[str, int]]:
        """What a member does on hearing others, or because it waited too long."""
        number, deeds = state[place], self.deeds
        others = (*state[:place], *state[place + 1 : -1])
        for words, then, _ in deeds.forks(number, others):
            yield words, then
        if not deeds.members[number].is_started:
            for words, then, _ in deeds.starts(number, others):
                yield words, then
            return
        certified = deeds.certified(number, others) if self.federation.equal else ()
        for words, then, _ in (*deeds.timeouts(number), *deeds.recantings(number), *certified):
            yield words, then
        for word in chain(*map(deeds.words, others)):
            for words, then, _ in deeds.hearing(number, word):
                yield words, then
        for entry in deeds.waiting(number):
            for words, then, _ in deeds.agreement(
                number, entry, deeds.granters(number, entry, others)
            ):
                yield words, then

    def may_restore(self, state: State, number: int) -> bool:
        """Not while another's record is behind; and there is something to lose."""
        log = self.deeds.members[number].log
        return bool(log) and not any(self.deeds.members[each].lost for each in state[:-1])

    def burials(self, state: State) -> Iterator[tuple[str, State]]:
        """Transactions are buried, and members told so."""
        members, rest = state[:-1], self.rests[state[-1]]
        able = [(tx, "buried") for tx in self.complete(members) if rest.left.buried]
        if rest.left.sweeps:
            able += [(Tx(1 << coin, 0), "sweeps") for coin in range(self.federation.coins)]
        for tx, what in able:
            if not any(tx.spends & each.spends for each in rest.buried):
                buried = tuple(sorted((*rest.buried, tx)))
                yield (
                    f"{seen(tx)} is buried",
                    (*members, self.rest(Rest(less_of(rest.left, what), buried))),
                )
        shown = deep_enough(rest.buried, self.complete(members))
        for place, number in enumerate(members):
            for words, then, _ in self.deeds.releases(number, shown):
                yield words, (*state[:place], then, *state[place + 1 :])

    def complete(self, members: tuple[int, ...]) -> tuple[Tx, ...]:
        """Transactions with k signatures, ascending, as they are on chain."""
        signed: dict[int, frozenset[Tx]] = {}
        for member in map(self.deeds.members.__getitem__, members):
            chain = {on_chain(tx) for tx in member.signed}
            signed[member.me] = signed.get(member.me, frozenset()) | chain
        return _complete(self.federation, list(signed.values()))

    def double_payment(self, state: State) -> str | None:
        """Transactions that all can confirm, and pay one withdrawal twice, or more equal ones than exist."""
        members = self.deeds.members
        key = (self.rests[state[-1]].buried, *(members[number].signed for number in state[:-1]))
        if key not in self._faults:
            able = _able(key[0], self.complete(state[:-1]))
            equal = self.federation.withdrawals if self.federation.equal else 0
            self._faults[key] = _overpaid(able, equal) if equal else _twice_paid(able)
        return self._faults[key]


def less_of(left: Bounds, what: str) -> Bounds:
    """One of these has happened."""
    return left._replace(**{what: getattr(left, what) - 1})


def deep_enough(buried: tuple[Tx, ...], complete: tuple[Tx, ...]) -> tuple[Tx, ...]:
    """What members are shown as deep enough for a release: what is buried, not all that may confirm."""
    del complete
    return buried


def _complete(federation: Federation, signed: list[frozenset[Tx]]) -> tuple[Tx, ...]:
    needed = federation.threshold - federation.dishonest
    every = sorted({tx for each in signed for tx in each})
    return tuple(tx for tx in every if sum(tx in each for each in signed) >= needed)


def _able(buried: tuple[Tx, ...], complete: tuple[Tx, ...]) -> list[Tx]:
    """What is or may be buried."""
    free = (tx for tx in complete if not any(tx.spends & each.spends for each in buried))
    return sorted({*buried, *free})


def _twice_paid(able: list[Tx]) -> str | None:
    for one, other in combinations(able, 2):
        if one.pays & other.pays and not one.spends & other.spends:
            return f"double payment: {one} and {other}"
    return None


def _overpaid(able: list[Tx], withdrawals: int) -> str | None:
    """Of equal terms: more payments than withdrawals, by transactions that do not conflict."""
    for count in range(1, len(able) + 1):
        for several in combinations(able, count):
            apart = sum(tx.spends for tx in several) == reduce(or_, (tx.spends for tx in several))
            payments = sum(tx.pays.bit_count() for tx in several)
            if apart and payments > withdrawals:
                return f"double payment: {payments} of {withdrawals} by {' and '.join(map(seen, several))}"
    return None
