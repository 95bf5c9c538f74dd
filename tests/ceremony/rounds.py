"""A ceremony of two people, a machine and a token, for tests."""

import hashlib

from signer.ceremony.commit import (
    Claim,
    Commitment,
    Opening,
    Round,
    commit,
    contribution_of,
    gather,
    open_for,
)
from signer.ceremony.health import SOURCES, Health, measure

CONTRIBUTORS = {"alice": "os", "bob": "dice", "machine": "os", "token": "token"}


def samples_of(name: str, source: str) -> bytes:
    """Such as a healthy source draws, and always the same."""
    size = SOURCES[source].least
    stream = hashlib.shake_256(name.encode()).digest(size)
    return bytes(ord("1") + each % 6 for each in stream) if source == "dice" else stream


SECRETS = {name: contribution_of(samples_of(name, source)) for name, source in CONTRIBUTORS.items()}


def health_of(name: str) -> Health:
    source = CONTRIBUTORS[name]
    return measure(source, samples_of(name, source))


def commitment_of(name: str, ceremony: str = "vault-1", network: str = "regtest") -> Commitment:
    return commit(Claim(ceremony, network, name, health_of(name)), SECRETS[name])


def whole_round() -> Round:
    return gather(commitment_of(name) for name in CONTRIBUTORS)


def openings(gathered: Round) -> list[Opening]:
    return [open_for(gathered, name, secret) for name, secret in SECRETS.items()]
