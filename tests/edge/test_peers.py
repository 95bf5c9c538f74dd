"""The kernel's own carrying: when a round begins, and that it ends."""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from carrier.member import Credentials
from carrier.round import Report
from signer.edge import peers
from signer.edge.address import Address
from signer.edge.peers import OURS, PeerSetting, carrying

SOON, NEVER = 30.0, 86_400.0
HERE = Address("127.0.0.1", 1)


class Unasked:
    """A member that nobody calls."""

    def __init__(self, name: str, address: str, credentials: Credentials) -> None:
        self.name = name

    def close(self) -> None:
        pass


class Rounds:
    """Instead of a carrier: tells when a round begins."""

    begun: "queue.SimpleQueue[Sequence[str]]" = queue.SimpleQueue()
    failing = False

    def __init__(
        self,
        kernels: Sequence[Unasked],
        between: Callable[[str, str], bool],
        each_of: Callable[[Callable[[str], str], Iterable[str]], Iterable[str]],
    ) -> None:
        self._kernels, self._between, self._each_of = kernels, between, each_of

    def carry(self) -> Report:
        names = [each.name for each in self._kernels]
        self.begun.put([to for to in self._each_of(str, names) if self._between(OURS, to)])
        if self.failing:
            raise LookupError("a round that ends badly")
        return Report()


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> PeerSetting:
    monkeypatch.setattr(peers, "Member", Unasked)
    monkeypatch.setattr(peers, "Carrier", Rounds)
    monkeypatch.setattr(Rounds, "begun", queue.SimpleQueue())
    nowhere = Credentials(Path("ca"), Path("certificate"), Path("key"))
    return PeerSetting(HERE, (("b", HERE), ("c", HERE)), nowhere, NEVER, threading.Event())


def test_a_round_begins_when_it_is_wanted_however_long_the_rest_is(setting: PeerSetting) -> None:
    with carrying(setting):
        for _ in range(3):
            setting.wanted.set()
            assert Rounds.begun.get(timeout=SOON) == [OURS, "b", "c"]


def test_what_begins_to_wait_during_a_round_gets_another(
    setting: PeerSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = iter((True, False))

    def carry(self: Rounds) -> Report:
        if next(rounds):
            setting.wanted.set()  # an entry of ours, while others are carried
        self.begun.put([])
        return Report()

    monkeypatch.setattr(Rounds, "carry", carry)
    setting.wanted.set()
    with carrying(setting):
        assert [Rounds.begun.get(timeout=SOON) for _ in range(2)] == [[], []]


def test_a_round_that_fails_is_not_the_last(
    setting: PeerSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rounds, "failing", True)
    with carrying(setting):
        for _ in range(2):
            setting.wanted.set()
            Rounds.begun.get(timeout=SOON)


def test_it_ends_without_another_round(setting: PeerSetting) -> None:
    with carrying(setting):
        pass
    assert Rounds.begun.empty()


def test_without_peers_nothing_is_carried() -> None:
    before = threading.active_count()
    with carrying(None):
        assert threading.active_count() == before
