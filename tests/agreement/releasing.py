"""How withdrawals end at a member (docs/releases.md): it is shown buried transactions.

1. Where terms differ a transaction says what it pays. That closes; what does not pay strikes.
2. Where terms are equal it pays so many, and only labels say which. By an agreed label a withdrawal is
   closed: of an own entry, or of entries of f + 1 others that it holds and has read to be agreed. Not more
   are closed by it than it pays.
3. A pin is struck by what has no more payments than other withdrawals are closed here by exactly that, and is
   no payment of this one by an agreed label.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_

from signer.core.agreement.claim import Stage
from tests.agreement.federation import Proposed, Tx, bits, on_chain, pin, pins_of, pins_with, seen
from tests.agreement.member import Member, own_entries


def releases(member: Member, deep: tuple[Tx, ...]) -> Iterator[tuple[str, Member]]:
    """Withdrawals that can be closed, then pins that can be struck."""
    equal = any(entry.tx.equal for entry in _entries(member))
    return _by_labels(member, deep) if equal else _by_payments(member, deep)


def _by_payments(member: Member, deep: tuple[Tx, ...]) -> Iterator[tuple[str, Member]]:
    entries = _entries(member)
    for withdrawal in bits(_all(entry.tx.pays for entry in entries) & ~member.closed):
        if any(tx.pays >> withdrawal & 1 for tx in deep):
            closed = member._replace(closed=member.closed | 1 << withdrawal)
            yield f"closes w{withdrawal}", closed
    for withdrawal, coin in pins_of(_pins(member, entries)):
        if any(tx.spends >> coin & 1 and not tx.pays >> withdrawal & 1 for tx in deep):
            struck = member._replace(struck=member.struck | pin(withdrawal, coin))
            yield f"strikes w{withdrawal}@c{coin}", struck


def _by_labels(member: Member, deep: tuple[Tx, ...]) -> Iterator[tuple[str, Member]]:
    for killer in deep:
        yield from closings(member, killer, closing_labels(member, killer))
    open_pins = pins_with(_pins(member, _entries(member)), ~member.closed)
    for withdrawal, coin in pins_of(open_pins):
        for killer in deep:
            if killer.spends >> coin & 1 and may_strike(member, withdrawal, killer):
                struck = member._replace(struck=member.struck | pin(withdrawal, coin))
                yield f"strikes w{withdrawal}@c{coin} by {seen(killer)}", struck
                break


def closings(member: Member, killer: Tx, labels: int) -> Iterator[tuple[str, Member]]:
    """By a transaction that pays these (mask)."""
    for withdrawal in bits(labels & ~member.closed) if payments_left(member, killer) else ():
        settled = member.settled | {(withdrawal, killer)}
        closed = member._replace(closed=member.closed | 1 << withdrawal, settled=settled)
        yield f"closes w{withdrawal} by {seen(killer)}", closed


def agreed_labels(member: Member, killer: Tx) -> int:
    """What the transaction pays (mask) by an agreed entry of its own, or as enough others' logs say (2)."""
    shown: dict[int, set[int]] = {}
    for origin, entry in member.taken & member.read:
        if on_chain(entry.tx) == killer:
            shown.setdefault(entry.tx.pays, set()).add(origin)
    return own_labels(member, killer) | _all(
        label for label, origins in shown.items() if len(origins) >= member.origins
    )


def own_labels(member: Member, killer: Tx) -> int:
    """What it pays (mask) by an agreed entry of its own."""
    own = own_entries(member.log).items()
    agreed = (entry.tx for entry, stage in own if stage is Stage.AGREED)
    return _all(tx.pays for tx in agreed if on_chain(tx) == killer)


def closing_labels(member: Member, killer: Tx) -> int:
    """What it closes (mask)."""
    return agreed_labels(member, killer)


def payments_left(member: Member, killer: Tx) -> int:
    """How many of its payments have closed nothing here yet."""
    return killer.pays.bit_count() - sum(by == killer for _, by in member.settled)


def may_strike(member: Member, withdrawal: int, killer: Tx) -> bool:
    """Rule 3, of a killer that spends the pin of an open withdrawal."""
    is_paid = agreed_labels(member, killer) >> withdrawal & 1
    return not payments_left(member, killer) and not is_paid


def _entries(member: Member) -> list[Proposed]:
    return [*own_entries(member.log), *(entry for _, entry in member.taken)]


def _pins(member: Member, entries: Iterable[Proposed]) -> int:
    return _all(entry.new | entry.relied for entry in entries) & ~member.struck


def _all(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
