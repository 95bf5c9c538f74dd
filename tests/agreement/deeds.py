"""What members do, worked out once for each of their states: a history looks it up.

A member's state has a number. A change is words, the number of what the member then is, and the entry in
question, if there is one.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import combinations

from signer.core.agreement.claim import Stage
from tests.agreement import conduct, releasing, starting
from tests.agreement.federation import Federation, Proposed, Tx, choices, key_of
from tests.agreement.member import AGREED, PENDING, VOID, Grant, Known, Member, own_entries

Change = tuple[str, int, Proposed | None]
Heard = tuple[str, int, Proposed, int]
"""A word of another member's log: what it says, whose, about which entry, to which incarnation."""


class Deeds:
    """Of the honest members of one federation. `requests`: who may be asked for what."""

    def __init__(self, federation: Federation, requests: Iterable[tuple[int, Tx]]) -> None:
        self._federation = federation
        self._asked: dict[int, list[Tx]] = {}
        for who, tx in requests:
            self._asked.setdefault(who, []).append(tx)
        self.members: list[Member] = []
        self._numbers: dict[Member, int] = {}
        self.proposals = cache(self._proposals)
        self.timeouts = cache(self._timeouts)
        self.crash = cache(self._crash)
        self.restore = cache(self._restore)
        self.words = cache(self._words)
        self.hearing = cache(self._hearing)
        self.waiting = cache(self._waiting)
        self.forks = cache(self._forks)
        self.lies = cache(self._lies)
        self.recantings = cache(self._recantings)
        self.has_granted = cache(self._has_granted)
        self.agreement = cache(self._agreement)
        self.starts = cache(self._starts)
        self.releases = cache(self._releases)
        self.certified = cache(self._certified)

    def number(self, member: Member) -> int:
        """Of that state of a member."""
        found = self._numbers.setdefault(member, len(self.members))
        if found == len(self.members):
            self.members.append(member)
        return found

    def granters(self, number: int, entry: Proposed, others: tuple[int, ...]) -> tuple[int, ...]:
        """Which of these have granted that entry of the member's, as far as it counts."""
        return tuple(
            self.members[other].me for other in others if self.has_granted(other, number, entry)
        )

    def _proposals(self, number: int) -> list[Change]:
        member = self.members[number]
        found: list[Change] = []
        for tx in self._asked.get(member.me, ()):
            for then in conduct.proposals(member, tx):
                entry = then.log[-1].entry
                found.append((f"{member.me} records {entry}", self.number(then), entry))
        return found

    def _timeouts(self, number: int) -> list[Change]:
        member = self.members[number]
        found: list[Change] = []
        for entry in own_entries(member.log):
            then = conduct.timed_out(member, entry)
            if then is not None:
                found.append((f"{member.me} voids {entry.tx}", self.number(then), entry))
        return found

    def _crash(self, number: int) -> int:
        return self.number(starting.crashed(self.members[number]))

    def _restore(self, number: int) -> int:
        return self.number(starting.restored(self.members[number]))

    def _words(self, number: int) -> tuple[Heard, ...]:
        """What it shows others."""
        member = self.members[number]
        return tuple(
            (said, member.me, entry, member.incarnation)
            for entry, said in member.log
            if not (said == PENDING and own_entries(member.log).get(entry) is Stage.AGREED)
        )

    def _hearing(self, number: int, word: Heard) -> list[Change]:
        """What a started member does when it is shown a word of another."""
        said, origin, entry, incarnation = word
        member, known = self.members[number], (origin, entry)
        then = None
        if said != PENDING:
            then = _HEARS[said](member, known)
        elif known not in member.heard_void:
            then = conduct.judged(member, Grant(*known, incarnation))
        if then is None:
            return []
        does = "grants" if said == PENDING else "reads that"
        words = f"{member.me} {does} {origin}'s {entry.tx} {said}".removesuffix(f" {PENDING}")
        return [(words, self.number(then), entry)]

    def _waiting(self, number: int) -> tuple[Proposed, ...]:
        """Its entries for which it may be brought grants."""
        log = self.members[number].log
        final = {entry for entry, said in log if said == AGREED}
        return tuple(entry for entry, said in log if said == PENDING and entry not in final)

    def _forks(self, number: int, others: tuple[int, ...]) -> list[Change]:
        """Two heads of another's are shown, if there are such. A dishonest member signs any, once it lies."""
        member, found = self.members[number], list[Change]()
        for origin in (*map(self.members.__getitem__, others), *self._liars(member)):
            then = conduct.heard_fork(member, origin)
            if then is not None:
                words = f"{member.me} is shown that {origin.me} forked"
                found.append((words, self.number(then), None))
        return found

    def _liars(self, member: Member) -> Iterator[Member]:
        for liar in range(self._federation.honest, self._federation.members):
            if any(origin == liar for origin, _ in member.taken | member.heard_void):
                yield Member(liar, member.quorum, has_gap=True)

    def _lies(self, number: int) -> list[Change]:
        """A dishonest member's entry, the last one's, is shown to this one alone. It must be true, so it is
        one that honest members are asked for."""
        member, liar = self.members[number], self._federation.members - 1
        found: list[Change] = []
        for tx in sorted({tx for asked in self._asked.values() for tx in asked}):
            for pins in choices(tx.pays, tx.spends):
                for entry in (Proposed(tx, pins, 0, 0), Proposed(tx, 0, pins, 0)):
                    then = conduct.judged(member, Grant(liar, entry, 0))
                    if then is not None:
                        words = f"{member.me} grants dishonest {liar}'s {entry}"
                        found.append((words, self.number(then), None))
        return found

    def _recantings(self, number: int) -> list[Change]:
        """A dishonest member's void is shown to this one alone."""
        member, liar = self.members[number], self._federation.honest
        found: list[Change] = []
        for known in sorted(known for known in member.taken if known[0] >= liar):
            then = conduct.heard_void(member, known)
            if then is not None:
                words = f"{member.me} reads that dishonest {known[0]}'s {known[1].tx} {VOID}"
                found.append((words, self.number(then), None))
        return found

    def _certified(self, number: int, others: tuple[int, ...]) -> list[Change]:
        """A dishonest member's entry is shown with genuine grants of a quorum, its friends' included."""
        member, honest = self.members[number], self._federation.honest
        granted: dict[Known, set[int]] = {}
        for each in map(self.members.__getitem__, (number, *others)):
            for grant in each.granted:
                granted.setdefault(grant[:2], set()).add(each.me)
        found: list[Change] = []
        for known, granters in sorted(granted.items()):
            counts = known[0] >= honest and is_proven(self._federation, len(granters))
            then = conduct.heard_agreed(member, known) if counts else None
            if then is not None:
                words = f"{member.me} reads that dishonest {known[0]}'s {known[1].tx} {AGREED}"
                found.append((words, self.number(then), None))
        return found

    def _has_granted(self, granter: int, number: int, entry: Proposed) -> bool:
        member, granted = self.members[number], self.members[granter].granted
        return any(
            each.origin == member.me and each.entry == entry and conduct.counts(each, member)
            for each in granted
        )

    def _agreement(self, number: int, entry: Proposed, granted_by: tuple[int, ...]) -> list[Change]:
        """The member hears these grants; the dishonest members' are always there."""
        member, federation = self.members[number], self._federation
        granters = (*granted_by, *range(federation.honest, federation.members))
        then = conduct.agreed(member, entry, frozenset(map(key_of, granters)))
        if then is None:
            return []
        by = ", ".join(map(str, granters))
        return [
            (f"{member.me} agrees and signs {entry.tx}, granted by {by}", self.number(then), entry)
        ]

    def _starts(self, number: int, others: tuple[int, ...]) -> list[Change]:
        """With every choice of whose recollections come in, and of how much of its lost log they know."""
        member = self.members[number]
        found: list[Change] = []
        honest = tuple(
            each for each in map(self.members.__getitem__, others) if each.me != member.me
        )
        needed = starting.importers(self._federation) - self._federation.dishonest
        for imported in combinations(honest, max(needed, 0)):
            if not _are_readable(member, imported):
                continue
            rest = tuple(each for each in honest if each not in imported)
            least = starting.sizes_known(member, honest)[0]
            for size in starting.sizes_known(member, imported):
                then = starting.started(member, imported, rest, size)
                shunned = sum(1 << each.me for each in rest) if size < least else 0
                then = then._replace(shunned=then.shunned | shunned)
                who = ", ".join(str(each.me) for each in imported) or "nobody"
                words = f"{member.me} starts, imports {who}, its log has {size} words"
                found.append((words, self.number(then), None))
        return found

    def _releases(self, number: int, deep: tuple[Tx, ...]) -> list[Change]:
        """Pins that can be struck, withdrawals that can be closed."""
        member = self.members[number]
        return [
            (f"{member.me} {words}", self.number(then), None)
            for words, then in releasing.releases(member, deep)
        ]


def is_proven(federation: Federation, granted: int) -> bool:
    """Whether a dishonest member has the grants of a quorum for its entry, if so many honest ones granted it:
    those of the dishonest are always there."""
    return granted + federation.dishonest >= federation.witnesses


def _are_readable(member: Member, imported: tuple[Member, ...]) -> bool:
    """By the member's start; and not two copies of one."""
    names = {each.me for each in imported if starting.is_readable(member, each)}
    return len(names) == len(imported)


_HEARS: dict[str, Callable[[Member, Known], Member | None]] = {
    AGREED: conduct.heard_agreed,
    VOID: conduct.heard_void,
}
