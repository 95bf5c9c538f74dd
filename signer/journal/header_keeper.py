"""Takes headers into the record, one batch in a turn of the journal's writer.

1. All of a batch is written or nothing of it: headers, what their source vouches for, and what is to be
   recorded because the best chain changed.
2. A source vouches for the last header of its batch; an older one of the same branch, sent again, takes
   nothing back. A source that goes over to another branch with no more work equivocates: that is counted, and
   it vouches for what it did. A node goes over when it sees more work, so a branch is sent up to there.
3. A batch that makes its branch the best is always taken. What stays beside it is bounded for each source and
   day, so that none fills the disk and none uses up what another has. As long as the best chain has not the
   least work that Bitcoin's is known to have, the bound is that of several chains as long as Bitcoin's, and
   no day ends it.
4. While the journal's reserve is in use headers take their share of it and no more.
5. Of a better chain that leaves ours too deep nothing is kept but that there is one
   (`signer.journal.header_dispute`); its source keeps its word, and is refused.
6. While the clock has stepped, or a start goes on, none are taken: time may lag, and what came would seem to
   have been here for days, once the officers state the time or the start is complete.
7. What relied on a block is judged once enough sources vouch up to its height, and the chain has the least
   work: one source that comes first with a block of its own shows nothing. A block that this record had so
   and has no more is judged at once, whoever shows it: that took work. The first batch of a process judges
   all heights, since whose word is enough may have been configured otherwise before.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from signer.bitcoin.best_chain import Advance, Dispute, HeaderChain
from signer.bitcoin.chain import split_headers
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header_record import is_before
from signer.bitcoin.tail import Link, Tail
from signer.bitcoin.units import Height
from signer.core.errors import LimitExceeded, Objection, Refusal
from signer.journal.database import Tables
from signer.journal.decide import Session, no_room
from signer.journal.header_chain import ChainSetting, TableChain
from signer.journal.header_dispute import end_dispute, is_decided, keep_dispute
from signer.journal.header_record import TableHeaders, write_advance
from signer.ports.header_feed import Brought
from signer.ports.recording import Passage

Answer = TypeVar("Answer")
OnChanged = Callable[[Session, int, int, Sequence[Link]], object]
"""Told in the same turn from and to which height what relied on the best chain is to be judged, and which
headers have just left it (7)."""

DAY = 24 * 3_600
MAX_ASIDE = 10_000
"""Headers beside the best chain, of one source within a day: what test networks need."""
MAX_ASIDE_LIGHT = 3_000_000
"""The same in all while the best chain is light: who came first with cheap headers locks nobody out."""
HEADER_BYTES = 256
"""On disk, about, with its indexes."""
_SHARE = b"headers"
_TIME_LAGS = frozenset(("clock-stepped", "agreement-starting"))
_COLUMNS = "source, hash, moment, equivocations, aside, aside_since"
_WRITE = (
    f"INSERT INTO header_sources ({_COLUMNS}) VALUES (?,?,?,?,?,?) "  # noqa: S608 (ours)
    "ON CONFLICT (source) DO UPDATE SET hash = excluded.hash, moment = excluded.moment, "
    "equivocations = excluded.equivocations, aside = excluded.aside, aside_since = excluded.aside_since"
)


class TakesTurns(Protocol):
    """`Journal.in_turn`."""

    def __call__(self, work: Callable[[Session], Answer], passage: Passage) -> Answer:
        """See there."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A row of `header_sources`."""

    source: str
    hash: bytes = b""
    moment: int = 0
    equivocations: int = 0
    aside: int = 0
    """Headers that were beside the best chain when they came, within the day that began at `aside_since`."""
    aside_since: int = 0


