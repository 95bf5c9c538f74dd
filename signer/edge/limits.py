"""What a caller may use up (docs/configuration.md has the table with what enforces each).

1. Everything is bounded before it is spent: admission is decided before a message is read.
2. A caller exhausts its own share, never another's: rate, refusals and calls in flight are counted by name.
3. Refusals cost, and so does every ExplainPsbt: whoever probes the policy pays for each question. Refusals
   that say nothing of the request are free (FREE_CODES): others' load brings them about, too.
4. A stream that waits is no call in flight: it holds no thread. Streams have limits of their own, and the
   messages of SubmitHeaders a rate of their own: they wait for it, and cost no other call of their caller.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from signer.core.errors import LimitExceeded, Objection

EXPLAIN = "ExplainPsbt"
FREE_CODES = frozenset({"deadline-exceeded", "kernel-busy", "kernel-restarting"})
ENTRY_MARGIN = 1 << 20
"""Bytes by which an entry with its head may exceed the request that it records: Witness takes them."""


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """`[limits]` of the configuration."""

    message_bytes: int = 9 * 1024 * 1024
    """Of one request: a PSBT of 8 MiB and its evidence."""
    connections: int = 64
    streams_per_connection: int = 64
    handshake_seconds: int = 5
    connection_idle_seconds: int = 600
    connection_age_seconds: int = 3_600
    """After it a connection is asked to reconnect, and its certificate is verified anew."""
    deadline_seconds: int = 30
    """The longest that a request is waited for, queued and worked on."""
    threads: int = 4
    """Kernel calls at the same time."""
    calls: int = 32
    """Admitted at the same time: at most this many messages are in memory."""
    calls_per_caller: int = 16
    requests_per_second: int = 500
    """Per caller, sustained."""
    request_burst: int = 1_000
    refusals_per_hour: int = 1_800
    """Per caller, sustained; ExplainPsbt counts as one."""
    refusal_burst: int = 600
    watches: int = 32
    """Streams of Watch, ListEntries and SubmitHeaders at the same time."""
    watches_per_caller: int = 4
    watch_poll_seconds: int = 1
    """Between two looks of a stream at the record while something happens; twice as long after each look
    that found nothing."""
    watch_rest_seconds: int = 10
    """The longest between two looks."""
    header_messages_per_second: int = 10
    """Of SubmitHeaders, per caller, sustained: what is above waits. Other calls have their own rate."""
    header_message_burst: int = 500
    """A million headers, 2,000 to a message: all of Bitcoin's at once."""
    drain_seconds: int = 10
    """For calls in flight when the kernel stops."""

    @property
    def request_bytes(self) -> int:
        """Of the longest request, which is Witness's."""
        return self.message_bytes + ENTRY_MARGIN

    @property
    def link_bytes(self) -> int:
        """Of the longest response: entries exceed the requests that they record."""
        return 2 * self.message_bytes + ENTRY_MARGIN


@dataclass(slots=True)
class TokenBucket:
    """Tokens that come back at a steady rate, up to a capacity."""

    rate: float
    """Tokens per second."""
    capacity: float
    level: float
    moment: float

    def wait(self, now: float) -> float:
        """Seconds until there is a whole token; 0 when there is one."""
        self.level = min(self.capacity, self.level + (now - self.moment) * self.rate)
        self.moment = now
        return max(0.0, (1.0 - self.level) / self.rate)

    def take(self) -> None:
        """One token less. The level may go below zero: what was used is owed."""
        self.level -= 1.0


@dataclass(slots=True)
class _Account:
    requests: TokenBucket
    refusals: TokenBucket
    header_messages: TokenBucket
    in_flight: int = 0
    watches: int = 0


@dataclass
class Admission:
    """Counts what callers use. Lives on the event loop's thread alone."""

    limits: EdgeLimits
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    in_flight: int = 0
    watches: int = 0
    _accounts: dict[str, _Account] = field(default_factory=dict)
    """By caller name: as many as the configuration has."""

    def enter(self, caller: str, method: str) -> None:
        """Admit a call, to be ended by `leave`. Raises LimitExceeded `rate-exceeded`,
        `refusal-budget-exhausted` or `calls-too-many`."""
        account, limits = self._charged(caller), self.limits
        if self.in_flight >= limits.calls or account.in_flight >= limits.calls_per_caller:
            raise LimitExceeded(
                Objection(
                    "calls-too-many",
                    "too many calls at the same time",
                    f"{account.in_flight} of {caller}, {self.in_flight} in all",
                    f"{limits.calls_per_caller} of one caller, {limits.calls} in all",
                )
            )
        if method == EXPLAIN:
            account.refusals.take()
        account.in_flight += 1
        self.in_flight += 1

    def leave(self, caller: str) -> None:
        """The call has ended, and its thread is free."""
        self._account(caller).in_flight -= 1
        self.in_flight -= 1

    def enter_watch(self, caller: str) -> None:
        """Admit a stream, to be ended by `leave_watch`. Raises LimitExceeded `rate-exceeded`,
        `refusal-budget-exhausted` or `watches-too-many`."""
        account, limits = self._charged(caller), self.limits
        if self.watches >= limits.watches or account.watches >= limits.watches_per_caller:
            raise LimitExceeded(
                Objection(
                    "watches-too-many",
                    "too many streams at the same time",
                    f"{account.watches} of {caller}, {self.watches} in all",
                    f"{limits.watches_per_caller} of one caller, {limits.watches} in all",
                )
            )
        account.watches += 1
        self.watches += 1

    def leave_watch(self, caller: str) -> None:
        """The stream has ended, and no thread works for it."""
        self._account(caller).watches -= 1
        self.watches -= 1

    def take_header_message(self, caller: str) -> float:
        """One message of SubmitHeaders less for that caller, and 0; or the seconds until it has one."""
        purse = self._account(caller).header_messages
        wait = purse.wait(self.monotonic())
        if wait <= 0:
            purse.take()
        return wait

    def charge_refusal(self, caller: str, method: str, code: str) -> None:
        """The call was refused with that code (3). ExplainPsbt has paid already."""
        if method != EXPLAIN and code not in FREE_CODES:
            self._account(caller).refusals.take()

    def _charged(self, caller: str) -> _Account:
        """One request less for that caller."""
        account, now = self._account(caller), self.monotonic()
        wait = account.requests.wait(now)
        if wait > 0:
            raise self._wait("rate-exceeded", f"{caller} asks too often", wait)
        account.requests.take()
        wait = account.refusals.wait(now)
        if wait > 0:
            raise self._wait("refusal-budget-exhausted", f"{caller} was refused too often", wait)
        return account

    def _account(self, caller: str) -> _Account:
        account = self._accounts.get(caller)
        if account is None:
            limits, now = self.limits, self.monotonic()
            burst, refusals = float(limits.request_burst), float(limits.refusal_burst)
            headers = float(limits.header_message_burst)
            account = self._accounts[caller] = _Account(
                TokenBucket(limits.requests_per_second, burst, burst, now),
                TokenBucket(limits.refusals_per_hour / 3_600, refusals, refusals, now),
                TokenBucket(limits.header_messages_per_second, headers, headers, now),
            )
        return account

    def _wait(self, code: str, detail: str, seconds: float) -> LimitExceeded:
        not_before = math.ceil(self.wall() + seconds)
        return LimitExceeded(Objection(code, detail, not_before=not_before))
