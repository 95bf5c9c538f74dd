"""Where this member stands with the others (design J6), and what a carrier brings and takes back."""

from typing import NamedTuple, Protocol

from signer.core.errors import Refusal, unverified


class BroughtLog(NamedTuple):
    """A piece of a member's log as it was brought. Nothing of it is verified."""

    log_key: bytes
    head: str
    start: int
    records: tuple[bytes, ...]


class Told(NamedTuple):
    """What a carrier tells us of the other members."""

    log: BroughtLog | None
    standing: bytes
    """Of the member whose log it is; empty for none."""
    messages: tuple[bytes, ...]
    """Of other members, for us."""
    own_tail: BroughtLog | None
    """Of our own log, as another member kept it."""
    cosigned_head: str
    """Of our own log; empty for none."""
    caller: str
    """Who brings it."""


class Replies(NamedTuple):
    """What we say to it."""

    followed_size: int
    messages: tuple[bytes, ...]
    """For the member whose log it is."""
    cosignature: str
    """Signature line; empty for none."""


class Witnessing(Protocol):
    """Where this member stands with the others (design J6), as GetHead tells it."""

    def standing(self) -> bytes:
        """Our signed incarnation and start; empty where there are no witnesses."""

    def waiting_for(self) -> tuple[str, ...]:
        """Why we neither grant nor sign, one sentence each; nothing when we do."""

    def pending_entries(self) -> tuple[int, ...]:
        """Own entries that wait for grants."""

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        """(log key, entries) of each log that we follow, as far as we do."""

    def followed_head(self, log_key: bytes, size: int) -> str:
        """A head of that log as its member signed it: the first of that size or above that we know, or the
        newest for 0. Raises Refusal `log-unknown` or `head-size-unknown`."""

    def followed_records(self, log_key: bytes, start: int, limit: int) -> tuple[bytes, ...]:
        """Our copy of that log from that number on, some 1 MiB at most. Raises Refusal `log-unknown`."""

    def cosignatures(self, text: str) -> tuple[str, ...]:
        """Signature lines of witnesses that we know for that checkpoint text of our own log."""

    def granted(self, number: int) -> frozenset[bytes]:
        """The other members whose grants of our pending entry are in, by log key."""

    def refusals(self, number: int) -> tuple[str, ...]:
        """Why other members do not grant our pending entry, as they said, a sentence each."""

    def tell(self, told: Told) -> Replies:
        """Take in what other members recorded and said; idempotent. Raises Refusal or Malformed."""


class NoWitnesses:
    """A member whose policy names no witnesses: Witnessing, with nothing to tell."""

    def standing(self) -> bytes:
        """See Witnessing."""
        return b""

    def waiting_for(self) -> tuple[str, ...]:
        """See Witnessing."""
        return ()

    def pending_entries(self) -> tuple[int, ...]:
        """See Witnessing."""
        return ()

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        """See Witnessing."""
        return ()

    def followed_head(self, log_key: bytes, size: int) -> str:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        raise _no_such_log()

    def followed_records(
        self,
        log_key: bytes,  # noqa: ARG002 (Witnessing's)
        start: int,  # noqa: ARG002
        limit: int,  # noqa: ARG002
    ) -> tuple[bytes, ...]:
        """See Witnessing."""
        raise _no_such_log()

    def cosignatures(self, text: str) -> tuple[str, ...]:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        return ()

    def granted(self, number: int) -> frozenset[bytes]:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        return frozenset()

    def refusals(self, number: int) -> tuple[str, ...]:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        return ()

    def tell(self, told: Told) -> Replies:  # noqa: ARG002 (Witnessing's)
        """See Witnessing."""
        raise _no_such_log()


def _no_such_log() -> Refusal:
    return unverified("log-unknown", "this member follows no other log")
