"""`pegwarden control status | submit`, and `pegwarden status`: ControlService, over mTLS."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signer.cli.act_file import read_act_file
from signer.cli.kernel_client import KernelClient, client_options, refusals_told
from signer.cli.options import FILE, Emit, json_option
from signer.cli.status_chain import chain_json, chain_lines
from signer.core.acts import (
    ConfirmPause,
    Lock,
    NewEpoch,
    Pause,
    Resume,
    Unlock,
    read_act,
)
from signer.core.errors import unverified
from signer.core.moments import format_time
from signer.core.ssh import format_officer

if TYPE_CHECKING:
    from pegwarden.v1 import control_pb2 as pb
    from pegwarden.v1 import kernel_pb2 as kb
    from pegwarden.v1 import types_pb2 as t

_RPCS = {
    Pause: "Pause",
    ConfirmPause: "Pause",
    Resume: "Resume",
    Lock: "Lock",
    Unlock: "Unlock",
    NewEpoch: "NewEpoch",
}


@click.command("status")
@client_options
@json_option
def status_command(kernel: KernelClient, emit: Emit) -> None:
    """Say where a kernel stands, and what a control text must name."""
    tell_status(kernel, emit)


def tell_status(kernel: KernelClient, emit: Emit) -> None:
    """Ask it, and print what it says."""
    with refusals_told(emit):
        status, info = asked_status(kernel)
    emit(_members(status, info), _lines(status, info))


def asked_status(kernel: KernelClient) -> "tuple[pb.GetStatusResponse, kb.GetInfoResponse]":
    """What it says of itself. Raises grpc.RpcError."""
    from pegwarden.v1 import control_pb2 as pb  # noqa: PLC0415
    from pegwarden.v1 import kernel_pb2 as kb  # noqa: PLC0415

    status = kernel.ask(pb.GetStatusRequest(), pb.GetStatusResponse)
    return status, kernel.ask(kb.GetInfoRequest(), kb.GetInfoResponse)


@click.command("submit")
@click.argument("acts", type=FILE, nargs=-1, required=True)
@client_options
@json_option
def submit_command(acts: tuple[Path, ...], kernel: KernelClient, emit: Emit) -> None:
    """Bring ACTS, one officer's pause or a quorum's acts of one text, to the kernel that they name."""
    from pegwarden.v1 import approval_pb2 as ap  # noqa: PLC0415
    from pegwarden.v1 import control_pb2 as pb  # noqa: PLC0415

    signed = [read_act_file(path) for path in acts]
    rpc = _RPCS.get(type(read_act(signed[0].text).act))
    if rpc is None:
        raise unverified("act-misplaced", "the first act is not about the kernel as a whole")
    request = getattr(pb, f"{rpc}Request")(
        acts=[
            ap.OfficerAct(text=each.text, officer_key=each.officer, signature=each.signature)
            for each in signed
        ]
    )
    with refusals_told(emit):
        answer = kernel.ask(request, getattr(pb, f"{rpc}Response"))
    ids = [each.hex() for each in answer.decision_ids]
    members = {"ok": True, "decision_ids": ids, "head": answer.head}
    emit(members, [f"on record: {each}" for each in ids])


def _members(status: "pb.GetStatusResponse", info: "kb.GetInfoResponse") -> dict[str, object]:
    return {
        "ok": not status.not_ready_reasons,
        "state": status.state,
        "not_ready_reasons": list(status.not_ready_reasons),
        "network": info.network,
        "policy_id": info.policy_id.hex(),
        "policy_expires_unix": status.policy_expires_unix,
        "log_key": status.log_key.hex(),
        "epoch": status.epoch,
        "entries": status.entries,
        "head": status.head,
        "clock_unix": status.clock_unix,
        "wall_unix": status.wall_unix,
        "last_entry_unix": status.last_entry_unix,
        "quorum": status.quorum,
        "contrary_size": status.contrary_size,
        "contrary_root": status.contrary_root.hex(),
        "waiting_for": list(status.waiting_for),
        "pending_entries": list(status.pending_entries),
        "followed": {each.log_key.hex(): each.size for each in status.followed},
        "vaults": [_vault(each) for each in info.vaults],
        "processes": status.custody.processes,
        "room_is_closed": status.custody.room_is_closed,
        "keys": [
            {"vault": key.vault_id, "kind": key.kind, "has_caps": key.has_caps}
            for key in status.custody.keys
        ],
        "chain": chain_json(status.chain) if status.HasField("chain") else None,
    }


def _vault(vault: "kb.VaultInfo") -> dict[str, object]:
    return {
        "name": vault.vault_id,
        "fingerprint": vault.fingerprint.hex(),
        "threshold": vault.threshold,
        "members": vault.members,
        "tolerated": vault.tolerated,
        "may_be_silent": vault.may_be_silent,
        "witnesses": [each.hex() for each in vault.witnesses.log_keys],
        "witness_quorum": vault.witnesses.quorum,
        "start_needs": vault.witnesses.start_needs,
    }


def _vault_line(vault: "kb.VaultInfo") -> str:
    terms, head = (
        vault.witnesses,
        f"vault        {vault.vault_id}: {vault.threshold} of {vault.members} sign",
    )
    who = (
        f", {terms.quorum} witness, {terms.start_needs} others at a start"
        if terms.quorum
        else ", no witnesses"
    )
    return f"{head}{who}; f = {vault.tolerated}, any {vault.may_be_silent} may be silent"


def _custody_lines(custody: "t.Custody") -> Iterator[str]:
    if custody.processes == 1:
        yield "process      one for edge and kernel: no room"
    else:
        yield f"process      the kernel's own, its room {'closed' if custody.room_is_closed else 'OPEN'}"
    for key in custody.keys:
        caps = "with caps" if key.has_caps else "no caps"
        yield f"key          {key.vault_id}: {key.kind}, {caps}"


def _lines(status: "pb.GetStatusResponse", info: "kb.GetInfoResponse") -> Iterator[str]:
    yield f"state        {status.state}" + ("" if status.not_ready_reasons else ", ready")
    for reason in status.not_ready_reasons:
        yield f"             {reason}"
    yield f"network      {info.network}, policy {info.policy_name} version {info.policy_version}"
    if status.policy_expires_unix:
        yield f"             which expires at {format_time(status.policy_expires_unix)}"
    yield from (_vault_line(each) for each in info.vaults)
    yield f"kernel       {status.log_key.hex()}"
    yield from _custody_lines(status.custody)
    if status.HasField("chain"):
        yield from chain_lines(status.chain)
    yield f"journal      {status.entries} entries, epoch {status.epoch}"
    yield f"last entry   {format_time(status.last_entry_unix)}"
    behind = status.wall_unix - status.clock_unix
    yield f"clock        {format_time(status.clock_unix)}, the machine's is {behind} s ahead"
    yield f"officers     {status.quorum} make a quorum" if status.quorum else "officers     none"
    for pause in status.pauses:
        lives = "pauses" if pause.lives else "paused"
        officer = format_officer(pause.officer_key)
        yield f"             {officer} {lives} until {format_time(pause.until_unix)}"
    if status.contrary_size:
        root = status.contrary_root.hex()
        yield f"lost         a head of {status.contrary_size} entries with root {root}"
    for epoch in status.epochs:
        opened = f"opened by entry {epoch.entry}, {format_time(epoch.stated_unix)}"
        yield f"epoch {epoch.number}      {opened}"
    for waiting in status.waiting_for:
        yield f"waits for    {waiting}"
    for log in status.followed:
        yield f"follows      {log.log_key.hex()}: {log.size} entries"
    if status.pending_entries:
        yield f"pending      entries {', '.join(map(str, status.pending_entries))}"
