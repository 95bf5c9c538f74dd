"""What the journal's writer does not do now, whatever it is asked.

1. Work passes or is refused as a whole; of what is refused nothing goes on record.
2. Where the log may be an old copy nothing extends it but a new epoch: another entry would contradict one
   that was signed before.
3. Under a lock, by the officers' quorum or because the clock stepped, only control acts, and what members say
   to each other, go on record. While a start goes on nothing does that rests on the time, which may lag.
4. What shuts the gate beside the record is found anew by each process: it is not of this log's making.
"""

import threading

from signer.core.control import ControlState, lock_objection
from signer.core.errors import Objection
from signer.ports.recording import Passage

__all__ = ["Gate", "Passage"]


class Gate:
    """Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._shut: dict[str, tuple[Passage, Objection]] = {}

    def shut(self, objection: Objection, passage: Passage) -> None:
        """From now on only such work passes, until `reopen` of the objection's code."""
        with self._guard:
            self._shut[objection.code] = (passage, objection)

    def reopen(self, code: str) -> None:
        """That reason is gone."""
        with self._guard:
            self._shut.pop(code, None)

    def now(self) -> "Gate":
        """As it stands at this moment."""
        found = Gate()
        with self._guard:
            found._shut = dict(self._shut)
        return found

    def reasons(self) -> tuple[Objection, ...]:
        """Why it is shut, the gravest first; the record's own reasons left out."""
        with self._guard:
            found = sorted(self._shut.values(), key=lambda each: each[0], reverse=True)
        return tuple(objection for _, objection in found)

    def objection(self, passage: Passage, control: ControlState) -> Objection | None:
        """Why such work does not pass; None where it does."""
        with self._guard:
            found = [each for each in self._shut.values() if each[0] > passage]
        if found:
            return max(found, key=lambda each: each[0])[1]
        return lock_objection(control) if passage < Passage.WHILE_LOCKED else None
