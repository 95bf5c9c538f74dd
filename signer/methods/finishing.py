"""ExtractTx and ValidateOpReturn: nothing secret, nothing recorded."""

from collections.abc import Callable

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction, TxOut, display, parse_transaction
from signer.consensus import ConsensusGate
from signer.core.caller import Caller
from signer.core.errors import malformed
from signer.core.extract import Extracted, Incomplete, extract
from signer.core.opreturn import (
    Deposit,
    DepositReport,
    parse_op_return,
    spent_outputs,
    validate_deposit,
)
from signer.core.vault import RECEIVE, ScriptPlace, Vault, VaultRegistry
from signer.kernel import Kernel


def extract_tx(
    gate: ConsensusGate,
) -> Callable[[Kernel, Caller, bytes], pb.ExtractTxResponse]:
    """ExtractTx behind that consensus gate."""

    def method(kernel: Kernel, _: Caller, raw: bytes) -> pb.ExtractTxResponse:
        request = wire.decode(pb.ExtractTxRequest, raw)
        vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
        outcome = extract(vault, tuple(parse_psbt(psbt) for psbt in request.psbts))
        if isinstance(outcome, Incomplete):
            return _incomplete(outcome)
        gate.verify(outcome.transaction, outcome.prevouts)
        return _final(outcome)

    return method


def _incomplete(outcome: Incomplete) -> pb.ExtractTxResponse:
    missing = [
        pb.MissingSignatures(
            input_index=each.input_index,
            have=each.signed,
            need=each.needed,
            unsigned_pubkeys=each.without,
        )
        for each in outcome.missing
    ]
    return pb.ExtractTxResponse(complete=False, missing=missing, combined_psbt=outcome.psbt_bytes)


def _final(outcome: Extracted) -> pb.ExtractTxResponse:
    transaction = outcome.transaction
    return pb.ExtractTxResponse(
        complete=True,
        transaction=transaction.serialize(),
        txid=transaction.txid,
        txid_display=display(transaction.txid),
        weight=transaction.weight,
        vsize=transaction.vsize,
        fee_sat=outcome.fee,
        combined_psbt=outcome.psbt_bytes,
    )


def validate_op_return(kernel: Kernel, _: Caller, raw: bytes) -> pb.ValidateOpReturnResponse:
    """What the payload says, and apart from it what is proven about the transaction."""
    request = wire.decode(pb.ValidateOpReturnRequest, raw)
    expected = _expected(request)
    if request.WhichOneof("subject") == "script":
        payload = parse_op_return(request.script)
        return pb.ValidateOpReturnResponse(
            deposit=_payload(payload if isinstance(payload, Deposit) else None),
            payload_matches=expected is not None and payload == expected,
        )
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    transaction, previous = _subject(request)
    prevouts = spent_outputs(transaction, previous)
    places = _places(kernel.registry, vault, request)
    report = validate_deposit(transaction, prevouts, places, expected)
    return _report(report, expected, transaction.outputs, places)


def _expected(request: pb.ValidateOpReturnRequest) -> Deposit | None:
    if not request.HasField("expected_deposit"):
        return None
    expected = request.expected_deposit
    return Deposit(
        wire.sized(expected.magic, 4, "magic"),
        expected.l2_chain_id,
        wire.sized(expected.l2_address, 20, "l2_address"),
    )


def _subject(request: pb.ValidateOpReturnRequest) -> tuple[Transaction, list[Transaction]]:
    previous = [parse_transaction(each) for each in request.previous_transactions]
    subject = request.WhichOneof("subject")
    if subject == "transaction":
        return parse_transaction(request.transaction), previous
    if subject != "psbt":
        raise malformed("request-malformed", "script, transaction or psbt is missing")
    psbt = parse_psbt(request.psbt)
    claimed = [each.non_witness_utxo for each in psbt.inputs if each.non_witness_utxo is not None]
    return psbt.transaction, previous + claimed


def _places(
    registry: VaultRegistry, vault: Vault, request: pb.ValidateOpReturnRequest
) -> Callable[[bytes], ScriptPlace | None]:
    hinted: dict[bytes, ScriptPlace] = {}
    if request.HasField("index_hint"):
        derived = vault.script(RECEIVE, request.index_hint)
        place = ScriptPlace(vault.vault_id, RECEIVE, request.index_hint)
        hinted[derived.script_pubkey] = place

    def place_of(script_pubkey: bytes) -> ScriptPlace | None:
        place = hinted.get(script_pubkey) or registry.find(script_pubkey)
        return place if place is not None and place.vault_id == vault.vault_id else None

    return place_of


def _payload(deposit: Deposit | None) -> pb.DepositPayload | None:
    if deposit is None:
        return None
    return pb.DepositPayload(
        magic=deposit.magic, l2_chain_id=deposit.l2_chain_id, l2_address=deposit.l2_address
    )


def _report(
    report: DepositReport,
    expected: Deposit | None,
    outputs: tuple[TxOut, ...],
    place_of: Callable[[bytes], ScriptPlace | None],
) -> pb.ValidateOpReturnResponse:
    deposit = report.payload if isinstance(report.payload, Deposit) else None
    paid = [
        pb.DepositOutput(vout=vout, amount_sat=txout.amount, index=place.index)
        for vout, txout in enumerate(outputs)
        if (place := place_of(txout.script_pubkey)) is not None and place.branch == RECEIVE
    ]
    return pb.ValidateOpReturnResponse(
        deposit=_payload(deposit),
        payload_matches=expected is not None and deposit == expected,
        from_vault=report.from_vault is True,
        not_from_vault=report.from_vault is False,
        deposit_valid=not report.objections,
        vault_outputs=paid,
        reasons=[wire.objection_message(each) for each in report.objections],
    )
