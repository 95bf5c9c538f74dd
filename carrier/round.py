"""One round of carrying: brings to each member what the others recorded and said (docs/agreement.md).

1. For each ordered pair: the entries of one member's log that the other has not read, under a signed head,
   with its standing; and back to it what the other says: grants, refusals, a recollection, a cosignature.
2. A member that waits gets what it lost of its own log, and others' entries, from whoever kept copies.
3. Where a log contradicts what was read of it, its head of the size that was read is brought: two roots for
   one size prove a fork.
4. Nothing is remembered that a member would not say again, and nothing is decided here: a carrier that
   withholds or replays can delay, no more. What goes wrong with one member is reported, and the rest goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from carrier.member import NoAnswer, Refused
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import control_pb2, kernel_pb2

Answer = TypeVar("Answer", bound=Message)
MAX_PIECE = 4 << 20
"""Bytes of entries after which a piece ends; one entry always fits."""
MAX_ENTRIES = 1_000
MAX_PIECES = 64
"""Of one log for one member in a round."""


class Kernel(Protocol):
    """A member's kernel that can be asked (`carrier.member.Member`)."""

    @property
    def name(self) -> str:
        """For reports."""

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        """Raises NoAnswer."""

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        """Raises NoAnswer."""


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


@dataclass(slots=True)
class _Seen:
    """A member that answers."""

    kernel: Kernel
    log_key: bytes
    told: au.GetHeadResponse
    followed: dict[bytes, int]

    @property
    def size(self) -> int:
        return size_of(self.told.head)


def size_of(head: str) -> int:
    """Entries that a head states; 0 where it states none."""
    lines = head.split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdigit() else 0


class Carrier:
    """Carries between these members."""

    def __init__(
        self, kernels: Sequence[Kernel], between: Callable[[str, str], bool] = lambda _, __: True
    ) -> None:
        """`between`: whether something is carried from the member of the first name to the second."""
        self._kernels = kernels
        self._between = between
        self._keys: dict[str, bytes] = {}

    def carry(self) -> Report:
        """One round."""
        report = Report()
        seen = list(self._seen(report))
        for source in seen:
            for target in seen:
                if source is not target and self._between(source.kernel.name, target.kernel.name):
                    with _reported(report, f"{source.kernel.name} to {target.kernel.name}"):
                        _bring(source, target, report)
        for target in (each for each in seen if each.told.waiting_for):
            for keeper in (each for each in seen if each is not target):
                if self._between(keeper.kernel.name, target.kernel.name):
                    with _reported(report, f"copies of {keeper.kernel.name}"):
                        _bring_copies(keeper, target, report)
        return report

    def _seen(self, report: Report) -> Iterator[_Seen]:
        for kernel in self._kernels:
            with _reported(report, kernel.name):
                if kernel.name not in self._keys:
                    info = kernel.ask(kernel_pb2.GetInfoRequest(), kernel_pb2.GetInfoResponse)
                    self._keys[kernel.name] = info.log_key
                told = kernel.ask(au.GetHeadRequest(), au.GetHeadResponse)
                followed = {each.log_key: each.size for each in told.followed}
                if told.waiting_for:
                    report.waiting[kernel.name] = tuple(told.waiting_for)
                yield _Seen(kernel, self._keys[kernel.name], told, followed)


@contextmanager
def _reported(report: Report, what: str) -> Iterator[None]:
    try:
        yield
    except NoAnswer as error:
        report.failures.append(f"{what}: {error}")


def _bring(source: _Seen, target: _Seen, report: Report) -> None:
    """What the source recorded, and back what the target says to it (1)."""
    start, told = target.followed.get(source.log_key, 0), source.told
    if start > source.size and _bring_epoch(source, target):
        start = target.followed[source.log_key]
    if start >= source.size and not (told.waiting_for or told.pending_entries):
        return
    for _ in range(MAX_PIECES):
        piece = _own_piece(source, start)  # none where the source lost what the target has read
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


