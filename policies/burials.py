"""What `attested(k, group)` of a vault's `coins` means for a release.

1. At least k distinct keys of the group say, with any of the `spent` statements asked about, that the
   transaction stands at one height. The tip may have moved on from one key's look to the next one's.
2. Expired words, words that reach too far ahead, and a key's second word do not count.
"""

from collections.abc import Iterator

from policies.predicates.attested import Attested
from signer.bitcoin.transaction import display
from signer.core.errors import Objection, VerificationError, unverified
from signer.core.evidence import SpentTerms
from signer.core.release import ReleaseQuestion


def burial_objections(
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
