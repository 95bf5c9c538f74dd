"""The files of a new member.

1. All of them are made beside the target and moved into place at the end; an existing directory with
   anything in it is refused.
2. Everything is its owner's alone; secrets are sealed from the first byte on disk.
3. What is written is read back by the code that will read it in service.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from keystore.identity import new_identity
from keystore.secret import Secret
from keystore.vault_key import new_vault_key
from signer.bitcoin.network import REGTEST, Network
from signer.cli.certificates import Authority, Issued, make_authority
from signer.config import FORMAT, MAINNET_SWITCH, load_config
from signer.core.errors import Objection, Refusal
from signer.edge.address import parse_address
from signer.edge.callers import CallerEntry, spki_sha256
from signer.edge.roles import ROLES, SUBMIT_HEADERS


@dataclass(frozen=True, slots=True)
class NamedCertificate:
    """A caller to admit."""

    name: str
    roles: tuple[str, ...]
    file: Path | None
    """Its certificate; None: to be made."""


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What the user asked for, as text; `load_config` judges it."""

    name: str
    network: str
    confirmed_mainnet: bool
    listen: str
    metrics: str
    hosts: tuple[str, ...]
    issue: tuple[NamedCertificate, ...]
    callers: tuple[NamedCertificate, ...]
    client_ca: Path | None
    vault_keys: tuple[str, ...]
    """Names of the vault keys to make; a vault has its own."""


@dataclass(frozen=True, slots=True)
class MadeMember:
    """What the other members and the callers need to know."""

    xpubs: dict[str, str]
    """By the key's name; with their origin, as a policy lists them."""
    log_key: bytes
    statement_key: bytes
    callers: tuple[CallerEntry, ...]


