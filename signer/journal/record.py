"""From consent to record: what an entry says of a spend, and the only birthplace of RecordedSpend (J4).

A RecordedSpend, which is all that can be signed, comes of an entry that is durable and waits for no grants:
its vault has no witnesses, or the notice that it is agreed is durable too (J6).
"""

from typing import NamedTuple

from signer.core.errors import Fault
from signer.core.evidence import AnchorTerms
from signer.core.evidence_codec import encode_evidence
from signer.core.opreturn import Anchor
from signer.core.spend import (
    ApprovedSpend,
    AwaitedSpend,
    RecordedSpend,
    SpentCoin,
    VerifiedSpend,
)
from signer.journal.entry import Claims, CoinClaim, RefusedEntry, RotationClaim, SignedEntry
from signer.ports.recording import Deliberation, RefusedRequest


class Place(NamedTuple):
    """Where a spend stands on record."""

    number: int
    """Of its entry."""
    decision_id: bytes
    """Leaf hash of its entry."""
    waits: bool
    """For other members' grants."""
    recorded_at: int
    """Effective time of its entry, Unix seconds."""


def signed_entry(
    deliberation: Deliberation, approved: ApprovedSpend, incarnation: bytes
) -> SignedEntry:
    """The entry that records the consent, in this incarnation of the kernel."""
    spend, quorum = approved.spend, deliberation.witnesses.quorum
    return SignedEntry(
        clock=approved.decided_at,
        caller=deliberation.caller,
        request_digest=deliberation.request_digest,
        policy_id=approved.policy_id,
        vault_fingerprint=spend.vault.fingerprint,
        kind=spend.kind.value,
        path_index=spend.path_index,
        path=spend.path.name,
        psbt=spend.psbt_bytes,
        evidence=encode_evidence(approved.authorized.attestations, approved.chain),
        claims=_claims(approved),
        signing=tuple(
            (task.input_index, task.pubkey, task.script, task.sighash_type, task.digest)
            for task in spend.tasks
        ),
        quorum=quorum,
        incarnation=incarnation if quorum else b"",
    )


def refused_entry(refused: RefusedRequest, now: int, budget: int) -> RefusedEntry:
    """The entry that records a refusal, with the request if `budget` bytes hold it."""
    return RefusedEntry(
        clock=now,
        caller=refused.caller,
        request_digest=refused.request_digest,
        policy_id=refused.policy_id,
        objections=refused.refusal.objections,
        request=refused.request if len(refused.request) <= budget else b"",
    )


def recorded_spend(spend: VerifiedSpend, place: Place, head: str) -> RecordedSpend | AwaitedSpend:
    """What may become of a spend on record. To be called when all that its place says is durable, and never
    before."""
    if place.waits:
        return AwaitedSpend(spend, place.number, place.decision_id, head)
    return RecordedSpend(spend, place.decision_id, head, place.recorded_at)


def _claims(approved: ApprovedSpend) -> Claims:
    spend = approved.spend
    return Claims(
        txid=spend.transaction.txid,
        payments=spend.payments,
        new_pins=approved.new_pins,
        relied=approved.relied,
        first_pin=approved.first_pin,
        fee=spend.fee,
        charge=approved.charge,
        coins=tuple(_coin(coin, approved) for coin in spend.coins),
        change=spend.change,
        rotations=tuple(
            RotationClaim(each.to.fingerprint, each.vout, each.amount, each.index)
            for each in spend.rotations
        ),
        anchor=_anchored(approved),
        sweep_nonce=approved.sweep_nonce,
        seen=approved.seen,
    )


def _anchored(approved: ApprovedSpend) -> AnchorTerms | None:
    """The terms to record: exactly those of the transaction's OP_RETURN, or J2 would keep another root."""
    terms = approved.anchored
    said = terms and Anchor(terms.magic, terms.batch, terms.root, terms.eth_tx_hash)
    if said != approved.spend.anchor:
        raise Fault("consent to an anchor without a statement about it")
    return terms


def _coin(coin: SpentCoin, approved: ApprovedSpend) -> CoinClaim:
    return CoinClaim(
        outpoint=coin.outpoint,
        amount=coin.prevout.amount,
        script_pubkey=coin.prevout.script_pubkey,
        branch=coin.derived.branch,
        index=coin.derived.index,
        height=_known_height(coin, approved),
    )


def _known_height(coin: SpentCoin, approved: ApprovedSpend) -> int | None:
    """As attestors say; where they say nothing, as its proof does."""
    height = _attested_height(coin, approved)
    if height is not None or approved.chain is None:
        return height
    place = approved.chain.placed.get(coin.outpoint.txid)
    return place.height if place is not None and place.burial.blocks else None


def _attested_height(coin: SpentCoin, approved: ApprovedSpend) -> int | None:
    """The height with the most attestors whose word counts; of equals the highest (fewest
    confirmations)."""
    said = [
        (len(approved.authorized.attestors(terms, approved.decided_at)), terms.height)
        for terms in approved.authorized.coin_statements(coin.outpoint, coin.prevout)
    ]
    attestors, height = max(said, default=(0, None))
    return height if attestors else None
