"""What `pegwarden serve` of a whole process reads: policy, passphrase, certificates, configuration."""

from pathlib import Path

from signer.journal.place import Place
from tests.edge.lobby import AUTHORITY
from tests.kernel.room import PASSPHRASE

SERVER = AUTHORITY.issue_server("kernel", ("127.0.0.1",))
RELAYER = AUTHORITY.issue_client("relayer")


def furnish(folder: Path, policy: bytes) -> None:
    """All but the configuration."""
    files = {
        "policy.toml": policy,
        "passphrase": PASSPHRASE,
        "ca.pem": AUTHORITY.issued.certificate_pem,
        "server.pem": SERVER.certificate_pem,
        "server.key": SERVER.key_pem,
        "relayer.pem": RELAYER.certificate_pem,
        "relayer.key": RELAYER.key_pem,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)


def configuration(name: str, port: int, place: Place) -> str:
    """Of a member that listens there, with its journal at that place."""
    journal, table = 'journal = "journal.sqlite"', ""
    if not isinstance(place, Path):
        journal, table = "", f'[journal]\npostgres = "{place}"\nhead = "journal.sqlite.head"'
    return f"""format = "pegwarden-config/1"
name = "{name}"
network = "regtest"
listen = "127.0.0.1:{port}"
policy = "policy.toml"
{journal}
unsafe_without_consensus_gate = true
[keys]
identity = "identity.key"
vaults = ["vault.key"]
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[callers.relayer]
spki = ["{RELAYER.spki.hex()}"]
roles = ["relayer", "witness"]
[agreement]
wait_seconds = 0
{table}
"""
