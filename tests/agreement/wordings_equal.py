"""Weaker wordings of the rules by which withdrawals of equal terms end, each found out by the search."""

from functools import reduce
from operator import or_

from signer.core.agreement import claim, rules
from signer.core.agreement.claim import Claim, Pin
from tests.agreement import releasing, stakes
from tests.agreement.federation import Tx, on_chain
from tests.agreement.member import Member, own_entries
from tests.agreement.search import Fault
from tests.agreement.sizes import TWO_OF_FOUR, bricked
from tests.agreement.wordings import Wording, double_payment
from tests.agreement.world import Bounds, World

W0_FROM_C0, W1_FROM_C0 = Tx(0b01, 0b01, equal=True), Tx(0b01, 0b10, equal=True)
BOTH_FROM_C0, W1_FROM_C1 = Tx(0b01, 0b11, equal=True), Tx(0b10, 0b10, equal=True)
TWINS = TWO_OF_FOUR._replace(equal=True)


def relabelled(of: World) -> Fault:
    """See `stakes`."""
    return lambda state: stakes.relabelled(of.deeds.members[number] for number in state[:-1])


def _any_label(member: Member, killer: Tx) -> int:
    entries = [*own_entries(member.log), *(entry for _, entry in member.taken)]
    return reduce(or_, (each.tx.pays for each in entries if on_chain(each.tx) == killer), 0)


def _no_payment(member: Member, withdrawal: int, killer: Tx) -> bool:
    del member, withdrawal
    return not killer.pays


def _whatever_closed(member: Member, withdrawal: int, killer: Tx) -> bool:
    return not killer.pays or bool(member.closed & ~(1 << withdrawal))


def _by_one_other(member: Member, killer: Tx) -> int:
    return _AGREED_LABELS(member._replace(origins=1), killer)


def _without_rule_6(new: Claim, held: Claim, struck: frozenset[Pin] = frozenset()) -> bool:
    return _CONTRADICTS(new._replace(txid=b""), held, struck)


_CONTRADICTS, _AGREED_LABELS = claim.contradicts, releasing.agreed_labels

_ONE_LABEL_AND_A_LIE = (
    TWINS._replace(coins=1),
    Bounds(1, buried=1, lies=1),
    ((0, W0_FROM_C0), (0, W1_FROM_C0)),
    bricked,
)

WORDINGS_EQUAL = (
    Wording("any label closes", releasing, "closing_labels", _any_label, *_ONE_LABEL_AND_A_LIE),
    Wording("a payment strikes nothing", releasing, "may_strike", _no_payment, *_ONE_LABEL_AND_A_LIE),
    Wording("one other member's word closes", releasing, "agreed_labels", _by_one_other,
        TWINS._replace(coins=1), Bounds(1, buried=1, lies=2), ((0, W0_FROM_C0), (0, W1_FROM_C0)), relabelled),
    Wording("a transaction may have two labels", rules, "contradicts", _without_rule_6,
        TWINS._replace(coins=1), Bounds(2, buried=1, lies=1), ((0, W0_FROM_C0), (2, W1_FROM_C0)), relabelled),
    Wording("a strike counts no labels", releasing, "may_strike", _whatever_closed, TWINS,
        Bounds(2, buried=1), ((0, BOTH_FROM_C0), (0, W1_FROM_C1)), double_payment),
)  # fmt: skip
