"""`pegwarden psbt explain`: ExplainPsbt of a running kernel, over mTLS."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from google.protobuf.json_format import MessageToDict, Parse, ParseError

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.cli.kernel_client import KernelClient, refusals_told
from signer.cli.options import Emit
from signer.core.errors import Objection, Refusal


def explain(psbt: bytes, kernel: KernelClient, options: Mapping[str, object], emit: Emit) -> int:
    """Ask, print; 0 when it would be signed, 1 when not or refused."""
    request = pb.ExplainPsbtRequest(
        vault_id=str(options["vault"]),
        psbt=psbt,
        payments=[_payment(text) for text in _many(options["payment"])],
        attestations=[
            each for name in _many(options["attestation"]) for each in _attestations(Path(name))
        ],
    )
    with refusals_told(emit):
        answer = kernel.ask(request, pb.ExplainPsbtResponse)
    members = MessageToDict(answer, preserving_proto_field_name=True)
    emit({"ok": answer.would_sign} | members, _lines(answer))
    return 0 if answer.would_sign else 1


def _many(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else ()


def _payment(text: str) -> t.PaymentClaim:
    withdrawal, _, vout = text.partition(":")
    try:
        return t.PaymentClaim(withdrawal_id=bytes.fromhex(withdrawal), vout=int(vout))
    except ValueError:
        raise click.UsageError(f"{text!r} is not ID:VOUT (hexadecimal, number)") from None


def _attestations(path: Path) -> Iterator[t.Attestation]:
    for line in path.read_text("utf-8").splitlines():
        try:
            yield Parse(line, t.Attestation())
        except ParseError as error:
            detail = f"{path} is not an attestation per line: {error}"
            raise Refusal(Objection("response-malformed", detail)) from None


def _lines(answer: pb.ExplainPsbtResponse) -> Iterator[str]:
    yield f"{answer.unsigned_txid_display} {_verdict(answer)}"
    yield f"{answer.kind} by {answer.path}: fee {answer.fee_sat} sat, {answer.vsize} vB"
    yield f"leaves the vault: {answer.outflow_sat} sat"
    for output in answer.outputs:
        yield f"  output {output.vout}: {output.amount_sat} sat to {output.address}, {output.purpose}"
    for line in answer.trace:
        yield f"{'yes' if line.passed else 'NO '}  {line.rule}: {line.text}"
        for objection in line.objections:
            seen = (
                f" (seen {objection.observed}; limit {objection.limit})" if objection.limit else ""
            )
            yield f"       {objection.code}: {objection.detail}{seen}"
    yield from (f"would pass with {change}" for change in answer.nearest_changes)


def _verdict(answer: pb.ExplainPsbtResponse) -> str:
    if answer.on_record:
        return "is on record and would be signed again"
    if answer.would_be_pending:
        return "would wait: only approvals or time are missing"
    return "would be signed" if answer.would_sign else "would be refused"
