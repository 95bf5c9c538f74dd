"""Who plays in the demo, and in the tests that need a whole federation."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.batches import BatchList
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain
from clients.attestor.moves import MoveList
from clients.bitcoind import Bitcoind
from clients.demo.custody import KEYSTORES, Keystore
from clients.demo.founding import found_federation
from clients.demo.narrator import Narrator
from clients.demo.scene import Cast, Papers, Side
from clients.demo.stage import House
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
    directory: Path,
    keys: tuple[AttestorKey, ...],
    keystore: Keystore = KEYSTORES["file"],
    narrator: Narrator | None = None,
) -> Iterator[tuple[House, ...]]:
    """Three kernels that serve. At the end each must stop cleanly; whatever happens none is left."""
    with kept_in_order(
        found_federation(directory, tuple(key.public for key in keys), keystore, narrator)
    ) as houses:
        yield houses


@contextmanager
def kept_in_order(houses: tuple[House, ...]) -> Iterator[tuple[House, ...]]:
    """Kernels that serve. At the end each must stop cleanly; whatever happens none is left."""
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
        papers = Papers(directory)
        sides = {}
        for vault in info.vaults:
            believing = _believing(node, papers, Realm(info.genesis_hash, vault.fingerprint))
            watchers = Watchers(tuple(believing(key) for key in keys[:2]))
            relayer = Relayer(Federation(kernels, vault.vault_id), node.rpc, watchers, REGTEST)
            sides[vault.vault_id] = Side(vault.fingerprint, relayer, watchers)
        yield Cast(node, UserWallet(secrets.token_bytes(32)), sides, papers)


def _believing(node: Bitcoind, papers: Papers, realm: Realm) -> Callable[[AttestorKey], Attestor]:
    """Makes an attestor of that key for that vault."""
    return partial(
        Attestor,
        realm=realm,
        chain=Chain(node.rpc, REGTEST),
        burns=BurnList(papers.burns, REGTEST),
        batches=BatchList(papers.batches),
        moves=MoveList(papers.moves),
    )
