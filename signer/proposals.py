"""Withdrawals that wait for officers or time: proposed, listed, and packed for an officer's own machine.

1. Only attested withdrawals are proposed: a quorum whose word lets a withdrawal of that vault wait vouched
   for exactly these terms, in the request or earlier. So officers are not asked about what nobody owes.
2. Proposing starts the clocks of `aged` as SignPsbt does, and nothing else; it may be repeated.
3. One id has one amount and one script: other terms than those of a signed version are refused. Until then
   only the quorums count whose word lets officers be asked, of the policy in force: who vouches for less
   blocks nobody, and two such quorums for two terms are told to nobody as one.
4. A packet is a claim: the officer's machine verifies all of it again (`pegwarden officer review`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from signer.core.acts import (
    Act,
    ApproveMove,
    ApproveWithdrawal,
    StatedAct,
    act_text,
    withdrawal_subject,
)
from signer.core.clocks import Hearing, bearing, clocks_started
from signer.core.errors import unverified
from signer.core.evidence import Attestation, SweepTerms, authorize
from signer.core.evidence_codec import decode_evidence, encode_evidence
from signer.core.notices import AttestedNotice, Notice
from signer.core.officers import PROPOSED_EXPIRY
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.question import ClockQuorum
from signer.core.vault import Vault
from signer.kernel import Kernel
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading
from signer.ports.recording import Passage


@dataclass(frozen=True, slots=True)
class Proposal:
    """ProposeWithdrawals, decoded. Everything in it is a claim."""

    caller: str
    vault_id: str
    withdrawals: tuple[WithdrawalTerms, ...]
    """Of distinct ids."""
    attestations: tuple[Attestation, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a withdrawal stands."""

    vault: Vault
    terms: WithdrawalTerms
    first_attested: int
    """Unix seconds of its first clock under the policy in force; 0 for none."""
    approved_by: tuple[bytes, ...]
    """Officers whose approval counts now."""
    rejected_by: tuple[bytes, ...]
    held_until: int
    """Unix seconds; 0 when nothing holds it now."""
    signed: bool
    """A version of it is on record."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What an officer is asked to decide about."""

    vault: Vault
    policy_id: bytes
    terms: WithdrawalTerms | SweepTerms
    attestations: tuple[Attestation, ...]
    first_attested: int
    """Unix seconds: when a quorum first vouched by these attestations; 0 for none."""
    now: int
    text: str
    """What the officer would sign."""


def propose(kernel: Kernel, proposal: Proposal) -> tuple[tuple[Standing, ...], bytes]:
    """Where each stands, and the entry that started clocks (empty for none). Raises Refusal."""
    vault, policy = kernel.registry.get(proposal.vault_id), kernel.policy_in_force()
    quorums = policy.clock_quorums(vault.vault_id)
    if not quorums:
        raise unverified(
            "nothing-to-wait-for", f"no withdrawal from {vault.vault_id} waits for officers or time"
        )
    authorized = authorize(proposal.attestations, vault.realm, policy.attestors)  # 1

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        kernel.require_in_force(policy, reading)
        hearing = Hearing(vault.fingerprint, authorized, reading, now)
        started = clocks_started(hearing, quorums, proposal.withdrawals)
        heard = {terms for terms, _ in started}
        for terms in proposal.withdrawals:
            _require_unsigned(reading, vault, terms)
            if terms not in heard and not _first_attested(reading, vault, policy, terms):
                raise _unattested(terms)
        if not started:
            return ()
        evidence = encode_evidence(bearing(started, authorized.attestations, now))
        policy_id, fingerprint = policy.policy_id, vault.fingerprint
        return (
            AttestedNotice(now, proposal.caller, policy_id, fingerprint, evidence, started),  # 2
        )

    noted = kernel.journal.note(decide, Passage.TIMELY)
    with kernel.journal.reading() as reading:
        standings = tuple(
            standing_of(reading, policy, vault, terms) for terms in proposal.withdrawals
        )
    return standings, noted.decision_ids[0] if noted.decision_ids else b""


def pending(
    kernel: Kernel, vault: Vault, after: bytes, limit: int
) -> tuple[tuple[Standing, ...], bytes]:
    """What is proposed and not signed, of at most so many ids above `after`; the id to go on after, empty at
    the end."""
    with kernel.journal.reading() as reading:
        policy = kernel.shelf.in_force(reading)
        quorums = digests_of(policy.proposal_quorums(vault.vault_id))
        found = reading.attested_pending(vault.fingerprint, quorums, after, limit)
        standings = tuple(standing_of(reading, policy, vault, terms) for terms in found)
    ids = {terms.withdrawal_id for terms in found}
    return standings, max(ids) if len(ids) == limit else b""


