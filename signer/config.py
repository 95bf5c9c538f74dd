"""The configuration of one member: TOML to a frozen KernelConfig (docs/configuration.md).

1. Exact: an unknown or missing key, a wrong type or range is an error that names file and key.
2. Paths are relative to the file; nothing comes from the environment.
3. Mainnet needs `i_understand_mainnet_is_real_money = true`; other dangerous switches begin with `unsafe`.
4. What is signed is the policy's to say: nothing here can widen it.
"""

import hashlib
import re
from dataclasses import dataclass, fields
from pathlib import Path

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import MAINNET, Network, network_named
from signer.clock import MAX_DOWNTIME
from signer.config_chain import ChainConfig, chain_in
from signer.config_processes import ProcessesConfig, processes_in
from signer.config_token import TokenConfig, token_in
from signer.core.caller import Role
from signer.core.errors import Objection, Refusal
from signer.edge.address import Address, parse_address
from signer.edge.callers import MAX_KEYS, CallerEntry
from signer.edge.limits import EdgeLimits
from signer.edge.roles import ROLES, SUBMIT_HEADERS
from signer.journal.place import Place, PostgresPlace, url_fault
from signer.toml_table import NAME, TomlTable, read_toml

FORMAT = "pegwarden-config/1"
MAX_FILE = 1 << 20
MAINNET_SWITCH = "i_understand_mainnet_is_real_money"
_SPKI = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeyPaths:
    """`[keys]`."""

    identity: Path
    vaults: tuple[Path, ...]
    """One sealed key per vault of the policy."""
    ledgers: Path
    """Folder of the ledgers of vault keys with caps."""
    attestation: Path | None
    """Of the key that attests deposits; None: this member attests none."""

    @property
    def sealed(self) -> tuple[Path, ...]:
        """All sealed files."""
        attestation = () if self.attestation is None else (self.attestation,)
        return (self.identity, *self.vaults, *attestation)


@dataclass(frozen=True, slots=True)
class TlsPaths:
    """`[tls]` and `[agreement.identity]`: PEM files."""

    certificate: Path
    key: Path
    client_ca: Path
    """Of whom we accept: callers, or in `[agreement.identity]` (`ca`) peers."""


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """`[agreement.peers.NAME]`: another member's kernel."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class AgreementConfig:
    """`[agreement]`: how a member of a federation of witnesses waits and carries (design J6)."""

    wait_seconds: int
    """That SignPsbt waits for grants before it answers that it does; 0: not at all."""
    timeout_seconds: int
    """After which an entry without its grants is void."""
    every_seconds: int
    """Between two rounds of our own carrying."""
    peers: tuple[PeerAddress, ...]
    """Whom we carry to and from; none: others carry."""
    identity: TlsPaths | None
    """Who we are to them, and whose certificates they have."""


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """One member's configuration."""

    path: Path
    digest: bytes
    """SHA-256 of the file."""
    name: str
    network: Network
    listen: Address
    metrics: Address | None
    policy: Path
    journal: Place
    journal_head: Path
    """Where the newest head is kept outside the journal."""
    keys: KeyPaths
    tls: TlsPaths
    callers: tuple[CallerEntry, ...]
    limits: EdgeLimits
    agreement: AgreementConfig
    processes: ProcessesConfig | None
    """None: one process for both."""
    token: TokenConfig | None
    chain: ChainConfig | None
    """None: this kernel sees no chain."""
    max_downtime: int
    """Seconds after its last entry that a member without witnesses starts by its machine's clock (J7)."""
    development: bool
    """gRPC reflection."""
    without_consensus_gate: bool
    """`unsafe_without_consensus_gate`: ExtractTx without Core's second opinion."""


