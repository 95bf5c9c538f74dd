"""GetInfo says of each vault who witnesses it, and how many members may be dishonest or silent."""

from pathlib import Path

import pytest

from tests.core.spends import NOW
from tests.kernel.clocks import WallClock
from tests.kernel.federated import Member, log_key_of, witnessed_policy
from tests.kernel.room import policy_text


@pytest.mark.parametrize(
    ("quorum", "tolerated", "silent"),
    [("", 0, 1), ("witness_quorum = 2\n", 0, 1), ("witness_quorum = 3\n", 1, 0)],
)
def test_get_info_with_witnesses(tmp_path: Path, quorum: str, tolerated: int, silent: int) -> None:
    policy = witnessed_policy().replace(b"witnesses =", quorum.encode() + b"witnesses =")
    running = Member(tmp_path / "a", 0, policy, WallClock(NOW)).init().start()
    try:
        (vault,) = running.info().vaults
    finally:
        running.stop()
    assert (vault.threshold, vault.members) == (2, 3)
    assert (vault.tolerated, vault.may_be_silent) == (tolerated, silent)
    log_keys = [log_key_of(number) for number in range(3)]
    assert list(vault.witnesses.log_keys) == log_keys
    assert (vault.witnesses.quorum, vault.witnesses.start_needs) == (2 + tolerated, 2)


def test_get_info_without_witnesses(tmp_path: Path) -> None:
    running = Member(tmp_path / "a", 0, policy_text(), WallClock(NOW)).init().start()
    try:
        info = running.info()
    finally:
        running.stop()
    assert not info.vaults[0].HasField("witnesses")
    assert {"releases", "witnesses", "audit", "receipts", "control"} <= set(info.features)
