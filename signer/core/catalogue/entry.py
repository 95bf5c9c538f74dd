"""What a row of the catalogue says."""

from dataclasses import dataclass
from enum import StrEnum


class CodeKind(StrEnum):
    """What sort of no."""

    MALFORMED = "malformed"
    VERIFICATION = "verification"
    STATE = "state"
    POLICY = "policy"
    ROLE = "role"
    LIMIT = "limit"
    AWAY = "away"
    """Nobody was asked: the kernel's process does not answer."""
    SETUP = "setup"
    """Refused before there is a request: policies, configs, key files. Never crosses the wire."""


class Disposition(StrEnum):
    """What the caller can do."""

    RETRY_SAME = "RETRY_SAME"
    WAIT_UNTIL = "WAIT_UNTIL"
    NEEDS_EVIDENCE = "NEEDS_EVIDENCE"
    NEEDS_APPROVAL = "NEEDS_APPROVAL"
    REBUILD = "REBUILD"
    OPERATOR = "OPERATOR"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One refusal code."""

    code: str
    kind: CodeKind
    disposition: Disposition
    rule: str
    """The rule that was broken, one sentence."""
    remedy: str
    """What to do next, one sentence."""
    public: bool = True