class HeaderKeeper:
    """Whoever brings headers brings them here: signer.ports.header_feed.HeaderFeed."""

    def __init__(
        self, in_turn: TakesTurns, setting: ChainSetting, on_changed: OnChanged | None = None
    ) -> None:
        self._in_turn = in_turn
        self._setting = setting
        self._on_changed = on_changed
        self._tail: Tail | None = None
        """Of the batch before; used in the writer's turn alone."""
        self._judged = Height(0)
        """Up to where this process has judged, and that is durable (7). Other replicas may take the chain on,
        or make less of it settled: that is seen before each batch."""

    def submit(self, source: str, data: bytes) -> Brought:
        """See HeaderFeed; `source` is one of the setting's. Raises also LimitExceeded
        `header-side-branches-full`, Malformed `header-chain-disputed`, Refusal `journal-disk-full`, and what
        `on_changed` raises."""
        split_headers(data)  # what is no batch takes no turn
        taken = self._in_turn(partial(self._take, source=source, data=data), Passage.WHILE_LOCKED)
        if isinstance(taken, Malformed):
            raise Malformed(taken.code, taken.detail)
        brought, self._judged = taken
        return brought

    def _take(
        self, session: Session, source: str, data: bytes
    ) -> tuple[Brought, Height] | Malformed:
        """What the source is told, and up to where is judged."""
        lags = [each for each in session.reasons() if each.code in _TIME_LAGS]
        if lags:
            raise Refusal(lags[0])  # 6
        setting, record = self._setting, TableHeaders(session.tables)
        chain = HeaderChain(setting.rules, record, setting.bounds, self._tail)
        try:
            advance = chain.advance(data, session.now)
        except Malformed as error:
            return error
        self._tail = chain.tail
        if advance.dispute is not None:
            return self._disputed(session, source, advance.dispute)
        before, settled = _heard(session.tables, source), self._settled(session)
        if advance.new and not advance.joined:
            is_light = record.tip().work < setting.bounds.least_work
            before = _counted(before, len(advance.new), session.now, is_light=is_light)
        if not session.takes_room(_SHARE, HEADER_BYTES * len(advance.new)):  # 4
            raise no_room("headers are taken when there is room")
        write_advance(session.tables, advance, session.now)  # 1
        if advance.left:
            end_dispute(session.tables, setting.bounds.follow)
        after = _vouching(before, advance.last, record, session.now)
        session.tables.execute(_WRITE, astuple(after))
        judged = self._judge(session, advance, settled)
        equivocated = after.equivocations > before.equivocations
        left = len(advance.left)
        return Brought(len(advance.new), advance.last, record.tip(), left, equivocated), judged

    def _judge(self, session: Session, advance: Advance, before: Height) -> Height:
        """Rule 7; up to where was and is settled."""
        after = self._settled(session)
        lowest = min([self._judged, before, *(each.height for each in advance.joined[:1])])
        lowest = max(lowest, TableHeaders(session.tables).start().height)
        highest = max(before, after)
        if self._on_changed is not None and (advance.joined or highest > lowest):
            self._on_changed(session, lowest, highest, advance.left)
        return after

    def _settled(self, session: Session) -> Height:
        """Up to where what relied on blocks is judged (7)."""
        chain = TableChain(session.tables, self._setting, session.now)
        is_light = chain.tip().work < self._setting.bounds.least_work
        return Height(chain.start().height) if is_light else chain.vouched()

    def _disputed(self, session: Session, source: str, dispute: Dispute) -> Malformed:
        """Rule 5: what the source is told once it is on record."""
        where = f"it leaves the best chain at height {dispute.fork}"
        if is_decided(session.tables, dispute, self._setting.bounds.follow):
            return Malformed("header-fork-too-deep", f"{where}, and people decided for ours")
        keep_dispute(session.tables, source, dispute, session.now)
        return Malformed("header-chain-disputed", f"{where}, and has more work")


def _heard(tables: Tables, source: str) -> _Heard:
    query = f"SELECT {_COLUMNS} FROM header_sources WHERE source = ?"  # noqa: S608 (ours)
    row = tables.execute(query, (source,)).fetchone()
    return _Heard(source) if row is None else _Heard(*row)


def _counted(heard: _Heard, new: int, now: int, *, is_light: bool) -> _Heard:
    """Rule 3. Raises LimitExceeded `header-side-branches-full`."""
    most, ends = MAX_ASIDE, heard.aside_since + DAY
    if is_light:
        most, ends = MAX_ASIDE_LIGHT, now + DAY
    elif now >= ends:
        heard = replace(heard, aside=0, aside_since=now)
    if heard.aside + new > most:
        raise LimitExceeded(
            Objection(
                "header-side-branches-full",
                f"{heard.source} brought many headers that are not of the best chain",
                f"{heard.aside} and {new} more",
                f"{most}",
                not_before=ends,
            )
        )
    return replace(heard, aside=heard.aside + new)


def _vouching(heard: _Heard, last: Link, record: TableHeaders, now: int) -> _Heard:
    """Rule 2."""
    old = record.link(heard.hash)
    if old is not None and old != last:
        if is_before(record, last, old):
            return heard
        if last.work <= old.work and not is_before(record, old, last):
            return replace(heard, equivocations=heard.equivocations + 1)
    return replace(heard, hash=last.hash, moment=now)
