"""The writer's open transaction. Invariant: its control state is that of the log as far as it goes now."""

from collections.abc import Iterator, Sequence

import pytest

from signer.core.acts import Lock, Scope
from signer.core.control import ControlState, apply_control
from signer.core.control_codec import encode_control
from signer.core.errors import Objection, Refusal
from signer.journal.budget import DEFAULT_BUDGET
from signer.journal.database import Rows, Tables, Value
from signer.journal.decide import Session
from signer.journal.entry import RefusedEntry
from signer.journal.merkle import Frontier
from signer.journal.sqlite_tables import scratch_tables
from signer.journal.work import Turn, decide_work
from signer.ports.recording import Passage
from tests.core.spends import NOW

OPEN = ControlState()
LOCKED = apply_control(OPEN, 5, NOW, b"officer", Lock(Scope(b"\x01" * 32, NOW, 5)))
OTHER = Objection("fee-too-high", "what an entry is about")


def lock(session: Session) -> None:
    """What the entry of a quorum's last lock does."""
    session.write(RefusedEntry(NOW, "relayer", bytes(32), bytes(32), (OTHER,), b""))
    session.tables.execute("INSERT INTO control VALUES (1,?)", (encode_control(LOCKED),))


@pytest.fixture
def tables() -> Iterator[Tables]:
    with scratch_tables() as opened:
        opened.execute("BEGIN")
        yield opened


@pytest.fixture
def session(tables: Tables) -> Session:
    return Session(tables, Frontier(), NOW, DEFAULT_BUDGET)


def test_a_lock_stops_what_comes_behind_it_in_the_same_turn(session: Session) -> None:
    assert session.shut(Passage.ORDINARY) is None
    decide_work(session, Turn(lock))
    stopped = session.shut(Passage.ORDINARY)
    assert stopped is not None
    assert stopped.code == "kernel-locked"


def test_a_lock_that_is_undone_stops_nothing(session: Session) -> None:
    def locked_then_refused(inner: Session) -> None:
        lock(inner)
        assert inner.control == LOCKED
        raise Refusal(OTHER)

    assert session.control == OPEN
    decide_work(session, Turn(locked_then_refused))
    assert session.control == OPEN
    decide_work(session, Turn(lock))
    assert session.control == LOCKED


def test_while_the_log_does_not_grow_it_is_asked_for_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    execute = session.tables.execute

    def listen(sql: str, parameters: Sequence[Value] = ()) -> Rows:
        asked.append(sql)
        return execute(sql, parameters)

    monkeypatch.setattr(session.tables, "execute", listen)
    for _ in range(3):
        assert session.control == OPEN
    assert len(asked) == 1
