"""What agreed entries promise.

1. The coin is spent if and only if the withdrawal is paid: honest members make nobody wait for a strike.
   Where no process ends: a pin that a member chose itself, in an entry of its that is agreed, is on a coin
   that no agreed entry of an honest member spends without paying the withdrawal. Of pins adopted from others
   that is not promised: the entry that they came from may be void, unheard.
2. A transaction has one label: what it pays of withdrawals with equal terms is the same for all honest
   members, in what they agree to and in what they close.
"""

from collections.abc import Iterable, Iterator

from tests.agreement.federation import Proposed, on_chain, pins_of, seen
from tests.agreement.member import Member, Stage, own_entries


def stuck(members: Iterable[Member]) -> str | None:
    """A pin whose coin an agreed entry spends without paying."""
    everybody = tuple(members)
    entries = [entry for member in everybody for entry in _agreed(member)]
    for member in everybody:
        for withdrawal, coin in _chosen(member):
            for entry in entries:
                if entry.tx.spends >> coin & 1 and not entry.tx.pays >> withdrawal & 1:
                    return f"stuck: w{withdrawal}@c{coin} of {member.me}, and {entry.tx} is agreed"
    return None


def relabelled(members: Iterable[Member]) -> str | None:
    """A transaction that was agreed to under two labels, or closed as another than it was agreed to."""
    everybody = tuple(members)
    agreed = sorted({tx for member in everybody for tx in member.signed})
    if len({on_chain(tx) for tx in agreed}) < len(agreed):
        return f"two labels of one transaction: {', '.join(map(str, agreed))}"
    paid = {on_chain(tx): tx.pays for tx in agreed}
    for member in everybody:
        for withdrawal, killer in member.settled:
            if not paid[killer] >> withdrawal & 1:
                return f"{member.me} closed w{withdrawal} by {seen(killer)}, which is another's payment"
    return None


def _agreed(member: Member) -> Iterator[Proposed]:
    for entry, stage in own_entries(member.log).items():
        if stage is Stage.AGREED:
            yield entry


def _chosen(member: Member) -> Iterator[tuple[int, int]]:
    new = {each for word in member.log for each in pins_of(word.entry.new)}
    for entry in _agreed(member):
        yield from new.intersection(pins_of(entry.new | entry.relied))
