"""Invariant: a kernel that dies at any instant, and is started again, signs what it signed, with the same
bytes, counts it once, contradicts no head that it showed, and its journal verifies.

Of many runs one in ten kills a whole process, at no point that anybody chose; of few one in a hundred. The
others die in process at a named point (tests/crash).
"""

import tempfile
from pathlib import Path
from random import Random

from clients.bitcoind import Bitcoind
from clients.demo.command import pegwarden
from clients.demo.policy import DAY_LIMIT
from clients.demo.stage import House
from clients.member import Refused
from clients.relayer.draft import Draft
from clients.relayer.federation import Federation
from tests.crash.deaths import Deaths
from tests.regtest.crash import Company, after_some_looks, company, kill_while_signing

FULL = 10_000
MANY = 1_000
ROUNDS = 40
"""Kills per federation: its limits are sized so that what counts twice is refused."""


def run(n: int, seed: int) -> list[str]:
    """What was wrong after which death. Prints where kernels died."""
    whole = n // 10 if n >= MANY else n // 100
    with tempfile.TemporaryDirectory() as folder:
        deaths = Deaths(Path(folder), Random(seed)).happen(n - whole)
        broken = _whole_processes(Path(folder), whole, seed)
    print(" alone together  died")
    print("\n".join(deaths.distribution()))
    print(f"{whole} whole processes killed")
    return [*deaths.wrong, *(f"whole process {each}: not the same again" for each in broken)]


def _whole_processes(folder: Path, n: int, seed: int) -> list[int]:
    """The numbers of the kills after which the invariant was broken."""
    broken: list[int] = []
    if not n:
        return broken
    with Bitcoind.start(folder / "node") as node:
        for start in range(0, n, ROUNDS):
            with company(folder / f"company-{start}", node) as members:
                count = min(ROUNDS, n - start)
                broken += [start + each for each in _campaign(members, count, seed + start)]
    return broken


def _campaign(members: Company, count: int, seed: int) -> list[int]:
    """All withdrawals together use up the day; one counted twice leaves too little for the last."""
    largest = min(150_000_000, DAY_LIMIT // count - 2_000)
    amounts = [largest - number for number in range(count)]  # equal ones would be twins
    drafts = members.drafts(members.fund([amount + 50_000 for amount in amounts]), amounts)
    house, federation = members.houses[0], members.cast.relayer.federation
    random, broken = Random(seed), []
    for number, draft in enumerate(drafts):
        kill_while_signing(members, house, draft, after_some_looks(random.randrange(1 << 32)))
        if not _same_again(house, federation, draft):
            broken.append(number)
    house.stop()
    if not pegwarden("journal", "verify", "--config", house.config)["ok"]:
        broken.append(count)
    return broken


def _same_again(house: House, federation: Federation, draft: Draft) -> bool:
    with house.connect() as member:
        try:
            first, again = (federation.sign(member, draft) for _ in range(2))
        except Refused:
            return False
    return (first.psbt, first.decision_id) == (again.psbt, again.decision_id)
