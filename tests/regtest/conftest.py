"""One Bitcoin Core regtest node per test process."""

from collections.abc import Iterator

import pytest

from clients.bitcoind import Bitcoind
from tests.regtest.founded import Founded, found


@pytest.fixture(scope="session")
def bitcoind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bitcoind]:
    """A proven, running node: `.rpc(method, *params)`, `.wallet_rpc(wallet, method, *params)`,
    `.mine(blocks, address)`. Fails, never skips, when there is no bitcoind."""
    with Bitcoind.start(tmp_path_factory.mktemp("bitcoind")) as node:
        yield node


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """A federation to be copied. Files with it are of one group (`tests.conftest`): one process founds it."""
    return found(tmp_path_factory.mktemp("founded"))
