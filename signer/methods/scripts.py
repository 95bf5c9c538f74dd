"""VerifyScript: who can spend from a descriptor, how, and whether it may be a vault."""

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import (
    KeyExpression,
    parse_descriptor,
    parse_template,
    with_checksum,
)
from signer.bitcoin.script import script_type
from signer.core.caller import Caller
from signer.core.errors import MalformedRequest, Objection, Refusal, malformed
from signer.core.vault import Vault, verify_invariants
from signer.kernel import Kernel

MAX_DERIVATIONS = 2_000
"""Expected scripts times keys of the descriptor: what one call may cost."""


def verify_script(kernel: Kernel, _: Caller, raw: bytes) -> pb.VerifyScriptResponse:
    """Every spending path with keys, locks and weight; the invariants of design section 6."""
    request = wire.decode(pb.VerifyScriptRequest, raw)
    vault = _subject(kernel, request)
    if (1 + len(request.expected)) * len(vault.places) > MAX_DERIVATIONS:
        raise malformed(
            "request-malformed", f"expected scripts times keys are at most {MAX_DERIVATIONS}"
        )
    first = vault.script(0, 0)
    objections = _objections(vault)
    return pb.VerifyScriptResponse(
        descriptor=with_checksum(vault.text),
        fingerprint=vault.fingerprint,
        script_type=script_type(first.script_pubkey),
        paths=_paths(vault),
        threshold=vault.threshold,
        members=vault.members,
        tolerated=vault.tolerated,
        may_be_silent=vault.members - vault.threshold,
        vault_allowed=not objections,
        objections=[wire.objection_message(each) for each in objections],
        matches=[_matches(vault, each) for each in request.expected],
        first_address=address_of(first.script_pubkey, vault.network),
    )


def _subject(kernel: Kernel, request: pb.VerifyScriptRequest) -> Vault:
    subject = request.WhichOneof("subject")
    if subject == "vault_id":
        return kernel.registry.get(request.vault_id)
    if subject == "descriptor":
        descriptor = parse_descriptor(request.descriptor, kernel.network)
    elif subject == "template":
        keys = tuple(request.template.keys)
        descriptor = parse_template(request.template.template, keys, kernel.network)
    else:
        raise malformed("request-malformed", "vault_id, descriptor or template is missing")
    return Vault("", kernel.network, descriptor, 1)


def _objections(vault: Vault) -> tuple[Objection, ...]:
    try:
        verify_invariants(vault)
    except MalformedRequest:
        raise
    except Refusal as refusal:
        return refusal.objections
    return ()


def _paths(vault: Vault) -> list[pb.ScriptPath]:
    return [
        pb.ScriptPath(
            index=index,
            name=path.name,
            threshold=path.threshold,
            keys=[
                pb.ScriptKey(position=position, key=_key_text(vault, vault.places[position]))
                for position in path.positions
            ],
            older_blocks=path.older,
            input_weight=vault.input_weight(index),
        )
        for index, path in enumerate(vault.paths)
    ]


def _key_text(vault: Vault, key: KeyExpression) -> str:
    origin = "" if key.origin is None else str(key.origin)
    receive, change = key.branches
    return f"{origin}{key.xpub.text(vault.network)}/<{receive};{change}>/*"


def _matches(vault: Vault, expected: pb.ExpectedScript) -> bool:
    derived = vault.script(wire.branch(expected.branch), expected.index)
    leaves = {leaf.script for leaf in derived.leaves}
    ours = {derived.script_pubkey, derived.witness_script, *leaves} - {b""}
    return expected.script in ours
