"""A request is let go when it is answered, without a search for garbage: some have 9 MiB."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.errors import Refusal
from signer.sign_request import SignRequest
from tests.core.spends import Coin
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

COUNT = 4


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    kernel = Member(tmp_path / "a", 0).init().start()
    yield kernel
    kernel.stop()


@contextmanager
def without_search() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def count_requests() -> int:
    return sum(isinstance(each, SignRequest) for each in gc.get_objects())


def request(running: Running, number: int, proven: int) -> pb.SignPsbtRequest:
    coins, payments = (Coin(salt=number, index=number),), ((number, 1_000_000 + number),)
    built = running.construct(construct_request(coins, payments))
    return sign_request(built, attested(coins, payments)[:proven])


@pytest.mark.parametrize("proven", [0, 4], ids=["refused", "signed"])
def test_no_circle_holds_a_request_that_is_answered(running: Running, proven: int) -> None:
    requests = [request(running, number, proven) for number in range(1, 1 + COUNT)]
    answers = []
    with without_search():
        before = count_requests()
        for each in requests:
            with suppress(Refusal):
                answers.append(running.sign(each))
        alive = count_requests() - before
    assert len(answers) == (COUNT if proven else 0)
    assert alive <= 1  # the writer's thread has those of its last turn until the next
