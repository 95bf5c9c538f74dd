"""Bitcoin Core's wallets and our kernels sign together, for each template (tests/regtest/teams.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.bitcoind import Bitcoind
from tests.regtest.mixed_vaults import NODE_OPTIONS, TEMPLATES
from tests.regtest.teams import Outcome, company, recoveries, withdrawals

SEED = 3
COUNT = {"wsh": 20, "wsh-large": 8, "tr": 20, "tr-recovery": 20}
RECOVERIES = 5


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bitcoind]:
    """A node whose wallets do not derive a thousand addresses ahead."""
    with Bitcoind.start(tmp_path_factory.mktemp("teams"), *NODE_OPTIONS) as started:
        yield started


def objected(outcomes: list[Outcome]) -> list[str]:
    return [str(each) for each in outcomes if each.objection]


@pytest.mark.parametrize("name", TEMPLATES)
def test_withdrawals_signed_by_mixed_teams_are_accepted(
    node: Bitcoind, tmp_path: Path, name: str
) -> None:
    with company(tmp_path / "members", node, name, SEED) as members:
        outcomes = list(withdrawals(members, COUNT[name]))
        recovered = list(recoveries(members, RECOVERIES)) if name == "tr-recovery" else []
    assert objected(outcomes + recovered) == []
    assert len(outcomes) == COUNT[name]
    assert {outcome.draft.has_change for outcome in outcomes} == {True, False}
    assert {frozenset(outcome.team.values()) for outcome in outcomes} == {
        frozenset({"wallet", "kernel"})
    }
