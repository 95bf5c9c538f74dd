"""The parent of a member's processes: it starts them, and holds no secret itself.

1. They are spawned, never forked: nothing of this process's memory goes with them. A descriptor with the
   passphrase goes to the kernel alone, unread, and is closed here before the others start.
2. When the edge or a keeper ends it is started again, after a pause that grows while it keeps ending; but not
   after NOT_AGAIN_STATUS: a keeper whose PIN is wrong would lock its token.
3. When the kernel ends, all ends, with the kernel's status: to open keys again is its operator's decision.
4. SIGTERM and SIGINT end the edge first, which drains its calls, then the kernel, then the keepers. One that
   has not ended after its time is killed: a deaf edge must not keep a member down that is to start again.
5. If this process is killed, the others get SIGTERM (`signer.process.orphan`).
"""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from signer.edge.logs import log_event

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY = 60.0
"""Seconds after which a process has not failed at once."""
NOT_AGAIN_STATUS = 78
KERNEL_SECONDS = 60.0
"""To end: it answers what it has begun. As TimeoutStopSec of its unit."""
_STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})
_HEARD = _STOPPING | {signal.SIGCHLD}


@dataclass(frozen=True, slots=True)
class Program:
    """A command of ours."""

    arguments: Sequence[str]
    handed: Sequence[int] = ()
    """Descriptors that go to it; then this process has them no more (1)."""

    def start(self) -> int:
        """Its process."""
        isolated = ("-I",) if sys.flags.isolated else ()
        parent = ("--parent", str(os.getpid()))
        command = [sys.executable, *isolated, "-m", "signer", *self.arguments, *parent]
        for each in self.handed:
            os.set_inheritable(each, True)
        pid = os.posix_spawn(sys.executable, command, os.environ, setsigmask=())
        for each in self.handed:
            os.close(each)
        return pid


@dataclass(slots=True)
class _Turn:
    """When a program is started again."""

    program: Program
    due: float | None
    """None: never."""
    pause: float = FIRST_PAUSE
    started: float = 0.0

    def ended(self, status: int, now: float) -> None:
        """It ended with that status (2)."""
        if now - self.started > STEADY:
            self.pause = FIRST_PAUSE
        self.due = None if status == NOT_AGAIN_STATUS else now + self.pause
        self.pause = min(LONGEST_PAUSE, 2 * self.pause)


@dataclass(slots=True)
class Parent:
    """Runs a kernel and what it is used through until one of rules 3 and 4 ends them."""

    kernel: Program
    others: Mapping[str, Program]
    """By name: the edge and the keepers."""
    patience: float
    """Seconds that each of these has to end (4)."""
    _running: dict[str, int] = field(default_factory=dict)
    """Process ids by name."""

    def run(self) -> int:
        """The kernel's exit status; negative for a signal."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        try:
            self._start("kernel", self.kernel)
            return self._watch()
        finally:
            for name in ("edge", "kernel", *self.others):
                self._end(name)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self) -> int:
        turns = {name: _Turn(each, time.monotonic()) for name, each in self.others.items()}
        while True:
            heard = signal.sigtimedwait(_HEARD, self._start_due(turns))
            if heard is not None and heard.si_signo in _STOPPING:  # 4
                self._end("edge")
                return self._end("kernel")
            status = self._ended("kernel")
            if status is not None:  # 3
                return status
            for name, turn in turns.items():
                status = self._ended(name)
                if status is not None:  # 2
                    turn.ended(status, time.monotonic())

    def _start_due(self, turns: Mapping[str, _Turn]) -> float:
        """Start what is due; seconds until the next one is."""
        now, wait = time.monotonic(), LONGEST_PAUSE
        for name, turn in turns.items():
            if name in self._running or turn.due is None:
                continue
            if turn.due > now:
                wait = min(wait, turn.due - now)
            else:
                self._start(name, turn.program)
                turn.started = now
        return wait

    def _start(self, name: str, program: Program) -> None:
        self._running[name] = program.start()
        log_event("process-started", process=name, pid=self._running[name])

    def _ended(self, name: str) -> int | None:
        """Its status if it has ended."""
        if name not in self._running:
            return None
        pid, raw = os.waitpid(self._running[name], os.WNOHANG)
        if pid == 0:
            return None
        del self._running[name]
        status = os.waitstatus_to_exitcode(raw)
        log_event("process-ended", process=name, pid=pid, status=status)
        return status

    def _end(self, name: str) -> int:
        """End it, if it runs, and wait for that. Its status; 0 where it did not run."""
        if name not in self._running:
            return 0
        os.kill(self._running[name], signal.SIGTERM)
        until = time.monotonic() + (KERNEL_SECONDS if name == "kernel" else self.patience)
        while (status := self._ended(name)) is None:
            left = until - time.monotonic()
            if left <= 0:
                os.kill(self._running[name], signal.SIGKILL)
                left = LONGEST_PAUSE
            signal.sigtimedwait({signal.SIGCHLD}, left)
        return status
