"""Where a journal is: a file, or a PostgreSQL database of its own.

1. A URL holds no password: that stands in a file, alone in its first line.
2. The server is named completely (user, host, database), and the connection to one that is not this machine
   is encrypted and its certificate verified: `sslmode=verify-full`.
"""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """The schema `pegwarden` of that database."""

    url: str
    """`postgresql://user@host:port/database?option=value`"""
    password: Path | None = None
    """A file."""
    known: str | None = field(default=None, repr=False)
    """What that file held, where it was read before: a kernel in its room reads none."""

    def __str__(self) -> str:
        return self.url


Place = Path | PostgresPlace


def url_fault(url: str) -> str:
    """What is wrong with the URL of a PostgreSQL journal; empty if nothing is."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        complete = parts.username and parts.path.strip("/") and parts.port != 0
    except ValueError:
        return "is no URL"
    if parts.scheme != "postgresql":
        return "begins with postgresql://"
    if parts.password is not None or "password" in options or "passfile" in options:
        return "holds no password: `password` names a file with it"
    if not complete or not (parts.hostname or "host" in options):
        return "names user, host and database: postgresql://user@host/database"
    if not _is_here(parts, options) and options.get("sslmode") != ["verify-full"]:
        return "says sslmode=verify-full, since the host is not this machine"
    return ""


def is_local_socket(url: str) -> bool:
    """Whether each host of that URL is a folder with a Unix socket."""
    parts = urlsplit(url)
    named = parts.hostname or ",".join(parse_qs(parts.query).get("host", ()))
    hosts = [unquote(each) for each in named.split(",")]
    return "hostaddr" not in parts.query and all(each.startswith("/") for each in hosts)


def _is_here(parts: SplitResult, options: dict[str, list[str]]) -> bool:
    hosts = (
        *(parts.hostname or "").split(","),
        *options.get("host", ()),
        *options.get("hostaddr", ()),
    )
    return all(_is_loopback(each) for host in hosts for each in host.split(",") if each)


def _is_loopback(host: str) -> bool:
    if host.startswith("/") or host == "localhost":  # a socket in that folder
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
