"""What it costs to show the kernel a false chain, for each rule that trusts its own headers.

1. Headers carry their work: a block that is no block of Bitcoin's costs as much as one that is, and earns
   nothing. `confirmed(n blocks)` costs the rewards of n blocks (subsidy and fees) at the difficulty of the
   day, `buried(work)` those of whatever blocks take that work.
2. And as many sources of headers as are needed have to bring it, while none of Bitcoin's own headers comes
   with more work: or the false chain is left again.
3. It shows a coin that is none, or one buried that is not yet. It moves nothing by itself: attestors and
   officers are asked as before, and a spend of a coin that is none confirms never.
"""

from collections.abc import Iterator

from policies.analysis.normal import NormalForm, in_order, living
from policies.expression import predicates
from policies.literals import format_work
from policies.predicates import Predicate
from policies.predicates.buried import Buried
from policies.predicates.confirmed import Confirmed
from policies.vault_entry import VaultEntry


def false_chain(form: NormalForm, entry: VaultEntry) -> tuple[str, ...]:
    """Of each rule about the vault, each once, those of `coins` first."""
    return tuple(dict.fromkeys(_costs(form, entry)))


def _costs(form: NormalForm, entry: VaultEntry) -> Iterator[str]:
    for each in predicates(entry.coins):
        yield from _cost("coins", each)
    for route, ways in form.items():
        if route.vault_id == entry.vault.vault_id:
            for way in living(ways, route):
                for predicate in in_order(way):
                    yield from _cost(str(route), predicate)


def _cost(where: str, predicate: Predicate) -> Iterator[str]:
    """Rule 1."""
    if isinstance(predicate, Confirmed):
        rewards = (
            "one block's reward" if predicate.blocks == 1 else f"{predicate.blocks} blocks' rewards"
        )
        yield f"{where}: {predicate.text}: {rewards} forgone"
    elif isinstance(predicate, Buried):
        yield f"{where}: {predicate.text}: the rewards of {format_work(predicate.work)} forgone"
