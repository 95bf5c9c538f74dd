"""What the kernel says of itself, for metrics and health: asked when it is scraped, by the narrow call.

1. A kernel that does not answer is not ready, and no number of it is told: a gauge that stops is an alert.
2. Health of the KernelService is readiness; the other services are healthy while the process serves them, so
   that a locked kernel can be audited and unlocked.
"""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pegwarden.v1 import control_pb2 as pb
from signer.core.caller import Caller
from signer.core.errors import Fault, Refusal
from signer.edge.door import Handle
from signer.edge.roles import GET_STATUS

_ITSELF = Caller("edge", frozenset())
_READY = ("pegwarden_ready", "1 while the kernel is ready, else 0")


class Heartbeat(Collector):
    """The kernel's gauges."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: the kernel is not asked before it serves."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges now."""
        status = self._status()
        yield GaugeMetricFamily(*_READY, value=self._is_ready(status))
        if status is None:
            return
        for name, text, value in (
            ("effective_time_seconds", "Effective time, by which rules judge", status.clock_unix),
            ("wall_time_seconds", "What the machine's clock shows", status.wall_unix),
            ("last_entry_time_seconds", "Effective time of the last entry", status.last_entry_unix),
            ("journal_entries", "Entries of the journal", status.entries),
            ("journal_epoch", "Epoch of the journal", status.epoch),
            ("pending_entries", "Entries that wait for grants", len(status.pending_entries)),
        ):
            yield GaugeMetricFamily(f"pegwarden_{name}", text, value=value)

    def is_ready(self) -> bool:
        """Whether the kernel says that it is ready."""
        return self._is_ready(self._status())

    def _is_ready(self, status: pb.GetStatusResponse | None) -> bool:
        return status is not None and not status.not_ready_reasons

    def _status(self) -> pb.GetStatusResponse | None:
        try:
            return pb.GetStatusResponse.FromString(self._handle(GET_STATUS, _ITSELF, b""))
        except (Refusal, Fault):
            return None
