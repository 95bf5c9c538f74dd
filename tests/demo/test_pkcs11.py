"""KEYSTORE=pkcs11: the set-up of the demo's members, one spend of each vault, and a token that fails.

The whole demo with KEYSTORE=pkcs11 is `make soak SOAK=demo`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

import pytest

from clients.attestor.attestor import AttestorKey
from clients.bitcoind import Bitcoind
from clients.demo.bridge import Told
from clients.demo.casting import attestor_keys, cast_with, kept_in_order
from clients.demo.charter import bind
from clients.demo.custody import KEEPERS, KEYSTORES, move_in, seal_keys
from clients.demo.founding import serve_all
from clients.demo.narrator import Narrator, Unexpected
from clients.demo.policy import policy_text, taproot_vault
from clients.demo.processes import rooms
from clients.demo.scene import TAPROOT, VAULT
from clients.demo.stage import NAMES, THRESHOLD, House, build
from clients.demo.token_act import Company, token_act
from clients.demo.who_signed import expect_signed
from tests.room.children import linux_room
from tests.token.softhsm import need

pytestmark = linux_room
KEYSTORE = KEYSTORES["pkcs11"]
VAULTS = (VAULT, TAPROOT)
ONE_KEEPER = KEEPERS.replace("keepers = 2", "keepers = 1")
SWEEP = """
[[allow]]
spend = "sweep"
from = "{vault}"
to = "{vault}"
when = "and(attested(2, watchers), fee_at_most(40000 sat))"
"""


@contextmanager
def two_vaults(directory: Path, keys: tuple[AttestorKey, ...]) -> Iterator[tuple[House, ...]]:
    """The demo's three members, with two of its vaults and without officers."""
    houses = tuple(build(directory, name, VAULTS) for name in NAMES)
    for house, custody in zip(houses, KEYSTORE, strict=True):
        move_in(house, custody)
    peg, tap = ([house.xpubs[each] for house in houses] for each in VAULTS)
    policy = directory / "policy.toml"
    policy.write_text(
        policy_text(THRESHOLD, peg, [key.public for key in keys])
        + taproot_vault(TAPROOT, THRESHOLD, tap)
        + "".join(SWEEP.format(vault=each) for each in VAULTS)
    )
    for house, custody in zip(houses, KEYSTORE, strict=True):
        bind(house, (str(policy),))
        seal_keys(house, custody)
    serve_all(houses)
    with kept_in_order(houses):
        yield houses


def test_a_token_a_sealed_key_and_a_file_sign_for_both_vaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need()
    seen: list[tuple[House, str, bytes]] = []

    def kept(house: House, vault_id: str, psbt: bytes) -> None:
        expect_signed(house, vault_id, psbt)
        seen.append((house, vault_id, psbt))

    monkeypatch.setattr("clients.demo.token_act.expect_signed", kept)
    monkeypatch.setattr("clients.demo.custody.KEEPERS", ONE_KEEPER)
    keys, told, narrator = attestor_keys(), Told([], [], []), Narrator()
    with ExitStack() as stage:
        node = stage.enter_context(Bitcoind.start(tmp_path / "bitcoind"))
        houses = stage.enter_context(two_vaults(tmp_path, keys))
        cast = stage.enter_context(cast_with(tmp_path, node, houses, keys))
        token_act(Company(cast, houses, KEYSTORE), told, narrator)
    assert told.signed_by == {
        "peg": {"alice": "token", "bob": "hsm-sealed", "carol": "file"},
        "tap": {"alice": "hsm-sealed", "bob": "hsm-sealed", "carol": "file"},
    }
    assert narrator.counts.total() == 1
    assert narrator.counts.keys() == {"token-unavailable"}
    assert rooms(house.log for house in houses) == {"closed"}
    assert {(house.name, vault_id) for house, vault_id, _ in seen} == set(product(NAMES, VAULTS))
    for house, vault_id, psbt in seen:
        for other in houses:
            if other is not house:
                with pytest.raises(Unexpected, match="did not sign with its key"):
                    expect_signed(other, vault_id, psbt)
