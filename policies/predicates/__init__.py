"""The predicates, one class per file: what each asks, how it reads, and why it says no.

A predicate is immutable and hashable, knows its NAME, SIGNATURE and CODES, parses its arguments,
renders itself (`text` is read back as the same predicate, `english` is for reviewers), and yields an
Objection for each thing that it refuses: at its limit it passes, one past it refuses.
"""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from policies.predicates.aged import Aged
from policies.predicates.anchor_extends import AnchorExtends
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.predicates.buried import Buried
from policies.predicates.caller import Caller
from policies.predicates.confirmed import Confirmed
from policies.predicates.count_at_most import CountAtMost
from policies.predicates.destination_types import DestinationTypes
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.fee_rate_between import FeeRateBetween
from policies.predicates.inputs_at_most import InputsAtMost
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.outputs_at_most import OutputsAtMost
from policies.predicates.path import Path
from policies.predicates.payment_at_least import PaymentAtLeast
from policies.predicates.payment_at_most import PaymentAtMost
from policies.predicates.replaceable import Replaceable
from policies.predicates.spend_at_most import SpendAtMost
from policies.predicates.tip_fresh import TipFresh
from policies.predicates.weight_at_most import WeightAtMost
from policies.predicates.within import Within
from signer.core.errors import Objection
from signer.core.question import Question
from signer.core.spend import Kind, SpentCoin


class Predicate(Protocol):
    """One rule about a spend."""

    NAME: ClassVar[str]
    CODES: ClassVar[tuple[str, ...]]
    WAITABLE: ClassVar[bool]
    """Whether what it lacks may come without another request: approvals, or time. A spend that lacks nothing
    else is pending, not refused. Windows are not: what waits for them competes with what comes first."""

    @property
    def text(self) -> str:
        """As it is written."""

    @property
    def english(self) -> str:
        """For a reviewer."""

    def objections(self, question: Question) -> Iterator[Objection]:
        """Why the rule does not hold; nothing when it does."""

    def implies(self, other: object) -> bool:
        """Whether every question of one kind that this rule passes the other one passes too. A partial order,
        and sound: True is a proof; False may be ignorance. Names do not count, keys and scripts do."""


class CoinPredicate(Predicate, Protocol):
    """One rule about a coin, too."""

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """Why the coin is not proven to exist; nothing when it is."""


SPEND_PREDICATES = {
    form.NAME: form
    for form in (
        Attested,
        FeeAtMost,
        FeeRateBetween,
        PaymentAtMost,
        PaymentAtLeast,
        SpendAtMost,
        OutflowAtMost,
        CountAtMost,
        DestinationsIn,
        DestinationTypes,
        InputsAtMost,
        OutputsAtMost,
        Path,
        AnchorExtends,
        Approved,
        Aged,
        Within,
        DestinationsNotIn,
        WeightAtMost,
        Replaceable,
        Caller,
        Confirmed,
        Buried,
        TipFresh,
    )
}
"""What `when` may say."""

_OF_PAYMENTS = (
    PaymentAtMost,
    PaymentAtLeast,
    CountAtMost,
    DestinationsIn,
    DestinationsNotIn,
    DestinationTypes,
    Aged,
)
_SPEAKS_OF = {
    **{form.NAME: ((Kind.WITHDRAWAL,), "payments") for form in _OF_PAYMENTS},
    AnchorExtends.NAME: ((Kind.ANCHOR,), "an anchor"),
    Approved.NAME: (
        (Kind.WITHDRAWAL, Kind.SWEEP, Kind.ROTATION),
        "payments and of what is moved",
    ),
}


def misplaced_in(kind: Kind) -> dict[str, str]:
    """The predicates that hold for every spend of that kind, whatever their limits, and why: a rule that
    says them would promise what it does not keep."""
    return {
        name: f"{name} speaks of {subject}: it would hold for every {kind}"
        for name, (own, subject) in _SPEAKS_OF.items()
        if kind not in own
    }


COIN_PREDICATES = {form.NAME: form for form in (Attested, Confirmed, Buried)}
"""What a vault's `coins` may say."""
CHAIN_PREDICATES = (Confirmed, Buried, TipFresh)
"""What the kernel's own headers are asked for."""
