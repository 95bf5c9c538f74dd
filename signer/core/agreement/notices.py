"""What agreement puts on record (design J6): each is an entry of its own kind."""

from dataclasses import dataclass
from typing import NamedTuple

from signer.core.agreement.claim import Claim


class Grant(NamedTuple):
    """A member's signed word that it stands behind an entry."""

    witness: bytes
    """Its log key, 32 bytes."""
    incarnation: bytes
    """Of the origin, to which it was given, 16 bytes."""
    signature: bytes
    """64 bytes, Ed25519 (`signer.core.agreement.messages`)."""


class Taken(NamedTuple):
    """A claim that binds us from this entry on."""

    claim: Claim
    granted: bool


class Released(NamedTuple):
    """A claim that binds us no longer: its origin voided it."""

    origin: bytes
    number: int


class Heard(NamedTuple):
    """How far a member's log was read."""

    member: bytes
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class AgreedNotice:
    """Our entry has its quorum: it may be signed, now and for ever."""

    clock: int
    number: int
    leaf: bytes
    grants: tuple[Grant, ...]
    """Of the other members, by key, ascending."""


@dataclass(frozen=True, slots=True)
class VoidNotice:
    """Our entry is void for ever: no signature left for it, and none will."""

    clock: int
    number: int
    leaf: bytes
    reason: str
    """Of `signer.core.agreement.machine`."""


@dataclass(frozen=True, slots=True)
class HeardNotice:
    """What reading another member's log changed in what binds us."""

    clock: int
    heard: Heard
    taken: tuple[Taken, ...]
    released: tuple[Released, ...]


@dataclass(frozen=True, slots=True)
class StartedNotice:
    """The import of a start is complete: from here on we grant and sign."""

    clock: int
    incarnation: bytes
    heard: tuple[Heard, ...]
    """The members whose claims were imported, by key."""


@dataclass(frozen=True, slots=True)
class ForkedNotice:
    """Two heads that a member signed and that cannot be of one log: nothing more is granted to it. What we
    hold for it stays: so does a head look that an honest member lost when it was restored."""

    clock: int
    member: bytes
    first: str
    second: str
    """Signed notes."""
    proof: tuple[bytes, ...]
    """Empty for two roots of one size; else the leaf hashes or path that show it (docs/agreement.md)."""


AgreementNotice = AgreedNotice | VoidNotice | HeardNotice | StartedNotice | ForkedNotice
