"""`pegwarden spv`: feed kernels with headers; make and verify proofs that transactions are in blocks.

1. `sync`, `prove`, `checkpoint` and `headers` ask a bitcoind. Nothing that they make is believed, but for a
   checkpoint, which is to be compared with other nodes.
2. `verify` is offline, or asks a kernel, whose chain has been fed by several sources; `deposit` asks one.
"""

from pathlib import Path

import click

from clients.spv.checkpoint import checkpoint_at, checkpoint_toml
from clients.spv.node import AT_ONCE, Node
from clients.spv.proof_file import write_proof
from clients.spv.prove import Previous, Wanted, prove
from signer.bitcoin.header import read_header
from signer.bitcoin.transaction import txid_from_display
from signer.cli.options import FILE, Emit, json_option
from signer.cli.replays import progress
from signer.cli.spv_deposit import deposit_command
from signer.cli.spv_node import node_options, node_told
from signer.cli.spv_sync import sync_command
from signer.cli.spv_verify import verify_command


@click.group("spv")
def command() -> None:
    """Feed kernels with headers; make and verify proofs that transactions are in blocks."""


command.add_command(sync_command)
command.add_command(verify_command)
command.add_command(deposit_command)


@command.command("prove")
@click.argument("txid")
@click.option("--block", help="The block's hash; else the node's transaction index is asked.")
@click.option(
    "--previous",
    type=click.Choice([each.value for each in Previous]),
    default=Previous.NONE.value,
    show_default=True,
    help="Bring previous transactions: first for an anchor, all for a deposit.",
)
@click.option(
    "--after",
    type=click.IntRange(0, AT_ONCE),
    default=5,
    show_default=True,
    help="Bring so many headers that lie on its block.",
)
@click.option("-o", "--output", type=FILE, help="Write the proof there, not to standard output.")
@node_options
@json_option
def prove_command(
    txid: str, node: Node, output: Path | None, emit: Emit, **options: str | int | None
) -> None:
    """Make the proof of a transaction, a file of the format pegwarden-proof/1."""
    wanted = Wanted(
        txid_from_display(txid),
        None if options["block"] is None else txid_from_display(str(options["block"])),
        Previous(options["previous"]),
        int(str(options["after"])),
    )
    with node_told():
        proof = prove(node, wanted)
    if output is None:
        click.echo(write_proof(proof), nl=False)
        return
    output.write_text(write_proof(proof))
    block = read_header(proof.header).hash[::-1].hex()
    lines = [
        f"Written: {output}. In block {block}, position {proof.proof.position}, {len(proof.after)} on it."
    ]
    emit({"ok": True, "file": str(output), "block_hash": block, "height": proof.height}, lines)


@command.command("checkpoint")
@click.argument("height", type=click.IntRange(0, (1 << 32) - 1))
@node_options
@json_option
def checkpoint_command(height: int, node: Node, emit: Emit) -> None:
    """Print [chain.checkpoint] for a kernel's configuration: HEIGHT is a multiple of 2016.

    It is one node's word: compare hash and chainwork with other nodes before you trust it.
    """
    with node_told():
        found = checkpoint_at(node, height)
    members = {
        "ok": True,
        "height": found.height,
        "hash": found.hash[::-1].hex(),
        "chainwork": f"{found.work:064x}",
        "headers": found.headers.hex(),
    }
    emit(members, [checkpoint_toml(found)])


@command.command("headers")
@click.argument("file", type=FILE)
@click.option(
    "--since",
    type=click.IntRange(0, (1 << 32) - 1),
    default=0,
    show_default=True,
    help="Height of the first header: 0, or a checkpoint's.",
)
@node_options
@json_option
def headers_command(file: Path, since: int, node: Node, emit: Emit) -> None:
    """Write the headers of a node's best chain to FILE, 80 bytes each, for `spv verify --headers`."""
    with node_told():
        tip = node.tip()
        with progress("headers", max(0, tip.height + 1 - since)) as bar, file.open("wb") as stream:
            height, last = since, b""
            while raws := node.headers(height, AT_ONCE):
                if last and read_header(raws[0]).previous != last:
                    raise click.ClickException("the node went over to another chain: try again")
                stream.write(b"".join(raws))
                height, last = height + len(raws), read_header(raws[-1]).hash
                bar.advance(bar.task_ids[0], len(raws))
    members = {"ok": True, "first": since, "headers": height - since, "tip": last[::-1].hex()}
    emit(
        members, [f"{height - since} headers from height {since}; the last is {last[::-1].hex()}."]
    )
