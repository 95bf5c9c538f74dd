"""Invariant: whatever cores say, and whatever happens to ledgers, journals and clocks, what can confirm of
all that a vault key with caps signed is within its caps, per transaction and in 24 hours; honest bumps and
retries are charged once, honest spends for which there is room are signed; a changed ledger is refused and a
cut one charged again; and no secret stands in an error, a log, a text form or the ledger (tests/custody).

The line of a violation names the life's seed: `python -m tests.soak.custody SEED` lives it again.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from keystore.header import LEAST_COST
from keystore.identity import Identity, new_identity
from keystore.sealed import unseal
from signer.bitcoin.network import REGTEST
from tests.custody.files import handled, pins
from tests.custody.steps import live
from tests.keystore.vaultroom import passphrase
from tests.token.softhsm import SoftToken, installed

FULL = 200_000
"""Steps."""
LIFE = 80
"""Steps of one life."""
FILES = 200
"""Lives between two in which key files are handled, too."""
TOLD = 20_000
"""Steps between two lines of progress."""


def run(n: int, seed: int) -> list[str]:
    """What was wrong."""
    wrong, tally = list[str](), Counter[str]()
    identity = new_one()
    for number, begun in enumerate(range(0, n, LIFE)):
        world = seed * 1_000_000 + number
        found, happened = lived(identity, world, min(LIFE, n - begun))
        wrong += found
        if number % FILES == 0:
            wrong += _in_a_folder(handled, world)
        tally.update(happened)
        if begun // TOLD != (begun + LIFE) // TOLD:
            print(f"custody: {begun + LIFE} of {n} steps, {len(wrong)} violations", flush=True)
    print(f"custody: {dict(tally.most_common())}", flush=True)
    return wrong + (_in_a_folder(_pins, seed) if n >= FULL else [])


def _in_a_folder(look: Callable[[Path, Random], list[str]], seed: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="pegwarden-custody-") as folder:
        return look(Path(folder), Random(seed))


def _pins(folder: Path, random: Random) -> list[str]:
    found = installed()
    if found is None:
        return ["SoftHSM 2 is not there: run scripts/setup.sh"]
    return pins(SoftToken(folder / "token", found), random)


def new_one() -> Identity:
    """An identity, for all lives: the second gate has no use for it."""
    return Identity(unseal(new_identity(REGTEST, passphrase(), LEAST_COST)[0], passphrase()))


def lived(identity: Identity, seed: int, steps: int) -> tuple[list[str], Counter[str]]:
    """One life, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pegwarden-custody-") as folder:
        found, happened = live(Path(folder), identity, seed, steps)
    return [f"life {seed}: {each}" for each in found], happened


if __name__ == "__main__":
    print(*lived(new_one(), int(sys.argv[1]), LIFE), sep="\n")
