"""The keeper: a process that loads the vendor's module, logs in, and answers a kernel one question at a time.

1. It logs in after it was started (exec) and never forks: a forked child would sign without PIN.
2. A wrong PIN is tried once, and the last try of a token never: `token-pin-wrong`, `token-pin-locked`.
   Whoever starts keepers does not start one again after these, else restarts would lock the token.
3. Each key is found once and read back before its first use; a weak one does nothing.
4. What the module fails at ends the process: a fresh one heals it or says why. A seal that does not open is
   no failure of the module, as far as the token can tell.
5. It knocks before it logs in: a socket that a killed kernel left costs no login. Then it connects, and ends
   with the connection. A process of another user that listens there is no kernel: it is asked nothing, and
   no PIN is spent on it.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.token.attributes import find_sealing, find_signing, verify_kek, verify_key
from keystore.token.cryptoki import PIN_SPENT, Token, TokenError, TokenInfo
from keystore.token.names import Ckr
from keystore.token.questions import (
    MOST_PACKET,
    Operation,
    Question,
    Unreadable,
    read_digests,
    read_gcm,
    read_question,
    refusal_answer,
)
from signer.core.errors import Fault, Objection, Refusal
from signer.room.peer import peer_uid

NOT_AGAIN = frozenset(("token-pin-wrong", "token-pin-locked"))
"""Codes after which a keeper must not be started again (2)."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between looks for a kernel."""
_BAD_TAG = frozenset(
    (
        Ckr.GENERAL_ERROR,
        Ckr.FUNCTION_FAILED,
        Ckr.ENCRYPTED_DATA_INVALID,
        Ckr.ENCRYPTED_DATA_LEN_RANGE,
        Ckr.AEAD_DECRYPT_FAILED,
    )
)


class TokenPlace(NamedTuple):
    """Where the token is."""

    module: str
    """The vendor's library."""
    label: str
    """Of the token."""


class KernelPlace(NamedTuple):
    """Where the kernel is."""

    socket: Path
    uid: int
    """Its user (5)."""


@dataclass(slots=True)
class Keeper:
    """A token that is logged in, and the keys found so far."""

    token: Token
    offered: frozenset[Operation]
    _signing: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    _sealing: dict[bytes, int] = field(default_factory=dict)

    def answer(self, question: Question) -> bytes:
        """Raises Refusal, TokenError, Unreadable."""
        if question.operation not in self.offered:
            raise Unreadable("not offered")
        asked: dict[Operation, Callable[[Question], bytes]] = {
            Operation.PUBLIC: self._public,
            Operation.SIGN: self._sign,
            Operation.OPEN: self._open,
            Operation.SEAL: self._seal,
        }
        return asked[question.operation](question)

    def _public(self, question: Question) -> bytes:
        return self._signing_key(question.ident)[1]

    def _sign(self, question: Question) -> bytes:
        digests, (handle, _) = read_digests(question.rest), self._signing_key(question.ident)
        return b"".join(self.token.sign(handle, digest) for digest in digests)

    def _open(self, question: Question) -> bytes:
        text, handle = read_gcm(question.rest), self._sealing_key(question.ident)
        try:
            return self.token.decrypt(handle, text)
        except TokenError as error:
            if error.call != "Decrypt" or error.code not in _BAD_TAG:
                raise
            detail = "the token's key does not open this seal, or the token failed (it cannot tell)"
            raise Refusal(Objection("token-seal-wrong", detail)) from None

    def _seal(self, question: Question) -> bytes:
        text, handle = read_gcm(question.rest), self._sealing_key(question.ident)
        return self.token.encrypt(handle, text)

    def _signing_key(self, ident: bytes) -> tuple[int, bytes]:
        if ident not in self._signing:
            handle = find_signing(self.token, ident)
            self._signing[ident] = handle, verify_key(self.token, handle).pubkey  # 3
        return self._signing[ident]

    def _sealing_key(self, ident: bytes) -> int:
        if ident not in self._sealing:
            handle = find_sealing(self.token, ident)
            verify_kek(self.token, handle)  # 3
            self._sealing[ident] = handle
        return self._sealing[ident]


