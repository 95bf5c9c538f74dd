"""Who asks: an authenticated peer with roles. The edge says it; the kernel believes only this much:
nothing past policy and attestations depends on it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A set of RPCs (`signer.edge.roles`) and of values shown in refusals."""

    RELAYER = "relayer"
    INDEXER = "indexer"
    OFFICER = "officer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class Caller:
    """A named peer."""

    name: str
    """As the configuration calls it."""
    roles: frozenset[Role]
