"""What the demo's actors hold in their hands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clients.bitcoind import Bitcoind
from clients.demo.wallet import UserWallet
from clients.demo.watchers import Watchers
from clients.member import Member
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Fee, Order
from clients.relayer.relayer import Relayer
from signer.bitcoin.hashes import sha256

VAULT = "peg"
L2_CHAIN_ID = 31_337
L2_CONTRACT = bytes.fromhex("00000000000000000000000000000000000b41d6")
MAGIC = b"PGWD"
"""The rollup's, as the policy has it."""
L2_USER = bytes.fromhex("c0ffee00000000000000000000000000000000aa")
FEE = Fee(5_000)
"""5 sat/vB."""


def withdrawal_id(burn: int) -> bytes:
    """The id of the contract's burn number `burn` (docs/integrate.md)."""
    return sha256(L2_CHAIN_ID.to_bytes(4, "big") + L2_CONTRACT + burn.to_bytes(32, "big"))


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays."""

    node: Bitcoind
    wallet: UserWallet
    relayer: Relayer
    """With the kernels A, B and C as its federation."""
    watchers: Watchers
    burns: Path
    """The attestors' list of burns."""

    @property
    def kernels(self) -> tuple[Member, ...]:
        """A, B, C."""
        return self.relayer.federation.members

    def burn(self, orders: Mapping[str, Order]) -> None:
        """The attestors see these burns on the second layer, and no others."""
        rows = [
            {
                "withdrawal_id": order.withdrawal_id.hex(),
                "amount_sat": order.amount_sat,
                "address": order.address,
            }
            for order in orders.values()
        ]
        self.burns.write_text(json.dumps(rows, indent=1))


@dataclass(frozen=True, slots=True)
class Scene:
    """How things stand when the honest part is over and the relayer turns hostile."""

    cast: Cast
    orders: Mapping[str, Order]
    """By the demo's names; all of them burned on the second layer."""
    spare: VaultCoin
    """A confirmed coin that no transaction on record spends."""
    pending_coin: VaultCoin
    """What the order `pending` is pinned to: signed by all, never broadcast, so unspent."""
    good: Draft
    """What an honest relayer would send next, and every kernel would sign."""
