"""A keeper on a real token: it signs what it is asked, refuses what is weak, and ends on what fails."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.token import keeper
from keystore.token.cryptoki import GcmText, TokenError, TokenInfo
from keystore.token.gate import TokenKey, sign_tasks
from keystore.token.keeper import refuse_last_try
from keystore.token.questions import (
    SERVING,
    Operation,
    gcm_question,
    public_question,
    sign_question,
)
from signer.bitcoin.hashes import sha256
from signer.bitcoin.secp import parse_der, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.errors import Fault, Refusal
from signer.core.spend import SigningTask
from tests.token.keepers import PATIENCE, Desk, soon
from tests.token.softhsm import VAULT_KEY, SoftToken

LONE = 1.0
"""Seconds in which a keeper is found and asked; so long a second one is waited for in vain."""


def task_of(pubkey: bytes, number: int) -> SigningTask:
    return SigningTask(number, 0, pubkey, b"", b"", SIGHASH_ALL, sha256(number.to_bytes(4, "big")))


def test_public_key_and_signatures(serving: Desk, vault_pubkey: bytes) -> None:
    """More tasks than one question carries, so that parts are put together in order."""
    assert serving.links.ask(public_question(VAULT_KEY), soon()) == vault_pubkey
    tasks = [task_of(vault_pubkey, number) for number in range(21)]
    signed = sign_tasks(serving.links, TokenKey(VAULT_KEY, vault_pubkey), tasks, soon())
    for task, signature in zip(tasks, signed, strict=True):
        assert (signature.pubkey, signature.signature[-1:]) == (vault_pubkey, b"\x01")
        parse_der(signature.signature[:-1])  # low S
        verify_ecdsa(vault_pubkey, task.digest, signature.signature[:-1])


def test_an_unknown_key_is_refused_and_a_known_one_is_not(
    token: SoftToken, vault_pubkey: bytes
) -> None:
    desk = Desk(token)
    desk.start()
    try:
        with pytest.raises(Refusal) as refused:
            desk.links.ask(public_question(b"\x63"), soon(PATIENCE + LONE))
        assert refused.value.code == "token-key-missing"
        desk.start()
        lost = TokenKey(b"\x63", vault_pubkey)
        with pytest.raises(Refusal) as refused:
            sign_tasks(desk.links, lost, [task_of(vault_pubkey, 0)], soon(PATIENCE + LONE))
        assert refused.value.code == "token-unavailable", "a kernel that serves says: again"
        desk.start()
        assert desk.links.ask(public_question(VAULT_KEY), soon()) == vault_pubkey
    finally:
        desk.close()


@pytest.mark.parametrize("length", [31, 33, 64 + 1])
def test_digests_of_another_length_are_not_signed(
    token: SoftToken, vault_pubkey: bytes, length: int
) -> None:
    """SoftHSM would sign them. The keeper ends: its kernel never asks that."""
    desk = Desk(token)
    process = desk.start()
    try:
        with pytest.raises(Refusal) as refused:
            desk.links.ask(sign_question(VAULT_KEY, [bytes(length)]), soon(PATIENCE + LONE))
        assert refused.value.code == "token-unavailable"
        assert process.wait(20) == 1
    finally:
        desk.close()


def test_a_kernels_keeper_does_not_seal(token: SoftToken, vault_pubkey: bytes) -> None:
    desk = Desk(token)
    desk.start()
    try:
        question = gcm_question(Operation.SEAL, b"\x02", GcmText(bytes(12), b"", b"seed"))
        with pytest.raises(Refusal) as refused:
            desk.links.ask(question, soon(PATIENCE + LONE))
        assert refused.value.code == "token-unavailable"
    finally:
        desk.close()


def test_a_wrong_pin_is_tried_once(token: SoftToken) -> None:
    desk = Desk(token)
    try:
        process = desk.start(pin="wrong")
        assert process.wait(20) == 78
        assert process.stderr.read().startswith("token-pin-wrong: ")
    finally:
        desk.close()


@pytest.mark.parametrize("flags", [0x20000, 0x40000, 0x6042D])
def test_the_last_try_of_a_pin_is_a_humans(flags: int) -> None:
    with pytest.raises(Refusal) as refused:
        refuse_last_try(TokenInfo(0, "member-a", flags, 0))
    assert refused.value.code == "token-pin-locked"
    refuse_last_try(TokenInfo(0, "member-a", 0x1042D, 0))  # one wrong try: two are left


class Failing:
    """A module whose login fails."""

    def __init__(self, code: int) -> None:
        self.code = code

    def tokens(self) -> list[TokenInfo]:
        return [TokenInfo(0, "member-a", 0, 0), TokenInfo(1, "member-b", 0x40000, 0)]

    def login(self, slot: int, pin: memoryview) -> None:
        raise TokenError("Login", self.code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(0xA0, "token-pin-wrong"), (0xA4, "token-pin-locked"), (0x30, "token-unavailable")],
)
def test_what_a_failed_login_means(
    monkeypatch: pytest.MonkeyPatch, code: int, expected: str
) -> None:
    monkeypatch.setattr(keeper, "Token", lambda module: Failing(code))
    pin = Secret(b"1234")
    with pytest.raises(Refusal) as refused:
        keeper.log_in(keeper.TokenPlace("module", "member-a"), pin)
    assert refused.value.code == expected
    assert bytes(pin.expose(UNSAFE_EXPOSE)) == bytes(4), "the PIN is zeroed"
    assert (expected in keeper.NOT_AGAIN) == expected.startswith("token-pin-")


def test_a_locked_pin_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "Token", lambda module: Failing(0xA0))
    with pytest.raises(Refusal) as refused:
        keeper.log_in(keeper.TokenPlace("module", "member-b"), Secret(b"1234"))
    assert refused.value.code == "token-pin-locked"


def test_a_library_that_is_no_token_module() -> None:
    with pytest.raises(Refusal) as refused:
        keeper.log_in(keeper.TokenPlace("libc.so.6", "member-a"), Secret(b"1234"))
    assert refused.value.code == "token-unavailable"
    assert "GetFunctionList" in refused.value.objections[0].detail


def test_no_token_of_that_label(token: SoftToken) -> None:
    said = token.script(
        "try:\n    log_in(TokenPlace(place.module, 'another'), Secret(b'x'))\n"
        "except Refusal as refusal:\n    print(refusal)"
    )
    assert said.startswith("token-unavailable: ")


def test_no_process_follows_a_login(token: SoftToken, vault_pubkey: bytes) -> None:
    """K5: a forked child of a process that is logged in signs without PIN."""
    said = token.script(
        f"""
