"""One head by our own log key outside the journal: a journal that is restored alone is behind it.

1. Rewritten in place after every commit, before any answer leaves, without waiting for the disk.
2. It fills one sector, so that a reader sees a write in whole or not at all, whatever happens.
3. A missing file is made; one that cannot be read or written is named, and left as found.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal
from signer.journal.note import Head, verify_head

SLOT = 512
"""Bytes of the file."""
_FORM = re.compile(r"seen ([0-9]{1,18})\n(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the file holds."""

    seen: int
    """Effective time, Unix seconds, at which a kernel with this journal ran."""
    note: str
    """The signed head."""

    def slot(self) -> bytes:
        """The file's bytes."""
        text = f"seen {self.seen}\n{self.note}"
        return text.encode().ljust(SLOT, b"\x00")


class HeadFile:
    """An open file, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._found = os.pread(self._descriptor, SLOT + 1, 0)
        except OSError as error:
            raise _unreadable(path, str(error.strerror)) from None
        self.failure = ""
        """Why the last write failed; empty where it did not."""

    def found(self, log_key: bytes, origin: str) -> tuple[Kept, Head] | None:
        """What it held when it was opened; None in a new file. Raises Refusal `head-file-unreadable`."""
        if not self._found:
            return None
        try:
            match = _FORM.fullmatch(self._found.rstrip(b"\x00").decode())
            kept = Kept(int(match[1]), match[2]) if match else None
            head = verify_head(kept.note, log_key) if kept else None
        except (ValueError, Malformed):
            kept, head = None, None
        if kept is None or head is None or head.origin != origin or kept.slot() != self._found:
            raise _unreadable(
                self._path, "it is not a head of this journal, as the kernel keeps it"
            )
        return kept, head

    def write(self, kept: Kept) -> None:
        """Put that in its place. Raises nothing: what was recorded is recorded."""
        try:
            os.pwrite(self._descriptor, kept.slot(), 0)
            self.failure = ""
        except OSError as error:
            self.failure = f"{self._path} cannot be written: {error.strerror}"

    def sync(self) -> None:
        """Wait for the disk. Raises Refusal `head-file-unreadable`."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unreadable(self._path, str(error.strerror)) from None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def _unreadable(path: Path, why: str) -> Refusal:
    return Refusal(Objection("head-file-unreadable", f"{path}: {why}"))
