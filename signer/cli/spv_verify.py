"""`pegwarden spv verify`: what a proof file shows, offline; or what a kernel says of it.

1. Each answer says what is shown and what is not (`proof_claims`).
2. A kernel is asked with the same claims; it judges by the chain that its own sources brought.
"""

import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

from clients.spv.messages import proof_request
from clients.spv.proof_file import ProofFile
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.checkpoint import Checkpoint
from signer.bitcoin.header import HEADER_SIZE, read_header
from signer.bitcoin.transaction import display
from signer.cli.kernel_client import KernelClient, refusals_told
from signer.cli.options import FILE, Emit, json_option
from signer.cli.proof_claims import (
    HeaderFile,
    Shown,
    on_chain,
    read_proof_file,
    require_header,
    shown,
)
from signer.cli.replays import progress


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the chain beside the file."""

    block_hash: bytes | None
    """Internal order."""
    headers: HeaderFile | None

    def judged(self, file: ProofFile) -> Shown:
        """All that is shown. Raises as the functions of `proof_claims`."""
        seen = shown(file)
        if self.block_hash is not None:
            require_header(seen, self.block_hash)
        if self.headers is None:
            return seen
        count = self.headers.path.stat().st_size // HEADER_SIZE
        with progress("headers", count) as bar:
            return on_chain(
                seen, self.headers, int(time.time()), lambda n: bar.advance(bar.task_ids[0], n)
            )


def known_options(command: Callable[..., object]) -> Callable[..., object]:
    """`--block-hash` or `--header`, `--headers` and `--checkpoint`, as one parameter `known`."""

    @wraps(command)
    def wrapped(*arguments: object, **options: object) -> object:
        names = ("block_hash", "header", "headers", "checkpoint")
        return command(*arguments, known=_known(*(options.pop(name) for name in names)), **options)

    for option in (
        click.option(
            "--checkpoint", type=FILE, help="Where those begin: TOML of `spv checkpoint`."
        ),
        click.option("--headers", type=FILE, help="Headers from genesis on: `spv headers`."),
        click.option("--header", help="The block's header (160 hex digits), known otherwise."),
        click.option("--block-hash", help="The block's hash, known otherwise."),
    ):
        wrapped = option(wrapped)
    return wrapped


@click.command("verify")
@click.argument("file", type=FILE)
@known_options
@click.option("--connect", help="Ask this kernel, such as 127.0.0.1:50551.")
@click.option("--ca", type=FILE, help="The member's authority (PEM).")
@click.option("--cert", type=FILE, help="Our certificate (PEM).")
@click.option("--cert-key", type=FILE, help="Our private key (PEM).")
@click.option("--vault", default="", help="Ask that kernel whether it is this vault's anchor.")
@json_option
def verify_command(
    file: Path, known: Known, connect: str | None, vault: str, emit: Emit, **files: Path | None
) -> None:
    """Verify a proof FILE: that its transaction is in a block, and what lies on that block.

    Offline the block is that of the header in the file. With --headers its chain is verified, too; with
    --connect a kernel is asked, which holds a chain of its own.
    """
    given = [files[name] for name in ("ca", "cert", "cert_key")]
    paths = [path for path in given if path is not None]
    if (connect is None and (paths or vault)) or (connect is not None and len(paths) < len(given)):
        raise click.UsageError("--connect, --ca, --cert and --cert-key go together")
    claims = read_proof_file(file)
    seen = known.judged(claims)
    if connect is None:
        emit({"ok": True} | shown_json(seen), shown_lines(seen))
        return
    with refusals_told(emit):
        request = proof_request(claims, vault)
        answer = KernelClient(connect, *paths).ask(request, pb.VerifyTxProofResponse)
    _tell_kernels(answer, emit)


def shown_json(seen: Shown) -> dict[str, object]:
    """What is shown, for machines."""
    return {
        "txid": display(seen.fact.transaction.txid),
        "network": seen.network.name,
        "block_hash": seen.header.hash[::-1].hex(),
        "position": seen.fact.position,
        "height": seen.height,
        "is_height_proven": seen.of_chain,
        "blocks": seen.burial.blocks,
        "work": f"{seen.burial.work:x}",
        "last_header": seen.last[::-1].hex(),
        "is_chain_verified": seen.of_chain,
    }


def shown_lines(seen: Shown) -> list[str]:
    """What is shown, and what is not, for people."""
    txid, block = display(seen.fact.transaction.txid), seen.header.hash[::-1].hex()
    last = seen.last[::-1].hex()
    depth = f"{_count(seen.burial.blocks, 'block')}, {seen.burial.work} expected hashes of work"
    inside = (
        f"In the block of header {block}, position {seen.fact.position}: {txid}. This is proven."
    )
    if seen.of_chain:
        return [
            inside,
            f"Its header is at height {seen.height} of the chain of these headers: {depth}.",
            f"Not shown: that this is the best chain (compare its last header, {last}, with others); "
            "that an output is unspent.",
        ]
    return [
        inside,
        f"The headers of the file lie on it, itself included: {depth}. Time of its header: "
        f"{seen.header.time}.",
        f"Not shown: that the block is at height {seen.height} of {seen.network}'s best chain, as the file "
        "claims (give --headers, compare the block's hash, or ask a kernel); that an output is unspent.",
    ]


def _tell_kernels(answer: pb.VerifyTxProofResponse, emit: Emit) -> None:
    """A kernel's answer. Ends with status 1 where it is not buried in its best chain, where that is not to be
    believed now, or where it is no anchor of the vault."""
    work = int.from_bytes(answer.burial.work, "big")
    reasons = (*answer.not_an_anchor, *answer.stale)
    members = {
        "ok": answer.is_on_best_chain and answer.burial.blocks > 0 and not reasons,
        "txid": answer.txid_display,
        "block_hash": answer.block_hash_display,
        "position": answer.position,
        "height": answer.height,
        "is_on_best_chain": answer.is_on_best_chain,
        "blocks": answer.burial.blocks,
        "work": f"{work:x}",
        "not_an_anchor": [each.code for each in answer.not_an_anchor],
        "stale": [each.code for each in answer.stale],
    }
    where = "on the kernel's best chain" if answer.is_on_best_chain else "NOT on its best chain"
    lines = [
        f"In block {answer.block_hash_display}, position {answer.position}: {answer.txid_display}.",
        f"Height {answer.height}, {where}: {_count(answer.burial.blocks, 'block')} and {work} expected "
        "hashes of work, as far as enough of its sources vouch.",
        *(f"{each.code}: {each.detail}" for each in reasons),
    ]
    if answer.HasField("anchor"):
        anchor = answer.anchor
        members["anchor"] = anchor_json(
            (anchor.magic, anchor.batch_id, anchor.state_root, anchor.eth_tx_hash)
        )
        lines.append(
            f"Batch {anchor.batch_id}, root 0x{anchor.state_root.hex()}: the vault's anchor."
        )
    emit(members, lines)
    if not members["ok"]:
        raise click.exceptions.Exit(1)


def anchor_json(fields: tuple[bytes, int, bytes, bytes]) -> dict[str, object]:
    """Magic, batch, root and hash of the second layer's transaction."""
    magic, batch, root, eth_tx_hash = fields
    return {
        "magic": magic.hex(),
        "batch_id": batch,
        "state_root": root.hex(),
        "eth_tx_hash": eth_tx_hash.hex(),
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _known(*given: object) -> Known:
    block_hash, header, headers, checkpoint = given
    if block_hash is not None and header is not None:
        raise click.UsageError("either --block-hash or --header")
    if checkpoint is not None and headers is None:
        raise click.UsageError("--checkpoint says where --headers begin")
    expected = None
    if isinstance(block_hash, str):
        expected = _unhex("--block-hash", block_hash, 32)[::-1]
    elif isinstance(header, str):
        expected = read_header(_unhex("--header", header, HEADER_SIZE)).hash
    if not isinstance(headers, Path):
        return Known(expected, None)
    start = _checkpoint(checkpoint) if isinstance(checkpoint, Path) else None
    return Known(expected, HeaderFile(headers, start))


def _unhex(name: str, text: str, size: int) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != size:
        raise click.UsageError(f"{name} is {2 * size} hexadecimal digits")
    return data


def _checkpoint(path: Path) -> Checkpoint:
    try:
        table = tomllib.loads(path.read_text())["chain"]["checkpoint"]
        block_hash, headers = (bytes.fromhex(table[name]) for name in ("hash", "headers"))
        return Checkpoint(
            int(table["height"]), block_hash[::-1], int(table["chainwork"], 16), headers
        )
    except (ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"--checkpoint {path}: no [chain.checkpoint]: {error!r}") from None
