"""The kernel's side: keepers connect to a socket that the kernel bound, and answer one question at a time.

1. The kernel accepts and never connects: keepers can be killed and started again without its doing.
2. Only processes of the keepers' user are heard (SO_PEERCRED), KEEPERS at most; those that ended meanwhile
   are dropped when the next one comes.
3. A keeper that ends, errs or is silent for `answer_seconds` is dropped with its connection, so a late answer
   meets no question; the next keeper is asked. Each has all of its time: nobody is asked later than that much
   before the deadline, so a hurried caller drops no good keeper. Then: `token-unavailable`.
4. A weak key, or a seal that does not open, is refused at once: no other keeper knows better.
5. Sockets stay blocking, with the kernel's own time-outs: poll and ioctl are not needed in a closed room.
"""

import queue
import socket
import struct
import threading
import time
from collections.abc import Container, Sequence
from contextlib import suppress
from typing import NamedTuple

from keystore.token.questions import MOST_PACKET, objection_of
from signer.core.errors import Objection, Refusal
from signer.room.peer import peer_uid

KEEPERS = 16
_FINAL = frozenset(("token-key-weak", "token-seal-wrong"))
_TIMEVAL = struct.Struct("ll")
_PAUSE = 0.1
"""Seconds until accept is tried again after an error, such as too many open files."""


class LinksSetting(NamedTuple):
    """Whom to hear, and how long."""

    keeper_uid: int
    answer_seconds: float = 1.0
    """A deadline that is no further away than this asks nobody."""


class Tally(NamedTuple):
    """What happened so far."""

    accepted: int
    dropped: int


class Links:
    """Connected keepers. Thread-safe."""

    def __init__(self, listener: socket.socket, setting: LinksSetting) -> None:
        """`listener`: bound and listening, SOCK_SEQPACKET; it is closed with this."""
        self._listener, self._setting = listener, setting
        self._free: queue.Queue[socket.socket] = queue.Queue()
        self._accepted = self._dropped = 0
        self._counting, self._closed = threading.Lock(), threading.Event()
        threading.Thread(target=self._accept, name="keepers", daemon=True).start()

    def ask(self, question: bytes, deadline: float) -> bytes:
        """The answer, before that moment of the monotonic clock.

        Raises Refusal `token-unavailable`, `token-key-missing`, `token-key-weak`, `token-seal-wrong`.
        """
        return self.ask_all((question,), deadline)[0]

    def ask_all(self, questions: Sequence[bytes], deadline: float) -> list[bytes]:
        """The answers in order; the questions are spread over the keepers that are free."""
        answers: dict[int, bytes] = {}
        why = Objection("token-unavailable", "no keeper of the token is connected")
        last = deadline - self._setting.answer_seconds
        while len(answers) < len(questions):
            asked = self._put(questions, answers, last)
            if not asked:
                raise Refusal(why)
            until = time.monotonic() + self._setting.answer_seconds
            for place, keeper in asked:
                answer = self._answer(keeper, until)
                if answer[:1] == b"\x00":
                    answers[place] = answer[1:]
                elif why.code not in _FINAL:
                    why = objection_of(answer)
            if why.code in _FINAL:
                raise Refusal(why)
        return [answers[place] for place in range(len(questions))]

    def tally(self) -> Tally:
        """Connections taken and dropped."""
        with self._counting:
            return Tally(self._accepted, self._dropped)

    def close(self) -> None:
        """No keeper is heard any more."""
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()

    def _put(
        self, questions: Sequence[bytes], answered: Container[int], last: float
    ) -> list[tuple[int, socket.socket]]:
        """Ask: one keeper at least, or none when none is free until then."""
        asked: list[tuple[int, socket.socket]] = []
        for place, question in enumerate(questions):
            if place in answered:
                continue
            keeper = self._next(asked, last)
            while keeper is not None and not self._sent(keeper, question):
                keeper = self._next(asked, last)
            if keeper is None:
                break
            asked.append((place, keeper))
        return asked

    def _next(self, asked: Sequence[object], last: float) -> socket.socket | None:
        """A free keeper; only the first one is waited for."""
        seconds = last - time.monotonic()
        try:
            if asked:
                return self._free.get_nowait()
            return self._free.get(timeout=seconds) if seconds > 0 else None
        except queue.Empty:
            return None

    def _sent(self, keeper: socket.socket, question: bytes) -> bool:
        try:
            keeper.send(question, socket.MSG_DONTWAIT)
        except OSError:
            self._drop(keeper)
            return False
        return True

    def _answer(self, keeper: socket.socket, until: float) -> bytes:
        """What it answers; empty, and the keeper dropped, where that is nothing whole."""
        microseconds = max(1_000, int(1_000_000 * (until - time.monotonic())))
        patience = _TIMEVAL.pack(*divmod(microseconds, 1_000_000))
        try:
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
            answer = keeper.recv(MOST_PACKET)
        except OSError:
            answer = b""
        if answer[:1] == b"\x00" or objection_of(answer).code in _FINAL:
            self._free.put(keeper)
        else:
            self._drop(keeper)
        return answer

    def _drop(self, keeper: socket.socket) -> None:
        keeper.close()
        with self._counting:
            self._dropped += 1

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                keeper, _ = self._listener.accept()
            except OSError:
                self._closed.wait(_PAUSE)
                continue
            self._sweep()
            if peer_uid(keeper) != self._setting.keeper_uid or self._is_full():
                keeper.close()
                continue
            with self._counting:
                self._accepted += 1
            self._free.put(keeper)

    def _sweep(self) -> None:
        """Drop those that ended, or speak without being asked."""
        for _ in range(self._free.qsize()):
            try:
                keeper = self._free.get_nowait()
            except queue.Empty:
                return
            try:
                keeper.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._free.put(keeper)
            except OSError:
                self._drop(keeper)
            else:
                self._drop(keeper)

    def _is_full(self) -> bool:
        with self._counting:
            return self._accepted - self._dropped >= KEEPERS