def load_config(path: Path) -> KernelConfig:
    """Raises Refusal `config-unreadable`, `config-syntax`, `config-key-unknown`, `config-key-missing`,
    `config-value` or `mainnet-not-confirmed`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise Refusal(Objection("config-unreadable", f"{path}: {error.strerror}")) from None
    if len(content) > MAX_FILE:
        raise Refusal(Objection("config-unreadable", f"{path}: longer than {MAX_FILE} bytes"))
    top = read_toml(path, content)
    config = _config(path, hashlib.sha256(content).digest(), top)
    top.end()
    return config


def _config(path: Path, digest: bytes, top: TomlTable) -> KernelConfig:
    if top.text("format") != FORMAT:
        top.refuse("format", f"is {FORMAT!r}")
    journal, journal_head = _journal(top)
    processes, token = processes_in(top), token_in(top)
    network, callers = _network(top), _callers(top.table("callers"))
    feeders = (each.name for each in callers if not each.roles.isdisjoint(ROLES[SUBMIT_HEADERS]))
    if token is not None and processes is None:
        top.refuse("token", "needs [processes]: its keepers connect to the kernel's process")
    return KernelConfig(
        path=path,
        digest=digest,
        name=_name(top),
        network=network,
        listen=_address(top, "listen"),
        metrics=_metrics(top.table("metrics")),
        policy=top.path("policy"),
        journal=journal,
        journal_head=journal_head,
        keys=_keys(top.table("keys")),
        tls=_tls(top.table("tls")),
        callers=callers,
        limits=_limits(top.table("limits")),
        agreement=_agreement(top.table("agreement")),
        processes=processes,
        token=token,
        chain=chain_in(top, network, feeders),
        max_downtime=_max_downtime(top.table("clock")),
        development=top.switch("development"),
        without_consensus_gate=top.switch("unsafe_without_consensus_gate"),
    )


def _journal(top: TomlTable) -> tuple[Place, Path]:
    """A path, or the table of a PostgreSQL journal; and the path of the head file."""
    if not top.is_table("journal"):
        path = top.path("journal")
        return path, path.with_name(path.name + ".head")
    table = top.table("journal")
    url = table.text("postgres")
    fault = url_fault(url)
    if fault:
        table.refuse("postgres", fault)
    password = table.path("password") if "password" in table else None
    head = table.path("head")
    table.end()
    return PostgresPlace(url, password), head


def _name(top: TomlTable) -> str:
    name = top.text("name")
    if not NAME.fullmatch(name):
        top.refuse("name", "is at most 64 small letters, digits, dots and dashes")
    return name


def _network(top: TomlTable) -> Network:
    try:
        network = network_named(top.text("network"))
    except Malformed as error:
        top.refuse("network", error.detail)
    if network is MAINNET and not top.switch(MAINNET_SWITCH):
        detail = f"network mainnet without `{MAINNET_SWITCH} = true`"
        raise Refusal(Objection("mainnet-not-confirmed", detail))
    if MAINNET_SWITCH in top:
        top.refuse(MAINNET_SWITCH, "stands only with network mainnet")
    return network


def _address(table: TomlTable, key: str) -> Address:
    address = parse_address(table.text(key))
    if address is None:
        table.refuse(key, "is an IP address and a port, such as 127.0.0.1:50551")
    return address


def _metrics(table: TomlTable) -> Address | None:
    unsafe = table.switch("unsafe_beyond_loopback")
    address = _address(table, "listen") if "listen" in table else None
    if address is not None and not (unsafe or address.is_loopback):
        table.refuse("listen", "is a loopback address (or set unsafe_beyond_loopback = true)")
    table.end()
    return address


def _keys(table: TomlTable) -> KeyPaths:
    identity = table.path("identity")
    ledgers = table.path("ledgers") if "ledgers" in table else identity.with_name("ledgers")
    attestation = table.path("attestation") if "attestation" in table else None
    paths = KeyPaths(identity, table.paths("vaults"), ledgers, attestation)
    table.end()
    return paths


def _tls(table: TomlTable, ca: str = "client_ca") -> TlsPaths:
    paths = TlsPaths(table.path("certificate"), table.path("key"), table.path(ca))
    table.end()
    return paths


def _callers(tables: TomlTable) -> tuple[CallerEntry, ...]:
    entries: list[CallerEntry] = []
    seen: set[bytes] = set()
    for name, table in tables.tables():
        entry = CallerEntry(name, _spki(table), _roles(table))
        table.end()
        if not seen.isdisjoint(entry.spki) or len(set(entry.spki)) != len(entry.spki):
            table.refuse("spki", "names a key that stands there already: one key, one caller")
        seen.update(entry.spki)
        entries.append(entry)
    return tuple(entries)


def _spki(table: TomlTable) -> tuple[bytes, ...]:
    texts = table.texts("spki")
    if len(texts) > MAX_KEYS or not all(_SPKI.fullmatch(text) for text in texts):
        table.refuse("spki", f"is one to {MAX_KEYS} SHA-256 in small hexadecimal digits")
    return tuple(bytes.fromhex(text) for text in texts)


def _roles(table: TomlTable) -> frozenset[Role]:
    try:
        return frozenset(Role(text) for text in table.texts("roles"))
    except ValueError:
        table.refuse("roles", f"is a list of {', '.join(Role)}")


def _agreement(table: TomlTable) -> AgreementConfig:
    peers = tuple(_peer(name, each) for name, each in table.table("peers").tables())
    agreement = AgreementConfig(
        wait_seconds=table.number("wait_seconds", 2, least=0),
        timeout_seconds=table.number("timeout_seconds", 120),
        every_seconds=table.number("every_seconds", 1),
        peers=peers,
        identity=_tls(table.table("identity"), "ca") if peers else None,
    )
    table.end()
    return agreement


def _peer(name: str, table: TomlTable) -> PeerAddress:
    peer = PeerAddress(name, _address(table, "address"))
    table.end()
    return peer


def _max_downtime(table: TomlTable) -> int:
    seconds = table.number("max_downtime_seconds", MAX_DOWNTIME)
    table.end()
    return seconds


def _limits(table: TomlTable) -> EdgeLimits:
    defaults = EdgeLimits()
    limits = {
        each.name: table.number(each.name, getattr(defaults, each.name))
        for each in fields(defaults)
    }
    table.end()
    return EdgeLimits(**limits)
