"""Feeds one kernel with the headers of one node, as one of its sources.

1. The kernel says which headers it has (`locator`); the highest that is on the node's best chain is where the
   two part. From the next one on all is sent; what the kernel has beyond that it passes over.
2. The tip is always sent, even if the kernel has it: a source vouches for what it brought itself.
3. Nothing is kept here: after any end of this process, of the kernel or of the node it starts at 1 again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from clients.member import Member
from clients.spv.node import AT_ONCE, ChainMoved, Node, Spot
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.header import read_header

MESSAGES = 16
"""Of one call: about 2.5 MB."""
_TRIES = 5


class NotOurChain(Exception):
    """Kernel and node have no header in common."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a kernel is."""

    height: int
    """Of the last header that was sent."""
    of: int
    """Of the node's tip."""
    added: int
    """Headers that this step brought."""
    left: int
    """Headers that left the kernel's best chain by it."""
    equivocated: bool
    """This source went over to another branch with no more work, and the kernel noted it."""


Seen = Callable[[Step], None]


class Kernel(Protocol):
    """What is asked of a kernel."""

    def tip(self) -> pb.GetTipResponse:
        """Its tip and locator."""

    def submit(self, batches: list[bytes]) -> Iterable[pb.SubmitHeadersResponse]:
        """The answer to each of these batches, in their order."""


class KernelHeaders:
    """A member's kernel."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def tip(self) -> pb.GetTipResponse:
        """Its tip and locator. Raises Refused or Unreachable."""
        return self._member.ask(pb.GetTipRequest(), pb.GetTipResponse)

    def submit(self, batches: list[bytes]) -> Iterable[pb.SubmitHeadersResponse]:
        """The answer to each of these batches, in their order. Raises Refused or Unreachable."""
        requests = [pb.SubmitHeadersRequest(headers=each) for each in batches]
        return self._member.ask_each(requests, pb.SubmitHeadersResponse)


def catch_up(kernel: Kernel, node: Node, seen: Seen) -> Spot:
    """Brings the kernel to the node's tip, which is returned; tells each step. Raises NotOurChain, ChainMoved
    where the node changes its chain too often, NodeError, OSError, Refused and Unreachable."""
    for _ in range(_TRIES - 1):
        try:
            return _catch_up(kernel, node, seen)
        except ChainMoved:
            continue
    return _catch_up(kernel, node, seen)


def _catch_up(kernel: Kernel, node: Node, seen: Seen) -> Spot:
    common = parting(kernel.tip().locator, node)
    last, tip = common, node.tip()
    while last.height < tip.height:
        raws = node.headers(last.height + 1, AT_ONCE * MESSAGES)
        if not raws or read_header(raws[0]).previous != last.hash:
            raise ChainMoved("the node went over to another chain")
        _submit(kernel, raws, seen, tip.height)
        last = Spot(read_header(raws[-1]).hash, last.height + len(raws))
        tip = node.tip()
    if last == common:  # 2
        raws = node.headers(last.height, 1)
        if [read_header(each).hash for each in raws] != [last.hash]:
            raise ChainMoved("the node went over to another chain")
        _submit(kernel, raws, seen, last.height)
    return last


def _submit(kernel: Kernel, raws: list[bytes], seen: Seen, of: int) -> None:
    batches = [b"".join(raws[at : at + AT_ONCE]) for at in range(0, len(raws), AT_ONCE)]
    for answer in kernel.submit(batches):
        height = answer.last_height
        of = max(of, height)
        seen(Step(height, of, answer.added, answer.left, answer.equivocated))


def parting(locator: Iterable[bytes], node: Node) -> Spot:
    """The first of these hashes that is on the node's best chain. Raises NotOurChain."""
    for block_hash in locator:
        found = node.on_best_chain(block_hash)
        if found is not None:
            return found
    raise NotOurChain(
        "the node has none of the kernel's headers on its best chain: it is on another network, or has not "
        "reached the kernel's checkpoint yet"
    )
