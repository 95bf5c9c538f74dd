"""What the demo's actors hold in their hands."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clients.bitcoind import Bitcoind
from clients.demo.policy import VAULTS
from clients.demo.wallet import UserWallet
from clients.demo.watchers import Watchers
from clients.member import Member
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Fee, Order
from clients.relayer.relayer import Relayer
from signer.bitcoin.hashes import sha256
from signer.core.evidence import AnchorTerms, SweepTerms

VAULT, TAPROOT, MINISCRIPT, NEXT = VAULTS
L2_CHAIN_ID = 31_337
L2_CONTRACT = bytes.fromhex("00000000000000000000000000000000000b41d6")
L2_USER = bytes.fromhex("c0ffee00000000000000000000000000000000aa")
MOVES = {1: "sweep", 2: "rotation"}
FEE = Fee(5_000)
"""5 sat/vB."""


def withdrawal_id(burn: int) -> bytes:
    """The id of the contract's burn number `burn` (docs/integrate.md)."""
    return sha256(L2_CHAIN_ID.to_bytes(4, "big") + L2_CONTRACT + burn.to_bytes(32, "big"))


@dataclass(frozen=True, slots=True)
class Papers:
    """What the attestors are told to believe."""

    directory: Path

    @property
    def burns(self) -> Path:
        """Their list of burns."""
        return self.directory / "burns.json"

    @property
    def batches(self) -> Path:
        """Their list of final batches."""
        return self.directory / "batches.json"

    @property
    def moves(self) -> Path:
        """Their list of sweeps and rotations."""
        return self.directory / "moves.json"

    def believe_batches(self, batches: Iterable[AnchorTerms]) -> None:
        """The attestors see these batches final, and no others."""
        rows = [
            {
                "magic": each.magic.hex(),
                "previous_batch_id": each.previous_batch,
                "previous_state_root": each.previous_root.hex(),
                "batch_id": each.batch,
                "state_root": each.root.hex(),
                "eth_tx_hash": each.eth_tx_hash.hex(),
            }
            for each in batches
        ]
        self.batches.write_text(json.dumps(rows, indent=1))

    def decide_move(self, origin: bytes, terms: SweepTerms) -> None:
        """The federation decides on one more move, from the vault of that fingerprint."""
        rows = json.loads(self.moves.read_text()) if self.moves.exists() else []
        rows.append(
            {
                "from_vault_fingerprint": origin.hex(),
                "kind": MOVES[terms.kind],
                "to_vault_fingerprint": terms.to_fingerprint.hex(),
                "path_index": terms.path,
                "max_fee_sat": terms.max_fee,
                "nonce": terms.nonce.hex(),
            }
        )
        self.moves.write_text(json.dumps(rows, indent=1))


@dataclass(frozen=True, slots=True)
class Side:
    """Whoever serves one vault."""

    fingerprint: bytes
    relayer: Relayer
    watchers: Watchers


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays."""

    node: Bitcoind
    wallet: UserWallet
    sides: Mapping[str, Side]
    """By the vault's name."""
    papers: Papers

    @property
    def relayer(self) -> Relayer:
        """Of the first vault, with the kernels A, B and C as its federation."""
        return self.sides[VAULT].relayer

    @property
    def watchers(self) -> Watchers:
        """Of the first vault."""
        return self.sides[VAULT].watchers

    @property
    def burns(self) -> Path:
        """The attestors' list of burns."""
        return self.papers.burns

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
