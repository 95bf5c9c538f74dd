"""What a fuzz target is, and which there are."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Refusal

NAMES = (
    "address",
    "descriptor",
    "link",
    "miniscript",
    "op_return",
    "policy",
    "psbt",
    "transaction",
    "witness",
)
CORPUS = Path(__file__).parent / "corpus"


class Target(NamedTuple):
    """A module of this package."""

    name: str
    seeds: Callable[[], Iterator[tuple[str, bytes]]]
    accepts: Callable[[bytes], bool]

    def corpus(self) -> dict[str, bytes]:
        """The committed seeds, by file name."""
        return {path.name: path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())}


def target(name: str) -> Target:
    """The target of that name."""
    module = import_module(f"tests.fuzz.{name}")
    return Target(name, module.seeds, module.accepts)


def coded(refusal: Malformed | Refusal) -> bool:
    """False, for the one way in which an input may be refused: with a code that the catalogue has."""
    assert refusal.code in CATALOGUE
    return False
