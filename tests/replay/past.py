"""A recorded history, and what becomes of it when it is derived again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from policies.load import load_policy
from signer.bitcoin.keys import ExtendedPublicKey
from signer.journal.audit import StoredEntry, read_entries
from signer.journal.codec import encode_entry
from signer.journal.entry import Entry
from signer.journal.merkle import leaf_hash
from signer.member_files import shelf_of
from signer.replay.run import Outcome, Premises, rederivation
from tests.kernel.histories import History


@dataclass
class Past:
    """A history that is over."""

    history: History

    @property
    def path(self) -> Path:
        return self.history.journal

    @cached_property
    def entries(self) -> list[StoredEntry]:
        return list(read_entries(self.path, 0))

    def numbers(self, kind: type) -> list[int]:
        return [each.number for each in self.entries if isinstance(each.entry, kind)]

    def derived(self, since: int = 0) -> list[Outcome]:
        return rederived(self.entries, self.history.guard.policy, since)

    def differing(self) -> list[Outcome]:
        return [each for each in self.derived() if each.difference is not None]

    def with_entry(self, number: int, entry: Entry) -> list[StoredEntry]:
        """The same, with another entry there."""
        other = [*self.entries]
        other[number] = placed(number, entry)
        return other

    def but(self, number: int, **changes: object) -> list[StoredEntry]:
        """The same, with some fields of that entry changed."""
        return self.with_entry(number, replace(self.entries[number].entry, **changes))


def placed(number: int, entry: Entry) -> StoredEntry:
    record = encode_entry(entry)
    return StoredEntry(number, leaf_hash(record), entry, len(record))


def renumbered(entries: Iterable[StoredEntry]) -> list[StoredEntry]:
    return [placed(number, each.entry) for number, each in enumerate(entries)]


def rederived(
    entries: Iterable[StoredEntry],
    policy: bytes,
    since: int = 0,
    ours: tuple[ExtendedPublicKey, ...] = (),
) -> list[Outcome]:
    genesis = load_policy(policy)
    with rederivation(Premises(genesis, shelf_of(genesis), ours)) as again:
        return list(again.over(iter(entries), since))
