"""K1: what a keeper answers is a low-S signature of the task, or a Fault. Keepers here lie."""

from collections.abc import Sequence

import pytest
from coincurve import PrivateKey

from keystore.token import gate
from keystore.token.gate import (
    AT_ONCE,
    REMEMBERED,
    Nonces,
    TokenKey,
    sign_tasks,
    take_token_signature,
)
from signer.bitcoin.hashes import sha256
from signer.bitcoin.secp import ORDER, parse_der, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import SigningTask
from tests.token.nonces import key_of_two, signed_by_nonce

OURS, OTHER = PrivateKey(b"\x05" * 32), PrivateKey(b"\x06" * 32)
DIGEST = sha256(b"a transaction")
PUBKEY = OURS.public_key.format()
TASK = SigningTask(0, 0, PUBKEY, b"script", b"", SIGHASH_ALL, DIGEST)
KEY = TokenKey(b"\x01", PUBKEY)


def raw_signature(key: PrivateKey = OURS, digest: bytes = DIGEST) -> bytes:
    """As a token gives it: R, S."""
    return key.sign_recoverable(digest, hasher=None)[:64]


def high_s(raw: bytes) -> bytes:
    return raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")


@pytest.mark.parametrize("raw", [raw_signature(), high_s(raw_signature())], ids=["low", "high"])
def test_low_and_high_s_leave_as_low_s(raw: bytes) -> None:
    signature = take_token_signature(raw, TASK)
    assert signature.pubkey == PUBKEY
    assert signature.signature[-1:] == b"\x01"
    parse_der(signature.signature[:-1])
    verify_ecdsa(PUBKEY, DIGEST, signature.signature[:-1])


LIES = {
    "31 bytes of S": raw_signature()[:63],
    "a byte more": raw_signature() + b"\0",
    "nothing": b"",
    "zeros": bytes(64),
    "R of the order": ORDER.to_bytes(32, "big") + raw_signature()[32:],
    "another key": raw_signature(OTHER),
    "another digest": raw_signature(digest=sha256(b"another transaction")),
    "one bit": raw_signature()[:40] + bytes((raw_signature()[40] ^ 1,)) + raw_signature()[41:],
}


@pytest.mark.parametrize("raw", LIES.values(), ids=LIES)
def test_a_lie_is_a_fault(raw: bytes) -> None:
    with pytest.raises(Fault):
        take_token_signature(raw, TASK)


class Answering:
    """Links whose token has that key."""

    def __init__(self, key: PrivateKey = OURS) -> None:
        self.key = key
        self.asked: list[bytes] = []
        self.cut = 0

    def ask_all(self, questions: Sequence[bytes], deadline: float) -> list[bytes]:
        self.asked += questions
        return [self._answer(question[3:]) for question in questions]

    def _answer(self, digests: bytes) -> bytes:
        parts = [digests[place : place + 32] for place in range(0, len(digests), 32)]
        whole = b"".join(raw_signature(self.key, part) for part in parts)
        return whole[: len(whole) - self.cut]


