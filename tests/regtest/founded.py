"""A federation that was founded once, by the commands that the demo uses, and is copied for each test.

1. A copy has the keys, policy and journals of the first, and listens elsewhere.
2. Its key files ask for the least that scrypt may cost: what a passphrase costs is not what these tests try.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from clients.attestor.attestor import AttestorKey
from clients.bitcoind import free_port
from clients.demo.casting import attestor_keys, kept_in_order, serving_federation
from clients.demo.founding import serve_all
from clients.demo.stage import House
from keystore.header import LEAST_COST
from keystore.sealed import KeyFile, Label, open_sealed, seal
from keystore.secret import Secret


@dataclass(frozen=True, slots=True)
class Founded:
    """Three members who do not serve, and the attestors whom their policy names."""

    directory: Path
    houses: tuple[House, ...]
    keys: tuple[AttestorKey, ...]

    @contextmanager
    def serving(self, directory: Path) -> Iterator[tuple[House, ...]]:
        """A copy there, whose kernels serve. At the end each must stop cleanly."""
        shutil.copytree(self.directory, directory, dirs_exist_ok=True)
        houses = tuple(_moved(house, directory) for house in self.houses)
        with kept_in_order(houses):
            serve_all(houses)
            yield houses


def found(directory: Path) -> Founded:
    """Init, a signed policy, bind; each has served and stopped."""
    keys = attestor_keys()
    with serving_federation(directory, keys) as houses:
        pass
    for house in houses:
        house.log.unlink()
        for path in (house.directory / "keys").glob("*.json"):
            _cheapen(path, Path(house.passphrase).read_bytes().rstrip(b"\n"))
    return Founded(directory, houses, keys)


def _moved(house: House, directory: Path) -> House:
    moved = replace(house, directory=directory / house.name, address=f"127.0.0.1:{free_port()}")
    config = Path(moved.config)
    config.write_text(config.read_text().replace(house.address, moved.address))
    return moved


def _cheapen(path: Path, passphrase: bytes) -> None:
    with Secret(passphrase) as secret:
        opened = open_sealed(KeyFile(path, secret))
        header = opened.header
        label = Label(
            header.role, header.network, header.public, header.binding, LEAST_COST, header.limits
        )
        with opened.secret:
            path.write_bytes(seal(opened.secret, label, secret))
