"""J2: one batch, one root (design section 8). Keyed by the magic in the script, across vaults.

Rule 1: a batch that is on record keeps its root for ever; the eth tx hash may be attested anew.
Rule 2: batches are accepted in increasing order; one below the highest only if it is on record.
Rule 3: the attested previous batch agrees with any record of it. That none was left out is the attestors'
        word (the policy's `anchor_extends`), so that a kernel that missed batches can go on.
Rule 4: an anchor spends at most MAX_COINS coins: one that is signed and never sent keeps them from being
        pins.
"""

from collections.abc import Iterator

from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms, statement_bytes
from signer.core.spend import SpendFacts
from signer.core.view import View
from signer.core.words import Words

MAX_COINS = 8


def anchor_statements(spend: SpendFacts, authorized: Words, now: int) -> tuple[AnchorTerms, ...]:
    """The statements about exactly this anchor, those with the most attestors first."""
    anchor = spend.anchor
    if anchor is None:
        return ()
    wanted = (anchor.magic, anchor.batch_id, anchor.state_root, anchor.eth_tx_hash)
    fitting = [
        terms
        for terms in authorized.said
        if isinstance(terms, AnchorTerms)
        and (terms.magic, terms.batch, terms.root, terms.eth_tx_hash) == wanted
    ]

    def voices(terms: AnchorTerms) -> tuple[int, bytes]:
        return len(authorized.attestors(terms, now)), statement_bytes(terms)

    return tuple(sorted(fitting, key=voices, reverse=True))


def anchor_objections(
    spend: SpendFacts, anchored: AnchorTerms | None, view: View
) -> Iterator[Objection]:
    """Why J2 forbids the anchor."""
    anchor = spend.anchor
    if anchor is None:
        return
    if len(spend.coins) > MAX_COINS:  # 4
        yield Objection(
            "anchor-too-many-inputs",
            "an anchor takes few coins: a coin that it spends cannot be a withdrawal's pin",
            f"{len(spend.coins)} inputs",
            f"at most {MAX_COINS}",
        )
    recorded = view.batch_root(anchor.magic, anchor.batch_id)
    highest = view.highest_batch(anchor.magic)
    if recorded not in (None, anchor.state_root):  # 1
        yield Objection(
            "batch-root-conflict",
            f"batch {anchor.batch_id} of rollup {anchor.magic.hex()} has another root on record",
            anchor.state_root.hex(),
            recorded.hex() if recorded else "",
        )
    if recorded is None and highest is not None and anchor.batch_id < highest:  # 2
        yield Objection(
            "batch-out-of-order",
            f"rollup {anchor.magic.hex()} is past this batch, which is not on record",
            str(anchor.batch_id),
            f"above {highest}",
        )
    if anchored is None:
        return
    before = view.batch_root(anchored.magic, anchored.previous_batch)
    if before not in (None, anchored.previous_root):  # 3
        yield Objection(
            "previous-root-conflict",
            f"the attested root of the previous batch {anchored.previous_batch} is not the recorded one",
            anchored.previous_root.hex(),
            before.hex() if before else "",
        )
