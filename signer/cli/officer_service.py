"""`pegwarden officer pending | packet | approve | reject | hold | watch`: ApprovalService, over mTLS."""

from collections.abc import Iterator
from pathlib import Path

import click
from google.protobuf.json_format import Parse, ParseError

from pegwarden.v1 import approval_pb2 as pb
from signer.bitcoin.units import COIN
from signer.cli.act_file import bounded, read_act_file
from signer.cli.kernel_client import KernelClient, client_options, refusals_told
from signer.cli.options import FILE, Emit, json_option
from signer.core.moments import format_time
from signer.core.ssh import format_officer

PAGE = 500


@click.command("pending")
@click.option("--vault", required=True, help="Name of the vault.")
@client_options
@json_option
def pending_command(vault: str, kernel: KernelClient, emit: Emit) -> None:
    """List the withdrawals that wait for officers or time."""
    found: list[pb.PendingWithdrawal] = []
    token = ""
    with refusals_told(emit):
        while True:
            request = pb.ListPendingRequest(vault_id=vault, page_size=PAGE, page_token=token)
            answer = kernel.ask(request, pb.ListPendingResponse)
            found += answer.withdrawals
            token = answer.next_page_token
            if not token:
                break
    emit({"ok": True, "withdrawals": [_members(each) for each in found]}, _pending_lines(found))


@click.command("packet")
@click.option("--vault", required=True, help="Name of the vault.")
@click.option("--withdrawal", metavar="ID", help="64 hexadecimal digits.")
@click.option("--sweep", type=FILE, help="A SweepStatement as JSON, to sweep or rotate.")
@click.option("--out", type=FILE, required=True, help="New file for the packet.")
@client_options
@json_option
def packet_command(vault: str, kernel: KernelClient, emit: Emit, **options: object) -> None:
    """Fetch all that is needed to decide about a withdrawal or a move, for `officer review`."""
    request = pb.GetPacketRequest(vault_id=vault)
    withdrawal, sweep = options["withdrawal"], options["sweep"]
    try:
        if isinstance(withdrawal, str):
            request.withdrawal_id = bytes.fromhex(withdrawal)
        if isinstance(sweep, Path):
            Parse(bounded(sweep), request.sweep)
    except (ValueError, ParseError):
        raise click.UsageError("not 64 hexadecimal digits, or no SweepStatement") from None
    with refusals_told(emit):
        answer = kernel.ask(request, pb.GetPacketResponse)
    out = Path(str(options["out"]))
    with out.open("xb") as stream:
        stream.write(answer.packet)
    emit({"ok": True, "file": str(out)}, (f"{out}: read it with `pegwarden officer review`",))


@click.command("approve")
@click.argument("act", type=FILE)
@client_options
@json_option
def approve_command(act: Path, kernel: KernelClient, emit: Emit) -> None:
    """Bring the approval in ACT to a kernel. To be repeated with every member's."""
    with refusals_told(emit):
        request = pb.SubmitApprovalRequest(act=_message(act))
        answer = kernel.ask(request, pb.SubmitApprovalResponse)
    _recorded(emit, (answer.decision_id,), answer.head)


@click.command("reject")
@click.argument("act", type=FILE)
@client_options
@json_option
def reject_command(act: Path, kernel: KernelClient, emit: Emit) -> None:
    """Bring the rejection in ACT to a kernel."""
    with refusals_told(emit):
        request = pb.RejectWithdrawalRequest(act=_message(act))
        answer = kernel.ask(request, pb.RejectWithdrawalResponse)
    _recorded(emit, (answer.decision_id,), answer.head)


@click.command("hold")
@click.argument("acts", type=FILE, nargs=-1, required=True)
@client_options
@json_option
def hold_command(acts: tuple[Path, ...], kernel: KernelClient, emit: Emit) -> None:
    """Bring one officer's hold, or the acts of a quorum that lift an officer's holds."""
    with refusals_told(emit):
        answer = kernel.ask(pb.HoldRequest(acts=map(_message, acts)), pb.HoldResponse)
    _recorded(emit, tuple(answer.decision_ids), answer.head)


@click.command("watch")
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this entry.")
@click.option("--seconds", type=click.IntRange(1), help="Stop after so long.")
@client_options
@json_option
def watch_command(
    after: int, seconds: int | None, kernel: KernelClient, emit: Emit, **_: object
) -> None:
    """Follow what happens until interrupted; with `--json` one object for each event."""
    import grpc  # noqa: PLC0415 (only here)

    request = pb.WatchRequest(after_entry=after)
    with refusals_told(emit):
        try:
            for response in kernel.stream(request, pb.WatchResponse, seconds):
                for event in response.events:
                    emit(_event_members(event), (f"{event.entry} {event.what}: {event.text}",))
        except grpc.RpcError as error:
            if not _is_over(error):
                raise


def _is_over(error: object) -> bool:
    import grpc  # noqa: PLC0415

    ended = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
    return isinstance(error, grpc.Call) and error.code() in ended


def _message(path: Path) -> pb.OfficerAct:
    signed = read_act_file(path)
    return pb.OfficerAct(text=signed.text, officer_key=signed.officer, signature=signed.signature)


def _recorded(emit: Emit, decision_ids: tuple[bytes, ...], head: str) -> None:
    ids = [each.hex() for each in decision_ids]
    emit({"ok": True, "decision_ids": ids, "head": head}, [f"on record: {each}" for each in ids])


def _members(pending: pb.PendingWithdrawal) -> dict[str, object]:
    return {
        "withdrawal_id": pending.withdrawal_id.hex(),
        "amount_sat": pending.amount_sat,
        "address": pending.address,
        "first_attested_unix": pending.first_attested_unix,
        "approved_by": [format_officer(key) for key in pending.approved_by],
        "rejected_by": [format_officer(key) for key in pending.rejected_by],
        "held_until_unix": pending.held_until_unix,
    }


def _event_members(event: pb.WatchEvent) -> dict[str, object]:
    return {
        "entry": event.entry,
        "decision_id": event.decision_id.hex(),
        "clock_unix": event.clock_unix,
        "what": event.what,
        "text": event.text,
        "withdrawal_id": event.withdrawal_id.hex(),
    }


def _pending_lines(found: list[pb.PendingWithdrawal]) -> Iterator[str]:
    if not found:
        yield "nothing waits"
    for each in found:
        yield each.withdrawal_id.hex()
        amount = f"{each.amount_sat // COIN}.{each.amount_sat % COIN:08d} BTC"
        yield f"  {amount} to {each.address}"
        yield f"  attested {format_time(each.first_attested_unix)}"
        for key in each.approved_by:
            yield f"  approved by {format_officer(key)}"
        for key in each.rejected_by:
            yield f"  rejected by {format_officer(key)}"
        if each.held_until_unix:
            yield f"  held until {format_time(each.held_until_unix)}"


COMMANDS = (
    pending_command,
    packet_command,
    approve_command,
    reject_command,
    hold_command,
    watch_command,
)
