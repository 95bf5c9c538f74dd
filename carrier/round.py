"""One round of carrying: brings to each member what the others recorded and said (docs/agreement.md).

1. For each ordered pair: the entries of one member's log that the other has not read, under a signed head,
   with its standing; and back to it what the other says: grants, refusals, a recollection, a cosignature.
2. A member that waits gets what it lost of its own log, and others' entries, from whoever kept copies.
3. Where a log contradicts what was read of it, its head of the size that was read is brought: two roots for
   one size prove a fork.
4. Nothing is remembered that a member would not say again, and nothing is decided here: a carrier that
   withholds or replays can delay, no more. What goes wrong with one member is reported, and the rest goes on.
5. Pairs depend on each other in nothing: they are carried one after another, those from members whose entries
   wait first, or at the same time where an executor's `map` is given. A member is asked for its entries by
   one of them at a time, and once for all that have read as far.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from carrier.member import NoAnswer, Refused
from carrier.seen import Kernel, Seen, entries_of, size_of
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import control_pb2, kernel_pb2

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_PIECES = 64
"""Of one log for one member in a round."""


class Map(Protocol):
    """`map` of an executor."""

    def __call__(self, step: Callable[[Item], Result], over: Iterable[Item], /) -> Iterable[Result]:
        """The result of each, in the order of the list."""


def one_by_one(step: Callable[[Item], Result], over: Iterable[Item], /) -> Iterable[Result]:
    """A Map in the order of the list."""
    return [step(each) for each in over]


@dataclass(slots=True)
class Report:
    """What a round did."""

    entries: int = 0
    """That somebody read."""
    messages: int = 0
    """That were brought back."""
    failures: list[str] = field(default_factory=list)
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By member: why it neither grants nor signs."""

    def add(self, other: "Report") -> None:
        """What another part of the round did."""
        self.entries += other.entries
        self.messages += other.messages
        self.failures += other.failures
        self.waiting |= other.waiting


class Carrier:
    """Carries between these members."""

    def __init__(
        self,
        kernels: Sequence[Kernel],
        between: Callable[[str, str], bool] = lambda _, __: True,
        each_of: Map = one_by_one,
    ) -> None:
        """`between`: whether something is carried from the member of the first name to the second. `each_of`:
        how the pairs are gone through (5)."""
        self._kernels = kernels
        self._between = between
        self._each_of = each_of
        self._keys: dict[str, bytes] = {}

    def carry(self) -> Report:
        """One round."""
        report, seen = Report(), list[Seen]()
        for found, part in self._each_of(self._look, self._kernels):
            report.add(part)
            seen += found
        sources = sorted(seen, key=lambda each: not each.told.pending_entries)
        pairs = [(source, target) for source in sources for target in seen if source is not target]
        for part in self._each_of(
            _carried, [pair for pair in pairs if self._between(*map(_name_of, pair))]
        ):
            report.add(part)
        for target in (each for each in seen if each.told.waiting_for):
            for keeper in (each for each in seen if each is not target):
                if self._between(keeper.kernel.name, target.kernel.name):
                    _bring_copies(keeper, target, report)
        return report

    def _look(self, kernel: Kernel) -> tuple[list[Seen], Report]:
        """The member as it is now; none where it does not answer."""
        found, report = list[Seen](), Report()
        with _reported(report, kernel.name):
            if kernel.name not in self._keys:
                info = kernel.ask(kernel_pb2.GetInfoRequest(), kernel_pb2.GetInfoResponse)
                self._keys[kernel.name] = info.log_key
            told = kernel.ask(au.GetHeadRequest(), au.GetHeadResponse)
            followed = {each.log_key: each.size for each in told.followed}
            if told.waiting_for:
                report.waiting[kernel.name] = tuple(told.waiting_for)
            found.append(Seen(kernel, self._keys[kernel.name], told, followed))
        return found, report


@contextmanager
def _reported(report: Report, what: str) -> Iterator[None]:
    try:
        yield
    except NoAnswer as error:
        report.failures.append(f"{what}: {error}")


def _name_of(seen: Seen) -> str:
    return seen.kernel.name


def _carried(pair: tuple[Seen, Seen]) -> Report:
    """What was carried from the first to the second."""
    report = Report()
    with _reported(report, " to ".join(map(_name_of, pair))):
        _bring(*pair, report)
    return report


def _bring(source: Seen, target: Seen, report: Report) -> None:
    """What the source recorded, and back what the target says to it (1)."""
    start, told = target.followed.get(source.log_key, 0), source.told
    if _is_of_another_epoch(source, target, start) and _bring_epoch(source, target):
        start = target.followed[source.log_key]
    if start >= source.size and not (told.waiting_for or told.pending_entries):
        return
    for _ in range(MAX_PIECES):
        piece = source.own_piece(start)  # none where the source lost what the target has read
        request = au.WitnessRequest(log=piece, standing=told.standing)
        try:
            said = target.kernel.ask(request, au.WitnessResponse)
        except Refused as refused:
            _bring_standing(source, target, report)
            if refused.code not in ("member-log-contradicts", "member-forked"):
                raise
            if not _bring_epoch(source, target):
                if refused.code == "member-log-contradicts":
                    _bring_evidence(source, target, start)
                raise
            start = target.followed[source.log_key]
            continue
        _bring_back(source, "" if piece is None else piece.head, said, report)
        read, start = said.followed_size - start, said.followed_size
        report.entries += max(0, read)
        target.followed[source.log_key] = start
        if read <= 0 or start >= source.size:
            break


