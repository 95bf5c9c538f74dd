"""`pegwarden psbt explain`: ExplainPsbt of a running kernel, over mTLS."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import grpc
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from google.rpc.status_pb2 import Status

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.cli.options import Emit
from signer.core.errors import Fault, Objection, Refusal
from signer.edge.server import SERVICE
from signer.edge.status import DETAILS_KEY

_SECONDS = 30.0


def explain(psbt: bytes, options: Mapping[str, object], emit: Emit) -> int:
    """Ask, print; 0 when it would be signed, 1 when not or refused."""
    request = pb.ExplainPsbtRequest(
        vault_id=str(options["vault"]),
        psbt=psbt,
        payments=[_payment(text) for text in _many(options["payment"])],
        attestations=[
            each for name in _many(options["attestation"]) for each in _attestations(Path(name))
        ],
    )
    try:
        answer = _ask(request, options)
    except grpc.RpcError as error:
        return _refused(error, emit)
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


def _ask(request: pb.ExplainPsbtRequest, options: Mapping[str, object]) -> pb.ExplainPsbtResponse:
    ca, certificate, key = (Path(str(options[name])) for name in ("ca", "cert", "cert_key"))
    credentials = grpc.ssl_channel_credentials(
        ca.read_bytes(), key.read_bytes(), certificate.read_bytes()
    )
    with grpc.secure_channel(str(options["connect"]), credentials) as channel:
        method = channel.unary_unary(
            f"/{SERVICE}/ExplainPsbt",
            request_serializer=pb.ExplainPsbtRequest.SerializeToString,
            response_deserializer=pb.ExplainPsbtResponse.FromString,
        )
        return method(request, timeout=_SECONDS)


def _refused(error: grpc.RpcError, emit: Emit) -> int:
    """Print the refusal; what carries none is a fault of the connection or of the kernel."""
    if not isinstance(error, grpc.Call):
        raise Fault(f"the kernel cannot be asked: {error}")
    refusal = t.Refusal()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            for each in Status.FromString(value).details:
                each.Unpack(refusal)
    if not refusal.code:
        raise Fault(f"{error.code().name}: {error.details()}")
    members = MessageToDict(refusal, preserving_proto_field_name=True)
    lines = [f"{each.code}: {each.detail}" for each in refusal.objections]
    emit({"ok": False} | members, [*lines, refusal.remedy])
    return 1


def _lines(answer: pb.ExplainPsbtResponse) -> Iterator[str]:
    verdict = "would be signed" if answer.would_sign else "would be refused"
    if answer.on_record:
        verdict = "is on record and would be signed again"
    yield f"{answer.unsigned_txid_display} {verdict}"
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
