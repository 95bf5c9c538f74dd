"""A proof as a kernel is asked about it."""

from clients.spv.proof_file import ProofFile
from pegwarden.v1 import header_chain_pb2 as pb
from pegwarden.v1 import types_pb2
from signer.bitcoin.header import read_header


def inclusion_message(file: ProofFile) -> types_pb2.TxInclusionProof:
    """What SignPsbt and the RPCs of the header chain take."""
    proof, coinbase = file.proof, file.proof.coinbase
    return types_pb2.TxInclusionProof(
        block_hash=read_header(file.header).hash,
        transaction=proof.transaction,
        coinbase=b"" if coinbase is None else coinbase.transaction,
        branches=types_pb2.MerkleBranches(
            position=proof.position,
            branch=proof.branch,
            coinbase_branch=() if coinbase is None else coinbase.branch,
        ),
    )


def proof_request(file: ProofFile, vault_id: str = "") -> pb.VerifyTxProofRequest:
    """Whether the transaction is in a block of the kernel's chain; with a vault, whether it is its anchor."""
    previous = _previous(file) if vault_id else []
    return pb.VerifyTxProofRequest(
        proof=inclusion_message(file), vault_id=vault_id, previous_txs=previous
    )


def deposit_request(
    file: ProofFile, vault_id: str, vout: int, index: int
) -> pb.VerifyDepositRequest:
    """What that output deposits in that vault, at that receive index."""
    return pb.VerifyDepositRequest(
        vault_id=vault_id,
        proof=inclusion_message(file),
        vout=vout,
        index=index,
        previous_txs=_previous(file),
    )


def _previous(file: ProofFile) -> list[bytes]:
    """Those that are there: each says by its own hash which input it is for."""
    return [each for each in file.previous if each is not None]
