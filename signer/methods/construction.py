"""GenerateDepositPsbt and the constructors: ConstructWithdrawalTx, ConstructAnchorTx, ConstructSweepTx."""

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer import wire, wire_answers
from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.psbt.model import Bip32Derivation
from signer.bitcoin.transaction import display
from signer.bitcoin.units import FeeRate, Sats, sats_checked
from signer.core.caller import Caller
from signer.core.construct import (
    Funding,
    SweepRequest,
    WithdrawalRequest,
    construct_anchor,
    construct_sweep,
    construct_withdrawal,
)
from signer.core.construct_deposit import DepositRequest, UserUtxo, construct_deposit
from signer.core.drafts import OfferedCoin
from signer.core.errors import unverified
from signer.core.opreturn import Deposit, encode_payload
from signer.core.payment import WithdrawalTerms
from signer.core.stated import DepositStatement
from signer.core.vault import RECEIVE
from signer.kernel import Kernel
from signer.methods.addresses import bound_index


def construct_withdrawal_tx(
    kernel: Kernel, _: Caller, raw: bytes
) -> pb.ConstructWithdrawalTxResponse:
    """A PSBT that pays; the same bytes on every kernel."""
    request = wire.decode(pb.ConstructWithdrawalTxRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    funding = Funding(
        vault=vault,
        coins=tuple(_offered(coin) for coin in request.coins),
        change_index=request.change_index,
        fee_rate=FeeRate(request.fee_rate_sat_per_kvb),
        required_inputs=frozenset(wire.outpoint(each) for each in request.required_inputs),
        min_fee=sats_checked(request.min_fee_sat),
        locktime=request.locktime_height,
    )
    payments = tuple(_terms(kernel, payment) for payment in request.payments)
    built = construct_withdrawal(WithdrawalRequest(funding, payments), kernel.registry)
    spend = built.spend
    return pb.ConstructWithdrawalTxResponse(
        psbt=built.psbt_bytes,
        unsigned_txid=spend.transaction.txid,
        unsigned_txid_display=display(spend.transaction.txid),
        selected_inputs=[wire_answers.outpoint_message(coin.outpoint) for coin in spend.coins],
        change_vout=spend.change.vout if spend.change else None,
        change_amount_sat=spend.change.amount if spend.change else 0,
        fee_sat=spend.fee,
        vsize=spend.vsize,
        payments=[
            t.PaymentClaim(withdrawal_id=each.withdrawal_id, vout=each.vout)
            for each in spend.payments
        ],
    )


def construct_anchor_tx(kernel: Kernel, _: Caller, raw: bytes) -> pb.ConstructAnchorTxResponse:
    """A PSBT that carries an anchor; the same bytes on every kernel."""
    request = wire.decode(pb.ConstructAnchorTxRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    anchor = wire.anchor(request)
    funding = Funding(
        vault=vault,
        coins=tuple(_offered(coin) for coin in request.coins),
        change_index=request.change_index,
        fee_rate=FeeRate(request.fee_rate_sat_per_kvb),
        required_inputs=frozenset(wire.outpoint(each) for each in request.required_inputs),
        min_fee=sats_checked(request.min_fee_sat),
        locktime=request.locktime_height,
    )
    built = construct_anchor(funding, anchor, kernel.registry)
    spend = built.spend
    return pb.ConstructAnchorTxResponse(
        psbt=built.psbt_bytes,
        unsigned_txid=spend.transaction.txid,
        unsigned_txid_display=display(spend.transaction.txid),
        selected_inputs=[wire_answers.outpoint_message(coin.outpoint) for coin in spend.coins],
        change_vout=spend.change.vout if spend.change else None,
        change_amount_sat=spend.change.amount if spend.change else 0,
        fee_sat=spend.fee,
        vsize=spend.vsize,
        payload=encode_payload(anchor),
        anchor_vout=0,
    )


def construct_sweep_tx(kernel: Kernel, _: Caller, raw: bytes) -> pb.ConstructSweepTxResponse:
    """A PSBT that moves all coins offered; the same bytes on every kernel."""
    request = wire.decode(pb.ConstructSweepTxRequest, raw)
    built = construct_sweep(
        SweepRequest(
            vault=kernel.registry.get(wire.required(request.vault_id, "vault_id")),
            to=kernel.registry.get(wire.required(request.to_vault_id, "to_vault_id")),
            index=request.index,
            path_index=request.path_index,
            coins=tuple(_offered(coin) for coin in request.coins),
            fee_rate=FeeRate(request.fee_rate_sat_per_kvb),
            min_fee=sats_checked(request.min_fee_sat),
        ),
        kernel.registry,
    )
    spend = built.spend
    return pb.ConstructSweepTxResponse(
        psbt=built.psbt_bytes,
        unsigned_txid=spend.transaction.txid,
        unsigned_txid_display=display(spend.transaction.txid),
        kind=spend.kind,
        amount_sat=spend.transaction.outputs[0].amount,
        fee_sat=spend.fee,
        vsize=spend.vsize,
    )


def _terms(kernel: Kernel, payment: pb.WithdrawalPayment) -> WithdrawalTerms:
    return WithdrawalTerms(
        wire.sized(payment.withdrawal_id, 32, "withdrawal_id"),
        sats_checked(payment.amount_sat),
        script_of(payment.address, kernel.network),
    )


def _offered(coin: pb.OfferedCoin) -> OfferedCoin:
    return OfferedCoin(
        previous_tx=coin.previous_tx or None,
        outpoint=wire.outpoint(coin.outpoint),
        amount=sats_checked(coin.amount_sat) if coin.amount_sat else None,
        branch=wire.branch(coin.branch),
        index=coin.index,
    )


def generate_deposit_psbt(kernel: Kernel, _: Caller, raw: bytes) -> pb.GenerateDepositPsbtResponse:
    """A PSBT for the user's wallet, and our signed word for what it pays."""
    request = wire.decode(pb.GenerateDepositPsbtRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    bound_index(kernel, vault, RECEIVE, request.index)
    policy = kernel.policy_in_force()
    _require_below_cap(policy.deposit_terms(vault.fingerprint).cap, request.amount_sat)
    deposit = Deposit(
        magic=policy.rollup_magic(request.rollup),
        l2_chain_id=request.l2_chain_id,
        l2_address=wire.sized(request.l2_address, 20, "l2_address"),
    )
    built = construct_deposit(
        DepositRequest(
            vault=vault,
            index=request.index,
            deposit=deposit,
            amount=sats_checked(request.amount_sat),
            utxos=tuple(_utxo(utxo) for utxo in request.utxos),
            change_script=script_of(request.change_address, kernel.network),
            fee_rate=FeeRate(request.fee_rate_sat_per_kvb),
        ),
        kernel.registry,
    )
    paid = built.transaction.outputs[0]
    stated = DepositStatement(
        vault_address=address_of(paid.script_pubkey, kernel.network),
        vault_script_pubkey=paid.script_pubkey,
        vault_vout=0,
        amount_sat=paid.amount,
        index=request.index,
        payload=encode_payload(deposit),
    )
    signature = kernel.keystore.sign_statement(stated.digest(vault.realm))
    return pb.GenerateDepositPsbtResponse(
        psbt=built.psbt_bytes,
        fee_sat=built.fee,
        vsize=built.vsize,
        vault_address=stated.vault_address,
        vault_script_pubkey=stated.vault_script_pubkey,
        vault_vout=stated.vault_vout,
        amount_sat=stated.amount_sat,
        index=stated.index,
        payload=stated.payload,
        statement=wire_answers.statement_message(stated, kernel.keystore.statement_key, signature),
    )


def _require_below_cap(cap: Sats | None, amount: int) -> None:
    """Of a vault that rehearses."""
    if cap is not None and amount > cap:
        detail = "the vault rehearses, and takes small deposits only"
        raise unverified("deposit-above-cap", detail, f"{amount} sat", f"at most {cap} sat")


def _utxo(utxo: pb.UserUtxo) -> UserUtxo:
    return UserUtxo(
        previous_tx=utxo.previous_tx,
        vout=utxo.vout,
        redeem_script=utxo.redeem_script or None,
        bip32_derivations=tuple(
            Bip32Derivation(
                wire.sized(each.pubkey, 33, "pubkey"),
                wire.sized(each.master_fingerprint, 4, "master_fingerprint"),
                tuple(each.path),
            )
            for each in utxo.derivations
        ),
    )
