"""The first federation's founding: three members, one policy that its officers signed, three kernels."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clients.demo.charter import bind, foreign_refused, signed_charter, unsigned_refused
from clients.demo.custody import Keystore, move_in, seal_keys
from clients.demo.narrator import Narrator, Unexpected
from clients.demo.officers import officers_of
from clients.demo.policy import VAULTS, People, bridge_policy_text
from clients.demo.stage import NAMES, THRESHOLD, House, build


def found_federation(
    directory: Path,
    watchers: tuple[bytes, ...],
    keystore: Keystore,
    narrator: Narrator | None = None,
) -> tuple[House, ...]:
    """Init, one policy for all, signed by its officers, bind, serve: three kernels that answer. With a
    narrator, what is not signed is tried first."""
    directory.mkdir(parents=True, exist_ok=True)
    officers = officers_of(directory)
    with ThreadPoolExecutor(len(NAMES) + len(officers)) as people:  # each on a machine of its own
        made = [people.submit(officer.make) for officer in officers]
        houses = tuple(people.map(lambda name: build(directory, name, VAULTS), NAMES))
        list(people.map(move_in, houses, keystore))
        for each in made:
            each.result()
        xpubs = [[house.xpubs[vault] for house in houses] for vault in VAULTS]
        listed = People(watchers, tuple(officer.listed for officer in officers))
        charter = signed_charter(directory, bridge_policy_text(THRESHOLD, xpubs, listed))
        if narrator is not None:
            unsigned_refused(houses[0], charter, narrator)
        list(people.map(lambda house: bind(house, charter.arguments()), houses))
        list(people.map(seal_keys, houses, keystore))
    if narrator is not None:
        foreign_refused(houses[0], charter, narrator)
    serve_all(houses)
    return houses


def serve_all(houses: tuple[House, ...]) -> None:
    """Start them together; each answers then. Raises Unexpected, and none is left."""
    for house in houses:
        house.serve()
    try:
        for house in houses:
            house.wait_until_it_answers()
    except Unexpected:
        for house in houses:
            house.crash()
        raise