def tasks_of(count: int) -> list[SigningTask]:
    return [
        TASK._replace(input_index=number, digest=sha256(bytes((number,))))
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1])
def test_tasks_are_signed_in_order(count: int) -> None:
    links, tasks = Answering(), tasks_of(count)
    signed = sign_tasks(links, KEY, tasks, 0.0)
    assert len(links.asked) == -(-count // AT_ONCE)
    for task, signature in zip(tasks, signed, strict=True):
        verify_ecdsa(PUBKEY, task.digest, signature.signature[:-1])


WRONG_TASKS = {
    "another key": {"pubkey": OTHER.public_key.format()},
    "31 bytes": {"digest": DIGEST[:31]},
    "33 bytes": {"digest": DIGEST + b"\0"},
    "another sighash": {"sighash_type": 0x83},
    "a leaf": {"leaf_hash": bytes(32)},
}


@pytest.mark.parametrize("change", WRONG_TASKS.values(), ids=WRONG_TASKS)
def test_no_other_task_reaches_the_token(change: dict[str, object]) -> None:
    links = Answering()
    with pytest.raises(Fault):
        sign_tasks(links, KEY, [TASK, TASK._replace(**change)], 0.0)
    assert links.asked == []
    assert len(sign_tasks(links, KEY, [TASK, TASK], 0.0)) == 2


@pytest.mark.parametrize("cut", [1, 64])
def test_fewer_signatures_than_tasks(cut: int) -> None:
    links = Answering()
    links.cut = cut
    with pytest.raises(Fault):
        sign_tasks(links, KEY, tasks_of(3), 0.0)


def test_answers_for_another_order_of_digests() -> None:
    """An old answer, or two swapped: each signature belongs to its own task."""

    class Swapping(Answering):
        def ask_all(self, questions: Sequence[bytes], deadline: float) -> list[bytes]:
            (answer,) = super().ask_all(questions, deadline)
            return [answer[64:] + answer[:64]]

    with pytest.raises(Fault):
        sign_tasks(Swapping(), KEY, tasks_of(2), 0.0)


class Repeating(Answering):
    """Its generator is stuck: each answer begins with the nonce 7 and counts on from it, or does not."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def _answer(self, digests: bytes) -> bytes:
        parts = [digests[place : place + 32] for place in range(0, len(digests), 32)]
        nonces = [7 + self.step * number for number in range(len(parts))]
        return b"".join(map(signed_by_nonce, [self.key] * len(parts), parts, nonces))


def test_a_nonce_repeated_within_an_answer() -> None:
    """Two such signatures, and whoever reads the chain has the key."""
    first, second = tasks_of(2)
    (answer,) = Repeating(0).ask_all([b"\0\1\1" + first.digest + second.digest], 0.0)
    made = (first.digest, answer[:64]), (second.digest, answer[64:])
    assert key_of_two(*made).secret == OURS.secret
    with pytest.raises(Fault, match="nonce"):
        sign_tasks(Repeating(0), TokenKey(b"\x01", PUBKEY), (first, second), 0.0)
    assert len(sign_tasks(Repeating(1), TokenKey(b"\x01", PUBKEY), (first, second), 0.0)) == 2


def test_a_nonce_of_an_earlier_spend() -> None:
    key, (first, second) = TokenKey(b"\x01", PUBKEY), tasks_of(2)
    assert sign_tasks(Repeating(0), key, [first], 0.0)
    with pytest.raises(Fault, match="nonce"):
        sign_tasks(Repeating(0), key, [second], 0.0)
    assert sign_tasks(
        Repeating(0), key, [first], 0.0
    )  # a retry, by a token that signs as RFC 6979 says
    assert sign_tasks(Answering(), key, [second], 0.0)
    assert sign_tasks(Repeating(0), TokenKey(b"\x01", PUBKEY), [second], 0.0)  # another process


def test_high_and_low_s_have_one_nonce() -> None:
    """A token that negates its nonce, or its S, repeats it all the same."""

    class Negating(Answering):
        def _answer(self, digests: bytes) -> bytes:
            first, second = digests[:32], digests[32:]
            return signed_by_nonce(self.key, first, 7) + signed_by_nonce(
                self.key, second, ORDER - 7
            )

    with pytest.raises(Fault, match="nonce"):
        sign_tasks(Negating(), TokenKey(b"\x01", PUBKEY), tasks_of(2), 0.0)


def test_what_is_remembered_of_nonces_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert REMEMBERED >= 8 * 500
    monkeypatch.setattr(gate, "REMEMBERED", 3)
    nonces, (first, *others) = Nonces(), [bytes((number,)) * 32 for number in range(4)]
    nonces.take(first, DIGEST)
    for each in others[:2]:
        nonces.take(each, DIGEST)
    with pytest.raises(Fault):
        nonces.take(first, bytes(32))
    nonces.take(others[2], DIGEST)
    nonces.take(first, bytes(32))  # forgotten


class Without:
    """Links whose keepers refuse with that code."""

    def __init__(self, code: str) -> None:
        self.code = code

    def ask_all(self, questions: Sequence[bytes], deadline: float) -> list[bytes]:
        raise Refusal(Objection(self.code, "0 objects have the id 01"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("token-key-missing", "token-unavailable"),
        ("token-unavailable", "token-unavailable"),
        ("token-key-weak", "token-key-weak"),
    ],
)
def test_a_key_that_is_gone_while_a_kernel_serves_is_a_token_that_is_away(
    code: str, said: str
) -> None:
    """The same request can be sent again; that the key was never there is for a start to say."""
    with pytest.raises(Refusal) as refused:
        sign_tasks(Without(code), KEY, [TASK], 0.0)
    assert refused.value.code == said
    assert "0 objects have the id 01" in refused.value.objections[0].detail
