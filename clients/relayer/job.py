"""A relayer's job as a JSON file: whom to ask, what to pay, with which coins and evidence.

1. An unknown or missing key is an error that names it; amounts are integers.
2. Paths are relative to the file.
3. `"proofs": true` is the only key that may be absent: the node then proves that coins, and what is buried,
   are in blocks, for vaults whose policy asks that instead of attestors' words.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from clients.jsonrpc import JsonRpc, NodeAddress
from clients.member import Credentials, Member
from clients.relayer.coins import VaultCoin, coin_on_chain
from clients.relayer.draft import Order
from clients.relayer.federation import Federation
from clients.relayer.moves import Batch, Move
from clients.relayer.proofs import NO_PROOFS, NodeProofs
from clients.relayer.relayer import Relayer
from pegwarden.v1 import types_pb2
from signer.bitcoin.network import network_named
from signer.bitcoin.transaction import OutPoint, Txid, txid_from_display


class BadJob(Exception):
    """The file does not describe a job; the message says where."""


@dataclass(frozen=True, slots=True)
class FileEvidence:
    """Attestations that attestors gave beforehand, in protobuf's JSON form."""

    attestations: tuple[types_pb2.Attestation, ...]

    def withdrawals(self, _: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Those over withdrawals; the kernels pick what fits."""
        return [each for each in self.attestations if each.withdrawals]

    def anchors(self, _: tuple[tuple[bytes, int], ...]) -> list[types_pb2.Attestation]:
        """Those over anchors."""
        return [each for each in self.attestations if each.anchors]

    def sweeps(self, _: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Those over sweeps and rotations."""
        return [each for each in self.attestations if each.sweeps]

    def spends(self, _: tuple[tuple[OutPoint, Txid], ...]) -> list[types_pb2.Attestation]:
        """Those over spends."""
        return [each for each in self.attestations if each.spends]

    def batch(self, magic: bytes, batch_id: int) -> Batch:
        """What is attested of that batch. Raises BadJob."""
        for each in (said for evidence in self.attestations for said in evidence.anchors):
            if (each.magic, each.batch_id) == (magic, batch_id):
                return Batch(magic, batch_id, each.state_root, each.eth_tx_hash)
        raise BadJob(f"no attestation of batch {batch_id} of rollup {magic.hex()}")

    def move(self, to_vault_id: str, nonce: bytes) -> Move:
        """The attested move with that nonce. Raises BadJob."""
        for each in (said for evidence in self.attestations for said in evidence.sweeps):
            if each.nonce == nonce:
                return Move(to_vault_id, nonce, each.path_index)
        raise BadJob(f"no attestation of a move with the nonce {nonce.hex()}")

    def coins(self, _: tuple[OutPoint, ...]) -> list[types_pb2.Attestation]:
        """Those over coins."""
        return [each for each in self.attestations if each.coins]


@dataclass(frozen=True, slots=True)
class Job:
    """A loaded job."""

    relayer: Relayer
    evidence: FileEvidence
    orders: tuple[Order, ...]
    coins: tuple[VaultCoin, ...]


def _row(row: Any, keys: str, place: str) -> dict[str, Any]:
    if not isinstance(row, dict) or set(row) != set(keys.split()):
        raise BadJob(f"{place}: exactly these keys are wanted: {keys}")
    return row


def _member(row: Any, folder: Path) -> Member:
    given = _row(row, "name address ca certificate key", "members")
    files = Credentials(*(folder / given[each] for each in ("ca", "certificate", "key")))
    return Member(given["name"], given["address"], files)


def _order(row: Any) -> Order:
    given = _row(row, "withdrawal_id address amount_sat", "orders")
    if type(given["amount_sat"]) is not int:
        raise BadJob("orders: amount_sat is not an integer")
    return Order(bytes.fromhex(given["withdrawal_id"]), given["address"], given["amount_sat"])


def _coin(row: Any, node: JsonRpc) -> VaultCoin:
    given = _row(row, "txid vout branch index", "coins")
    outpoint = OutPoint(txid_from_display(given["txid"]), given["vout"])
    return coin_on_chain(node, outpoint, given["branch"], given["index"])


def load_members(path: Path) -> tuple[Member, ...]:
    """The members of a job, with their channels open; what else it says is not looked at. Raises BadJob."""
    try:
        return tuple(_member(row, path.parent) for row in json.loads(path.read_text())["members"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadJob(f"{path}: {error!r}") from None


def load_job(path: Path) -> Job:
    """The job, with its channels open. Raises BadJob."""
    try:
        keys = "network vault_id node members orders coins attestations"
        whole = json.loads(path.read_text())
        proofs = whole.pop("proofs", False) if isinstance(whole, dict) else False
        if type(proofs) is not bool:
            raise BadJob(f"{path}: proofs is true or false")
        given = _row(whole, keys, str(path))
        node_row = _row(given["node"], "port cookie", "node")
        node = JsonRpc(NodeAddress(node_row["port"], path.parent / node_row["cookie"]))
        members = tuple(_member(row, path.parent) for row in given["members"])
        evidence = FileEvidence(
            tuple(ParseDict(each, types_pb2.Attestation()) for each in given["attestations"])
        )
        federation = Federation(members, given["vault_id"])
        source = NodeProofs(node) if proofs else NO_PROOFS
        relayer = Relayer(federation, node, evidence, network_named(given["network"]), source)
        orders = tuple(_order(row) for row in given["orders"])
        return Job(relayer, evidence, orders, tuple(_coin(row, node) for row in given["coins"]))
    except (OSError, ValueError, TypeError, ParseError) as error:
        raise BadJob(f"{path}: {error}") from None
