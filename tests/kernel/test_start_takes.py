"""A start takes of a log as many entries that wait as are judged at once, the oldest ones: nobody can have
granted another (docs/agreement.md, Limits)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.core.agreement.notices import HeardNotice, StartedNotice
from signer.journal import starting
from tests.kernel import federated
from tests.kernel.federated import Team, draft
from tests.kernel.test_dishonest_member import forged, held_by, recollect, told
from tests.kernel.test_two_histories import BIG, MORE, OTHER, PAID


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.started(tmp_path)
    yield made
    made.stop()


@pytest.mark.parametrize("judged", [1, 2])
def test_what_waits_behind_them_is_judged_later(
    team: Team, monkeypatch: pytest.MonkeyPatch, judged: int
) -> None:
    monkeypatch.setattr(starting, "MAX_JUDGED", judged)
    b = team["b"]
    b.sign(draft(b, (BIG,), PAID))
    b.sign(draft(b, (OTHER,), MORE))
    team.stop("a")
    team.start("a")
    theirs = forged(team["c"])  # C grants nothing: what is agreed binds at once
    recollect(team["c"], team["a"], theirs.head)
    told(team["a"], theirs)
    assert team.carry("a", "b", rounds=4).waiting == {}
    entries = team["a"].entries()
    start = max(n for n, each in enumerate(entries) if isinstance(each, StartedNotice))
    taken = [each.taken for each in entries[:start] if isinstance(each, HeardNotice)]
    assert sum(map(len, taken)) == judged
    assert len(held_by(team["a"])) == 2
