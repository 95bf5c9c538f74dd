"""ReleaseWithdrawal: a withdrawal is closed, or its pin struck, by proof (docs/releases.md).

1. Transactions and signatures are read and verified before the writer's turn, under the policy that is still
   in force then; in it the rules of `signer.core.release` are asked about the record as it is.
2. What was released is released once: who repeats the request gets the entry that it made, whatever else is
   brought by then.
3. On record stand the transactions without witnesses, the attestations that speak of the buried one, the
   officers' acts, and which entries of other members said what it pays: all that the rules looked at. Of a
   release by our own chain, instead of attestations, the proof and how deep the killer was then.
4. Where the killer stands in our chain is asked in the writer's turn; that it is in that block, for ever.
"""

from dataclasses import dataclass
from itertools import islice

from signer.bitcoin.inclusion import TxProof
from signer.bitcoin.transaction import Txid, display
from signer.control_words import OfficersWords, officers_words
from signer.core.acts import ControlAct, ReleaseWithdrawal, SignedAct
from signer.core.acts_control import CLOSED, STRUCK
from signer.core.errors import (
    MAX_OBJECTIONS,
    Objection,
    PolicyDenied,
    Refusal,
    VerificationError,
    unverified,
)
from signer.core.evidence import Attestation, Authorized, SpentTerms, authorize
from signer.core.evidence_codec import encode_evidence
from signer.core.notices import Notice
from signer.core.proof_codec import without_witnesses
from signer.core.proven import InclusionClaim, ProvenTx, no_chain, proven
from signer.core.release import Release, ReleaseQuestion, release_objections
from signer.core.release_proof import KillerBlock
from signer.core.released import ProvenKiller, ReleasedNotice
from signer.core.vault import Vault
from signer.core.view import RecordedWithdrawal
from signer.kernel import Kernel, vault_under
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading
from signer.ports.recording import Noted, Passage
from signer.proposals import vault_named_by


