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

from tests.agreement import conduct, starting
from tests.agreement.federation import (
    Federation,
    Tx,
    bits,
    key_of,
    pin,
    pins_of,
    pins_on,
    pins_with,
)
from tests.agreement.member import AGREED, PENDING, Grant, Member, own_entries

Answering = dict[int, Member]


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


def _names(company: Answering) -> str:
    return ", ".join(map(str, sorted(company)))


def _ready(federation: Federation, company: Answering, buried: tuple[Tx, ...]) -> Answering:
    """Started, of one knowledge, without what can be given up."""
    company = dict(company)
    for me, member in company.items():
        others = tuple(each for other, each in company.items() if other != me)
        readable = [each for each in others if starting.is_readable(member, each)]
        if not member.is_started and _may_start(federation, len(readable)):
            least = starting.sizes_known(member, others)[0]
            company[me] = starting.started(member, others, (), least)
    _carry(company)
    for me, member in company.items():
        for entry in own_entries(member.log):
            company[me] = conduct.timed_out(company[me], entry) or company[me]
    _carry(company)
    for me in company:
        while released := next(conduct.releases(company[me], buried), None):
            company[me] = released[1]
    return company


def _carry(company: Answering) -> None:
    """Everybody reads what is final in the others' logs."""
    for me in company:
        for other in company.values():
            for entry, said in other.log:
                if other.me != me and company[me].is_started and said != PENDING:
                    hear = conduct.heard_agreed if said == AGREED else conduct.heard_void
                    company[me] = hear(company[me], (other.me, entry)) or company[me]


def version(federation: Federation, company: Answering, withdrawal: int) -> Tx:
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
        if tx == (spends, pays):
            return tx


def _is_signed(federation: Federation, company: Answering, tx: Tx, buried: tuple[Tx, ...]) -> bool:
    """Each is asked in turn, and the others for their grants."""
    if any(tx.spends & each.spends for each in buried):
        return False
    for me in sorted(company):
        _ask(federation, company, me, tx)
    signers = sum(tx in each.signed for each in company.values())
    return signers >= federation.threshold


def _ask(federation: Federation, company: Answering, me: int, tx: Tx) -> None:
    member = conduct.recorded(company[me], tx, _own_pins(company[me], tx))
    if member is None:
        return
    company[me] = member
    entry, granted_by = member.log[-1].entry, set[bytes]()
    for other in company:
        if other != me:
            grant = Grant(me, entry, member.incarnation)
            then = conduct.judged(company[other], grant)
            company[other] = then or company[other]
            granted_by |= {key_of(other)} if then is not None else set()
    agreed = conduct.agreed(company[me], entry, frozenset(granted_by))
    company[me] = agreed or conduct.timed_out(company[me], entry) or company[me]
    _carry(company)


def _own_pins(member: Member, tx: Tx) -> int:
    """As J1 chooses: of the coins that nobody known spends without paying the withdrawal the lowest to which
    another pinned it, else the largest."""
    _, _, held = conduct.pins_known(member)
    entries = [*own_entries(member.log), *(entry for _, entry in member.taken)]
    chosen = 0
    for each in bits(conduct.unpinned(member, tx)):
        left = [
            coin
            for coin in bits(tx.spends)
            if all(entry.tx.pays >> each & 1 for entry in entries if entry.tx.spends >> coin & 1)
            and not pin(each, coin) & member.struck
        ]
        adopted = [coin for coin in left if pin(each, coin) & held]
        chosen |= pin(each, min(adopted) if adopted else max(left)) if left else 0
    return chosen


def forget() -> None:
    """What was worked out under other rules."""
    _bricked_among.cache_clear()
