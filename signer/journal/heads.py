"""Heads by our own log key that this log must have: the newest that it released, and those that callers show.

1. A head that this log does not have, larger or with another root, shuts the gate: the log is an old copy.
   That head then stands in the head file, so that no restart forgets it.
2. The gate stays shut until the log has it (its lost entries came back) or a new epoch gives it up.
3. What an epoch gave up are all heads of earlier epochs up to the abandoned one's size: of the lost journal's
   others nobody but their readers knows. A head says its epoch, so one that the new epoch signed is never
   taken for one of these.
4. The file also says when a kernel with this journal last ran, for the clock at the next start.
"""

import threading
from dataclasses import dataclass, replace

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal, malformed, unverified
from signer.journal.gate import Gate
from signer.journal.head_file import HeadFile, Kept
from signer.journal.note import Head, LogSigner, origin_of, sign_head, verify_head
from signer.journal.reading import TableReading
from signer.ports.recording import Passage


@dataclass(frozen=True, slots=True)
class HeadSetting:
    """What heads are compared and kept with."""

    signer: LogSigner
    genesis_hash: bytes
    gate: Gate
    file: HeadFile | None
    """None: none is kept, in tests and tools."""

    @property
    def origin(self) -> str:
        """The log's name."""
        return origin_of(self.genesis_hash, self.signer.log_key)


class KnownHeads:
    """Thread-safe."""

    def __init__(self, setting: HeadSetting) -> None:
        self._setting = setting
        self._guard = threading.Lock()
        self._kept = Kept(0, "")
        self.contrary: Head | None = None
        """The largest head seen that this log should have and has not."""

    @property
    def seen(self) -> int:
        """Effective time at which a kernel with this journal ran; 0 where nothing tells."""
        return self._kept.seen

    @property
    def failure(self) -> str:
        """Why the newest head is not in its file; empty where it is."""
        return "" if self._setting.file is None else self._setting.file.failure

    def begin(self, reading: TableReading) -> None:
        """Compare with the file, then keep the newest head there. Raises Refusal `head-file-unreadable`."""
        file, control = self._setting.file, reading.control()
        if file is None:
            return
        found = file.found(self._setting.signer.log_key, self._setting.origin)
        if found is not None:
            self._kept, head = found
            given_up = control.gave_up(head.size, head.epoch)
            if not given_up and reading.tree().root(head.size) != head.root:
                self._contradicted(head)
                return
        self.keep(reading.head())
        file.sync()

    def confirm(self, note: str, reading: TableReading) -> None:
        """Raises Refusal `head-malformed`, `head-abandoned` or `state-rolled-back`."""
        head, control = self._read(note), reading.control()
        if reading.tree().root(head.size) == head.root:
            return
        if control.gave_up(head.size, head.epoch):
            raise unverified(
                "head-abandoned",
                "the head of a journal that the officers' quorum gave up",
                f"{head.size} entries with root {head.root.hex()}",
            )
        with self._guard:
            objection = self._contradicted(head)
            if self.contrary is head:  # we signed it before, so signing it again is no news
                self._write(replace(self._kept, note=self._sign(head)))
        raise Refusal(objection)

    def keep(self, note: str) -> None:
        """The newest head, after its commit; not in the place of one that the log should have."""
        with self._guard:
            if self.contrary is None:
                self._write(replace(self._kept, note=note))

    def tick(self, now: int) -> None:
        """A kernel with this journal runs at that effective time."""
        with self._guard:
            if now > self._kept.seen and self._kept.note:
                self._write(replace(self._kept, seen=now))

    def settle(self, reading: TableReading) -> None:
        """Look again after lost entries came back, or after a new epoch."""
        head, control = self.contrary, reading.control()
        if head is None:
            return
        if reading.tree().root(head.size) == head.root or control.gave_up(head.size, head.epoch):
            self.contrary = None
            self._setting.gate.reopen("state-rolled-back")
            self.keep(reading.head())

    def close(self) -> None:
        """Let go of the file."""
        if self._setting.file is not None:
            self._setting.file.close()

    def _read(self, note: str) -> Head:
        try:
            head = verify_head(note, self._setting.signer.log_key)
        except Malformed as error:
            raise malformed("head-malformed", error.detail) from None
        if head.origin != self._setting.origin:
            raise malformed("head-malformed", "the head of another log")
        return head

    def _sign(self, head: Head) -> str:
        return sign_head(head, self._setting.signer)

    def _write(self, kept: Kept) -> None:
        self._kept = kept
        if self._setting.file is not None:
            self._setting.file.write(kept)

    def _contradicted(self, head: Head) -> Objection:
        objection = Objection(
            "state-rolled-back",
            "our log key signed a head that is not of this log's history: the journal is an old copy",
            f"{head.size} entries with root {head.root.hex()}",
        )
        if self.contrary is None or self.contrary.size < head.size:
            self.contrary = head
            self._setting.gate.shut(objection, Passage.WHILE_OLD)
        return objection
