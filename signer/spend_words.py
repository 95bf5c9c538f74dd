"""What is said beside a spend: the clocks that its evidence starts, and the word of our own chain.

Both are asked in the writer's turn, of the record as the decision sees it.
"""

from signer.core.chain_word import ChainWord, ProvenCoins, chain_word
from signer.core.clocks import Hearing, bearing, clocks_started
from signer.core.evidence_codec import encode_evidence
from signer.core.notices import AttestedNotice, Notice
from signer.core.spend import VerifiedSpend
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading


def clock_notices(
    hearing: Hearing, caller: str, policy: ServedPolicy, spend: VerifiedSpend
) -> tuple[Notice, ...]:
    """The clocks of `aged` rules that a request's evidence starts, as the entry that records them."""
    quorums = policy.clock_quorums(spend.vault.vault_id)
    started = clocks_started(hearing, quorums, (payment.terms for payment in spend.payments))
    if not started:
        return ()
    notice = AttestedNotice(
        clock=hearing.now,
        caller=caller,
        policy_id=policy.policy_id,
        vault_fingerprint=hearing.vault_fingerprint,
        evidence=encode_evidence(bearing(started, hearing.words.attestations, hearing.now)),
        started=started,
    )
    return (notice,)


def chain_word_for(
    spend: VerifiedSpend,
    proven: tuple[ProvenCoins, ...],
    policy: ServedPolicy,
    reading: Reading,
    now: int,
) -> ChainWord | None:
    """What our own headers say, as they are on record at this decision; None where there are none, or where
    nobody asks."""
    if not policy.asks_chain(spend.vault.fingerprint):
        return None
    chain = reading.chain()
    return None if chain is None else chain_word(proven, chain, now)
