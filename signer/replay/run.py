"""A journal derived again, entry by entry.

1. The entries before the first one that is asked for are folded; from there on each is derived from the
   record before it: what was due first, then what `signer.replay.deeds` finds for it.
2. It is derived again if what this version writes has the very leaf hashes of the entries on record.
3. After a difference the record goes on as it is: later entries are judged by what was, not by what would be.
4. Whatever goes wrong while an entry is derived is that entry's difference, and the next one is looked at.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from signer.bitcoin.keys import MemberKey
from signer.core.agreement.notices import StartedNotice
from signer.core.errors import Objection, Pending, Refusal
from signer.core.policy_steps import due
from signer.core.registry import VaultRegistry
from signer.journal.audit import StoredEntry
from signer.journal.decide import Self
from signer.journal.entry import Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.journal.reading import TableReading
from signer.kernel import Build, Kernel
from signer.ports.policy import ServedPolicy
from signer.replay.asked import asked_of
from signer.replay.bench import Bench, Deed, StatedClock, Unrepeatable
from signer.replay.deeds import NO_CHAIN, NO_KEY, deeds_of
from signer.replay.differences import Answer, Difference, difference
from signer.replay.journal import ReplayJournal
from signer.replay.keys import RecordedKeys
from signer.replay.officers import due_steps
from signer.replay.record import RebuiltRecord, rebuilding
from signer.shelf import Shelf

AHEAD = 80
"""Entries in memory at a time: more than one note writes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an entry."""

    stored: StoredEntry
    reason: str = ""
    """Why it was not derived again; empty if it was."""
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Premises:
    """What is known beside the entries."""

    genesis: ServedPolicy
    """The policy that the journal begins with."""
    shelf: Shelf
    ours: tuple[MemberKey, ...] = ()
    """Our keys, if a configuration names them."""


class Rederivation:
    """A journal that is derived again. Made by `rederivation`."""

    def __init__(self, record: RebuiltRecord, premises: Premises) -> None:
        self._record = record
        self._premises = premises
        self._clock = 0

    def over(self, entries: Iterator[StoredEntry], since: int = 0) -> Iterator[Outcome]:
        """An outcome for each entry from number `since` on. `entries`: all, from the first.

        Raises Refusal `journal-foreign`, `journal-tampered`, `policy-not-descended`.
        """
        walk: _Walk | None = None
        coming: deque[StoredEntry] = deque()
        for stored in entries:
            if walk is None:
                walk = _Walk.begin(self._record, stored.entry, self._premises)
            self._clock = stored.entry.clock
            if stored.number < since:
                walk.fold(stored)
                continue
            coming.append(stored)
            if len(coming) >= AHEAD:
                yield from walk.derive(coming)
        while walk is not None and coming:
            yield from walk.derive(coming)

    def reading(self) -> TableReading:
        """What the record says after all that was taken, at the time of the last entry."""
        return self._record.reading(self._clock)


@contextmanager
def rederivation(premises: Premises) -> Iterator[Rederivation]:
    """To derive one journal again."""
    with rebuilding() as record:
        yield Rederivation(record, premises)


@dataclass(slots=True)
class _Walk:
    """The record and the kernel over it."""

    record: RebuiltRecord
    bench: Bench
    keys: RecordedKeys
    incarnation: bytes = bytes(16)
    """Of the kernel that recorded, as its last start said."""

    @classmethod
    def begin(cls, record: RebuiltRecord, first: Entry, premises: Premises) -> "_Walk":
        if not isinstance(first, GenesisEntry):
            raise Refusal(Objection("journal-foreign", "the first entry is no genesis entry"))
        _require_genesis(first, premises.genesis)
        registry = VaultRegistry(premises.genesis.vaults)
        keys = RecordedKeys(first, registry.all(), premises.ours)
        journal, network = ReplayJournal(), premises.genesis.network
        build = Build("replay", b"", b"")
        clock, shelf = StatedClock(), premises.shelf
        kernel = Kernel(build, network, shelf, registry, keys, journal, clock=clock)
        return cls(record, Bench(kernel, journal, clock), keys)

    def fold(self, stored: StoredEntry) -> None:
        """As it is on record."""
        self._learn(stored.entry)
        self.record.fold(stored)

    def _learn(self, entry: Entry) -> None:
        """What an entry says of who wrote it."""
        if isinstance(entry, SignedEntry):
            self.keys.learn(entry)
        if isinstance(entry, StartedNotice):
            self.incarnation = entry.incarnation

    def derive(self, coming: deque[StoredEntry]) -> Iterator[Outcome]:
        """Derive the first of the coming entries, and those that are written with it; they are taken out."""
        stored = coming[0]
        self._learn(stored.entry)
        if due(self.record.reading(stored.entry.clock).governance(), stored.entry.clock):
            deeds: Iterator[Deed] | Unrepeatable = iter((due_steps,))
        elif self._lacks_key(stored.entry):
            deeds = Unrepeatable(NO_KEY)
        elif self._lacks_chain(stored.entry):
            deeds = Unrepeatable(NO_CHAIN)
        else:
            deeds = deeds_of([each.entry for each in coming])
        if isinstance(deeds, Unrepeatable):
            yield Outcome(stored, deeds.reason)
            self.record.fold(coming.popleft())
            return
        found: Difference | None = None
        for deed in deeds:
            tried = self._try(deed, coming)
            if isinstance(tried, int):
                yield from (Outcome(coming.popleft()) for _ in range(tried))
                return
            found = tried
        yield Outcome(stored, difference=found)
        self.record.fold(coming.popleft())

    def _try(self, deed: Deed, coming: deque[StoredEntry]) -> int | Difference:
        """How many of the coming entries it writes, to the letter; or where it does not."""
        first = coming[0]
        myself = Self(self.keys.log_key, self.incarnation)
        session = self.record.session(first.entry.clock, myself)
        self.bench.journal.session = session
        with self.record.attempt(first.entry.clock) as attempt:
            answer = _answer(deed, self.bench)
            leaves = self.record.leaves_since(first.number)
            if leaves and leaves == [each.leaf for each in islice(coming, len(leaves))]:
                attempt.kept = True
                self.record.frontier = session.frontier
                return len(leaves)
            return difference(first.entry, self.record.written_since(first.number), answer)

    def _lacks_chain(self, entry: Entry) -> bool:
        """Whether a refusal may rest on headers, which are no part of the log."""
        if not isinstance(entry, RefusedEntry) or not entry.policy_id:
            return False
        asked = asked_of(entry)
        if asked is None or not isinstance(asked.vault, str):
            return False
        kernel, reading = self.bench.kernel, self.record.reading(entry.clock)
        vaults = {each.vault_id: each.fingerprint for each in kernel.registry.all()}
        policy = kernel.shelf.policy(entry.policy_id, reading)
        return policy.asks_chain(vaults.get(asked.vault, b""))

    def _lacks_key(self, entry: Entry) -> bool:
        if not isinstance(entry, RefusedEntry) or entry.code != "path-without-our-key":
            return False
        asked = asked_of(entry)
        if asked is None or not isinstance(asked.vault, str):
            return False
        return not self.keys.is_known(self.bench.kernel.registry.get(asked.vault))


def _answer(deed: Deed, bench: Bench) -> Answer:
    try:
        deed(bench)
    except (Refusal, Pending) as answer:
        return answer
    except Exception as error:  # rule 4
        return error
    return None


def _require_genesis(genesis: GenesisEntry, policy: ServedPolicy) -> None:
    """Raises Refusal `policy-not-descended`."""
    fingerprints = tuple(vault.fingerprint for vault in policy.vaults)
    if (genesis.policy_id, genesis.vaults) != (policy.policy_id, fingerprints):
        raise Refusal(
            Objection(
                "policy-not-descended",
                "the journal begins with another policy than the one given",
                policy.policy_id.hex(),
                genesis.policy_id.hex(),
            )
        )
