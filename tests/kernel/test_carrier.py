"""The carrier's rounds: in which order, how often a member is asked, and that pairs may go at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.message import Message

from carrier.round import Carrier
from carrier.seen import Answer, Kernel
from pegwarden.v1 import audit_pb2 as au
from signer.handle import Handler
from tests.core.spends import Coin
from tests.kernel import federated
from tests.kernel.federated import Team, draft

PAID = ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


class Told:
    """A kernel, and what it is asked."""

    def __init__(self, kernel: Kernel, asked: list[tuple[str, Message]]) -> None:
        self._kernel = kernel
        self._asked = asked

    @property
    def name(self) -> str:
        return self._kernel.name

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        self._asked.append((self.name, request))
        return self._kernel.ask(request, answer)

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        self._asked.append((self.name, request))
        return self._kernel.ask_all(request, answer)


def test_what_waits_is_carried_first_and_a_member_asked_once_for_its_entries(team: Team) -> None:
    assert team["c"].sign(draft(team["c"], (Coin(),), PAID)).HasField("pending")
    asked: list[tuple[str, Message]] = []
    Carrier([Told(each, asked) for each in team.running.values()]).carry()
    pieces = [each.log.log_key for _, each in asked if isinstance(each, au.WitnessRequest)]
    assert next(each for each in pieces if each) == team["c"].log_key
    listed = [name for name, each in asked if isinstance(each, au.ListEntriesRequest)]
    assert listed.count("c") == 1


def test_pairs_that_go_at_once_bring_the_same(team: Team) -> None:
    request = draft(team["a"], (Coin(),), PAID)
    assert team["a"].sign(request).HasField("pending")
    with ThreadPoolExecutor(6) as pool:
        report = Carrier(list(team.running.values()), each_of=pool.map).carry()
    assert not report.failures
    assert report.messages
    assert team["a"].sign(request).signatures == 1


def test_whoever_carries_is_called_when_an_entry_waits_and_not_else(team: Team) -> None:
    called: list[bool] = []
    running = team["a"]
    kernel = replace(running.handler.kernel, call_carrier=lambda: called.append(True))
    running.handler = Handler(kernel, running.handler.gate)
    request = draft(running, (Coin(),), PAID)
    assert running.sign(request).HasField("pending")
    assert called == [True]
    team.carry(rounds=1)
    assert running.sign(request).signatures == 1
    assert called == [True]