def _bring_back(source: _Seen, head: str, said: au.WitnessResponse, report: Report) -> None:
    cosigned = head + said.cosignature if head and said.cosignature else ""
    if said.messages or cosigned:
        back = au.WitnessRequest(messages=said.messages, cosigned_head=cosigned)
        source.kernel.ask(back, au.WitnessResponse)
        report.messages += len(said.messages)


def _bring_standing(source: _Seen, target: _Seen, report: Report) -> None:
    """What the target has read of the source, which it refuses to read on: the source may be an old copy."""
    request = au.WitnessRequest(standing=source.told.standing)
    _bring_back(source, "", target.kernel.ask(request, au.WitnessResponse), report)


def _bring_epoch(source: _Seen, target: _Seen) -> bool:
    """The source's entries from where its officers gave up what the target has read; whether that was it."""
    read = target.followed.get(source.log_key, 0)
    told = source.kernel.ask(control_pb2.GetStatusRequest(), control_pb2.GetStatusResponse)
    for entry in sorted((each.entry for each in told.epochs if each.entry < read), reverse=True):
        with suppress(Refused):
            request = au.WitnessRequest(
                log=_own_piece(source, entry), standing=source.told.standing
            )
            said = target.kernel.ask(request, au.WitnessResponse)
            target.followed[source.log_key] = said.followed_size
            if _agree(source, target, said.followed_size):
                return True
    return False


def _agree(source: _Seen, target: _Seen, size: int) -> bool:
    """Whether what the target has read, so many entries, is the source's log."""
    read = au.GetHeadRequest(log_key=source.log_key)
    heads = [target.kernel.ask(read, au.GetHeadResponse).head]
    if size <= source.size:
        heads.append(source.kernel.ask(au.GetHeadRequest(size=size), au.GetHeadResponse).head)
    return len(heads) == 2 and len({head.partition("\n\n")[0] for head in heads}) == 1


def _bring_evidence(source: _Seen, target: _Seen, size: int) -> None:
    """The source's head of the size that the target has read (3)."""
    head = source.kernel.ask(au.GetHeadRequest(size=size), au.GetHeadResponse).head
    piece = au.MemberLog(log_key=source.log_key, head=head, start=size)
    target.kernel.ask(au.WitnessRequest(log=piece), au.WitnessResponse)


def _own_piece(source: _Seen, start: int) -> au.MemberLog | None:
    """The source's entries from there on, as many as fit, and its head where they end; None where it has
    fewer."""
    if start > source.size:
        return None
    records = _entries(source.kernel, b"", start, min(source.size - start, MAX_ENTRIES))
    end, head = start + len(records), source.told.head
    if end != source.size:
        head = source.kernel.ask(au.GetHeadRequest(size=end), au.GetHeadResponse).head
    return au.MemberLog(log_key=source.log_key, head=head, start=start, records=records)


def _bring_copies(keeper: _Seen, target: _Seen, report: Report) -> None:
    """What the keeper has read of other logs, the target's own first (2)."""
    own = keeper.followed.get(target.log_key, 0)
    start = target.size
    while start < own:
        piece = _kept_piece(keeper.kernel, target.log_key, start)
        target.kernel.ask(au.WitnessRequest(own_tail=piece), au.WitnessResponse)
        report.entries += len(piece.records)
        start += len(piece.records)
    for log_key, size in keeper.followed.items():
        start = target.followed.get(log_key, 0)
        while log_key != target.log_key and start < size:
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
    records = _entries(keeper, log_key, start, size_of(head) - start)
    return au.MemberLog(log_key=log_key, head=head, start=start, records=records)


def _entries(kernel: Kernel, log_key: bytes, start: int, most: int) -> list[bytes]:
    """At most so many entries; of the kernel's own log not many more bytes than MAX_PIECE."""
    records: list[bytes] = []
    if not most:
        return records
    request = au.ListEntriesRequest(log_key=log_key, start=start, max_entries=most)
    size = 0
    for page in kernel.ask_all(request, au.ListEntriesResponse):
        for record in page.records:
            fits = size + len(record) <= MAX_PIECE or bool(log_key) or not records
            if not fits or len(records) == most:
                return records
            records.append(record)
            size += len(record)
    return records