def _is_of_another_epoch(source: Seen, target: Seen, read: int) -> bool:
    """Whether the target may have read what the source's officers gave up: more than there is, or as much,
    or what it doubts."""
    has_epoch = "\nepoch " in source.told.head
    if has_epoch and target.doubts(source.log_key):
        return True
    if read != source.size or not has_epoch:
        return read > source.size
    known = target.kernel.ask(au.GetHeadRequest(log_key=source.log_key), au.GetHeadResponse).head
    return _text_of(known) != _text_of(source.told.head)


def _text_of(head: str) -> str:
    return head.partition("\n\n")[0]


def _bring_back(source: Seen, head: str, said: au.WitnessResponse, report: Report) -> None:
    cosigned = head + said.cosignature if head and said.cosignature else ""
    if said.messages or cosigned:
        back = au.WitnessRequest(messages=said.messages, cosigned_head=cosigned)
        source.kernel.ask(back, au.WitnessResponse)
        report.messages += len(said.messages)


def _bring_standing(source: Seen, target: Seen, report: Report) -> None:
    """What the target has read of the source, which it refuses to read on: the source may be an old copy."""
    request = au.WitnessRequest(standing=source.told.standing)
    _bring_back(source, "", target.kernel.ask(request, au.WitnessResponse), report)


def _bring_epoch(source: Seen, target: Seen) -> bool:
    """The source's entries from where its officers gave up what the target has read; whether that was it."""
    read = target.followed.get(source.log_key, 0)
    doubts = target.doubts(source.log_key)
    told = source.kernel.ask(control_pb2.GetStatusRequest(), control_pb2.GetStatusResponse)
    entries = (each.entry for each in told.epochs if doubts or each.entry < read)
    for entry in sorted(entries, reverse=True):
        with suppress(Refused):
            request = au.WitnessRequest(log=source.own_piece(entry), standing=source.told.standing)
            said = target.kernel.ask(request, au.WitnessResponse)
            target.followed[source.log_key] = said.followed_size
            if _agree(source, target, said.followed_size):
                return True
    return False


def _agree(source: Seen, target: Seen, size: int) -> bool:
    """Whether what the target has read, so many entries, is the source's log."""
    read = au.GetHeadRequest(log_key=source.log_key)
    heads = [target.kernel.ask(read, au.GetHeadResponse).head]
    if size <= source.size:
        heads.append(source.kernel.ask(au.GetHeadRequest(size=size), au.GetHeadResponse).head)
    return len(heads) == 2 and len(set(map(_text_of, heads))) == 1


def _bring_evidence(source: Seen, target: Seen, size: int) -> None:
    """The source's head of the size that the target has read (3)."""
    head = source.kernel.ask(au.GetHeadRequest(size=size), au.GetHeadResponse).head
    piece = au.MemberLog(log_key=source.log_key, head=head, start=size)
    target.kernel.ask(au.WitnessRequest(log=piece), au.WitnessResponse)


def _bring_copies(keeper: Seen, target: Seen, report: Report) -> None:
    """What the keeper has read, the target's own log first; what is refused of one log keeps no other."""
    with _reported(report, f"copies of {keeper.kernel.name}"):
        _bring_own(keeper, target, report)
    for log_key in sorted(keeper.followed.keys() - {target.log_key}):
        with _reported(report, f"copies of {keeper.kernel.name}"):
            _bring_copy(keeper, target, log_key, report)


def _bring_own(keeper: Seen, target: Seen, report: Report) -> None:
    """What the keeper has read of the target's own log and the target has not (2)."""
    start = target.size
    while start < keeper.followed.get(target.log_key, 0):
        piece = _kept_piece(keeper.kernel, target.log_key, start)
        target.kernel.ask(au.WitnessRequest(own_tail=piece), au.WitnessResponse)
        report.entries += len(piece.records)
        start += len(piece.records)


def _bring_copy(keeper: Seen, target: Seen, log_key: bytes, report: Report) -> None:
    """What the keeper has read of that log (2); all of it where the target doubts what it has read itself."""
    start = 0 if target.doubts(log_key) else target.followed.get(log_key, 0)
    while start < keeper.followed[log_key]:
        piece = _kept_piece(keeper.kernel, log_key, start)
        said = target.kernel.ask(au.WitnessRequest(log=piece), au.WitnessResponse)
        report.entries += max(0, said.followed_size - start)
        if said.followed_size <= start:
            break
        start = target.followed[log_key] = said.followed_size


def _kept_piece(keeper: Kernel, log_key: bytes, start: int) -> au.MemberLog:
    """Entries of a copy up to the first head behind them with which they were brought."""
    request = au.GetHeadRequest(log_key=log_key, size=start + 1)
    head = keeper.ask(request, au.GetHeadResponse).head
    records = entries_of(keeper, log_key, start, size_of(head) - start)
    return au.MemberLog(log_key=log_key, head=head, start=start, records=records)
