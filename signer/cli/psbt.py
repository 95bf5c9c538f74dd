"""`pegwarden psbt parse | explain`."""

import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.maps import DEFAULT_LIMITS
from signer.bitcoin.psbt.model import PsbtInput, UnverifiedPsbt
from signer.bitcoin.psbt.reader import MAGIC, parse_psbt, psbt_from_base64
from signer.bitcoin.transaction import TxIn, display
from signer.cli.kernel_client import KernelClient, client_options
from signer.cli.options import FILE, Emit, json_option

MAX_LINE = (DEFAULT_LIMITS.total_bytes + 2) // 3 * 4
"""Characters of base64 in a PSBT of the largest size."""


@click.group("psbt")
def command() -> None:
    """Parse PSBTs; ask a kernel what it would say."""


@command.command("parse")
@click.argument("file", type=FILE, required=False)
@click.option(
    "--jsonl", is_flag=True, help="A base64 PSBT per input line, a JSON verdict per output line."
)
@json_option
def parse_command(file: Path | None, emit: Emit, **options: bool) -> int:
    """Parse one PSBT (binary or base64) of FILE or standard input. No vault, no facts: parsing only."""
    with _opened(file) as stream:
        if options["jsonl"]:
            return _parse_lines(stream)
        content = stream.read(MAX_LINE + 3)
    if not content.startswith(MAGIC):
        content = psbt_from_base64(content.decode("latin-1").strip())
    summary = summary_of(parse_psbt(content))
    emit({"ok": True} | summary, _lines(summary))
    return 0


@contextmanager
def _opened(file: Path | None) -> Iterator[BinaryIO]:
    if file is None or str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as stream:
        yield stream


def _parse_lines(stream: BinaryIO) -> int:
    """A verdict for each line, however long; the exit status."""
    status = 0
    for line in _bounded_lines(stream):
        verdict = _verdict(line)
        if verdict.get("code") == "fault":
            status = 3
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()
    return status


def _bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines without their end. Of one that is too long only the beginning is kept."""
    while line := stream.readline(MAX_LINE + 3):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(1 << 16)  # read and dropped
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def _verdict(line: bytes) -> dict[str, object]:
    try:
        psbt = parse_psbt(psbt_from_base64(line.decode("latin-1")))
        return {"ok": True} | summary_of(psbt)
    except Malformed as error:
        return {"ok": False, "code": error.code, "detail": error.detail}
    except Exception as error:
        incident = f"incident {uuid.uuid4().hex[:12]}, {type(error).__name__}"
        return {"ok": False, "code": "fault", "detail": incident}


def summary_of(psbt: UnverifiedPsbt) -> dict[str, object]:
    """What the PSBT says. Amounts and scripts of inputs are its claims."""
    transaction = psbt.transaction
    inputs = zip(transaction.inputs, psbt.inputs, strict=True)
    return {
        "psbt_version": psbt.version,
        "txid": display(transaction.txid),
        "version": transaction.version,
        "locktime": transaction.locktime,
        "inputs": [_input(txin, claims) for txin, claims in inputs],
        "outputs": [
            {"amount_sat": txout.amount, "script_pubkey": txout.script_pubkey.hex()}
            for txout in transaction.outputs
        ],
        "unknown_pairs": len(psbt.unknown)
        + sum(len(each.unknown) for each in psbt.inputs)
        + sum(len(each.unknown) for each in psbt.outputs),
    }


def _input(txin: TxIn, claims: PsbtInput) -> dict[str, object]:
    claimed = claims.proven_utxo or claims.witness_utxo
    return {
        "txid": display(txin.previous.txid),
        "vout": txin.previous.vout,
        "sequence": txin.sequence,
        "claimed_amount_sat": None if claimed is None else claimed.amount,
        "claimed_script_pubkey": None if claimed is None else claimed.script_pubkey.hex(),
        "partial_signatures": len(claims.partial_signatures),
        "final": claims.final_script_sig is not None or claims.final_script_witness is not None,
    }


def _lines(summary: dict[str, object]) -> Iterator[str]:
    for name, value in summary.items():
        if not isinstance(value, list):
            yield f"{name:<14} {value}"
            continue
        for place, each in enumerate(value):
            yield f"{name[:-1]} {place}"
            yield from (f"  {key:<24} {field}" for key, field in each.items())


@command.command("explain")
@click.argument("file", type=FILE)
@click.option("--vault", required=True, help="Name of the vault.")
@click.option(
    "--payment", multiple=True, metavar="ID:VOUT", help="Which output pays which withdrawal."
)
@click.option(
    "--attestation", type=FILE, multiple=True, help="Attestations, one JSON object per line."
)
@client_options
@json_option
def explain_command(file: Path, kernel: KernelClient, emit: Emit, **options: object) -> int:
    """Ask a running kernel what it would say to the PSBT in FILE. Nothing is recorded or signed."""
    from signer.cli.explain import explain  # noqa: PLC0415 (gRPC)

    with _opened(file) as stream:
        content = stream.read(MAX_LINE + 3)
    if not content.startswith(MAGIC):
        content = psbt_from_base64(content.decode("latin-1").strip())
    return explain(content, kernel, options, emit)
