"""What the kernel says of itself, for metrics and health: asked when it is scraped, by the narrow call.

1. A kernel that does not answer is not ready, and no number of it is told: a gauge that stops is an alert.
2. Health of the KernelService is readiness; the other services are healthy while the process serves them, so
   that a locked kernel can be audited and unlocked. A stale chain of headers has gauges and alerts and is no
   reason for not being ready: what asks for the chain refuses by itself, and the rest goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pegwarden.v1 import control_pb2 as pb
from signer.core.caller import Caller
from signer.core.errors import Fault, Refusal
from signer.edge.chain_gauges import chain_gauges
from signer.edge.door import Handle
from signer.edge.roles import EDGE, GET_STATUS

ITSELF = Caller(EDGE, frozenset())
_READY = ("pegwarden_ready", "1 while the kernel is ready, else 0")
_POLICY_DAYS = (
    "pegwarden_policy_days_left",
    "Days until only the policy's fallback holds; below zero since then; absent where it does not expire",
)
DAY = 86_400
SECONDS = 5.0
"""For which an answer is waited."""


async def is_ready(handle: Handle) -> bool:
    """Whether the kernel says that it is ready."""
    try:
        told = await handle(GET_STATUS, ITSELF, b"", SECONDS)
    except (Refusal, Fault):
        return False
    return _is_ready(pb.GetStatusResponse.FromString(told))


class Heartbeat(Collector):
    """The kernel's gauges. Lives on the thread that is scraped: `handle` blocks."""

    def __init__(self, handle: Callable[[str, Caller, bytes], bytes]) -> None:
        self._handle = handle

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: the kernel is not asked before it serves."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges now."""
        status = self._status()
        yield GaugeMetricFamily(*_READY, value=_is_ready(status))
        if status is None:
            return
        for name, text, value in (
            ("effective_time_seconds", "Effective time, by which rules judge", status.clock_unix),
            ("wall_time_seconds", "What the machine's clock shows", status.wall_unix),
            ("last_entry_time_seconds", "Effective time of the last entry", status.last_entry_unix),
            ("journal_entries", "Entries of the journal", status.entries),
            ("journal_epoch", "Epoch of the journal", status.epoch),
            ("pending_entries", "Entries that wait for grants", len(status.pending_entries)),
            ("processes", "2 where edge and kernel are two", status.custody.processes),
            ("room_closed", "1 while the kernel is in its room", status.custody.room_is_closed),
        ):
            yield GaugeMetricFamily(f"pegwarden_{name}", text, value=value)
        yield _keys(status)
        if status.policy_expires_unix:
            left = (status.policy_expires_unix - status.clock_unix) / DAY
            yield GaugeMetricFamily(*_POLICY_DAYS, value=left)
        if status.HasField("chain"):
            yield from chain_gauges(status.chain, status.clock_unix)

    def _status(self) -> pb.GetStatusResponse | None:
        try:
            return pb.GetStatusResponse.FromString(self._handle(GET_STATUS, ITSELF, b""))
        except (Refusal, Fault):
            return None


def _keys(status: pb.GetStatusResponse) -> GaugeMetricFamily:
    text = "Vault keys, by what holds them and whether they have caps"
    family = GaugeMetricFamily("pegwarden_vault_keys", text, labels=("kind", "caps"))
    kinds = Counter((key.kind, key.has_caps) for key in status.custody.keys)
    for (kind, has_caps), count in kinds.items():
        family.add_metric((kind, "yes" if has_caps else "no"), count)
    return family


def _is_ready(status: pb.GetStatusResponse | None) -> bool:
    return status is not None and not status.not_ready_reasons