def log_in(place: TokenPlace, pin: Secret) -> tuple[Token, TokenInfo]:
    """Load the module and log in; the PIN is zeroed.

    Raises Refusal `token-unavailable`, `token-pin-wrong`, `token-pin-locked`.
    """
    with pin:
        try:
            token = Token(place.module)
            info = _only(token.tokens(), place.label)
            refuse_last_try(info)  # 2
            token.login(info.slot, pin.expose(UNSAFE_EXPOSE))
        except TokenError as error:
            raise Refusal(_why(error)) from None
        except OSError as error:
            raise Refusal(Objection("token-unavailable", f"{place.module}: {error}")) from None
    return token, info


def await_kernel(kernel: KernelPlace, seconds: float) -> None:
    """Until a kernel accepts connections there, with pauses that grow (5). Raises Fault after that time, or
    where another user's process does.

    The connection is closed at once: a kernel asks whoever is connected, and a login may take a while.
    """
    until, pause = time.monotonic() + seconds, FIRST_PAUSE
    while not _knocked(kernel):
        if time.monotonic() > until:
            raise Fault(f"no kernel listens at {kernel.socket}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def keep(keeper: Keeper, kernel: KernelPlace) -> None:
    """Serve the kernel that listens there, until it or the module fails. Raises Fault (5)."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link,
        suppress(ConnectionError, FileNotFoundError),  # it ended meanwhile, or does now
    ):
        link.connect(str(kernel.socket))
        _require_kernel(link, kernel)
        serve_link(keeper, link)


def serve_link(keeper: Keeper, link: socket.socket) -> None:
    """Answer what is asked there, until either side fails."""
    with suppress(ConnectionError):  # 5
        while packet := link.recv(MOST_PACKET + 1):
            said, goes_on = _said(keeper, packet)
            link.send(said)
            if not goes_on:
                return


def _said(keeper: Keeper, packet: bytes) -> tuple[bytes, bool]:
    """The answer, and whether the keeper goes on after it (4)."""
    try:
        return b"\x00" + keeper.answer(read_question(packet)), True
    except Refusal as refusal:  # a fresh process sees keys that were made since
        return refusal_answer(refusal), refusal.code != "token-key-missing"
    except (TokenError, Unreadable) as error:
        return refusal_answer(Refusal(Objection("token-unavailable", str(error)))), False


def _knocked(kernel: KernelPlace) -> bool:
    """Whether it accepts connections there. Raises Fault (5)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        link.setblocking(False)
        try:
            link.connect(str(kernel.socket))
        except (ConnectionError, FileNotFoundError, BlockingIOError):  # stale, gone, or too busy
            return False
        _require_kernel(link, kernel)
    return True


def _require_kernel(link: socket.socket, kernel: KernelPlace) -> None:
    """By the system's word, SO_PEERCRED. Raises Fault."""
    uid = peer_uid(link)
    if uid != kernel.uid:
        raise Fault(f"user {uid} listens at {kernel.socket}, and not the kernel's")


def refuse_last_try(info: TokenInfo) -> None:
    """Raises Refusal `token-pin-locked`."""
    if info.flags & PIN_SPENT:
        detail = "the user's PIN of the token is locked, or one try from it: that one is a human's"
        raise Refusal(Objection("token-pin-locked", detail))


def _only(found: list[TokenInfo], label: str) -> TokenInfo:
    named = [info for info in found if info.label == label]
    if len(named) != 1:
        detail = f"{len(named)} tokens are labelled {label!r}"
        raise Refusal(Objection("token-unavailable", detail, str(len(named)), "1"))
    return named[0]


def _why(error: TokenError) -> Objection:
    if error.code == Ckr.PIN_LOCKED:
        return Objection("token-pin-locked", "the user's PIN of the token is locked")
    if error.code == Ckr.PIN_INCORRECT:
        return Objection("token-pin-wrong", "the token does not take the PIN")
    return Objection("token-unavailable", str(error))