def make_member(directory: Path, request: InitRequest, passphrase: Secret) -> MadeMember:
    """Raises Refusal `directory-not-empty`, `certificate-unreadable` and those of `load_config`."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        detail = f"{directory} exists and is not an empty directory"
        raise Refusal(Objection("directory-not-empty", detail))
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.with_name(f"{directory.name}.new-{os.getpid()}")
    draft.mkdir(mode=0o700)
    try:
        made = _fill(draft, request, passphrase)
        draft.rename(directory)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return made


def _fill(draft: Path, request: InitRequest, passphrase: Secret) -> MadeMember:
    for part in ("keys", "tls"):
        (draft / part).mkdir(mode=0o700)
    spki = _write_tls(draft / "tls", request)
    _write(draft / "pegwarden.toml", _config_text(request, spki).encode())
    config = load_config(draft / "pegwarden.toml")  # judges names, roles, addresses, network
    sealed_identity, log_key, statement_key = new_identity(config.network, passphrase)
    _write(config.keys.identity, sealed_identity)
    xpubs: dict[str, str] = {}
    for name, path in zip(request.vault_keys, config.keys.vaults, strict=True):
        sealed, xpubs[name] = new_vault_key(config.network, passphrase)
        _write(path, sealed)
    first = xpubs[request.vault_keys[0]]
    _write(draft / "policy.template.toml", _policy_template(config.network, first).encode())
    return MadeMember(xpubs, log_key, statement_key, config.callers)


def _write_tls(folder: Path, request: InitRequest) -> dict[str, bytes]:
    """Certificates and keys; the SPKI SHA-256 of each caller."""
    authority = make_authority(f"{request.name[:40]} authority")
    _write_issued(folder / "ca", authority.issued)
    address = parse_address(request.listen)
    hosts = ("localhost", "127.0.0.1", "::1", *([address.host] if address else []), *request.hosts)
    _write_issued(folder / "server", authority.issue_server(f"{request.name[:40]} kernel", hosts))
    trusted = [authority.issued.certificate_pem]
    if request.client_ca is not None:
        trusted.append(_read_pem(request.client_ca))
    _write(folder / "client-ca.pem", b"".join(trusted))
    spki = {each.name: _issue(folder, authority, each.name) for each in request.issue}
    for each in request.callers:
        if each.file is not None:
            spki[each.name] = spki_sha256(_read_certificate(each.file))
    return spki


def _issue(folder: Path, authority: Authority, name: str) -> bytes:
    if name in ("ca", "server", "client-ca") or "/" in name:
        raise Refusal(Objection("config-value", f"a caller cannot be called {name!r}"))
    issued = authority.issue_client(name)
    _write_issued(folder / name, issued)
    return issued.spki


def _read_pem(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        x509.load_pem_x509_certificates(content)
    except (OSError, ValueError):
        raise _unreadable(path) from None
    return content if content.endswith(b"\n") else content + b"\n"


def _read_certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(_read_pem(path))


def _unreadable(path: Path) -> Refusal:
    return Refusal(Objection("certificate-unreadable", f"{path} is no readable PEM certificate"))


def _write_issued(stem: Path, issued: Issued) -> None:
    _write(stem.with_name(stem.name + ".pem"), issued.certificate_pem)
    _write(stem.with_name(stem.name + ".key"), issued.key_pem)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def _key_file(name: str) -> str:
    return f"keys/{name}.json"


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(text)


def _config_text(request: InitRequest, spki: dict[str, bytes]) -> str:
    lines = [
        "# One member's kernel. docs/configuration.md explains every key; what is signed is the policy's",
        "# to say, never this file's.",
        f"format = {_quoted(FORMAT)}",
        f"name = {_quoted(request.name)}",
        f"network = {_quoted(request.network)}",
    ]
    if request.confirmed_mainnet:
        lines.append(f"{MAINNET_SWITCH} = true")
    lines += [
        f"listen = {_quoted(request.listen)}",
        'policy = "policy.toml"',
        'journal = "journal.sqlite"',
        "",
        "[keys]",
        'identity = "keys/identity.json"',
        f"vaults = [{', '.join(_quoted(_key_file(name)) for name in request.vault_keys)}]",
        "",
        "[tls]",
        'certificate = "tls/server.pem"',
        'key = "tls/server.key"',
        'client_ca = "tls/client-ca.pem"',
    ]
    if request.metrics:
        lines += ["", "[metrics]", f"listen = {_quoted(request.metrics)}"]
    for each in (*request.issue, *request.callers):
        roles = ", ".join(_quoted(role) for role in each.roles)
        lines += [
            "",
            f"[callers.{_quoted(each.name)}]",
            f'spki = ["{spki[each.name].hex()}"]',
            f"roles = [{roles}]",
        ]
    return "\n".join([*lines, *_chain_lines(request)]) + "\n"


def _chain_lines(request: InitRequest) -> list[str]:
    """On regtest one source is enough, and who may bring headers is one. Elsewhere people choose them."""
    feeders = [
        _quoted(each.name)
        for each in (*request.issue, *request.callers)
        if not ROLES[SUBMIT_HEADERS].isdisjoint(each.roles)
    ]
    if request.network != REGTEST.name or not feeders:
        return []
    return ["", "[chain]", f"sources = [{', '.join(feeders)}]", "sources_needed = 1"]


def _policy_template(network: Network, xpub: str) -> str:
    return f"""# Complete this together with the other members: all of them use the same bytes.
# docs/policy.md is the manual. Read it back with `pegwarden policy explain FILE`.
format = "pegwarden-policy/1"
name = "federation"
version = 1
network = "{network}"

[vaults.peg]
template = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
keys = [
    "{xpub}",
    "PASTE THE SECOND MEMBER'S KEY",
    "PASTE THE THIRD MEMBER'S KEY",
]
lookahead = 1000
coins = "attested(2, watchers)"

[rollups.main]
magic = "50475744"
first_batch = 1
sequence = "contiguous"

[groups]
watchers = [
    "PASTE AN ATTESTOR'S X-ONLY KEY",
    "PASTE AN ATTESTOR'S X-ONLY KEY",
    "PASTE AN ATTESTOR'S X-ONLY KEY",
]

[[allow]]
spend = "withdrawal"
from = "peg"
when = \"\"\"
and(attested(2, watchers),
    fee_rate_between(1 sat/vB, 200 sat/vB),
    fee_at_most(0.002 BTC),
    payment_at_most(1 BTC),
    outflow_at_most(24h, 10 BTC))
\"\"\"
"""
