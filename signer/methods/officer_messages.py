"""Proposals and packets as messages."""

from pegwarden.v1 import approval_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer import wire_answers
from signer.core.evidence import Attestation, SweepTerms
from signer.core.payment import WithdrawalTerms
from signer.proposals import Packet, Standing


def standing_message(standing: Standing) -> pb.PendingWithdrawal:
    """Where a withdrawal stands."""
    terms, vault = standing.terms, standing.vault
    return pb.PendingWithdrawal(
        vault_id=vault.vault_id,
        withdrawal_id=terms.withdrawal_id,
        amount_sat=terms.amount,
        script_pubkey=terms.script_pubkey,
        address=wire_answers.address_text(terms.script_pubkey, vault.network),
        first_attested_unix=standing.first_attested,
        approved_by=standing.approved_by,
        rejected_by=standing.rejected_by,
        held_until_unix=standing.held_until,
        signed=standing.signed,
    )


def packet_message(packet: Packet) -> pb.Packet:
    """What an officer decides about."""
    message = pb.Packet(
        network=packet.vault.network.name,
        vault_id=packet.vault.vault_id,
        vault_fingerprint=packet.vault.fingerprint,
        policy_id=packet.policy_id,
        attestations=[attestation_message(each) for each in packet.attestations],
        first_attested_unix=packet.first_attested,
        clock_unix=packet.now,
    )
    if isinstance(packet.terms, SweepTerms):
        message.sweep.CopyFrom(sweep_message(packet.terms))
    else:
        message.withdrawal.CopyFrom(withdrawal_message(packet.terms))
    return message


def withdrawal_message(terms: WithdrawalTerms) -> t.WithdrawalStatement:
    """The inverse of `wire.withdrawal_terms`."""
    return t.WithdrawalStatement(
        withdrawal_id=terms.withdrawal_id,
        amount_sat=terms.amount,
        script_pubkey=terms.script_pubkey,
    )


def sweep_message(terms: SweepTerms) -> t.SweepStatement:
    """The inverse of `wire.sweep_terms`."""
    return t.SweepStatement(
        kind=t.SweepKind.Name(terms.kind),
        to_vault_fingerprint=terms.to_fingerprint,
        path_index=terms.path,
        max_fee_sat=terms.max_fee,
        nonce=terms.nonce,
    )


def attestation_message(attestation: Attestation) -> t.Attestation:
    """The inverse of `wire.attestations`, for withdrawals: a packet holds no others."""
    return t.Attestation(
        attestor=attestation.attestor,
        expiry_unix=attestation.expiry,
        withdrawals=[
            withdrawal_message(each)
            for each in attestation.statements
            if isinstance(each, WithdrawalTerms)
        ],
        signature=attestation.signature,
    )
