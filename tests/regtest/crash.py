"""A federation on a real node, and kernels that are killed while they sign. For tests and soak.

Invariant: after kill -9 at any instant and a restart the same request is signed, always with the same
bytes, and what it charges is charged once.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from clients.bitcoind import Bitcoind
from clients.demo.casting import cast_with
from clients.demo.scene import FEE, VAULT, Cast, withdrawal_id
from clients.demo.stage import House
from clients.jsonrpc import to_btc
from clients.member import Unreachable
from clients.relayer.coins import VaultCoin, coin_on_chain
from clients.relayer.draft import Draft, Order
from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.transaction import OutPoint, txid_from_display
from tests.regtest.founded import Founded

Moment = Callable[[], bool]
"""Says when the process dies."""
RECEIVE = 0


@dataclass(frozen=True)
class Company:
    """Three kernels and everybody around them."""

    cast: Cast
    houses: tuple[House, ...]

    def fund(self, amounts: list[int]) -> list[VaultCoin]:
        """Confirmed coins of the vault, the first at receive index 0."""
        request = kernel_pb2.ListVaultAddressesRequest(
            vault_id=VAULT, branch=types_pb2.BRANCH_RECEIVE, count=len(amounts)
        )
        kernel, node = self.cast.kernels[0], self.cast.node
        listed = kernel.ask(request, kernel_pb2.ListVaultAddressesResponse).addresses
        shares = {each.address: to_btc(sats) for each, sats in zip(listed, amounts, strict=True)}
        node.mine(101)
        txid = node.make_wallet("miner")("sendmany", "", shares)
        node.mine(1)
        scripts = {
            out["scriptPubKey"]["hex"]: out["n"]
            for out in node.rpc("getrawtransaction", txid, True)["vout"]
        }
        points = [
            OutPoint(txid_from_display(txid), scripts[each.script_pubkey.hex()]) for each in listed
        ]
        return [
            coin_on_chain(node.rpc, point, RECEIVE, index) for index, point in enumerate(points)
        ]

    def drafts(self, coins: list[VaultCoin], amounts: list[int]) -> list[Draft]:
        """One withdrawal from each coin."""
        address = self.cast.wallet.address
        orders = [
            Order(withdrawal_id(number), address, sats) for number, sats in enumerate(amounts, 1)
        ]
        self.cast.burn({order.withdrawal_id.hex(): order for order in orders})
        return [
            self.cast.relayer.construct((order,), (coin,), FEE)
            for order, coin in zip(orders, coins, strict=True)
        ]


@contextmanager
def company(directory: Path, node: Bitcoind, founded: Founded) -> Iterator[Company]:
    """Serving kernels, in a copy of that federation; none is left at the end."""
    with (
        founded.serving(directory) as houses,
        cast_with(directory, node, houses, founded.keys) as cast,
    ):
        yield Company(cast, houses)


def kill_while_signing(company: Company, house: House, draft: Draft, moment: Moment) -> bool:
    """Send SignPsbt and kill -9 at that moment, or when the answer is there; then start it again.

    True when the answer was out before.
    """
    answers: list[bool] = []

    def send() -> None:
        with house.connect() as member:
            try:
                company.cast.relayer.federation.sign(member, draft)
                answers.append(True)
            except Unreachable:
                answers.append(False)

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive() and not moment():
        pass
    house.crash()
    sender.join()
    house.serve()
    house.wait_until_it_answers()
    return answers == [True]


def when_the_journal_grows(house: House) -> Moment:
    """While the entry is being written, or just after."""
    wal = house.directory / "journal.sqlite-wal"

    def size() -> int:
        return wal.stat().st_size if wal.exists() else 0

    before = size()
    return lambda: size() != before


def after_some_looks(seed: int) -> Moment:
    """Anywhere between the request's first byte and its answer."""
    looks = iter(range(Random(seed).randrange(60_000)))
    return lambda: next(looks, None) is None
