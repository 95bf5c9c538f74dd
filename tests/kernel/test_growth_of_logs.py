"""What others' entries make our log grow by. Invariant: who asks for ever more grants waits for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.core.agreement.notices import HeardNotice
from signer.journal import decide, growth
from signer.journal.codec import encode_entry
from signer.journal.entry import SignedEntry
from signer.journal.room import FileRoom, Space
from tests.kernel.federated import Team, Witnessed, draft, started
from tests.kernel.test_two_histories import BIG, MORE, OTHER, PAID


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = started(tmp_path)
    yield made
    made.stop()


def held(kernel: Witnessed) -> list[HeardNotice]:
    return [each for each in kernel.entries() if isinstance(each, HeardNotice) and each.taken]


def test_a_claim_takes_less_than_half_of_its_entry(team: Team) -> None:
    """Rule 4 of `signer.journal.growth`: with the entry that releases it, as large as it at most."""
    a, b = team["a"], team["b"]
    a.sign(draft(a, (BIG,), PAID))
    team.carry("a", "b", rounds=1)
    (claim,) = held(b)
    (entry,) = (each for each in a.entries() if isinstance(each, SignedEntry))
    assert 4 * len(encode_entry(claim)) < len(encode_entry(entry))


@pytest.mark.parametrize("share", [500, 8 << 20])
def test_a_member_has_its_share_of_a_log_that_grows_too_fast(
    team: Team, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next entry waits until the share is there again."""
    a, b = team["a"], team["b"]
    for coin, paid in ((BIG, PAID), (OTHER, MORE)):
        a.sign(draft(a, (coin,), paid))
    for name, size in (("FREE", 0), ("PER_HOUR", 1), ("SHARE", share)):
        monkeypatch.setattr(growth, name, size)
    team.carry("a", "b", rounds=1)
    assert len(held(b)) == (1 if share == 500 else 2)
    team.members[1].clock.moment += 60
    team.carry("a", "b", rounds=1)
    assert len(held(b)) == 2


@pytest.mark.parametrize("space", list(Space))
def test_claims_take_little_of_the_reserve(
    team: Team, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was copied while there was room, and is judged when there is none."""
    a, b = team["a"], team["b"]
    a.sign(draft(a, (BIG,), PAID))
    monkeypatch.setattr(growth, "FREE", 0)
    monkeypatch.setattr(growth, "FULL_OF_GRANTS", 0)
    team.carry("a", "b", rounds=1)
    assert not held(b)
    monkeypatch.undo()
    monkeypatch.setattr(FileRoom, "space", lambda _: space)
    monkeypatch.setattr(decide, "MAX_SCARCE", 100)
    team.carry("a", "b", rounds=1)
    assert len(held(b)) == (0 if space is Space.RESERVE else 1)
    monkeypatch.undo()
    team.carry("a", "b", rounds=1)
    assert len(held(b)) == 1
