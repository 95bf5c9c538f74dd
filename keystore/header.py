"""What a sealed file says in the open: its header, authenticated by the seal.

Rule 1: strict JSON: these members, these types, nothing else, nothing twice; at most MAX_FILE bytes.
Rule 2: the cost that a file asks for is bounded before it is paid: a hostile file costs 128 MiB at most.
Rule 3: the associated data of the seal is the header in canonical JSON (sorted, no spaces, ASCII).
Rule 4: a vault key with caps is of FORMAT_2: behind the seed its secret holds the key of its ledger.
Rule 5: so is the file of a key in a token, with caps or without; its secret is the key of its ledger alone.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from enum import StrEnum

from keystore.caps import Caps
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network, network_named
from signer.bitcoin.units import Sats
from signer.core.errors import Objection, Refusal

FORMAT = "pegwarden-key/1"
FORMAT_2 = "pegwarden-key/2"
FILE_KIND, TOKEN_KIND = "file", "token"
"""What signs with such a file: its seed, in our memory; or the token. A token's seal has kinds more."""
MOST_IDENT = 32
"""Bytes of a key's id in a token."""
MAX_FILE = 16_384
LEAST_COST, DEFAULT_COST, MOST_COST = 1 << 14, 1 << 16, 1 << 17
"""scrypt's N, with r = 8 and p = 1: 128 * 8 * N bytes of memory."""


class WrapKind(StrEnum):
    """What a file sealed by a token is for (`keystore.hsm_sealed`)."""

    SEALED = "hsm-sealed"
    """A key that a kernel uses."""
    BACKUP = "hsm-backup"
    """A copy put away."""


class Role(StrEnum):
    """What a sealed secret is for. Each has one use (checklist H8)."""

    VAULT = "vault"
    """A 32-byte BIP-32 seed."""
    IDENTITY = "identity"
    """Two Ed25519 seeds, 32 bytes each: log key, statement key."""
    ATTESTATION = "attestation"
    """A 32-byte secret key that attests deposits."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a vault key may sign for. An unbound key signs nothing."""

    vault_fingerprint: bytes
    policy_id: bytes
    """The policy with which its journal began."""
    first_leaf: bytes
    """Leaf hash of the genesis entry of the only journal that it serves."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a vault key: what the second gate holds it to."""

    caps: Caps
    successor: bytes = b""
    """Fingerprint of the vault to which the key's own may be emptied, outside the caps; empty: none."""


@dataclass(frozen=True, slots=True)
class Header:
    """All of a sealed file but the sealed bytes."""

    role: Role
    network: Network
    public: str
    """The xpub with its origin; or log key and statement key in hex, a colon between; or an x-only key."""
    salt: bytes
    nonce: bytes
    cost: int
    binding: Binding | None = None
    limits: Limits | None = None
    token: bytes = b""
    """CKA_ID of the key, where it is in a token; then `public` is that public key."""

    def members(self) -> dict[str, object]:
        """As JSON members."""
        members: dict[str, object] = {
            "format": FORMAT_2 if self.limits or self.token else FORMAT,
            "role": self.role.value,
            "network": self.network.name,
            "genesis_hash": self.network.genesis_hash.hex(),
            "public": self.public,
            "binding": None if self.binding is None else _binding_members(self.binding),
            "kdf": {"name": "scrypt", "n": self.cost, "r": 8, "p": 1, "salt": self.salt.hex()},
            "cipher": {"name": "aes-256-gcm", "nonce": self.nonce.hex()},
        }
        return members | _second_members(self) if self.limits or self.token else members

    def associated(self) -> bytes:
        """What the seal authenticates besides its content."""
        return json.dumps(self.members(), sort_keys=True, separators=(",", ":")).encode()


def write_file(header: Header, sealed: bytes) -> bytes:
    """The file's bytes."""
    members = header.members() | {"sealed": base64.b64encode(sealed).decode()}
    return json.dumps(members, indent=1).encode() + b"\n"


def read_file(content: bytes) -> tuple[Header, bytes]:
    """Header and sealed bytes. Raises Refusal `key-file-malformed`."""
    if len(content) > MAX_FILE:
        raise malformed_file(f"longer than {MAX_FILE} bytes")
    try:
        members = json.loads(content.decode("ascii"), object_pairs_hook=_once)
        sealed = base64.b64decode(members.pop("sealed"), validate=True)
        header = _header(members)
        if header.members() != members or write_file(header, sealed) != content:
            raise malformed_file("not in the form in which we write it")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise malformed_file("not the JSON of a sealed key") from None
    return header, sealed


def read_header(members: object) -> Header:
    """A header that stands in another file. Raises Refusal `key-file-malformed`."""
    try:
        if isinstance(members, dict):
            header = _header(members)
            if header.members() == members:
                return header
    except (ValueError, KeyError, TypeError):
        pass
    raise malformed_file("not the header of a sealed key")


