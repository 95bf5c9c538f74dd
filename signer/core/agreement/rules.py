"""The rules of agreement (design J6) as decisions about claims.

1. A signature leaves only after q members, ours included, have granted its entry: record, grants, agreed,
   sign.
2. A member grants a claim unless something that binds it contradicts; of its own pending entries, which it
   may still void, those of higher rank give way.
3. Every start is a restore: nothing is granted or signed until enough other members' claims are imported.
4. What is safe and what is live follows from k, n and q alone.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from signer.core.agreement.claim import Claim, Holding, Pin, Stage, contradicts
from signer.core.payment import WithdrawalId


class Quorums(NamedTuple):
    """Sizes of one vault's federation."""

    threshold: int
    """k: signatures that spend."""
    members: int
    """n."""
    witnesses: int
    """q: members, the origin included, that grant an entry; 0 without witnesses."""

    @property
    def tolerated(self) -> int:
        """f: dishonest members (one restored while running counts) despite which J1 holds; -1: not even none.

        Any two sets of max(k, q) of n members share 2 max(k, q) - n; one of these must be honest. And of the
        q - 1 others that stand behind an agreed entry one must be honest, or a start could not hear of it.
        """
        acting = max(self.threshold, self.witnesses)
        f = min(self.threshold - 1, 2 * acting - self.members - 1)
        return max(-1, min(f, self.witnesses - 2) if self.witnesses else f)

    @property
    def may_be_silent(self) -> int:
        """Members that may be silent while withdrawals go on."""
        return self.members - max(self.threshold, self.witnesses)

    @property
    def importers(self) -> int:
        """Other members whose logs a start imports: so many that an honest one of them knows every claim that
        was agreed before, for which q - 1 others stood; and that one is an honest signer of any transaction
        that has k of them, whose pending entry our grants may still be on their way to."""
        known_by = min(self.witnesses - 1, self.threshold)
        return self.members - known_by + self.tolerated if self.witnesses else 0


class Judgement(NamedTuple):
    """What a member answers to a claim of another."""

    contrary: tuple[Claim, ...]
    """What stands against it; nothing: it is granted."""
    gives_way: tuple[Claim, ...]
    """Own pending entries to void before it is granted."""
    closed: frozenset[WithdrawalId]
    """Withdrawals that it pays and that are closed here: it is never granted."""

    @property
    def granted(self) -> bool:
        """Whether the member stands behind it from now on."""
        return not self.contrary and not self.closed


class Bound(NamedTuple):
    """What of a member's record bears on a claim."""

    holdings: Iterable[Holding]
    """All that pay what the claim pays, or are pinned to or spend what it spends, or share a bond with it."""
    struck: frozenset[Pin]
    closed: frozenset[WithdrawalId]
    """Of all that the claim pays or that the holdings pay."""
    may_void: Callable[[Claim], bool]
    """Of own pending entries: see `may_void`."""
    lets_pins_go: bool = False
    """Whether the officers' quorum lets a claim that pays nothing spend what withdrawals are pinned to."""


def judge(claim: Claim, bound: Bound) -> Judgement:
    """Rule 2. The pins of a closed withdrawal bind nobody: its coins would else be of no use to others. Nor
    do pins bind a move that the officers' quorum wants: all versions spend the pin, so one of them
    confirms."""
    holdings, let_go = tuple(bound.holdings), bound.lets_pins_go and not claim.pays
    pins = (pin for each in holdings for pin in each.claim.pins)
    gone = bound.struck.union(pin for pin in pins if let_go or pin[0] in bound.closed)
    against = [each for each in holdings if contradicts(claim, each.claim, gone)]
    ways = [each for each in against if _gives_way(each, claim, bound)]
    contrary = tuple(each.claim for each in against if each not in ways)
    closed = claim.paid & bound.closed
    if contrary or closed:
        return Judgement(contrary, (), closed)
    return Judgement((), tuple(each.claim for each in ways), frozenset())


def _gives_way(holding: Holding, claim: Claim, bound: Bound) -> bool:
    own = holding.claim
    return holding.stage is Stage.PENDING and claim.rank < own.rank and bound.may_void(own)


def is_agreed(granted_by: Iterable[bytes], origin: bytes, quorum: int) -> bool:
    """Whether the origin and the distinct others that granted its pending entry are a quorum (rule 1)."""
    return len({*granted_by, origin}) >= quorum


def may_void(recorded_in: bytes, incarnation: bytes, *, held_elsewhere: bool | None) -> bool:
    """Whether an own pending entry may be voided: no signature can have left for it.

    Of this incarnation: agreed would stand on record. Of an earlier one: the record may be an old copy, so
    only if the import of this start showed that none of enough members holds it (None: not imported yet).
    """
    return recorded_in == incarnation or held_elsewhere is False
