"""Who plays in the demo, and in the tests that need a whole federation."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain
from clients.bitcoind import Bitcoind
from clients.demo.scene import VAULT, Cast
from clients.demo.stage import House, found_federation
from clients.demo.wallet import UserWallet
from clients.demo.watchers import Watchers
from clients.relayer.federation import Federation
from clients.relayer.relayer import Relayer
from pegwarden.v1 import kernel_pb2
from signer.bitcoin.network import REGTEST
from signer.core.evidence import Realm

ATTESTORS = 3


def attestor_keys() -> tuple[AttestorKey, ...]:
    """Fresh ones."""
    return tuple(AttestorKey(secrets.token_bytes(32)) for _ in range(ATTESTORS))


@contextmanager
def serving_federation(
    directory: Path, keys: tuple[AttestorKey, ...]
) -> Iterator[tuple[House, ...]]:
    """Three kernels that serve. At the end each must stop cleanly; whatever happens none is left."""
    houses = found_federation(directory, tuple(key.public for key in keys))
    try:
        yield houses
        for house in houses:
            house.stop()
    finally:
        for house in houses:
            house.crash()


@contextmanager
def cast_with(
    directory: Path, node: Bitcoind, houses: tuple[House, ...], keys: tuple[AttestorKey, ...]
) -> Iterator[Cast]:
    """Node, kernels, a relayer, a user, and attestors with these keys, of whom two give evidence."""
    with ExitStack() as channels:
        kernels = tuple(channels.enter_context(house.connect()) for house in houses)
        info = kernels[0].ask(kernel_pb2.GetInfoRequest(), kernel_pb2.GetInfoResponse)
        realm = Realm(info.genesis_hash, info.vaults[0].fingerprint)
        burns = directory / "burns.json"
        chain, listed = Chain(node.rpc, REGTEST), BurnList(burns, REGTEST)
        attestors = tuple(Attestor(key, realm, chain, listed) for key in keys)
        watchers = Watchers(attestors[:2])
        relayer = Relayer(Federation(kernels, VAULT), node.rpc, watchers, REGTEST)
        yield Cast(node, UserWallet(secrets.token_bytes(32)), relayer, watchers, burns)
