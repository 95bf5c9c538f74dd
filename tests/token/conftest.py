"""One token for all tests that only read it; keepers that serve and that make."""

from collections.abc import Iterator

import pytest

from tests.token.keepers import Desk
from tests.token.softhsm import SoftToken, need


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return SoftToken(tmp_path_factory.mktemp("token"), need())


@pytest.fixture(scope="session")
def vault_pubkey(token: SoftToken) -> bytes:
    return token.make_keys()


@pytest.fixture(scope="session")
def serving(token: SoftToken, vault_pubkey: bytes) -> Iterator[Desk]:
    desk = Desk(token)
    desk.start()
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def making(token: SoftToken, vault_pubkey: bytes) -> Iterator[Desk]:
    desk = Desk(token)
    desk.start("making")
    yield desk
    desk.close()
