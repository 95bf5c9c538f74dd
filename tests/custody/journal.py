"""A core's journal as the second gate sees it: entries in their bytes, how far it goes, and what time it is.

1. Entries are `signer.journal.codec`'s, so `signer.charged` reads them as it reads a kernel's.
2. What leaves stands on the first coin: the gate asks for no more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import MAX_MONEY, Sats
from signer.core.errors import Objection
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import Claims, CoinClaim, SignedEntry


@dataclass
class Journal:
    """What a kernel's looks like through `reading`, and what stops it."""

    vault: bytes
    now: Callable[[], int]
    """Effective time, but for the last entry's."""
    entries: list[bytes] = field(default_factory=list)
    waiting: set[bytes] = field(default_factory=set)
    """Txids of those that wait for grants."""
    gone: int = 0
    """Entries that the officers gave up: sizes go on from there."""
    stopped: tuple[Objection, ...] = ()

    @property
    def size(self) -> int:
        return max(len(self.entries), self.gone)

    @property
    def last(self) -> int:
        """Time of the last entry."""
        return decode_entry(self.entries[-1]).clock if self.entries else 0

    @property
    def effective(self) -> int:
        return max(self.last, self.now())

    def append(self, txid: Txid, inputs: tuple[OutPoint, ...], leaving: int) -> int:
        """An entry more; its time."""
        clock, sats = self.effective, Sats(min(max(leaving, 0), MAX_MONEY))
        amounts = (sats, *[Sats(0)] * (len(inputs) - 1))
        pairs = zip(inputs, amounts, strict=True)
        coins = tuple(CoinClaim(each, amount, b"", 0, 0, None) for each, amount in pairs)
        claims = Claims(
            txid, (), (), (), None, Sats(0), Sats(0), coins, None, (), None, b"", ()
        )  # fmt: skip
        none = bytes(32)
        head = (clock, "relayer", none, none, self.vault, "withdrawal", 0, "primary", b"", b"")
        self.entries.append(encode_entry(SignedEntry(*head, claims, (), 0, b"")))
        return clock

    def stopped_by(self) -> tuple[Objection, ...]:
        return self.stopped

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """What `signer.charged` asks of a look."""
        size = len(self.entries)
        epochs = (SimpleNamespace(abandoned_size=self.gone),)
        yield SimpleNamespace(
            control=lambda: SimpleNamespace(epochs=epochs),
            size=lambda: size,
            now=lambda: self.effective,
            record=lambda number: self.entries[number],
            records=lambda start, limit, _: tuple(self.entries[start : start + limit]),
            version=lambda txid: SimpleNamespace(waits=txid in self.waiting),
        )