def is_wrapped(content: bytes) -> bool:
    """Whether it says of itself that a token sealed it; `hsm_sealed.read_wrap` is who believes it."""
    return _said_wrap(content) is not None


def kind_of(content: bytes) -> str:
    """What signs with it, as it says: `file`, `token`, `hsm-sealed`; a copy to put away is `hsm-backup`.

    Raises Refusal `key-file-malformed`.
    """
    said = _said_wrap(content)
    if said is not None:
        return said.value
    return TOKEN_KIND if read_file(content)[0].token else FILE_KIND


def require_unwrapped(content: bytes) -> bytes:
    """The same. Raises Refusal `key-kind-wrong` where a token's seal is around it."""
    said = _said_wrap(content)
    if said is not None:
        raise other_kind("a token seals it, too: `pegwarden key unwrap` it first", said, FILE_KIND)
    return content


def _said_wrap(content: bytes) -> WrapKind | None:
    try:
        members = json.loads(content[: MAX_FILE + 1].decode("ascii"))
        return WrapKind(members["kind"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def other_kind(detail: str, observed: str, limit: str) -> Refusal:
    """Of kinds as `kind_of` says them."""
    return Refusal(Objection("key-kind-wrong", detail, observed, limit))


def malformed_file(detail: str) -> Refusal:
    """The file is no sealed key, or cut short."""
    return Refusal(Objection("key-file-malformed", detail))


def _header(members: dict[str, object]) -> Header:
    kdf, cipher, binding = members["kdf"], members["cipher"], members["binding"]
    if not isinstance(kdf, dict) or not isinstance(cipher, dict):
        raise malformed_file("kdf and cipher are objects")
    cost = kdf["n"]
    if not isinstance(cost, int) or not LEAST_COST <= cost <= MOST_COST or cost & (cost - 1):
        raise malformed_file(f"scrypt's n is a power of two, {LEAST_COST} to {MOST_COST}")
    return Header(
        role=Role(str(members["role"])),
        network=_network(str(members["network"])),
        public=str(members["public"]),
        salt=_hex(kdf["salt"], 32),
        nonce=_hex(cipher["nonce"], 12),
        cost=cost,
        binding=None if binding is None else _binding(binding),
        limits=_limits(members) if members["format"] == FORMAT_2 else None,
        token=_token(members) if members["format"] == FORMAT_2 else b"",
    )


def _network(name: str) -> Network:
    try:
        return network_named(name)
    except Malformed as error:
        raise malformed_file(error.detail) from None


def _binding(members: object) -> Binding:
    if not isinstance(members, dict):
        raise malformed_file("a binding is an object")
    return Binding(*(_hex(members[name], 32) for name in Binding.__slots__))


def _binding_members(binding: Binding) -> dict[str, str]:
    return {name: getattr(binding, name).hex() for name in Binding.__slots__}


def _token(members: dict[str, object]) -> bytes:
    if members["role"] != Role.VAULT or members["kind"] not in (FILE_KIND, TOKEN_KIND):
        raise malformed_file(f"a vault key is of kind {FILE_KIND} or {TOKEN_KIND}")
    if members["kind"] == FILE_KIND:
        return b""
    ident = bytes.fromhex(str(members["ident"]))
    if not 1 <= len(ident) <= MOST_IDENT:
        raise malformed_file(f"an id of {len(ident)} bytes")
    return ident


def _limits(members: dict[str, object]) -> Limits | None:
    caps, successor = members["caps"], members["successor"]
    if caps is None:
        return None
    if not isinstance(caps, dict):
        raise malformed_file("caps are an object")
    amounts = [caps[name] for name in Caps.__slots__]
    if not all(type(amount) is int for amount in amounts):
        raise malformed_file("a cap is a whole number of sats")
    return Limits(Caps(*map(Sats, amounts)), b"" if successor is None else _hex(successor, 32))


def _second_members(header: Header) -> dict[str, object]:
    """Those that FORMAT_2 has more."""
    limits = header.limits
    caps = None if limits is None else limits.caps
    members: dict[str, object] = {
        "kind": TOKEN_KIND if header.token else FILE_KIND,
        "caps": None if caps is None else {name: getattr(caps, name) for name in Caps.__slots__},
        "successor": None if limits is None else limits.successor.hex() or None,
    }
    return members | {"ident": header.token.hex()} if header.token else members


def _hex(text: object, size: int) -> bytes:
    content = bytes.fromhex(str(text))
    if len(content) != size:
        raise malformed_file(f"{len(content)} bytes instead of {size}")
    return content


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise malformed_file("a member stands twice")
    return dict(pairs)
