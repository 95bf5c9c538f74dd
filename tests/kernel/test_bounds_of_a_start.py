"""What a dishonest member writes, however much of it, ends no other member's start and takes no disk that is
kept for decisions: what is held of its log, and what is copied while room is short, is bounded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from carrier.member import Refused
from carrier.round import Carrier
from pegwarden.v1 import audit_pb2 as au
from signer.core.agreement.notices import Heard, HeardNotice, VoidNotice
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.journal import followed, following, forks
from signer.journal.codec import encode_entry
from signer.journal.database import Row, Tables, Value
from signer.journal.followed import FollowedEntry
from signer.journal.members import Piece, first_unlike
from signer.journal.note import Head
from signer.journal.room import FileRoom, Space
from signer.journal.starting import standing
from signer.journal.verdicts import Verdict
from signer.vouching import Vouching, _Look
from signer.vouching_words import LogWords
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.federated import CARRIER, Team, draft
from tests.kernel.test_agreement_wire import agreed
from tests.kernel.test_dishonest_member import (
    forged,
    held_by,
    pending_of,
    recollect,
    records_of,
    told,
)
from tests.kernel.test_two_histories import (
    BIG,
    MORE,
    OTHER,
    PAID,
    other_history,
    restart,
)
from tests.kernel.test_vouching import log_of

LIAR = Caller("member-c", frozenset({Role.WITNESS}))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims; whoever has C's log key is dishonest."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


class Scanned:
    """A copy of a log of which no more than one record may be read."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        raise AssertionError(f"all at once: {sql} {parameters}")

    def executemany(self, sql: str, rows: object) -> None:
        raise AssertionError(f"{sql} {rows}")

    def scan(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        yield (b"ours",)
        raise AssertionError(f"read on: {sql} {parameters}")


def test_a_copy_is_read_up_to_the_first_difference_record_by_record() -> None:
    piece = Piece(bytes(32), Head("", 3, bytes(32)), "", 1, (b"theirs", b"theirs"))
    assert first_unlike(Scanned(), piece) == 1  # type: ignore[arg-type]  # what it must not ask is not there


def test_what_waits_is_judged_one_entry_at_a_time(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries of a log that wait are let go before the next is read, however many a liar wrote."""
    b, c = team["b"], team["c"]
    c.sign(draft(c, (BIG,), PAID))
    _, entry, _ = pending_of(c)
    junk = [replace(entry, psbt=bytes([each])) for each in range(3)]
    log = forged(c, *junk)
    told(b, log)
    events = list[str]()
    verdict = Vouching._verdict

    def reads(tables: Tables, limits: Mapping[bytes, int]) -> Iterator[FollowedEntry]:
        for each in standing(tables, limits):
            events.append("read")
            yield each

    def judges(vouching: Vouching, look: _Look) -> Verdict:
        events.append("judged")
        return verdict(vouching, look)

    monkeypatch.setattr("signer.importing.standing", reads)
    monkeypatch.setattr(Vouching, "_verdict", judges)
    team.stop("b")
    team.start("b")
    recollect(c, team["b"], log.head)
    assert team.carry("a", "b", rounds=3).waiting == {}
    assert events[:8] == ["read", "judged"] * 4


@pytest.mark.parametrize("bound", [2, 256])
def test_the_first_logs_that_a_member_names_are_remembered(
    team: Team, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_HEARD", bound)
    b, c = team["b"], team["c"]
    names = [bytes([each]) * 32 for each in range(4)]
    told(b, forged(c, *(HeardNotice(NOW, Heard(each, 1, each), (), ()) for each in names)))
    with b.journal.tables() as tables:
        query = "SELECT other FROM member_heard WHERE member = ? AND size = 1 ORDER BY other"
        kept = tables.execute(query, (c.log_key,)).fetchall()
    assert [each for (each,) in kept] == names[:bound]


@pytest.mark.parametrize("caller", [None, LIAR, CARRIER])
def test_junk_histories_take_no_carriers_place(
    team: Team, caller: Caller | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B's copy of C's history comes to A in several pieces; between two of them C shows more histories of one
    entry than are remembered for a caller."""
    monkeypatch.setattr(forks, "MAX_EDGES", 3)
    b, c = team["b"], team["c"]
    before = records_of(c)
    log = other_history(c, before, 1)
    agreed(team, "c", draft(c, (OTHER,), MORE), "b", "c")
    team.carry("b", "c", rounds=2)
    agreed(team, "c", draft(c, (BIG,), PAID), "b", "c")
    team.carry("b", "c", rounds=1)
    shown = [
        log_of(c, [before[0], encode_entry(VoidNotice(NOW + each, 7, bytes(32), "timed-out"))])
        for each in range(400)
    ]
    told(team["a"], log)
    a = restart(team, log)
    handle = type(a.handler).handle

    def between(handler: object, method: str, by: Caller, raw: bytes) -> bytes:
        is_piece = method == "Witness" and au.WitnessRequest.FromString(raw).HasField("log")
        for _ in range(4 if caller is not None and handler is a.handler and is_piece else 0):
            request = au.WitnessRequest(log=shown.pop())
            with suppress(Refusal):  # until the fork is on record
                handle(a.handler, method, caller or CARRIER, request.SerializeToString())
        return handle(handler, method, by, raw)  # type: ignore[arg-type]  # the handler itself

    monkeypatch.setattr(type(a.handler), "handle", between)
    reports = [Carrier([a, b]).carry() for _ in range(6)]
    assert reports[-1].waiting == {}
    assert len(held_by(a)) == len(held_by(b))


@pytest.mark.parametrize("space", list(Space))
def test_a_copy_takes_little_of_the_reserve(
    team: Team, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is in use pieces of a log are refused beyond a little; what is small is read and granted."""
    b, c = team["b"], team["c"]
    now = [space]
    monkeypatch.setattr(FileRoom, "space", lambda _: now[0])
    agreed(team, "c", draft(c, (BIG,), PAID), "b", "c")
    junk = [VoidNotice(NOW + each, 7, bytes(32), "timed-out") for each in range(100)]
    log = forged(c, *junk)
    monkeypatch.setattr(following, "MAX_SCARCE", 4_000)
    if space is Space.RESERVE:
        with pytest.raises(Refused, match="journal-disk-full"):
            told(b, log)
        now[0] = Space.LOW
    assert told(b, log).followed_size == len(log.records)


@pytest.mark.parametrize("bound", [0, 1 << 20])
def test_evidence_that_was_looked_at_is_forgotten_rather_than_held(
    team: Team, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signer.vouching_words.MAX_HELD", bound)
    b, c = team["b"], team["c"]
    for coin, paid in ((BIG, PAID), (OTHER, MORE)):
        c.sign(draft(c, (coin,), paid))
    told(b, forged(c))
    with b.journal.tables() as tables:
        waiting = list(followed.waiting_of(tables, c.log_key, 9))
        words = LogWords(tables, (c.log_key,))
        for each in waiting:
            later = each.claim._replace(number=each.claim.number + 1)
            assert words.earlier(later) == (each.entry.evidence,)
    assert len(words._said) == (1 if bound == 0 else 2)
