"""GetStatus says until when the policy in force holds."""

from pathlib import Path

import pytest

from signer.core.moments import read_time
from tests.kernel.controlled import Controlled
from tests.kernel.governed import GENESIS

END = "2031-01-31T00:00:00Z"
EXPIRING = GENESIS.replace(b"version = 1\n", b'version = 1\nexpires = "%b"\n' % END.encode())


@pytest.mark.parametrize(("policy", "end"), [(EXPIRING, read_time(END)), (GENESIS, 0)])
def test_the_end_of_the_policy_in_force_is_told(policy: bytes, end: int, tmp_path: Path) -> None:
    room = Controlled(tmp_path / "member", policy)
    try:
        assert room.status().policy_expires_unix == end
    finally:
        room.running.stop()
