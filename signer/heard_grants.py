"""What the other members said of our entries that wait: grants and refusals (J6).

1. A word about another entry than the one that waits touches nothing.
2. Grants are kept in memory until they are a quorum: who brought them can bring them again.
"""

import threading
from dataclasses import dataclass, field
from functools import partial

from signer.core.agreement.messages import Contrary, Granted
from signer.core.agreement.notices import Grant
from signer.journal.following import Federations
from signer.journal.journal import Journal
from signer.journal.settling import awaits, settle, waiting_numbers
from signer.ports.recording import Passage
from signer.witness_words import reason


@dataclass(slots=True)
class HeardGrants:
    """By number of our entry, by witness. Thread-safe."""

    journal: Journal
    _grants: dict[int, dict[bytes, Grant]] = field(default_factory=dict)
    _refusals: dict[int, dict[bytes, str]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    """Of these; never held while the writer is waited for."""

    def granted(self, number: int) -> frozenset[bytes]:
        """Who granted that entry, while these are no quorum."""
        return frozenset(self._grants.get(number, ()))

    def refusals(self, number: int) -> tuple[str, ...]:
        """Who refused it, and why."""
        said = self._refusals.get(number, {})
        return tuple(f"{member.hex()}: {said[member]}" for member in sorted(said))

    def grant(self, said: Granted, signature: bytes, federations: Federations) -> None:
        """Keep it (2); record that our entry is agreed when these are its quorum. A word about another entry
        than the one that waits touches nothing: it would take the others' words along."""
        with self.journal.tables() as tables:
            if not awaits(tables, said.number, said.leaf):
                return
        grant = Grant(said.witness, said.incarnation, signature)
        with self._guard:
            known = self._grants.get(said.number, {}) | {said.witness: grant}
            self._grants[said.number] = known
        entry = (said.number, said.leaf)
        work = partial(settle, entry, tuple(known.values()), federations)
        if not self.journal.in_turn(work, Passage.WHILE_LOCKED):
            with self._guard:
                self._grants.pop(said.number, None)

    def refusal(self, said: Contrary) -> None:
        """Keep it for whoever asks why our entry waits, as long as it does."""
        with self.journal.tables() as tables:
            waiting = frozenset(waiting_numbers(tables))
        with self._guard:
            if said.number in waiting:
                known = self._refusals.get(said.number, {})
                self._refusals[said.number] = known | {said.witness: reason(said)}
            for number in self._refusals.keys() - waiting:
                del self._refusals[number]
