"""`pegwarden spv deposit`: what a proof file deposits in a vault, by a kernel; and its attestation.

1. The kernel judges by its own chain and policy, and says why something is no deposit or not attested yet.
2. An attestation is printed as it came: whoever relies on it verifies it (docs/spv.md), by a key that the
   federation knows.
"""

from pathlib import Path

import click

from clients.spv.messages import deposit_request
from clients.spv.proof_file import ProofFile
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.transaction import Txid, display
from signer.cli.kernel_client import KernelClient, client_options, refusals_told
from signer.cli.options import FILE, Emit, json_option
from signer.cli.proof_claims import read_proof_file


@click.command("deposit")
@click.argument("file", type=FILE)
@click.option("--vault", required=True, help="The vault that is paid.")
@click.option("--vout", type=click.IntRange(0), required=True, help="The output that pays it.")
@click.option("--index", type=click.IntRange(0), required=True, help="Its receive index.")
@click.option("--attest", is_flag=True, help="Ask for this member's attestation of it.")
@client_options
@json_option
def deposit_command(
    file: Path, kernel: KernelClient, emit: Emit, **given: str | int | bool
) -> None:
    """Ask a kernel what a proof FILE (`spv prove --previous all`) deposits in a vault.

    Ends with status 1 unless it is as deep as the kernel's policy asks, on a chain that is fresh. With
    --attest the member signs that.
    """
    claims = read_proof_file(file)
    request = deposit_request(claims, str(given["vault"]), int(given["vout"]), int(given["index"]))
    with refusals_told(emit):
        if given["attest"]:
            asked = pb.AttestDepositRequest(deposit=request)
            _tell_attested(kernel.ask(asked, pb.AttestDepositResponse), claims, emit)
        else:
            _tell_verified(kernel.ask(request, pb.VerifyDepositResponse), claims, emit)


def _tell_verified(answer: pb.VerifyDepositResponse, claims: ProofFile, emit: Emit) -> None:
    """Ends with status 1 while it would not be attested."""
    members = _facts(answer.deposit, claims) | {
        "is_on_best_chain": answer.is_on_best_chain,
        "blocks": answer.burial.blocks,
        "needed_blocks": answer.needed_blocks,
        "not_yet": [each.code for each in answer.not_yet],
    }
    depth = f"{answer.burial.blocks} of {answer.needed_blocks} confirmations, as far as they count"
    if not answer.is_on_best_chain:
        depth = "Its block is NOT on the kernel's best chain"
    lines = [
        *_lines(members),
        f"{depth}.",
        *(f"Not yet: {each.code}: {each.detail}" for each in answer.not_yet),
    ]
    emit({"ok": not answer.not_yet} | members, lines)
    if answer.not_yet:
        raise click.exceptions.Exit(1)


def _tell_attested(answer: pb.AttestDepositResponse, claims: ProofFile, emit: Emit) -> None:
    members = _facts(answer.deposit, claims) | {
        "attestation_key": answer.attestation_key.hex(),
        "signature": answer.signature.hex(),
        "decision_id": answer.decision_id.hex(),
    }
    lines = [
        *_lines(members),
        f"Attested by key {answer.attestation_key.hex()}: {answer.signature.hex()}",
    ]
    emit({"ok": True} | members, lines)


def _facts(deposit: pb.DepositFacts, claims: ProofFile) -> dict[str, object]:
    return {
        "txid": display(Txid(deposit.outpoint.txid)),
        "vout": deposit.outpoint.vout,
        "amount_sat": deposit.amount_sat,
        "magic": deposit.magic.hex(),
        "l2_chain_id": deposit.l2_chain_id,
        "l2_address": deposit.l2_address.hex(),
        "block_hash": display(Txid(deposit.block_hash)),
        "height": deposit.height,
        "network": claims.network,
    }


def _lines(members: dict[str, object]) -> list[str]:
    return [
        f"Output {members['vout']} of {members['txid']}: {members['amount_sat']} sat for 0x"
        f"{members['l2_address']} on chain {members['l2_chain_id']}, by rollup {members['magic']}.",
        f"In block {members['block_hash']} at height {members['height']}.",
    ]
