"""What a restored member is brought of its own log, signed by its key: entries that its software did not
write are refused by name, and leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carrier.member import Refused
from pegwarden.v1 import audit_pb2 as au
from signer.core.agreement.notices import Heard, HeardNotice, Released
from signer.journal.entry import Entry
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.federated import Team
from tests.kernel.test_dishonest_member import forged

LATER = NOW + 600


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.started(tmp_path)
    yield made
    made.stop()


def heard(*released: Released) -> HeardNotice:
    return HeardNotice(LATER, Heard(bytes(32), 1, bytes(32)), (), released)


def tail(team: Team, entry: Entry | bytes) -> au.WitnessRequest:
    """A restarts, and lacks that entry."""
    size, log = team["a"].size, forged(team["a"], entry)
    del log.records[:size]
    log.start = size
    team.stop("a")
    team.start("a")
    return au.WitnessRequest(own_tail=log)


@pytest.mark.parametrize("entry", [b"junk", heard(Released(bytes(32), 1))], ids=["junk", "unbound"])
def test_what_cannot_be_taken_is_refused(team: Team, entry: Entry | bytes) -> None:
    size = team["a"].size
    request = tail(team, entry)
    for _ in range(2):
        with pytest.raises(Refused, match="member-log-unread"):
            team["a"].ask(request, au.WitnessResponse)
    assert team["a"].size == size
    assert team.carry(rounds=4).waiting == {}


def test_what_can_be_taken_is_appended(team: Team) -> None:
    request = tail(team, heard())
    team["a"].ask(request, au.WitnessResponse)
    assert team["a"].entries()[-1] == heard()
    assert team.carry(rounds=4).waiting == {}
