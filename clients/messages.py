"""Domain types as messages of `pegwarden.v1`, for clients."""

from pegwarden.v1 import types_pb2
from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.evidence import Attestation, CoinTerms
from signer.core.payment import WithdrawalTerms


def outpoint_message(outpoint: OutPoint) -> types_pb2.OutPoint:
    """An outpoint."""
    return types_pb2.OutPoint(txid=outpoint.txid, vout=outpoint.vout)


def outpoint_of(message: types_pb2.OutPoint) -> OutPoint:
    """The inverse of `outpoint_message`."""
    return OutPoint(Txid(message.txid), message.vout)


def attestation_message(attestation: Attestation) -> types_pb2.Attestation:
    """An attestation."""
    message = types_pb2.Attestation(
        attestor=attestation.attestor,
        expiry_unix=attestation.expiry,
        signature=attestation.signature,
    )
    for statement in attestation.statements:
        if isinstance(statement, WithdrawalTerms):
            message.withdrawals.add(
                withdrawal_id=statement.withdrawal_id,
                amount_sat=statement.amount,
                script_pubkey=statement.script_pubkey,
            )
        elif isinstance(statement, CoinTerms):
            _add_coin(message, statement)
    return message


def _add_coin(message: types_pb2.Attestation, terms: CoinTerms) -> None:
    message.coins.add(
        outpoint=outpoint_message(terms.outpoint),
        amount_sat=terms.amount,
        confirmed_height=terms.height,
        script_pubkey=terms.script_pubkey,
    )