import os
handle = find_signing(token, {VAULT_KEY!r})
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, token.sign(handle, bytes(32)))
    os._exit(0)
print(len(os.read(reading, 100)))
os.wait()
"""
    )
    assert said == "64", "the danger is real"
    said = token.script(
        f"""
import sys
from keystore.token.keeper import Keeper
from keystore.token.questions import SERVING, Question, Operation
started = []
sys.addaudithook(lambda name, _: started.append(name) if name in
    ("os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "subprocess.Popen") else None)
Keeper(token, SERVING).answer(Question(Operation.SIGN, {VAULT_KEY!r}, bytes(32)))
print(started)
"""
    )
    assert said == "[]"


class Clock:
    """Time passes in pauses alone; what happens in one of them can be told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.pauses = 100.0, list[float]()
        self.happens: dict[int, Callable[[], None]] = {}
        monkeypatch.setattr(keeper, "time", self)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.happens.get(len(self.pauses), lambda: None)()


def listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def kernel_at(path: Path) -> keeper.KernelPlace:
    return keeper.KernelPlace(path, os.getuid())


def test_a_process_of_another_user_is_no_kernel(tmp_path: Path) -> None:
    """It is asked nothing, and no PIN is spent: the keeper has not logged in yet."""
    path = tmp_path / "keeper.sock"
    other = keeper.KernelPlace(path, os.getuid() + 1)
    with listening(path), pytest.raises(Fault, match="listens at"):
        keeper.await_kernel(other, 60.0)
    with listening(tmp_path / "again.sock"), pytest.raises(Fault, match="listens at"):
        keeper.keep(
            keeper.Keeper(Failing(0), SERVING), other._replace(socket=tmp_path / "again.sock")
        )


def test_a_keeper_waits_for_a_kernel_whose_socket_is_stale_or_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clock, kernels = tmp_path / "keeper.sock", Clock(monkeypatch), list[socket.socket]()
    listening(path).close()  # a kernel that was killed
    clock.happens = {2: path.unlink, 5: lambda: kernels.append(listening(path))}
    keeper.await_kernel(kernel_at(path), 60.0)
    assert clock.pauses == [0.05, 0.1, 0.2, 0.4, 0.5]
    with kernels[0], kernels[0].accept()[0] as knocked:
        assert knocked.recv(100) == b"", "it does not stay: it has not logged in"


def test_a_keeper_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock = tmp_path / "keeper.sock", Clock(monkeypatch)
    listening(path).close()
    with pytest.raises(Fault, match="no kernel listens"):
        keeper.await_kernel(kernel_at(path), 60.0)
    assert 160.0 < clock.now < 161.0
    assert max(clock.pauses) == 0.5, "it grows no further"


def test_a_kernel_that_ends_during_the_login_ends_the_keeper(tmp_path: Path) -> None:
    path = tmp_path / "keeper.sock"
    listening(path).close()
    keeper.keep(keeper.Keeper(Failing(0), SERVING), kernel_at(path))
    path.unlink()
    keeper.keep(keeper.Keeper(Failing(0), SERVING), kernel_at(path))
    with pytest.raises(NotADirectoryError):  # another failure is told
        keeper.keep(keeper.Keeper(Failing(0), SERVING), kernel_at(Path(__file__, "keeper.sock")))
