"""`python -m clients.attestor`: print one attestation as JSON (protobuf's JSON form), or say why not.

    python -m clients.attestor --key key.hex --fingerprint HEX --burns burns.json \\
        --rpc-port 18443 --cookie regtest/.cookie withdrawals ID...
    python -m clients.attestor ... --descriptor "wsh(...)#..." --since HEIGHT withdrawals ID...
    python -m clients.attestor ... coins TXID:VOUT...
    python -m clients.attestor ... spends TXID:VOUT:SPENDING_TXID...
    python -m clients.attestor ... --batches batches.json anchors MAGIC:BATCH...
    python -m clients.attestor ... --moves moves.json sweeps NONCE...

Exit status: 0 done, 1 not seen, 2 usage, 3 fault.
"""

import argparse
import sys
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.batches import BatchList
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain, NotSeen
from clients.attestor.listed import BadList
from clients.attestor.moves import MoveList
from clients.attestor.payments import VaultPayments
from clients.jsonrpc import JsonRpc, NodeAddress, NodeError
from clients.messages import attestation_message
from signer.bitcoin.descriptor import canonical_text, parse_descriptor
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import NETWORKS, network_named
from signer.bitcoin.transaction import OutPoint, Txid, txid_from_display
from signer.core.evidence import Attestation, Realm

MAX_TIP_AGE = 14_400
"""Seconds: four hours, which honest chains keep nearly always, and far fewer blocks than `release_depth`."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="attestor", description="Signs what it saw.")
    parser.add_argument("--key", type=Path, required=True, help="file with 64 hexadecimal digits")
    parser.add_argument("--network", choices=sorted(NETWORKS), default="regtest")
    parser.add_argument("--fingerprint", required=True, help="vault fingerprint, from GetInfo")
    parser.add_argument("--burns", type=Path, required=True, help="JSON list of burns")
    parser.add_argument("--batches", type=Path, help="JSON list of final batches")
    parser.add_argument("--moves", type=Path, help="JSON list of sweeps and rotations decided on")
    parser.add_argument("--rpc-port", type=int, required=True, help="the attestor's own bitcoind")
    parser.add_argument("--cookie", type=Path, required=True)
    parser.add_argument("--depth", type=int, default=1, help="confirmations that a coin needs")
    parser.add_argument("--descriptor", help="of the vault, with checksum: count its payments")
    parser.add_argument("--since", type=int, default=0, help="height at which the vault was made")
    parser.add_argument(
        "--max-tip-age",
        type=int,
        default=MAX_TIP_AGE,
        help="seconds that the tip's median time may be old when burns are stated; 0: not asked",
    )
    parser.add_argument("kind", choices=["withdrawals", "coins", "spends", "anchors", "sweeps"])
    parser.add_argument(
        "subjects", nargs="+", help="ids, TXID:VOUT, TXID:VOUT:TXID, MAGIC:BATCH or nonces"
    )
    return parser.parse_args()


def _outpoint(text: str) -> OutPoint:
    txid, _, vout = text.partition(":")
    return OutPoint(txid_from_display(txid), int(vout))


def _spend(text: str) -> tuple[OutPoint, Txid]:
    outpoint, _, spender = text.rpartition(":")
    return _outpoint(outpoint), txid_from_display(spender)


def _batch(text: str) -> tuple[bytes, int]:
    magic, _, batch_id = text.partition(":")
    return bytes.fromhex(magic), int(batch_id)


def _payments(rpc: JsonRpc, given: argparse.Namespace) -> VaultPayments | None:
    if given.descriptor is None:
        return None
    network = network_named(given.network)
    descriptor = parse_descriptor(given.descriptor, network)
    if sha256(canonical_text(descriptor, network).encode()).hex() != given.fingerprint:
        raise ValueError("the descriptor is not that of the vault with this fingerprint")
    return VaultPayments(rpc, descriptor, given.since)


def _attest(given: argparse.Namespace) -> Attestation:
    network = network_named(given.network)
    rpc = JsonRpc(NodeAddress(given.rpc_port, given.cookie))
    attestor = Attestor(
        key=AttestorKey.from_file(given.key),
        realm=Realm(network.genesis_hash, bytes.fromhex(given.fingerprint)),
        chain=Chain(rpc, network, given.depth),
        burns=BurnList(given.burns, network),
        batches=BatchList(given.batches),
        moves=MoveList(given.moves),
        payments=_payments(rpc, given),
        max_tip_age=given.max_tip_age or None,
    )
    match given.kind:
        case "withdrawals":
            return attestor.withdrawals(tuple(bytes.fromhex(each) for each in given.subjects))
        case "spends":
            return attestor.spends(tuple(_spend(each) for each in given.subjects))
        case "anchors":
            return attestor.anchors(tuple(_batch(each) for each in given.subjects))
        case "sweeps":
            return attestor.sweeps(tuple(bytes.fromhex(each) for each in given.subjects))
    return attestor.coins(tuple(_outpoint(each) for each in given.subjects))


def main() -> int:
    """One attestation."""
    given = _arguments()
    try:
        attestation = _attest(given)
    except NotSeen as unseen:
        print(f"not attested: {unseen}", file=sys.stderr)
        return 1
    except (BadList, Malformed, ValueError) as error:
        print(f"attestor: {error}", file=sys.stderr)
        return 2
    except (OSError, NodeError) as error:
        print(f"attestor: {error}", file=sys.stderr)
        return 3
    print(MessageToJson(attestation_message(attestation), indent=None))
    return 0


if __name__ == "__main__":
    sys.exit(main())
