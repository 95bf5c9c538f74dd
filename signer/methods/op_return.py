"""ValidateOpReturn: what a payload says, and apart from it what is proven about its transaction."""

from collections.abc import Iterable

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire, wire_answers
from signer.bitcoin.psbt.maps import DEFAULT_LIMITS
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction, TxOut, parse_transaction
from signer.core.caller import Caller
from signer.core.errors import malformed
from signer.core.opreturn import (
    Anchor,
    Deposit,
    Payload,
    PlaceOf,
    parse_op_return,
    spent_outputs,
    validate_anchor,
    validate_deposit,
)
from signer.core.registry import ScriptPlace, VaultRegistry
from signer.core.vault import RECEIVE, Vault
from signer.kernel import Kernel


def validate_op_return(kernel: Kernel, _: Caller, raw: bytes) -> pb.ValidateOpReturnResponse:
    """An anchor by the rules of anchors; anything else by those of deposits."""
    request = wire.decode(pb.ValidateOpReturnRequest, raw)
    expected = _expected(request)
    if request.WhichOneof("subject") == "script":
        payload = parse_op_return(request.script)
        return _answer(payload, expected)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    transaction, prevouts = _subject(request)
    place_of = _places(kernel.registry, vault, request)
    anchor = validate_anchor(
        transaction, prevouts, place_of, expected if isinstance(expected, Anchor) else None
    )
    deposit = validate_deposit(
        transaction, prevouts, place_of, expected if isinstance(expected, Deposit) else None
    )
    is_anchor = isinstance(anchor.payload, Anchor)
    objections = anchor.objections if is_anchor else deposit.objections
    answer = _answer(anchor.payload, expected)
    answer.from_vault = anchor.from_vault is True
    answer.not_from_vault = anchor.from_vault is False
    answer.anchor_valid = is_anchor and not objections
    answer.deposit_valid = not is_anchor and not objections
    answer.vault_outputs.extend(_paid(transaction.outputs, place_of))
    answer.reasons.extend(wire_answers.objection_message(each) for each in objections)
    return answer


def _answer(payload: Payload | None, expected: Payload | None) -> pb.ValidateOpReturnResponse:
    answer = pb.ValidateOpReturnResponse(
        payload_matches=expected is not None and payload == expected
    )
    if isinstance(payload, Deposit):
        answer.deposit.magic = payload.magic
        answer.deposit.l2_chain_id = payload.l2_chain_id
        answer.deposit.l2_address = payload.l2_address
    elif isinstance(payload, Anchor):
        answer.anchor.magic = payload.magic
        answer.anchor.batch_id = payload.batch_id
        answer.anchor.state_root = payload.state_root
        answer.anchor.eth_tx_hash = payload.eth_tx_hash
    return answer


def _expected(request: pb.ValidateOpReturnRequest) -> Payload | None:
    if request.HasField("expected_deposit") and request.HasField("expected_anchor"):
        raise malformed("request-malformed", "a deposit or an anchor is expected, not both")
    if request.HasField("expected_anchor"):
        return wire.anchor(request.expected_anchor)
    if not request.HasField("expected_deposit"):
        return None
    expected = request.expected_deposit
    return Deposit(
        wire.sized(expected.magic, 4, "magic"),
        expected.l2_chain_id,
        wire.sized(expected.l2_address, 20, "l2_address"),
    )


def _subject(
    request: pb.ValidateOpReturnRequest,
) -> tuple[Transaction, tuple[TxOut | None, ...]]:
    """The transaction and, as far as they are proven, the outputs that it spends."""
    previous = request.previous_transactions
    size = len(request.transaction) + sum(map(len, previous))
    if len(previous) > DEFAULT_LIMITS.inputs or size > DEFAULT_LIMITS.total_bytes:
        raise malformed(
            "request-malformed", f"{len(previous)} previous transactions, {size} bytes in all"
        )
    subject = request.WhichOneof("subject")
    if subject == "transaction":
        if len(request.transaction) > DEFAULT_LIMITS.value_bytes:
            raise malformed("request-malformed", "no standard transaction is that large")
        transaction = parse_transaction(request.transaction)
        return transaction, spent_outputs(transaction, previous)
    if subject != "psbt":
        raise malformed("request-malformed", "script, transaction or psbt is missing")
    psbt = parse_psbt(request.psbt)
    found = zip(psbt.inputs, spent_outputs(psbt.transaction, previous), strict=True)
    return psbt.transaction, tuple(claims.proven_utxo or proven for claims, proven in found)


def _places(registry: VaultRegistry, vault: Vault, request: pb.ValidateOpReturnRequest) -> PlaceOf:
    hinted: dict[bytes, ScriptPlace] = {}
    if request.HasField("index_hint"):
        derived = vault.script(RECEIVE, request.index_hint)
        place = ScriptPlace(vault.vault_id, RECEIVE, request.index_hint)
        hinted[derived.script_pubkey] = place

    def place_of(script_pubkey: bytes) -> ScriptPlace | None:
        place = hinted.get(script_pubkey) or registry.find(script_pubkey)
        return place if place is not None and place.vault_id == vault.vault_id else None

    return place_of


def _paid(outputs: tuple[TxOut, ...], place_of: PlaceOf) -> Iterable[pb.DepositOutput]:
    for vout, txout in enumerate(outputs):
        place = place_of(txout.script_pubkey)
        if place is not None and place.branch == RECEIVE:
            yield pb.DepositOutput(vout=vout, amount_sat=txout.amount, index=place.index)
