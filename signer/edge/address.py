"""Where a server listens: an IP address and a port. Names are not resolved: a name may have two addresses,
and a server that got one of them would look like one that got both."""

from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return ip_address(self.host).is_loopback


def parse_address(text: str) -> Address | None:
    """`127.0.0.1:50551` or `[::1]:50551`; None for anything else."""
    host, _, port = text.rpartition(":")
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
        return None
    parsed = Address(str(address), int(port))
    return parsed if str(parsed) == text else None
