"""The coin is spent if and only if the withdrawal is paid: honest members make nobody wait for a strike.

Where no process ends: a pin that a member chose itself, in an entry of its that is agreed, is on a coin that
no agreed entry of an honest member spends without paying the withdrawal. Of pins adopted from others that is
not promised: the entry that they came from may be void, unheard.
"""

from collections.abc import Iterable, Iterator

from tests.agreement.federation import Proposed, pins_of
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


def _agreed(member: Member) -> Iterator[Proposed]:
    for entry, stage in own_entries(member.log).items():
        if stage is Stage.AGREED:
            yield entry


def _chosen(member: Member) -> Iterator[tuple[int, int]]:
    new = {each for word in member.log for each in pins_of(word.entry.new)}
    for entry in _agreed(member):
        yield from new.intersection(pins_of(entry.new | entry.relied))
