"""`pegwarden spv sync`: headers from a bitcoind to a kernel, as one of the sources that its config names.

1. One process is one source for one kernel: which source, its certificate says.
2. Without `--follow` it ends at the node's tip; a refusal is told with its code, exit status 1.
3. With `--follow` it goes on for ever (`clients.spv.follow`): trouble is told, with what to do about a
   refusal, and tried again.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial

import click
from google.protobuf.json_format import MessageToDict
from rich.progress import Progress

from clients.member import Credentials, Member, Refused, Unreachable
from clients.spv.feed import KernelHeaders, NotOurChain, Step, catch_up
from clients.spv.follow import Follower
from clients.spv.node import Node
from signer.cli.kernel_client import KernelClient, client_options
from signer.cli.options import Emit, json_option
from signer.cli.replays import progress
from signer.cli.spv_node import node_options, node_told
from signer.core.errors import Fault


@click.command("sync")
@node_options
@client_options
@click.option("--follow", is_flag=True, help="Go on: bring each new header, for ever.")
@click.option(
    "--poll",
    type=click.IntRange(1, 30),
    default=10,
    show_default=True,
    help="Seconds after which the node is asked anew where it does not tell by itself.",
)
@json_option
def sync_command(node: Node, kernel: KernelClient, follow: bool, poll: int, emit: Emit) -> None:
    """Bring a kernel the headers of a node, as the source that the certificate names."""
    files = Credentials(kernel.ca, kernel.certificate, kernel.key)
    with Member("kernel", kernel.address, files) as member:
        feed = KernelHeaders(member)
        if follow:
            _follow(Follower(feed, node, poll), emit)
        with _told(emit), node_told(), progress("headers", 0) as bar:
            bars = _Bar(bar)
            tip = catch_up(feed, node, bars.step)
    members = {
        "ok": True,
        "height": tip.height,
        "hash": tip.hash[::-1].hex(),
        "added": bars.added,
        "left": bars.left,
    }
    emit(
        members, [f"{bars.added} headers brought; the kernel has {tip.height}, {members['hash']}."]
    )


class _Bar:
    """Adds steps up."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self.added = self.left = 0

    def step(self, step: Step) -> None:
        """One answer of the kernel."""
        self.added += step.added
        self.left += step.left
        self._bar.update(self._bar.task_ids[0], completed=step.height, total=step.of)


def _follow(follower: Follower, emit: Emit) -> None:
    """Rule 3. It ends with its process."""
    while True:
        time.sleep(follower.round(partial(_tell_step, emit), partial(_tell_trouble, emit)))


def _tell_step(emit: Emit, step: Step) -> None:
    if step.added or step.left or step.equivocated:
        gone = f", {step.left} left its best chain" if step.left else ""
        noted = ", to a branch with no more work: the kernel noted it" if step.equivocated else ""
        line = f"height {step.height} of {step.of}: {step.added} headers brought{gone}{noted}"
        emit({"ok": True} | asdict(step), [line])
        sys.stdout.flush()


def _tell_trouble(emit: Emit, error: Exception) -> None:
    code, remedy = ("fault", "")
    if isinstance(error, Refused):
        code, remedy = error.code, error.refusal.remedy
    members = {"ok": False, "code": code, "detail": str(error), "remedy": remedy}
    emit(members, [f"trying again: {error}", *filter(None, [remedy])])
    sys.stdout.flush()


@contextmanager
def _told(emit: Emit) -> Iterator[None]:
    """Rule 2. Raises Exit with status 1, or Fault."""
    try:
        yield
    except Refused as refused:
        members = MessageToDict(refused.refusal, preserving_proto_field_name=True)
        lines = [f"{each.code}: {each.detail}" for each in refused.refusal.objections]
        emit({"ok": False} | members, [*(lines or [refused.code]), refused.refusal.remedy])
        raise click.exceptions.Exit(1) from None
    except (Unreachable, NotOurChain) as error:
        raise Fault(str(error)) from None
