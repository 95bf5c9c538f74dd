"""The kernel's own carrying, where the configuration names peers: the rounds of `clients.carrier`, but only
to and from this member. Kernels need no way out; this is for those that have one.

1. A thread of the edge, as trusted as any carrier: it asks over mutual TLS with an identity of its own, this
   kernel too, and what it brings is judged like everybody's.
2. A round begins every so many seconds, and as soon as an entry of ours waits for grants, but not sooner than
   PAUSE after the one before: a caller that asks again and again must not keep all members busy.
3. What fails is tried again in the next round, and said once in the log when it changes.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from carrier.member import Credentials, Member
from carrier.round import Carrier, Report
from signer.edge.address import Address
from signer.edge.logs import log_event, log_fault

OURS = "this"
"""What this kernel is called among its peers."""
AT_ONCE = 8
"""Pairs of members that are carried between at the same time: one that is slow must not keep the others."""

PAUSE = 0.02
"""Seconds."""


@dataclass(frozen=True, slots=True)
class PeerSetting:
    """Whom to carry to and from, and as whom."""

    ours: Address
    peers: Sequence[tuple[str, Address]]
    identity: Credentials
    every_seconds: float
    wanted: threading.Event
    """Set when a round is wanted now."""


@contextmanager
def carrying(setting: PeerSetting | None) -> Iterator[None]:
    """Carry meanwhile, if there is whom to carry to."""
    if setting is None:
        yield
        return
    carrier = PeerCarrier(setting)
    try:
        yield
    finally:
        carrier.close()


class PeerCarrier:
    """Carries until it is closed."""

    def __init__(self, setting: PeerSetting) -> None:
        named = ((OURS, setting.ours), *setting.peers)
        self._members = [Member(name, str(at), setting.identity) for name, at in named]
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="peers")
        self._carrier = Carrier(
            self._members, lambda source, target: OURS in (source, target), self._pool.map
        )
        self._every, self._wanted = setting.every_seconds, setting.wanted
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the round that is under way."""
        self._ending.set()
        self._wanted.set()
        self._thread.join()
        self._pool.shutdown()
        for member in self._members:
            member.close()

    def _run(self) -> None:
        last = Report()
        while True:
            self._ending.wait(PAUSE)  # 2
            self._wanted.wait(self._every)
            self._wanted.clear()  # before the round: what comes during it gets another
            if self._ending.is_set():
                return
            try:
                report = self._carrier.carry()
            except Exception as error:  # a round must not end the rounds
                log_fault(error, incident="peers", request="", method="carry")
                continue
            if report.failures != last.failures:
                log_event("peers", failures=report.failures)
            last = report
