"""Where a member's keys are, and what stands between them and the network: told to callers; no rule asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyCustody:
    """Our key for a vault."""

    kind: str
    """`file`, `hsm-sealed` or `token`."""
    has_caps: bool


@dataclass(frozen=True, slots=True)
class Custody:
    """Of all of a kernel's keys."""

    processes: int = 1
    """2: the edge is another one."""
    room_is_closed: bool = False
    keys: Mapping[bytes, KeyCustody] = field(default_factory=dict)
    """Vault -> our key."""
