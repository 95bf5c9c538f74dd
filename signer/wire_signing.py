"""SignPsbt and ExplainPsbt from the wire, as `signer.wire` reads."""

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.caller import Caller
from signer.sign_request import SignRequest
from signer.wire import attestations, decode, payment_claims, required
from signer.wire_proofs import inclusion_claims


def sign_request(caller: Caller, raw: bytes) -> SignRequest:
    """SignPsbt. Raises MalformedRequest, and Malformed for what is no proof."""
    message = decode(pb.SignPsbtRequest, raw)
    return SignRequest(
        caller=caller,
        vault_id=required(message.vault_id, "vault_id"),
        psbt=message.psbt,
        payments=payment_claims(message.payments),
        attestations=attestations(message.attestations),
        last_seen_head=message.last_seen_head,
        raw=raw,
        proofs=inclusion_claims(message.proofs),
    )


def explain_request(caller: Caller, raw: bytes) -> SignRequest:
    """ExplainPsbt: SignPsbt without a head. Raises as `sign_request` does."""
    message = decode(pb.ExplainPsbtRequest, raw)
    return SignRequest(
        caller=caller,
        vault_id=required(message.vault_id, "vault_id"),
        psbt=message.psbt,
        payments=payment_claims(message.payments),
        attestations=attestations(message.attestations),
        last_seen_head="",
        raw=raw,
        proofs=inclusion_claims(message.proofs),
    )
