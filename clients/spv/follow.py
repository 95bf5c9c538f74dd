"""Goes on feeding one kernel, whatever happens to it or to the node.

1. A round brings the kernel to the node's tip if that is another than the one told last, then waits for the
   next. The node is asked to say when it has one (`waitfornewblock`): no library for its ZMQ is needed.
2. Trouble of any kind is told and tried again, after 1, 2, 4 seconds and so on, at most a minute: a kernel or
   a node that starts again, a header that is ahead of the kernel's time. Nothing is given up.
3. After some quiet rounds the tip is told again, so that a kernel whose record went back hears it.
"""

from collections.abc import Callable

from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.spv.feed import Kernel, NotOurChain, Seen, catch_up
from clients.spv.node import ChainMoved, Node, Spot
from signer.bitcoin.errors import Malformed

TROUBLE = (Refused, Unreachable, NodeError, NotOurChain, ChainMoved, Malformed, OSError)
LONGEST = 60.0
"""Seconds between two tries."""
QUIET_ROUNDS = 30


class Follower:
    """One source for one kernel."""

    def __init__(self, kernel: Kernel, node: Node, seconds: float) -> None:
        self._kernel, self._node = kernel, node
        self._seconds = seconds
        self._told: Spot | None = None
        self._quiet = 0
        self._failures = 0

    def round(self, seen: Seen, trouble: Callable[[Exception], None]) -> float:
        """One round; the seconds to wait until the next."""
        try:
            self._bring(seen)
        except TROUBLE as error:
            trouble(error)
            self._told = None
            self._failures += 1
            return min(LONGEST, 2.0 ** (self._failures - 1))
        self._failures = 0
        return 0.0

    def _bring(self, seen: Seen) -> None:
        if self._told is None or self._quiet >= QUIET_ROUNDS:
            self._told, self._quiet = catch_up(self._kernel, self._node, seen), 0
        self._node.wait_for_other(self._told.hash, self._seconds)
        self._quiet += 1
        if self._node.tip() != self._told:
            self._told = None
