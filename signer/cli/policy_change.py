"""`pegwarden policy draft-approval | propose | approve | status` (docs/policy-changes.md)."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from google.protobuf.json_format import MessageToDict

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import policy_pb2 as pb
from policies.load import load_policy
from signer.bitcoin.hashes import sha256
from signer.cli.act_file import read_act_file
from signer.cli.kernel_client import KernelClient, client_options, refusals_told
from signer.cli.options import FILE, Emit, json_option
from signer.core.acts import StatedAct, act_text
from signer.core.moments import format_time
from signer.core.officers import PROPOSED_EXPIRY
from signer.core.ssh import format_officer
from signer.genesis import genesis_act
from signer.member_files import read_policy_bytes


@click.command("draft-approval")
@click.argument("file", type=FILE)
@click.option(
    "--replaces", type=FILE, help="The policy in force; none where FILE is the first one."
)
@click.option("--out", type=FILE, help="Write the text there, byte for byte.")
@json_option
def draft_approval_command(file: Path, replaces: Path | None, out: Path | None, emit: Emit) -> None:
    """The text by which an officer approves FILE, made from the officer's own files alone."""
    policy = load_policy(read_policy_bytes(file))
    act = genesis_act(policy)
    if replaces is not None:
        act = replace(act, replaces=sha256(read_policy_bytes(replaces)))
    text = act_text(StatedAct(act, policy.network, int(time.time()) + PROPOSED_EXPIRY))
    if out is not None:
        out.write_bytes(text.encode())
    terms = policy.governance
    officers = sorted(map(format_officer, terms.officers)) if terms is not None else []
    members = {"ok": True, "text": text, "officers": officers}
    emit(members, [] if out is not None else text.splitlines())


@click.command("propose")
@click.argument("file", type=FILE)
@client_options
@click.option("--out", type=FILE, help="Write the text to sign there.")
@json_option
def propose_command(file: Path, kernel: KernelClient, out: Path | None, emit: Emit) -> None:
    """Put FILE on a kernel's record, and show how it differs from the policy in force."""
    request = pb.ProposePolicyRequest(policy=read_policy_bytes(file))
    with refusals_told(emit):
        answer = kernel.ask(request, pb.ProposePolicyResponse)
    if out is not None:
        out.write_bytes(answer.text.encode())
    members = MessageToDict(answer, preserving_proto_field_name=True)
    lines = [*_lines(answer.status), *(f"  {each}" for each in answer.differences)]
    if answer.text and out is None:
        lines += ["", "The text that an officer signs to approve it:", "", answer.text.rstrip("\n")]
    emit({"ok": True} | members, lines)


@click.command("approve")
@click.argument("act", type=FILE)
@client_options
@json_option
def approve_command(act: Path, kernel: KernelClient, emit: Emit) -> None:
    """Bring an officer's approval (ACT, the file that `officer sign` writes) to a kernel."""
    signed = read_act_file(act)
    said = ap.OfficerAct(text=signed.text, officer_key=signed.officer, signature=signed.signature)
    with refusals_told(emit):
        answer = kernel.ask(pb.ApprovePolicyRequest(act=said), pb.ApprovePolicyResponse)
    members = MessageToDict(answer, preserving_proto_field_name=True)
    emit({"ok": True} | members, _lines(answer.status))


@click.command("status")
@client_options
@click.option("--policy", default="", help="Of that policy alone: its id, hexadecimal.")
@click.option("--out", type=FILE, help="Write that policy's file there.")
@json_option
def status_command(kernel: KernelClient, policy: str, out: Path | None, emit: Emit) -> None:
    """Which policy is in force at a kernel, and which are proposed."""
    with refusals_told(emit):
        if policy or out is not None:
            asked = pb.GetPolicyRequest(policy_id=_id(policy))
            answer = kernel.ask(asked, pb.GetPolicyResponse)
            if out is not None:
                out.write_bytes(answer.policy)
            found = [answer.status]
        else:
            listed = kernel.ask(pb.ListPoliciesRequest(), pb.ListPoliciesResponse)
            found = list(listed.policies)
    rows = [MessageToDict(each, preserving_proto_field_name=True) for each in found]
    emit({"ok": True, "policies": rows}, [line for each in found for line in _lines(each)])


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no policy's id") from None


def _lines(status: pb.PolicyStatus) -> Iterator[str]:
    yield f"{status.name} version {status.version}: {status.state}"
    yield f"  id        {status.policy_id.hex()}"
    if status.proposed_unix:
        yield f"  proposed  {format_time(status.proposed_unix)}"
    if status.compared_with:
        yield f"  verdict   {status.verdict}, compared with {status.compared_with.hex()}"
    if status.approved_by:
        yield f"  approved by {len(status.approved_by)}, {status.quorum} needed:"
        yield from (f"    {format_officer(officer)}" for officer in status.approved_by)
    if status.effective_unix:
        yield f"  in force from {format_time(status.effective_unix)}"
    if status.confirm_before_unix:
        yield f"  lapses unless the quorum confirms before {format_time(status.confirm_before_unix)}"
    if status.expires_unix:
        yield f"  expires   {format_time(status.expires_unix)}"


COMMANDS = (draft_approval_command, propose_command, approve_command, status_command)
