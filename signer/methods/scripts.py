"""VerifyScript: what scripts are, who can spend by them, and whether they may be a vault's.

1. Every descriptor that is understood is described; what speaks against a vault is said as objections.
2. A bare script is read as a Miniscript. A scriptPubKey says nothing but whose it is, if it is ours.
3. Work is bounded before it begins.
4. Scripts say nothing of witnesses, the policy does: of a registered vault both are told together.
"""

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire, wire_answers
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import parse_template, with_checksum
from signer.bitcoin.descriptor.read import ReadDescriptor, read_descriptor
from signer.bitcoin.script import script_type
from signer.core.caller import Caller
from signer.core.candidate import judged
from signer.core.errors import malformed
from signer.core.script_report import report_of, subject_of_descriptor
from signer.core.vault import Vault
from signer.kernel import Kernel, vault_under
from signer.methods.bare_scripts import verify_bare_script
from signer.methods.script_messages import describe

MAX_DERIVATIONS = 2_000
"""Expected scripts times keys times alternatives: what one call may cost."""


def verify_script(kernel: Kernel, _: Caller, raw: bytes) -> pb.VerifyScriptResponse:
    """Every script, every spending path, and the invariants of design section 6."""
    request = wire.decode(pb.VerifyScriptRequest, raw)
    if request.WhichOneof("subject") == "script":
        return verify_bare_script(kernel, request)
    text, registered = _subject(kernel, request)
    descriptor = read_descriptor(text, kernel.network)
    _refuse_costly(descriptor, len(request.expected))
    report = report_of(subject_of_descriptor(descriptor))
    vault, objections = judged(text, kernel.network) if registered is None else (registered, ())
    first = descriptor.scripts_at(0)[0].script_pubkey
    response = pb.VerifyScriptResponse(
        descriptor=text if vault is None else with_checksum(vault.text),
        fingerprint=b"" if vault is None else vault.fingerprint,
        script_type=script_type(first),
        vault_allowed=not objections,
        objections=[wire_answers.objection_message(each) for each in objections],
        matches=[_matches(descriptor, each) for each in request.expected],
        first_address=address_of(first, kernel.network),
        unspendable_internal_key=(
            descriptor.internal is not None and not report.subject.internal_key_signs
        ),
    )
    height = request.coin_height if request.HasField("coin_height") else None
    describe(response, report, height)
    if registered is not None:
        _describe_witnesses(response, vault_under(kernel.policy_in_force(), registered))  # 4
    return response


def _describe_witnesses(response: pb.VerifyScriptResponse, vault: Vault) -> None:
    response.tolerated = vault.tolerated
    response.may_be_silent = vault.may_be_silent
    terms = wire_answers.witness_terms(vault)
    if terms is not None:
        response.witnesses.CopyFrom(terms)


def _subject(kernel: Kernel, request: pb.VerifyScriptRequest) -> tuple[str, Vault | None]:
    """The descriptor with checksum, and the registered vault that was named."""
    subject = request.WhichOneof("subject")
    if subject == "vault_id":
        vault = kernel.registry.get(request.vault_id)
        return with_checksum(vault.text), vault
    if subject == "descriptor":
        return request.descriptor, None
    if subject == "template":
        keys = tuple(request.template.keys)
        descriptor = parse_template(request.template.template, keys, kernel.network)
        return with_checksum(Vault("", kernel.network, descriptor, 1).text), None
    raise malformed("request-malformed", "vault_id, descriptor, template or script is missing")


def _refuse_costly(descriptor: ReadDescriptor, expected: int) -> None:
    if (1 + expected) * (1 + len(descriptor.keys)) * descriptor.alternatives > MAX_DERIVATIONS:
        raise malformed(
            "request-malformed", f"expected scripts times keys are at most {MAX_DERIVATIONS}"
        )


def _matches(descriptor: ReadDescriptor, expected: pb.ExpectedScript) -> bool:
    alternatives = descriptor.scripts_at(expected.index)
    branch = wire.branch(expected.branch)
    if branch >= len(alternatives):
        return False
    ours = alternatives[branch]
    return expected.script in {ours.script_pubkey, *ours.scripts}
