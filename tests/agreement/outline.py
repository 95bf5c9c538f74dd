"""What a history comes to, whoever is who: the abstract states by which the reductions are measured.

Of a member: what it signed, what it agreed to and what waits on its record (also while that is behind), and
whether it has started; and what is buried. A reduction that loses a possibility loses one of these.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tests.agreement.federation import Federation, Tx, on_chain
from tests.agreement.member import Member, Stage, own_entries
from tests.agreement.search import Histories, OneOf
from tests.agreement.symmetry import Renaming, renamed_tx, renamings
from tests.agreement.world import State, World


class Outline(NamedTuple):
    """Of a member."""

    signed: tuple[Tx, ...]
    agreed: tuple[Tx, ...]
    pending: tuple[Tx, ...]
    is_started: bool


Outlines = tuple[tuple[Outline, ...], tuple[Tx, ...]]


def reached(histories: Histories, one_of: OneOf) -> set[State]:
    """All states that there are."""
    edge = [one_of(histories.first())]
    seen = set(edge)
    while edge:
        beyond = {one_of(then) for state in edge for _, then in histories.moves(state)} - seen
        seen |= beyond
        edge = list(beyond)
    return seen


def outlines(world: World, states: Iterable[State]) -> set[Outlines]:
    """Of these, up to names."""
    among = tuple(renamings(world.federation, frozenset()))
    plain = {
        (
            tuple(_outline(world.deeds.members[number]) for number in state[:-1]),
            world.rests[state[-1]].buried,
        )
        for state in states
    }
    return {min(_renamed(each, by, world.federation) for by in among) for each in plain}


def _outline(member: Member) -> Outline:
    own = own_entries(member.lost or member.log)
    agreed = {entry.tx for entry, stage in own.items() if stage is Stage.AGREED}
    pending = {entry.tx for entry, stage in own.items() if stage is Stage.PENDING}
    return Outline(
        tuple(sorted(member.signed)),
        tuple(sorted(agreed)),
        tuple(sorted(pending)),
        member.is_started,
    )


def _renamed(given: Outlines, by: Renaming, federation: Federation) -> Outlines:
    members, buried = given
    places = sorted(range(federation.honest), key=by.members.__getitem__)
    return (
        tuple(
            Outline(*(_txs(each, by) for each in members[place][:3]), members[place].is_started)
            for place in places
        ),
        tuple(sorted(map(on_chain, _txs(buried, by)))),
    )


def _txs(txs: tuple[Tx, ...], by: Renaming) -> tuple[Tx, ...]:
    return tuple(sorted(renamed_tx(tx, by) for tx in txs))
