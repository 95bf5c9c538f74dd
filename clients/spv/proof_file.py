"""A proof as a file, `pegwarden-proof/1`: that a transaction is in a block, and what lies on that block.

1. JSON of exactly the members of `ProofFile`, and `format`; bytes are hexadecimal, hashes and headers as they
   are hashed (internal byte order), so that nothing is reversed but what people read elsewhere.
2. Nothing in it is believed: what follows from it is for whoever verifies it. The height and the network are
   claims that only a chain can judge.
3. Transactions are written without their witnesses: no txid has them, and the file is compact.
"""

import json
from dataclasses import dataclass
from typing import Any

from signer.bitcoin.header import HEADER_SIZE
from signer.bitcoin.inclusion import CoinbaseProof, TxProof

FORMAT = "pegwarden-proof/1"
MAX_FILE = 32 << 20
"""Bytes: two of the largest transactions in hexadecimal, and previous ones."""
_MEMBERS = frozenset(
    {"format", "network", "height", "header", "transaction", "position", "branch", "coinbase"}
    | {"coinbase_branch", "previous", "after"}
)


class BadProofFile(Exception):
    """The file is no proof; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """Claims, as they stand in the file."""

    network: str
    height: int
    """Of the block."""
    header: bytes
    """Of the block, 80 bytes."""
    proof: TxProof
    """In the file: `transaction`, `position`, `branch`, and `coinbase` (null where the transaction is the
    coinbase) with `coinbase_branch`."""
    previous: tuple[bytes | None, ...] = ()
    """For each input, in order, the transaction whose output it spends, or null; or nothing at all."""
    after: tuple[bytes, ...] = ()
    """The headers that follow the block's, 80 bytes each: one hexadecimal text in the file."""


def write_proof(file: ProofFile) -> str:
    """The file's text."""
    proof, coinbase = file.proof, file.proof.coinbase
    members = {
        "format": FORMAT,
        "network": file.network,
        "height": file.height,
        "header": file.header.hex(),
        "transaction": proof.transaction.hex(),
        "position": proof.position,
        "branch": [each.hex() for each in proof.branch],
        "coinbase": None if coinbase is None else coinbase.transaction.hex(),
        "coinbase_branch": [] if coinbase is None else [each.hex() for each in coinbase.branch],
        "previous": [None if each is None else each.hex() for each in file.previous],
        "after": b"".join(file.after).hex(),
    }
    return json.dumps(members, indent=1) + "\n"


def read_proof(data: bytes) -> ProofFile:
    """The claims of a file of these bytes. Raises BadProofFile."""
    if len(data) > MAX_FILE:
        raise BadProofFile(f"longer than {MAX_FILE} bytes")
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        raise BadProofFile("not JSON in UTF-8") from None
    if not isinstance(members, dict) or members.get("format") != FORMAT:
        raise BadProofFile(f"not of the format {FORMAT}")
    if other := members.keys() ^ _MEMBERS:
        raise BadProofFile(f"missing or unknown: {', '.join(sorted(other))[:200]}")
    coinbase = None
    if members["coinbase"] is not None:
        branch = _list(members, "coinbase_branch")
        coinbase = CoinbaseProof(_bytes(members, "coinbase"), branch)
    proof = TxProof(
        _bytes(members, "transaction"),
        _number(members, "position"),
        _list(members, "branch"),
        coinbase,
    )
    return ProofFile(
        _text(members, "network"),
        _number(members, "height"),
        _header(members),
        proof,
        _previous(members),
        _headers(members),
    )


def _header(members: dict[str, Any]) -> bytes:
    header = _bytes(members, "header")
    if len(header) != HEADER_SIZE:
        raise BadProofFile(f"header: {len(header)} bytes, not {HEADER_SIZE}")
    return header


def _headers(members: dict[str, Any]) -> tuple[bytes, ...]:
    data = _bytes(members, "after")
    if len(data) % HEADER_SIZE:
        raise BadProofFile(f"after: {len(data)} bytes are not headers of {HEADER_SIZE}")
    return tuple(data[at : at + HEADER_SIZE] for at in range(0, len(data), HEADER_SIZE))


def _previous(members: dict[str, Any]) -> tuple[bytes | None, ...]:
    rows = members["previous"]
    if not isinstance(rows, list):
        raise BadProofFile("previous: not a list")
    return tuple(None if row is None else _unhex("previous", row) for row in rows)


def _list(members: dict[str, Any], name: str) -> tuple[bytes, ...]:
    rows = members[name]
    if not isinstance(rows, list):
        raise BadProofFile(f"{name}: not a list")
    return tuple(_unhex(name, row) for row in rows)


def _bytes(members: dict[str, Any], name: str) -> bytes:
    return _unhex(name, members[name])


def _unhex(name: str, value: object) -> bytes:
    try:
        if isinstance(value, str) and value.isalnum() | (not value):
            return bytes.fromhex(value)
    except ValueError:
        pass
    raise BadProofFile(f"{name}: not hexadecimal")


def _number(members: dict[str, Any], name: str) -> int:
    value = members[name]
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise BadProofFile(f"{name}: not a whole number below 2^32")
    return value


def _text(members: dict[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise BadProofFile(f"{name}: not a text")
    return value