@dataclass(frozen=True, slots=True)
class WantedRelease:
    """ReleaseWithdrawal, decoded. Everything in it is a claim."""

    asked: Release
    attestations: tuple[Attestation, ...]
    acts: tuple[SignedAct, ...]
    proof: InclusionClaim | None = None
    """That the killer is in a block of our own chain, instead of attestations."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """What does not depend on the record (1)."""

    asked: Release
    authorized: Authorized
    words: OfficersWords | None
    acts: tuple[SignedAct, ...]
    vault: Vault
    """By whose words, under the policy in force."""
    proven: ProvenTx | None
    """The killer in its block, if it was proven by our own chain."""
    proof: TxProof | None
    """Of that, for the record."""

    def question(self, reading: Reading, now: int) -> ReleaseQuestion:
        """Raises Refusal for officers' words that do not count, or where it is another vault's by now."""
        withdrawal_id, killer = self.asked.withdrawal_id, self.asked.killer.txid
        recorded = _known(reading, self.asked)
        if recorded.vault_fingerprint != self.vault.fingerprint:
            raise unverified("attestation-invalid", "the words are about coins of another vault")
        if self.words is not None:
            self.words.require(reading, now)
            _require_about(self.words.act, self.asked, recorded)
        return ReleaseQuestion(
            release=self.asked,
            recorded=recorded,
            pins=reading.pins_of(withdrawal_id),
            is_known=reading.has_agreed(withdrawal_id, killer),
            labels=reading.agreed_elsewhere(withdrawal_id, killer),
            tolerated=self.vault.tolerated,
            settled=reading.closed_by(killer, recorded.terms),
            words=self.authorized,
            officers=frozenset(each.officer for each in self.acts),
            now=now,
            block=None if self.proven is None else _block(self.proven, reading, now),
        )


def release(kernel: Kernel, caller: str, wanted: WantedRelease) -> Noted:
    """Record the release. Raises Refusal or Malformed."""
    asked = wanted.asked
    with kernel.journal.reading() as look:
        earlier = look.released(asked.withdrawal_id, asked.pin)  # 2
        if earlier is not None:
            return Noted((earlier,), look.head())
        policy = kernel.shelf.in_force(look)
        vault = _known(look, asked).vault_fingerprint
        killer = None if wanted.proof is None else _proven(wanted.proof, asked, look)
    verified = _verify(kernel, wanted, policy, vault, killer)
    found: list[bytes] = []

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        kernel.require_in_force(policy, reading)
        made = reading.released(asked.withdrawal_id, asked.pin)
        if made is not None:
            found.append(made)
            return ()
        question = verified.question(reading, now)
        reasons = tuple(islice(release_objections(question, policy), MAX_OBJECTIONS))
        if reasons:
            raise PolicyDenied(*reasons)
        return (_notice(question, verified, caller, policy.policy_id),)

    noted = kernel.journal.note(decide, Passage.TIMELY)
    return Noted(tuple(found), noted.head) if found else noted


def _proven(claim: InclusionClaim, asked: Release, look: Reading) -> ProvenTx:
    """Raises Refusal or Malformed as `proven` does, VerificationError `release-proof-other`."""
    found = proven(claim, look.chain())
    if found.transaction.txid != asked.killer.txid:
        raise unverified(
            "release-proof-other",
            "the proof is of another transaction than the one that is said to be buried",
            display(found.transaction.txid),
            display(asked.killer.txid),
        )
    return found


def _block(killer: ProvenTx, reading: Reading, now: int) -> KillerBlock:
    """Where our chain has it now (4). Raises Refusal `chain-not-configured`."""
    chain = reading.chain()
    if chain is None:
        raise Refusal(no_chain())
    stale: tuple[Objection, ...] = ()
    try:
        chain.require_fresh(now)
    except VerificationError as refusal:
        stale = refusal.objections
    return KillerBlock(killer.block_hash, killer.height, chain.burial(killer.block_hash), stale)


def _verify(
    kernel: Kernel,
    wanted: WantedRelease,
    policy: ServedPolicy,
    vault: bytes,
    killer: ProvenTx | None,
) -> _Verified:
    """Raises Refusal or Malformed."""
    registered = vault_named_by(kernel.registry.all(), vault)
    return _Verified(
        asked=wanted.asked,
        authorized=authorize(wanted.attestations, registered.realm, policy.attestors),
        words=officers_words(kernel, wanted.acts, ReleaseWithdrawal) if wanted.acts else None,
        acts=wanted.acts,
        vault=vault_under(policy, registered),
        proven=killer,
        proof=None if wanted.proof is None else without_witnesses(wanted.proof.proof),
    )


def _known(reading: Reading, asked: Release) -> RecordedWithdrawal:
    """Ours, or one of which only other members' versions bind us: without us striking its pin they would for
    ever. Raises VerificationError `withdrawal-unknown`."""
    recorded = reading.released_of(asked.withdrawal_id, asked.pin, asked.killer.txid)
    if recorded is None:
        raise unverified("withdrawal-unknown", "no version of it was signed here")
    return recorded


def _require_about(act: ControlAct, asked: Release, recorded: RecordedWithdrawal) -> None:
    """Raises VerificationError `act-misplaced` unless the officers consent to exactly this."""
    striking = asked.pin is not None
    exactly = ReleaseWithdrawal(
        scope=act.scope,
        vault_fingerprint=recorded.vault_fingerprint,
        withdrawal_id=asked.withdrawal_id,
        verdict=STRUCK if striking else CLOSED,
        pin=asked.pin if striking else recorded.pin,
        killer=asked.killer.txid,
    )
    if act != exactly:
        raise unverified("act-misplaced", "the officers consent to another release")


def _notice(
    question: ReleaseQuestion, verified: _Verified, caller: str, policy_id: bytes
) -> ReleasedNotice:
    """Rule 3."""
    asked, recorded = verified.asked, question.recorded
    bearing = tuple(
        each for each in verified.authorized.attestations if _speaks_of(each, asked.killer.txid)
    )
    return ReleasedNotice(
        clock=question.now,
        caller=caller,
        policy_id=policy_id,
        vault_fingerprint=recorded.vault_fingerprint,
        terms=recorded.terms,
        pin=asked.pin,
        transactions=tuple(each.stripped for each in asked.transactions),
        evidence=encode_evidence(bearing),
        acts=verified.acts,
        labels=() if asked.pin is not None or question.is_known else question.labels,
        proof=_recorded(question, verified),
    )


def _recorded(question: ReleaseQuestion, verified: _Verified) -> ProvenKiller | None:
    block, proof, killer = question.block, verified.proof, verified.proven
    if block is None or proof is None or killer is None:
        return None
    return ProvenKiller(proof, killer.header, block)


def _speaks_of(attestation: Attestation, killer: Txid) -> bool:
    return any(
        isinstance(each, SpentTerms) and each.spender == killer for each in attestation.statements
    )
