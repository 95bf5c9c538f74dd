"""The edge's TLS files, and their renewal without a restart (docs/runbook.md).

1. They are read again whenever somebody connects; what stands in them then is shown to that connection and to
   later ones. Open connections live on until their age asks them to connect anew.
2. What does not fit (`signer.edge.fitting`) changes nothing, and is logged once.
3. Who may call is not said here but by the keys that the configuration names (`signer.edge.callers`).
"""

import time
from collections.abc import Callable, Iterator, Mapping

import grpc
from cryptography import x509
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from signer.core.errors import Refusal
from signer.edge.fitting import TlsFiles, fitting
from signer.edge.logs import log_event

DAY = 86_400
Reread = Callable[[], TlsFiles]
"""The files as they are now. Raises Refusal `tls-file-unreadable`."""


class Renewal:
    """What is shown to whoever connects."""

    def __init__(self, files: TlsFiles, reread: Reread) -> None:
        self.shown = files
        self._reread = reread
        self._refused = ""
        """Why the files that were read last are not shown (2)."""

    def credentials(self) -> grpc.ServerCredentials:
        """Of a server that asks `fetch` at each handshake, and each client for its certificate."""
        first = _configuration(self.shown)
        return grpc.dynamic_ssl_server_credentials(
            first,
            self.fetch,  # type: ignore[arg-type] # None is allowed: nothing new
            require_client_authentication=True,
        )

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """The new configuration, or None where nothing that fits is new. gRPC asks on its own threads."""
        try:
            files = self._reread()
            if files == self.shown:
                self._refused = ""
                return None
            self.shown = fitting(files, time.time(), self.shown)
        except Refusal as refusal:
            self._keep(str(refusal))
            return None
        self._refused = ""
        log_event("tls-renewed", days_left=round(days_left(files.certificate, time.time())))
        return _configuration(files)

    def _keep(self, why: str) -> None:
        """2."""
        if why != self._refused:
            self._refused = why
            log_event("tls-not-renewed", detail=why)


class CertificateDays(Collector):
    """How long the certificates in use are valid."""

    def __init__(self, renewal: Renewal, others: Mapping[str, bytes]) -> None:
        self._renewal = renewal
        self._others = others

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauge now, one for each name."""
        shown = self._renewal.shown
        files = {"server": shown.certificate, "client-authority": shown.client_ca, **self._others}
        gauge = GaugeMetricFamily(
            "pegwarden_certificate_days_left",
            "Days until the first certificate of that file is over; below zero since then",
            labels=("certificate",),
        )
        for name, content in files.items():
            gauge.add_metric((name,), days_left(content, time.time()))
        yield gauge


def days_left(pem: bytes, now: float) -> float:
    """Until the first of these certificates is over. Raises ValueError where they cannot be read."""
    ends = (each.not_valid_after_utc for each in x509.load_pem_x509_certificates(pem))
    return (min(each.timestamp() for each in ends) - now) / DAY


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(files.key, files.certificate)], files.client_ca
    )
