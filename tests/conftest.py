"""What tests of all kinds share: the two stores of a journal, and what a passphrase costs once."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from keystore import sealed
from signer.journal.place import Place, PostgresPlace
from signer.room import memory
from tests.known_scrypt import KnownScrypt

if TYPE_CHECKING:
    from tests.postgres import Cluster

GROUPS = {
    "tests/attacks/test_as_edge.py": "as edge",
    "tests/regtest/test_bridge_demo.py": "founded",
    "tests/regtest/test_crash.py": "founded",
    "tests/regtest/test_relayer.py": "founded",
    "tests/regtest/test_spv.py": "spv",
    "tests/regtest/test_spv_policies.py": "spv policies",
    "tests/replay/test_commands.py": "replay",
    "tests/replay/test_rederivation.py": "replay",
    "tests/room/test_canaries.py": "canaries",
}
"""Files whose tests share what is dear to make, or must not run at the same time."""


class Places(Protocol):
    """Where journals can be made, in one of the stores."""

    def new(self) -> Place:
        """Where nothing is yet."""

    def copy(self, place: Place) -> Place:
        """A copy of a journal that nobody has open."""


class FilePlaces:
    """In a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def new(self) -> Place:
        self._made += 1
        return self._folder / f"journal {self._made}.sqlite"

    def copy(self, place: Place) -> Place:
        assert isinstance(place, Path)
        copy = self._folder / f"copy of {place.name}"
        copy.write_bytes(place.read_bytes())
        return copy


class DatabasePlaces:
    """On a server."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster

    def new(self) -> Place:
        return self._cluster.new_place()

    def copy(self, place: Place) -> Place:
        assert isinstance(place, PostgresPlace)
        return self._cluster.new_place(like=self._cluster.name_of(place))


@pytest.fixture(autouse=True, scope="session")
def _not_hardened() -> Iterator[None]:
    """Commands that run in the process of the tests would harden it for good, and what it starts later: there
    would be no core file, whatever a test looks for in one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "harden", lambda: None)
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadgroup`: files of one group in one process. Marks do not do it: xdist 3.8 writes a
    mark's group where pytest 9.2 no longer reads it."""
    from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

    class Grouped(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return GROUPS.get(nodeid.partition("::")[0], nodeid)

    return Grouped(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """What was collected stays to the end: garbage is not looked for in it again and again."""
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _scrypt_once() -> Iterator[None]:
    """In this process; what it starts pays in full."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed, "Scrypt", KnownScrypt)
        yield


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Cluster]":
    """A PostgreSQL server, made when a test first asks for it."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    from tests.postgres import Cluster, programs

    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL 15 or newer is not installed (Debian package postgresql)")
    cluster = Cluster(binaries)
    yield cluster
    cluster.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """The test runs once in each store."""
    if request.param == "sqlite":
        return FilePlaces(tmp_path)
    return DatabasePlaces(request.getfixturevalue("postgres"))


@pytest.fixture
def place(places: Places) -> Place:
    """Where a new journal can be made, in each store."""
    return places.new()
