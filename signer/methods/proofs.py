"""VerifyTxProof: a transaction is in a block on record; and whether it is an anchor of a vault.

1. Nothing is recorded, and no policy is asked: it answers while the kernel is locked, too.
2. Anyone can write a magic: an anchor is the vault's if a previous transaction shows an input that spends a
   script of the vault's address windows.
"""

from collections.abc import Sequence

from pegwarden.v1 import header_chain_pb2 as pb
from signer import wire, wire_answers
from signer.bitcoin.transaction import Transaction, Txid, display
from signer.core.caller import Caller
from signer.core.errors import malformed, shown_to
from signer.core.opreturn import Anchor, PlaceOf, spent_outputs, validate_anchor
from signer.core.proven import proven
from signer.core.registry import ScriptPlace
from signer.deposits import require_bounded
from signer.kernel import Kernel
from signer.methods.chain import chain_of, stale
from signer.wire_proofs import burial_message, inclusion_claim, is_on_best_chain


def verify_tx_proof(kernel: Kernel, caller: Caller, raw: bytes) -> pb.VerifyTxProofResponse:
    """The facts that the proof proves, as the chain is now."""
    request = wire.decode(pb.VerifyTxProofRequest, raw)
    claim = inclusion_claim(request.proof)
    if request.previous_txs and not request.vault_id:
        raise malformed("request-malformed", "previous transactions, and no vault_id")
    require_bounded(request.previous_txs)
    place_of = _places(kernel, request.vault_id) if request.vault_id else None
    with kernel.journal.reading() as reading:
        chain = chain_of(reading)
        fact = proven(claim, chain)
        txid = fact.transaction.txid
        answer = pb.VerifyTxProofResponse(
            txid=txid,
            txid_display=display(txid),
            block_hash=fact.block_hash,
            block_hash_display=display(Txid(fact.block_hash)),
            height=fact.height,
            position=fact.position,
            is_on_best_chain=is_on_best_chain(chain, fact),
            burial=burial_message(chain, fact.block_hash),
            stale=[
                wire_answers.objection_message(shown_to(caller.roles, each))
                for each in stale(chain, reading.now())
            ],
        )
    if place_of is not None:
        _tell_anchor(answer, fact.transaction, request.previous_txs, place_of)
    return answer


def _places(kernel: Kernel, vault_id: str) -> PlaceOf:
    """Of that vault alone. Raises VerificationError `vault-unknown`."""
    vault = kernel.registry.get(vault_id)
    kernel.cover_windows(vault)

    def place_of(script_pubkey: bytes) -> ScriptPlace | None:
        place = kernel.registry.find(script_pubkey)
        return place if place is not None and place.vault_id == vault.vault_id else None

    return place_of


def _tell_anchor(
    answer: pb.VerifyTxProofResponse,
    transaction: Transaction,
    previous: Sequence[bytes],
    place_of: PlaceOf,
) -> None:
    """Rule 2."""
    prevouts = spent_outputs(transaction, previous)
    report = validate_anchor(transaction, prevouts, place_of, None)
    payload = report.payload
    if report.objections or not isinstance(payload, Anchor):
        answer.not_an_anchor.extend(map(wire_answers.objection_message, report.objections))
        return
    ours = (at for at, txout in enumerate(prevouts) if txout and place_of(txout.script_pubkey))
    answer.anchor.magic = payload.magic
    answer.anchor.batch_id = payload.batch_id
    answer.anchor.state_root = payload.state_root
    answer.anchor.eth_tx_hash = payload.eth_tx_hash
    answer.anchor.vault_input = next(ours)
