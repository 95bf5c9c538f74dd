"""ExtractTx: nothing secret, nothing recorded."""

from collections.abc import Callable

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire
from signer.bitcoin.transaction import display
from signer.consensus import ConsensusGate
from signer.core.caller import Caller
from signer.core.errors import malformed
from signer.core.extract import MAX_PSBTS, Extracted, Incomplete, extract, read_answer
from signer.kernel import Kernel


def extract_tx(
    gate: ConsensusGate,
) -> Callable[[Kernel, Caller, bytes], pb.ExtractTxResponse]:
    """ExtractTx behind that consensus gate."""

    def method(kernel: Kernel, _: Caller, raw: bytes) -> pb.ExtractTxResponse:
        request = wire.decode(pb.ExtractTxRequest, raw)
        vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
        if not 1 <= len(request.psbts) <= MAX_PSBTS:
            raise malformed("request-malformed", f"{len(request.psbts)} PSBTs; 1 to {MAX_PSBTS}")
        answers = dict.fromkeys(request.psbts)  # each once
        outcome = extract(vault, tuple(read_answer(psbt, vault) for psbt in answers))
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
