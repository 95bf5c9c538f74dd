"""Prometheus metrics of the edge.

Rule 1: labels come from closed sets: methods of the role table, codes of the catalogue.
Rule 2: they are served in the clear, so on loopback unless the configuration says otherwise by name.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from signer.core.errors import Fault

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class EdgeMetrics:
    """What is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "pegwarden_calls",
            "Calls by method and outcome: ok, fault, cancelled or the refusal's code",
            ("method", "code"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pegwarden_call_seconds",
            "Time from admission to answer",
            ("method",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "pegwarden_calls_in_flight", "Calls admitted and not yet ended", registry=self.registry
        )

    def observe(self, method: str, code: str, seconds: float) -> None:
        """Count one ended call."""
        self._calls.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)


def serve_metrics(metrics: EdgeMetrics, host: str, port: int) -> Callable[[], None]:
    """Serve them over HTTP until the answer is called. Raises Fault where the port is taken."""
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise Fault(
            f"metrics cannot listen on {host}:{port} ({error.strerror}): stop what uses that port, "
            "or name another in [metrics]"
        ) from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(5)

    return stop
