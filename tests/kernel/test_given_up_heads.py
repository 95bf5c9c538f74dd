"""A head that a member's officers gave up is cosigned by nobody, be it as long as what was read since."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import audit_pb2 as au
from signer.journal.note import verify_head
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.governed import ADA, BOB
from tests.kernel.test_agreement_wire import agreed
from tests.kernel.test_dishonest_member import records_of, told
from tests.kernel.test_new_epoch_followed import open_epoch
from tests.kernel.test_two_histories import BIG, MORE, OTHER, PAID


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.governed(tmp_path)
    made.start()
    made.carry(rounds=4)
    yield made
    made.stop()


def head_of(kernel: Witnessed, size: int) -> str:
    return kernel.ask(au.GetHeadRequest(size=size), au.GetHeadResponse).head


def shown(kernel: Witnessed, log_key: bytes, head: str) -> au.WitnessResponse:
    """What the kernel says to a head without entries."""
    size = verify_head(head, log_key).size
    return told(kernel, au.MemberLog(log_key=log_key, head=head, start=size, records=[]))


def test_a_given_up_head_is_not_cosigned(team: Team) -> None:
    """A is restored to before what C has read, and its officers open an epoch; B reads all of the new log.
    B is shown the old head of just that size, and then the new one."""
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    team.stop("b")
    agreed(team, "a", draft(team["a"], (BIG,), PAID), "a", "c")
    team["a"].sign(draft(team["a"], (OTHER,), MORE))
    team.carry("a", "c", rounds=2)
    largest = team["a"].size
    old = {size: head_of(team["a"], size) for size in range(1, largest + 1)}
    team.stop("a", "c")
    team.restore("a", kept)
    team.start("a")
    a, key = team["a"], team["a"].log_key
    open_epoch(a, largest + 10, ADA, BOB)
    team.start("b", "c")
    b = team["b"]
    team.carry(rounds=6)
    size = {each.log_key: each.size for each in b.head().followed}[key]
    new = head_of(a, size)
    assert verify_head(old[size], key).root != verify_head(new, key).root
    assert len(records_of(a)) >= size
    assert shown(b, key, old[size]).cosignature == ""
    assert shown(b, key, new).cosignature != ""
