"""VerifyScript of a bare script: read as a Miniscript, and compared with what it should be."""

from contextlib import suppress

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire_answers
from signer.bitcoin.address import address_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.network import Network
from signer.bitcoin.script import MAX_WITNESS_SCRIPT, p2wsh, script_type
from signer.core.errors import Objection, malformed
from signer.core.script_report import (
    report_of,
    subject_of_miniscript,
    subject_of_script,
)
from signer.kernel import Kernel
from signer.methods.script_messages import describe

MAX_SCRIPT = {"leaf": 36_000, "witness_script": MAX_WITNESS_SCRIPT, "script_pubkey": 10_000}
"""Bytes. A `multi_a` of 999 keys fits; larger leaves exist, and are for `pegwarden script analyze`."""
MAX_MINISCRIPT = 80_000
"""Characters."""

_NO_VAULT = Objection("descriptor-unsupported", "a bare script is no descriptor, and so no vault")


def verify_bare_script(kernel: Kernel, request: pb.VerifyScriptRequest) -> pb.VerifyScriptResponse:
    """What the script is, whose it is, and whether it is what it should be."""
    bare = request.script
    kind = bare.WhichOneof("kind")
    if kind is None or request.expected:
        raise malformed(
            "request-malformed", "a bare script is of a kind, and has `miniscript` only"
        )
    script: bytes = getattr(bare, kind)
    if len(script) > MAX_SCRIPT[kind] or len(bare.miniscript) > MAX_MINISCRIPT:
        raise malformed(
            "request-malformed",
            f"a {kind} has at most {MAX_SCRIPT[kind]} bytes here, a miniscript {MAX_MINISCRIPT} characters",
        )
    response = pb.VerifyScriptResponse(objections=[wire_answers.objection_message(_NO_VAULT)])
    context = Context.TAPSCRIPT if kind == "leaf" else Context.P2WSH
    expected = _expected(bare.miniscript, context) if bare.miniscript else None
    if kind == "script_pubkey":
        _describe_output(response, kernel, script)
        expected = None if expected is None else p2wsh(expected)
    else:
        height = request.coin_height if request.HasField("coin_height") else None
        describe(response, report_of(subject_of_script(script, context)), height)
    if kind == "witness_script":
        _name_output(response, p2wsh(script), kernel.network)
    if expected is not None:
        response.matches.append(script == expected)
    return response


def _expected(miniscript: str, context: Context) -> bytes:
    scripts = subject_of_miniscript(miniscript, context).scripts
    if not scripts:
        raise malformed("request-malformed", "the keys of `miniscript` are hex")
    return scripts[0]


def _describe_output(
    response: pb.VerifyScriptResponse, kernel: Kernel, script_pubkey: bytes
) -> None:
    _name_output(response, script_pubkey, kernel.network)
    place = kernel.registry.find(script_pubkey)
    if place is not None:
        branch = wire_answers.branch_message(place.branch)
        response.owner.CopyFrom(
            pb.ScriptOwner(vault_id=place.vault_id, branch=branch, index=place.index)
        )


def _name_output(response: pb.VerifyScriptResponse, script_pubkey: bytes, network: Network) -> None:
    response.script_type = script_type(script_pubkey)
    with suppress(Malformed):  # an OP_RETURN has no address
        response.first_address = address_of(script_pubkey, network)
