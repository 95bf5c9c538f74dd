"""What the journal recorded, as the ledgers of the second gate count it (docs/keystore.md).

1. Only what may have been signed: entries that wait for grants, or are void, are left out.
2. Entries' times never go back, so the first one that a ledger needs is found by halving.
3. What leaves is what the entry claims: inputs less change, less what went to the successor.
4. A journal that is shorter than a ledger says is an old copy: nothing is signed until its lost entries came
   back, or until the officers gave them up in a new epoch.
5. Counted is once the start is complete and nothing stops the process: a host that was put back has an old
   ledger, too, and what it lost comes back with the start; and a clock that stepped would date what is signed
   from then on. Until then it says why, and moves nothing. An explanation never counts.
6. An entry may have been signed LATE seconds after its time, so it is needed for that much longer; entries
   go by effective time, which may be behind the ledger's.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress

from keystore.caps import DAY, LATE
from keystore.file_keystore import FileKeystore
from keystore.ledger import Charged
from keystore.second_gate import Since
from signer.bitcoin.units import Sats
from signer.core.errors import Objection, Refusal
from signer.journal.codec import decode_entry
from signer.journal.entry import Claims, SignedEntry
from signer.ports.reading import Reading
from signer.ports.recording import Journal

_PAGE, _PAGE_BYTES = 256, 16 << 20


class Counting:
    """Brings each ledger up to the record, once (4, 5), and each one's time up to effective time."""

    def __init__(
        self, keys: FileKeystore, journal: Journal, starting: Callable[[], tuple[str, ...]] = tuple
    ) -> None:
        """`starting` says why the start is not complete, one sentence each."""
        self._keys, self._journal, self._starting = keys, journal, starting

    def __call__(self) -> None:
        """Raises Refusal `state-rolled-back` or `cap-ledger-broken`, and why it cannot count yet (5)."""
        if not any(self._keys.caps().values()):
            return
        behind = self._keys.behind()
        if behind:
            self._require_started()
        with self._journal.reading() as reading:
            epochs = (epoch.abandoned_size for epoch in reading.control().epochs)
            size = max(reading.size(), *epochs, 0)
            for vault, since in behind.items():
                self._keys.catch_up(vault, recount(reading, vault, since), size, reading.now())
            self._keys.follow(reading.now())

    def if_possible(self) -> None:
        """The same, where nothing stops it."""
        with suppress(Refusal):
            self()

    def _require_started(self) -> None:
        """5."""
        if stopped := self._journal.stopped_by():
            raise Refusal(*stopped)
        if waits := self._starting():
            detail = "the start is not complete: the vault key's ledger is not counted yet"
            raise Refusal(Objection("agreement-starting", detail, "; ".join(waits)))


def recount(reading: Reading, vault: bytes, since: Since) -> Iterator[Charged]:
    """The signed entries of that vault, oldest first."""
    size, moment = reading.size(), min(since.moment, reading.now()) - DAY - LATE  # 6
    first = bisect_right(range(size), moment, key=lambda number: _clock(reading, number))  # 2
    number = min(first, since.number, size)
    while records := reading.records(number, _PAGE, _PAGE_BYTES):
        number += len(records)
        for record in records:
            entry = decode_entry(record)
            if isinstance(entry, SignedEntry) and entry.vault_fingerprint == vault:
                yield from _charged(reading, entry, since.successor)


def _charged(reading: Reading, entry: SignedEntry, successor: bytes) -> Iterator[Charged]:
    version = reading.version(entry.claims.txid)
    if version is not None and not version.waits:  # 1
        inputs = tuple(coin.outpoint for coin in entry.claims.coins)
        yield Charged(inputs, _leaving(entry.claims, successor), entry.clock)


def _leaving(claims: Claims, successor: bytes) -> Sats:
    stayed = 0 if claims.change is None else claims.change.amount
    stayed += sum(each.amount for each in claims.rotations if each.to_fingerprint == successor)
    return Sats(sum(coin.amount for coin in claims.coins) - stayed)


def _clock(reading: Reading, number: int) -> int:
    return decode_entry(reading.record(number)).clock
