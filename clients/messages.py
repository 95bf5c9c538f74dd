"""Domain types as messages of `pegwarden.v1`, for clients."""

from pegwarden.v1 import types_pb2
from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.evidence import AnchorTerms, Attestation, CoinTerms, SpentTerms, SweepTerms
from signer.core.payment import WithdrawalTerms

SWEEP_KINDS = {1: types_pb2.SWEEP_KIND_SWEEP, 2: types_pb2.SWEEP_KIND_ROTATION}
"""By the number in the statement."""


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
        elif isinstance(statement, AnchorTerms):
            _add_anchor(message, statement)
        elif isinstance(statement, SpentTerms):
            message.spends.add(
                outpoint=outpoint_message(statement.outpoint),
                spending_txid=statement.spender,
                confirmed_height=statement.height,
                tip_height=statement.tip,
            )
        else:
            _add_sweep(message, statement)
    return message


def _add_coin(message: types_pb2.Attestation, terms: CoinTerms) -> None:
    message.coins.add(
        outpoint=outpoint_message(terms.outpoint),
        amount_sat=terms.amount,
        confirmed_height=terms.height,
        script_pubkey=terms.script_pubkey,
    )


def _add_anchor(message: types_pb2.Attestation, terms: AnchorTerms) -> None:
    message.anchors.add(
        magic=terms.magic,
        previous_batch_id=terms.previous_batch,
        previous_state_root=terms.previous_root,
        batch_id=terms.batch,
        state_root=terms.root,
        eth_tx_hash=terms.eth_tx_hash,
    )


def _add_sweep(message: types_pb2.Attestation, terms: SweepTerms) -> None:
    message.sweeps.add(
        kind=SWEEP_KINDS[terms.kind],
        to_vault_fingerprint=terms.to_fingerprint,
        path_index=terms.path,
        max_fee_sat=terms.max_fee,
        nonce=terms.nonce,
    )