def withdrawal_packet(kernel: Kernel, vault: Vault, withdrawal_id: WithdrawalId) -> Packet:
    """For an officer to approve a withdrawal. Raises VerificationError `withdrawal-not-proposed`,
    `withdrawal-terms-changed`."""
    with kernel.journal.reading() as reading:
        policy = kernel.shelf.in_force(reading)
        known = known_terms(reading, vault, policy, withdrawal_id)
        if not known:
            raise not_proposed(withdrawal_id)
        if len(known) > 1:
            raise _changed(withdrawal_id)
        terms = known[0]
        quorums = digests_of(policy.proposal_quorums(vault.vault_id))
        evidence = reading.attested_evidence(vault.fingerprint, terms, quorums)
        clocks = (reading.first_attested(vault.fingerprint, terms, quorum) for quorum in quorums)
        heard = max((clock for clock in clocks if clock is not None), default=0)  # the evidence's
        now = reading.now()
    about = tuple(each for each in decode_evidence(evidence) if terms in each.statements)
    text = _text(ApproveWithdrawal(vault.fingerprint, terms), vault, now)
    return Packet(vault, policy.policy_id, terms, about, heard, now, text)


def move_packet(kernel: Kernel, vault: Vault, terms: SweepTerms) -> Packet:
    """For an officer to approve a sweep or rotation. Raises VerificationError `vault-unknown`,
    `sweep-statement-used`."""
    with kernel.journal.reading() as reading:
        policy, now = kernel.shelf.in_force(reading), reading.now()
        require_move(kernel, reading, terms)
    text = _text(ApproveMove(vault.fingerprint, terms), vault, now)
    return Packet(vault, policy.policy_id, terms, (), 0, now, text)


def standing_of(
    reading: Reading, policy: ServedPolicy, vault: Vault, terms: WithdrawalTerms
) -> Standing:
    """Where that withdrawal stands at this look."""
    subject = withdrawal_subject(vault.realm.genesis_hash, vault.fingerprint, terms)
    now, held = reading.now(), reading.held_until(terms.withdrawal_id, terms.script_pubkey)
    return Standing(
        vault=vault,
        terms=terms,
        first_attested=_first_attested(reading, vault, policy, terms),
        approved_by=tuple(
            officer
            for officer, expiry in reading.approvers(subject)
            if now < expiry and officer in policy.officer_keys
        ),
        rejected_by=reading.rejecters(subject),
        held_until=held if held > now else 0,
        signed=reading.withdrawal(terms.withdrawal_id) is not None,
    )


def _first_attested(
    reading: Reading, vault: Vault, policy: ServedPolicy, terms: WithdrawalTerms
) -> int:
    clocks = (
        reading.first_attested(vault.fingerprint, terms, quorum.digest)
        for quorum in policy.clock_quorums(vault.vault_id)
    )
    return min((clock for clock in clocks if clock is not None), default=0)


def digests_of(quorums: Iterable[ClockQuorum]) -> tuple[bytes, ...]:
    """What the record knows them by."""
    return tuple(quorum.digest for quorum in quorums)


def known_terms(
    reading: Reading, vault: Vault, policy: ServedPolicy, withdrawal_id: WithdrawalId
) -> tuple[WithdrawalTerms, ...]:
    """The terms of that withdrawal that are on record: signed, or attested and not signed."""
    recorded = reading.withdrawal(withdrawal_id)
    if recorded is not None:
        return (recorded.terms,) if recorded.vault_fingerprint == vault.fingerprint else ()
    number = int.from_bytes(withdrawal_id, "big")
    before = (number - 1).to_bytes(32, "big") if number else b""
    quorums = digests_of(policy.proposal_quorums(vault.vault_id))
    found = reading.attested_pending(vault.fingerprint, quorums, before, 1)
    return tuple(terms for terms in found if terms.withdrawal_id == withdrawal_id)


def require_move(kernel: Kernel, reading: Reading, terms: SweepTerms) -> None:
    """Raises VerificationError `vault-unknown`, `sweep-statement-used`."""
    vault_named_by(kernel.registry.all(), terms.to_fingerprint)
    if reading.nonce_used(terms.nonce):
        raise unverified("sweep-statement-used", "a recorded sweep or rotation used it up")


def vault_named_by(vaults: Iterable[Vault], fingerprint: bytes) -> Vault:
    """The vault with that fingerprint. Raises VerificationError `vault-unknown`."""
    for vault in vaults:
        if vault.fingerprint == fingerprint:
            return vault
    raise unverified("vault-unknown", f"no vault has fingerprint {fingerprint.hex()}")


def not_proposed(withdrawal_id: WithdrawalId) -> Exception:
    """Officers decide about what is attested here."""
    return unverified(
        "withdrawal-not-proposed", f"withdrawal {withdrawal_id.hex()} was not proposed like that"
    )


def _require_unsigned(reading: Reading, vault: Vault, terms: WithdrawalTerms) -> None:
    """Rule 3. A withdrawal that is signed with these terms may be proposed again."""
    recorded = reading.withdrawal(terms.withdrawal_id)
    said = (vault.fingerprint, terms)
    if recorded is not None and (recorded.vault_fingerprint, recorded.terms) != said:
        raise _changed(terms.withdrawal_id)


def _unattested(terms: WithdrawalTerms) -> Exception:
    return unverified(
        "withdrawal-not-attested",
        f"no complete quorum vouches for withdrawal {terms.withdrawal_id.hex()} as proposed",
    )


def _changed(withdrawal_id: WithdrawalId) -> Exception:
    return unverified(
        "withdrawal-terms-changed",
        f"withdrawal {withdrawal_id.hex()} is on record with another vault, amount or script",
    )


def _text(act: Act, vault: Vault, now: int) -> str:
    return act_text(StatedAct(act, vault.network, now + PROPOSED_EXPIRY))
