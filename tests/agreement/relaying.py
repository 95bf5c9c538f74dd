"""What an honest relayer does among the members that answer: it carries, and asks for grants."""

from signer.core.agreement.claim import Stage
from tests.agreement import conduct, releasing
from tests.agreement.federation import Proposed, Tx, bits, key_of, pin
from tests.agreement.member import AGREED, PENDING, Grant, Member, own_entries

Company = dict[int, Member]
"""Those who answer, by number. It is changed in place."""


def carry(company: Company) -> None:
    """Everybody reads what is final in the others' logs."""
    for me in company:
        for other in company.values():
            for entry, said in other.log:
                if other.me != me and company[me].is_started and said != PENDING:
                    hear = conduct.heard_agreed if said == AGREED else conduct.heard_void
                    company[me] = hear(company[me], (other.me, entry)) or company[me]


def bring_grants(company: Company, me: int, entry: Proposed) -> None:
    """The others are asked for their grants to that entry: it is agreed, or void if it may be."""
    granted_by = set[bytes]()
    for other in company:
        if other != me:
            then = conduct.judged(company[other], Grant(me, entry, company[me].incarnation))
            company[other] = then or company[other]
            granted_by |= {key_of(other)} if then is not None else set()
    agreed = conduct.agreed(company[me], entry, frozenset(granted_by))
    company[me] = agreed or conduct.timed_out(company[me], entry) or company[me]


def release_all(company: Company, buried: tuple[Tx, ...]) -> None:
    """Everybody closes and strikes what it can."""
    for me in company:
        while released := next(releasing.releases(company[me], buried), None):
            company[me] = released[1]


def own_pins(member: Member, tx: Tx) -> int:
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


def pending(member: Member) -> list[Proposed]:
    """Its entries that wait."""
    return [entry for entry, stage in own_entries(member.log).items() if stage is Stage.PENDING]
