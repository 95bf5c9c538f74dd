"""K2: a question ends within its deadline, whatever keepers do. Keepers here are threads that lie."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from keystore.token.links import KEEPERS, Links, LinksSetting
from keystore.token.questions import public_question
from signer.core.errors import Refusal
from tests.token.keepers import keeper_links, soon

Behave = Callable[[bytes], bytes | None]
"""What a keeper answers; None: nothing, and it stays."""


EACH = 1.0
"""Seconds for each keeper."""


class Company:
    """Links with keepers that behave as told."""

    def __init__(self, path: Path, setting: LinksSetting) -> None:
        self.path, self.links = path, keeper_links(path, setting)
        self._sockets: list[socket.socket] = []

    def add(self, behave: Behave) -> socket.socket:
        """A keeper; connected, and known to the links, when this returns."""
        before = self.links.tally().accepted
        keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        keeper.connect(str(self.path))
        self._sockets.append(keeper)
        threading.Thread(target=self._serve, args=(keeper, behave), daemon=True).start()
        while self.links.tally().accepted == before:
            pass
        return keeper

    def close(self) -> None:
        self.links.close()
        for each in self._sockets:
            each.close()

    @staticmethod
    def _serve(keeper: socket.socket, behave: Behave) -> None:
        with suppress(OSError):
            while question := keeper.recv(4_096):
                answer = behave(question)
                if answer is not None:
                    keeper.send(answer)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path / "keeper.sock", LinksSetting(os.getuid(), EACH))
    yield made
    made.close()


def good(question: bytes) -> bytes:
    return b"\0" + question


def mute(_: bytes) -> None:
    return None


def refusing(code: bytes) -> Behave:
    return lambda _: b"\1" + code + b"\0" + b"because"


QUESTION = public_question(b"\x01")


def test_no_keeper(company: Company) -> None:
    with pytest.raises(Refusal) as refused:
        company.links.ask(QUESTION, time.monotonic())
    assert refused.value.code == "token-unavailable"
    company.add(good)
    assert company.links.ask(QUESTION, soon()) == QUESTION


def test_a_caller_in_a_hurry_asks_nobody_and_drops_nobody(company: Company) -> None:
    """It could not give a keeper its time; a good one would be dropped for the caller's hurry."""
    company.add(good)
    with pytest.raises(Refusal) as refused:
        company.links.ask(QUESTION, soon(0.9 * EACH))
    assert refused.value.code == "token-unavailable"
    assert company.links.ask(QUESTION, soon()) == QUESTION
    assert company.links.tally() == (1, 0)


def test_answers_stand_in_the_order_of_questions(company: Company) -> None:
    for _ in range(3):
        company.add(good)
    questions = [public_question(bytes((number,))) for number in range(20)]
    assert company.links.ask_all(questions, soon()) == questions
    assert company.links.tally() == (3, 0)


def test_a_keeper_that_is_silent_is_given_up(company: Company) -> None:
    company.add(mute)  # asked first: it has waited longest
    company.add(good)
    assert company.links.ask(QUESTION, soon()) == QUESTION
    assert company.links.tally().dropped == 1


def test_only_a_silent_keeper(company: Company) -> None:
    company.add(mute)
    with pytest.raises(Refusal) as refused:
        company.links.ask(QUESTION, soon(1.3 * EACH))
    assert refused.value.code == "token-unavailable"


def test_a_keeper_that_ended_is_passed_over(company: Company) -> None:
    first = company.add(good)
    company.add(good)
    first.shutdown(socket.SHUT_RDWR)
    assert company.links.ask(QUESTION, soon()) == QUESTION
    assert company.links.tally().dropped == 1


def test_keepers_that_come_and_go_while_nobody_asks_take_no_place(company: Company) -> None:
    for _ in range(KEEPERS + 4):
        company.add(good).shutdown(socket.SHUT_RDWR)
    company.add(good)
    assert company.links.tally() == (KEEPERS + 5, KEEPERS + 4)
    assert company.links.ask(QUESTION, soon()) == QUESTION


def test_a_keeper_that_speaks_first_is_dropped_when_the_next_one_comes(company: Company) -> None:
    company.add(mute).send(b"\0an answer to nothing")
    company.add(good)
    assert company.links.tally() == (2, 1)


def test_more_keepers_than_there_are_places(company: Company) -> None:
    for _ in range(KEEPERS):
        company.add(good)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keeper:
        keeper.connect(str(company.path))
        assert keeper.recv(100) == b"", "the kernel closed it"
    assert company.links.tally() == (KEEPERS, 0)
    assert company.links.ask(QUESTION, soon()) == QUESTION


def test_a_late_answer_meets_no_question(company: Company) -> None:
    """The first keeper answers the question before; its connection is gone by then."""
    asked: list[bytes] = []

    def late(question: bytes) -> bytes | None:
        asked.append(question)
        return None

    keeper = company.add(late)
    with pytest.raises(Refusal):
        company.links.ask(public_question(b"\x07"), soon(1.3 * EACH))
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        keeper.send(b"\0old answer")
    company.add(good)
    assert company.links.ask(QUESTION, soon()) == QUESTION


@pytest.mark.parametrize("answer", [b"\2what", b"\1", b"\1token-pin-wrong\0x", b"\1\xff\xff\0\xff"])
def test_what_is_no_answer_is_the_tokens_failure(company: Company, answer: bytes) -> None:
    company.add(lambda _: answer)
    with pytest.raises(Refusal) as refused:
        company.links.ask(QUESTION, soon(1.3 * EACH))
    assert refused.value.code == "token-unavailable"


@pytest.mark.parametrize("code", ["token-key-weak", "token-seal-wrong"])
def test_what_no_other_keeper_knows_better_is_refused_at_once(company: Company, code: str) -> None:
    company.add(refusing(code.encode()))
    with pytest.raises(Refusal) as refused:
        company.links.ask(QUESTION, soon(3_600.0))
    assert refused.value.code == code
    assert company.links.tally().dropped == 0


def test_a_key_that_one_keeper_misses_another_may_have(company: Company) -> None:
    company.add(refusing(b"token-key-missing"))
    company.add(good)
    assert company.links.ask(QUESTION, soon()) == QUESTION
    lonely = Company(company.path.with_name("other.sock"), LinksSetting(os.getuid(), EACH))
    lonely.add(refusing(b"token-key-missing"))
    with pytest.raises(Refusal) as refused:
        lonely.links.ask(QUESTION, soon(1.3 * EACH))
    assert refused.value.code == "token-key-missing"
    lonely.close()


def test_words_of_a_keeper_do_not_steer_a_terminal(company: Company) -> None:
    company.add(lambda _: b"\1token-key-weak\0\x1b[2Jred" + b"x" * 1_000)
    with pytest.raises(Refusal) as refused:
        company.links.ask(QUESTION, soon())
    detail = refused.value.objections[0].detail
    assert detail.isprintable()
    assert len(detail) <= 200


def test_processes_of_others_are_not_heard(tmp_path: Path) -> None:
    stranger = Links(listening(tmp_path / "keeper.sock"), LinksSetting(os.getuid() + 1))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keeper:
        keeper.connect(str(tmp_path / "keeper.sock"))
        assert keeper.recv(100) == b"", "the kernel closed it"
    assert stranger.tally().accepted == 0
    stranger.close()


def listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen()
    return listener
