"""Every file that a member's kernel needs but its journal, read before it opens keys: a kernel in its room
opens no file (docs/room.md).

1. What is read is bounded, and is believed no more than the files were: `signer.compose` opens and compares.
2. Sealed keys stay sealed here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import signer
from keystore.ledger import ledger_files
from keystore.sealed import read_sealed
from signer.config import KernelConfig
from signer.journal.place import Place, PostgresPlace
from signer.journal.store import store_at
from signer.member_files import read_policy_bytes

_PACKAGES = ("signer", "policies", "keystore", "carrier", "pegwarden")
"""By name: a kernel imports no carrier."""


@dataclass(frozen=True, slots=True)
class MemberFiles:
    """What was read."""

    config: KernelConfig
    policy: bytes
    identity: bytes
    """Sealed."""
    vaults: Mapping[Path, bytes]
    """Sealed, by their files."""
    ledgers: Mapping[bytes, int]
    """Vault -> descriptor, of vault keys with caps; open, and whoever opens the keys closes them."""
    journal: Place
    """With the password that its file held."""
    build_digest: bytes
    attestation: bytes | None = None
    """Sealed; None where this member attests no deposits."""


def read_member(config: KernelConfig) -> MemberFiles:
    """Raises Refusal `policy-unreadable`, `key-file-missing`, `key-file-exposed`, `key-file-malformed`,
    `key-file-unusable`, `cap-ledger-broken` or `journal-unavailable`."""
    attestation = config.keys.attestation
    return MemberFiles(
        config=config,
        policy=read_policy_bytes(config.policy),
        identity=read_sealed(config.keys.identity),
        vaults={path: read_sealed(path) for path in config.keys.vaults},
        ledgers=ledger_files(config.keys.ledgers),
        journal=_journal(config.journal),
        build_digest=build_digest(),
        attestation=None if attestation is None else read_sealed(attestation),
    )


def build_digest() -> bytes:
    """SHA-256 over the kernel's source files: for each, in path order, its path, a zero byte and the
    SHA-256 of its content."""
    root = Path(signer.__file__).parent.parent
    digest = hashlib.sha256()
    for file in sorted(file for package in _PACKAGES for file in (root / package).rglob("*.py")):
        name = file.relative_to(root).as_posix().encode()
        digest.update(name + b"\x00" + hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()


def _journal(place: Place) -> Place:
    store_at(place)  # imports the driver of its store
    if isinstance(place, PostgresPlace) and place.password is not None:
        from signer.journal.postgres_session import read_password  # noqa: PLC0415 (an extra)

        return PostgresPlace(place.url, place.password, read_password(place.password))
    return place
