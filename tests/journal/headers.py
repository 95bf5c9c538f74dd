"""A journal that keeps headers, and batches for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.chain import follow
from signer.bitcoin.hashes import hash256
from signer.core.freshness import FreshnessBounds
from signer.journal.header_chain import ChainSetting, TableChain
from signer.journal.header_keeper import OnChanged
from signer.journal.journal import Journal, JournalSetting
from signer.journal.place import Place
from signer.journal.store import create_journal, store_at
from signer.ports.header_feed import Brought
from tests.bitcoin.mined import EASY, NOW, begun, grown
from tests.journal.desk import FIRST_LEAF, GENESIS, ManualClock, Signer

CHAIN = ChainSetting(
    rules=EASY,
    bounds=ChainBounds(depth=6, least_work=0),
    fresh=FreshnessBounds(0, 10_000, 1_000),
    sources=("one", "two"),
    sources_needed=2,
)
LONELY = replace(CHAIN, sources_needed=1)


def open_with_headers(
    place: Place,
    chain: ChainSetting = CHAIN,
    on_changed: OnChanged | None = None,
    clock: ManualClock | None = None,
) -> Journal:
    """The journal at that place, created if it is not there."""
    if not store_at(place).exists():
        create_journal(place, GENESIS, Signer())
    ours = clock or ManualClock()
    return Journal(
        place, JournalSetting(Signer(), ours, FIRST_LEAF, chain=chain, on_changed=on_changed)
    )


@contextmanager
def with_headers(
    place: Place,
    chain: ChainSetting = CHAIN,
    on_changed: OnChanged | None = None,
    clock: ManualClock | None = None,
) -> Iterator[Journal]:
    journal = open_with_headers(place, chain, on_changed, clock)
    try:
        yield journal
    finally:
        journal.close()


def bring(journal: Journal, raws: Sequence[bytes], source: str = "one") -> Brought:
    assert journal.headers is not None
    return journal.headers.submit(source, b"".join(raws))


@contextmanager
def chain_of(journal: Journal) -> Iterator[TableChain]:
    """A look at it."""
    with journal.reading() as reading:
        chain = reading.chain()
        assert isinstance(chain, TableChain)
        yield chain


def best_of(journal: Journal) -> list[bytes]:
    """The hashes of the best chain above where it starts."""
    with chain_of(journal) as chain:
        found = map(chain.best, range(1, chain.tip().height + 1))
        return [each.hash for each in found if each is not None]


def trunk(count: int) -> list[bytes]:
    """Good headers from genesis on."""
    return on_top((), count, bytes(32))


def on_top(below: Sequence[bytes], count: int, root: bytes = b"b" * 32) -> list[bytes]:
    """Good headers that follow those, which follow genesis."""
    _, tail = begun(EASY)
    for raw in below:
        follow(EASY, tail, raw, NOW)
    return grown(EASY, tail, [600] * count, root)


def names(raws: Sequence[bytes]) -> list[bytes]:
    """Their hashes."""
    return [hash256(raw) for raw in raws]
