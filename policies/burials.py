"""What a vault's `coins` means for a release by attestors' words.

1. `attested(k, group)`: at least k distinct keys of the group say, with any of the `spent` statements asked
   about, that the transaction stands at one height. The tip may have moved on from one key's look to the
   next one's.
2. Expired words, words that reach too far ahead, and a key's second word do not count.
3. `confirmed` and `buried` are about the coin and say nothing about what spent it: they are passed over, and
   of what is left at least one word is asked. Where no way of `coins` asks any, only a proof releases.
4. Where words alone are enough for a part, a way of it that asks them of fewer keys beside the chain does not
   count: with the chain passed over it would be the weaker one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from policies.expression import Expression, Leaf
from policies.predicates import CoinPredicate
from policies.predicates.attested import Attested
from signer.bitcoin.transaction import display
from signer.core.errors import Objection, VerificationError, unverified
from signer.core.evidence import SpentTerms
from signer.core.release import ReleaseQuestion

Reasons = tuple[Objection, ...]


def release_objections(
    coins: Expression[CoinPredicate],
    question: ReleaseQuestion,
    statements: tuple[SpentTerms, ...],
) -> Reasons:
    """Why these words do not prove what all of them say; empty when they do."""
    lacking = _lacking(
        coins, lambda each: tuple(_burial_objections(each, question, statements))
    ).with_word
    if lacking is not None:
        return lacking
    killer = display(question.release.killer.txid)
    detail = (
        f"attestors are not asked about coins: their word does not prove that {killer} is buried"
    )
    proof = "a proof that the transaction is buried"
    return (Objection("release-unproven", detail, f"{len(statements)} statements", change=proof),)


class _Lacking(NamedTuple):
    """What a part lacks, by its nearest way."""

    anyhow: Reasons
    with_word: Reasons | None
    """The same of the ways that ask for some word; None where there is none."""


def _lacking(coins: Expression[CoinPredicate], judge: Callable[[Attested], Reasons]) -> _Lacking:
    if isinstance(coins, Leaf):
        if not isinstance(coins.predicate, Attested):
            return _Lacking((), None)
        reasons = judge(coins.predicate)
        return _Lacking(reasons, reasons)
    worded = [part for part in coins.parts if _by_words_alone(part)]
    asked = worded if len(worded) >= coins.needed else coins.parts  # 4
    parts = sorted((_lacking(part, judge) for part in asked), key=lambda e: len(e.anyhow))
    choices = [
        (each.with_word, *(other.anyhow for other in [*parts[:at], *parts[at + 1 :]]))
        for at, each in enumerate(parts)
        if each.with_word is not None
    ]
    joined = [tuple(dict.fromkeys(sum(each[: coins.needed], ()))) for each in choices]
    anyhow = sum((each.anyhow for each in parts[: coins.needed]), ())
    return _Lacking(anyhow, min(joined, key=len, default=None))


def _by_words_alone(coins: Expression[CoinPredicate]) -> bool:
    if isinstance(coins, Leaf):
        return isinstance(coins.predicate, Attested)
    return sum(map(_by_words_alone, coins.parts)) >= coins.needed


def _burial_objections(
    attested: Attested, question: ReleaseQuestion, statements: tuple[SpentTerms, ...]
) -> Iterator[Objection]:
    """One when no height has its quorum for these statements."""
    heard: dict[int, frozenset[bytes]] = {}
    for each in statements:
        known = heard.get(each.height, frozenset())
        heard[each.height] = known | question.words.attestors(each, question.now)
    group = attested.group
    counted = max((len(keys & group.keys) for keys in heard.values()), default=0)
    if counted < attested.needed:
        yield Objection(
            "release-unproven",
            f"it is not proven that {display(question.release.killer.txid)} is buried",
            f"{counted} of {attested.needed}",
            attested.who,
            change=f"attestations by {attested.needed - counted} more of {group.name}",
        )


def vault_unknown() -> VerificationError:
    """The withdrawal is of a vault that the policy has no more."""
    return unverified("vault-unknown", "no vault of this policy has that fingerprint")
