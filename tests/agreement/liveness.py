"""What an honest relayer can still reach: no honest withdrawal is bricked.

1. From now on nobody lies and no process ends. Some honest members answer, the others are silent, and so is
   whoever was dishonest, but for standings. Of the silent nothing is known but what the answering have taken.
2. The relayer carries every log to everybody, starts who waits for recollections, lets timeouts pass, shows
   every buried transaction, and then asks all for one transaction: it pays the withdrawal and all that is
   pinned to its coins, and spends all pins of what it pays and one fresh coin, the largest.
3. Who was restored over an entry that left it, and is shown to have forked, counts as dishonest from then on.
4. The transaction must get k signatures, if at least max(k, q) members answer and have started. A start
   completes if as many answer as it imports, the dishonest ones included, whatever logs these showed.
"""

from functools import cache, reduce
from itertools import combinations
from operator import or_

from tests.agreement import conduct, paying, starting
from tests.agreement.federation import Federation, Tx, pins_of, pins_on, pins_with
from tests.agreement.member import Member, own_entries
from tests.agreement.relaying import Company, bring_grants, carry, own_pins, release_all


def bricked(
    federation: Federation, members: tuple[Member, ...], buried: tuple[Tx, ...]
) -> str | None:
    """A withdrawal that cannot be paid any more, and who would answer."""
    forked = reduce(or_, (each.forked for each in members), 0)
    honest = [each for each in members if not each.shunned and not forked >> each.me & 1]
    for count in range(_enough(federation), len(honest) + 1):
        for answering in combinations(honest, count):
            wrong = _bricked_among(federation, answering, buried)
            if wrong is not None:
                return wrong
    return None


@cache
def _bricked_among(
    federation: Federation, answering: tuple[Member, ...], buried: tuple[Tx, ...]
) -> str | None:
    company = _ready(federation, {each.me: each for each in answering}, buried)
    for me, member in company.items():
        if not member.is_started and _may_start(federation, len(company) - 1):
            return f"bricked: the start of {me} while {_names(company)} answer"
    if sum(each.is_started for each in company.values()) < _enough(federation):
        return None  # too few could start: they say whom they wait for
    if federation.equal:
        return paying.unpaid(federation, company, buried)
    paid = reduce(or_, (tx.pays for tx in buried), 0)
    for withdrawal in range(federation.withdrawals):
        if not paid >> withdrawal & 1:
            tx = version(federation, company, withdrawal)
            if not _is_signed(federation, dict(company), tx, buried):
                who = _names(company)
                return f"bricked: w{withdrawal} while {who} answer; {tx} is not signed"
    return None


def _enough(federation: Federation) -> int:
    return max(federation.threshold, federation.witnesses)


def _may_start(federation: Federation, others: int) -> bool:
    """Whether so many honest ones are enough for a start, with whoever is dishonest: that answers standings,
    too (what it is silent about it need not lie about)."""
    return others + federation.dishonest >= starting.importers(federation)


def _names(company: Company) -> str:
    return ", ".join(map(str, sorted(company)))


def _ready(federation: Federation, company: Company, buried: tuple[Tx, ...]) -> Company:
    """Started, of one knowledge, without what can be given up."""
    company = dict(company)
    for me, member in company.items():
        others = tuple(each for other, each in company.items() if other != me)
        readable = [each for each in others if starting.is_readable(member, each)]
        if not member.is_started and _may_start(federation, len(readable)):
            least = starting.sizes_known(member, others)[0]
            company[me] = starting.started(member, others, (), least)
    carry(company)
    for me, member in company.items():
        for entry in own_entries(member.log):
            company[me] = conduct.timed_out(company[me], entry) or company[me]
    carry(company)
    release_all(company, buried)
    return company


def version(federation: Federation, company: Company, withdrawal: int) -> Tx:
    """Of the withdrawal: with all that it takes (2)."""
    known, closed = 0, 0
    for member in company.values():
        own, _, held = conduct.pins_known(member)
        known, closed = known | own | held, closed | member.closed
    spends, pays = 1 << federation.coins, 1 << withdrawal
    while True:
        pinned = pins_with(known, pays) | pins_with(pins_on(known, spends), ~closed)
        tx = Tx(spends, pays)
        for each, coin in pins_of(pinned):
            spends, pays = spends | 1 << coin, pays | 1 << each
        if (tx.spends, tx.pays) == (spends, pays):
            return tx


def _is_signed(federation: Federation, company: Company, tx: Tx, buried: tuple[Tx, ...]) -> bool:
    """Each is asked in turn, and the others for their grants."""
    if any(tx.spends & each.spends for each in buried):
        return False
    for me in sorted(company):
        _ask(company, me, tx)
    signers = sum(tx in each.signed for each in company.values())
    return signers >= federation.threshold


def _ask(company: Company, me: int, tx: Tx) -> None:
    member = conduct.recorded(company[me], tx, own_pins(company[me], tx))
    if member is not None:
        company[me] = member
        bring_grants(company, me, member.log[-1].entry)
        carry(company)


def forget() -> None:
    """What was worked out under other rules."""
    _bricked_among.cache_clear()
