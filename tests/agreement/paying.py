"""What the answering members can still be brought to sign where all withdrawals have equal terms: a
transaction with at most as many payments as are owed, that each labels as fits its own record.

Where f >= 1 officers close at all of them what one has agreed to: without them f + 1 must say so. Any of
them may be asked, in turn, under any labels; the others of these grant. It spends a fresh coin, the largest,
and as many of the others as it takes: first all that anything open is pinned to.
"""

from collections.abc import Iterator
from functools import reduce
from itertools import combinations
from operator import or_

from tests.agreement import conduct
from tests.agreement.federation import Federation, Tx, on_chain, pins_of, pins_with
from tests.agreement.relaying import Company, bring_grants, carry, own_pins, pending, release_all
from tests.agreement.releasing import agreed_labels, closings, own_labels


def unpaid(federation: Federation, company: Company, buried: tuple[Tx, ...]) -> str | None:
    """What is owed and signed by none of these, who have started."""
    owed = federation.withdrawals - sum(tx.pays.bit_count() for tx in buried)
    company = _reminded(federation, company, buried)
    for some in _parts(federation, company):
        for chain in _wanted(federation, some, owed, buried):
            if _is_signed(federation, some, chain, tuple(some)):
                return None
    who = ", ".join(map(str, sorted(company)))
    if owed <= 0 or any(_is_label_lost(company, killer) for killer in buried):
        return None
    return f"bricked: {owed} of {federation.withdrawals} are owed, and nothing is signed while {who} answer"


def _is_label_lost(company: Company, killer: Tx) -> bool:
    """Whether nobody knows any more under which label it was agreed, not even who signed it: that member was
    restored over the word, which nobody had read. Then officers say what it paid."""
    members = company.values()
    if not killer.pays or any(agreed_labels(each, killer) for each in members):
        return False
    return any(killer in map(on_chain, each.signed) for each in members)


def _reminded(federation: Federation, company: Company, buried: tuple[Tx, ...]) -> Company:
    """What waits and is buried is asked for again, so that it closes."""
    company = dict(company)
    for me in sorted(company):
        for entry in pending(company[me]):
            if on_chain(entry.tx) in buried:
                bring_grants(company, me, entry)
    carry(company)
    release_all(company, buried)
    if federation.quorums.tolerated > 0:
        _consent(company, buried)
        release_all(company, buried)
    return company


def _consent(company: Company, buried: tuple[Tx, ...]) -> None:
    """The officers close what any of the answering has agreed to, at those who see too few words."""
    for killer in buried:
        labels = reduce(or_, (own_labels(each, killer) for each in company.values()), 0)
        for me in company:
            while closed := next(closings(company[me], killer, labels), None):
                company[me] = closed[1]


def _parts(federation: Federation, company: Company) -> Iterator[Company]:
    """All of them, then fewer: pins that only the others know need not be spent."""
    enough = max(federation.threshold, federation.witnesses)
    for size in range(len(company), enough - 1, -1):
        for names in combinations(sorted(company), size):
            yield {name: company[name] for name in names}


def _wanted(
    federation: Federation, company: Company, owed: int, buried: tuple[Tx, ...]
) -> Iterator[Tx]:
    """Transactions that can confirm, as they are on chain, the most promising ones first."""
    pinned, coins = _pinned(company), (1 << federation.coins) - 1
    for tx in buried:
        coins &= ~tx.spends
    some = [mask for mask in range(coins + 1) if not mask & ~coins]
    some.sort(key=lambda mask: (mask != pinned, -mask.bit_count()))
    for count in range(owed, 0, -1):
        for spends in some:
            yield Tx(1 << federation.coins | spends, (1 << count) - 1, equal=True)


def _pinned(company: Company) -> int:
    """The coins that anything open is pinned to."""
    coins = 0
    for member in company.values():
        own, _, held = conduct.pins_known(member)
        for _, coin in pins_of(pins_with(own | held, ~member.closed)):
            coins |= 1 << coin
    return coins


def _is_signed(federation: Federation, company: Company, chain: Tx, left: tuple[int, ...]) -> bool:
    """Whether k sign if each of the rest is asked under some labels, or not at all."""
    signed = [{on_chain(tx) for tx in member.signed} for member in company.values()]
    signers = sum(chain in each for each in signed)
    if signers >= federation.threshold or signers + len(left) < federation.threshold:
        return signers >= federation.threshold
    me, rest = left[0], left[1:]
    for labels in combinations(range(federation.withdrawals), chain.pays.bit_count()):
        asked = _asked(company, me, chain._replace(pays=sum(1 << each for each in labels)))
        if asked is not None and _is_signed(federation, asked, chain, rest):
            return True
    return _is_signed(federation, company, chain, rest)


def _asked(company: Company, me: int, tx: Tx) -> Company | None:
    """After it was asked, and the others for their grants; None where it records nothing."""
    member = conduct.recorded(company[me], tx, own_pins(company[me], tx))
    if member is None:
        return None
    company = company | {me: member}
    bring_grants(company, me, member.log[-1].entry)
    carry(company)
    return company
