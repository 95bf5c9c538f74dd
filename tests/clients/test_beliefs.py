"""Batches and moves: what else an attestor believes, and that nothing else is believed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients.attestor.attestor import Attestor, AttestorKey
from clients.attestor.batches import BatchList
from clients.attestor.burns import BurnList
from clients.attestor.chain import Chain, NotSeen
from clients.attestor.listed import BadList
from clients.attestor.moves import MoveList
from clients.jsonrpc import JsonRpc, NodeAddress
from clients.messages import attestation_message
from signer.bitcoin.network import REGTEST
from signer.core.evidence import AnchorTerms, Realm, SweepTerms, authorize

MAGIC, VAULT, NEXT, NONCE = b"PGWD", b"\x0a" * 32, b"\x0b" * 32, b"\x0c" * 16
BATCH = {
    "magic": MAGIC.hex(),
    "previous_batch_id": 6,
    "previous_state_root": "01" * 32,
    "batch_id": 7,
    "state_root": "02" * 32,
    "eth_tx_hash": "03" * 32,
}
MOVE = {
    "from_vault_fingerprint": VAULT.hex(),
    "kind": "rotation",
    "to_vault_fingerprint": NEXT.hex(),
    "path_index": 1,
    "max_fee_sat": 9_000,
    "nonce": NONCE.hex(),
}


def written(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows))
    return path


def attestor(tmp_path: Path, vault: bytes = VAULT) -> Attestor:
    return Attestor(
        AttestorKey(b"\x07" * 32),
        Realm(REGTEST.genesis_hash, vault),
        Chain(JsonRpc(NodeAddress(1, tmp_path)), REGTEST),
        BurnList(tmp_path / "burns.json", REGTEST),
        BatchList(written(tmp_path / "batches.json", [BATCH])),
        MoveList(written(tmp_path / "moves.json", [MOVE])),
    )


def test_a_believed_batch_is_attested_as_the_kernel_reads_it(tmp_path: Path) -> None:
    signer = attestor(tmp_path)
    attestation = signer.anchors(((MAGIC, 7),))
    terms = AnchorTerms(MAGIC, 6, b"\x01" * 32, 7, b"\x02" * 32, b"\x03" * 32)
    assert attestation.statements == (terms,)
    authorized = authorize((attestation,), signer.realm, frozenset({signer.key.public}))
    assert authorized.attestors(terms, signer.clock()) == {signer.key.public}
    (said,) = attestation_message(attestation).anchors
    assert (said.batch_id, said.previous_batch_id, said.magic) == (7, 6, MAGIC)
    for unknown in ((MAGIC, 8), (b"GAME", 7)):
        with pytest.raises(NotSeen, match="no final batch"):
            signer.anchors((unknown,))


def test_a_move_is_attested_for_the_vault_that_it_moves_from(tmp_path: Path) -> None:
    signer = attestor(tmp_path)
    attestation = signer.sweeps((NONCE,))
    assert attestation.statements == (SweepTerms(2, NEXT, 1, 9_000, NONCE),)  # type: ignore[arg-type]
    (said,) = attestation_message(attestation).sweeps
    assert (said.kind, said.path_index, said.max_fee_sat) == (2, 1, 9_000)
    with pytest.raises(NotSeen, match="no move of this vault"):
        signer.sweeps((b"\x0d" * 16,))
    with pytest.raises(NotSeen, match="no move of this vault"):
        attestor(tmp_path, NEXT).sweeps((NONCE,))


@pytest.mark.parametrize(
    "change",
    [
        {"batch_id": 7.0},
        {"batch_id": True},
        {"batch_id": -1},
        {"batch_id": 1 << 64},
        {"magic": "50475"},
        {"state_root": "0x" + "02" * 31},
        {"state_root": "02" * 33},
        {"eth_tx_hash": 3},
        {"note": "unknown key"},
    ],
)
def test_a_batch_with_one_wrong_field(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "batches.json"
    assert BatchList(written(path, [BATCH])).batch(MAGIC, 7).batch == 7
    with pytest.raises(BadList, match="batch 1"):
        BatchList(written(path, [BATCH | change])).batch(MAGIC, 7)


@pytest.mark.parametrize(
    "change", [{"kind": "theft"}, {"path_index": 256}, {"nonce": "00" * 15}, {"max_fee_sat": "1"}]
)
def test_a_move_with_one_wrong_field(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "moves.json"
    assert MoveList(written(path, [MOVE])).move(VAULT, NONCE).path == 1
    with pytest.raises(BadList, match="move 1"):
        MoveList(written(path, [MOVE | change])).move(VAULT, NONCE)


def test_an_attestor_does_not_say_two_things(tmp_path: Path) -> None:
    path = tmp_path / "twice.json"
    with pytest.raises(BadList, match="twice"):
        BatchList(written(path, [BATCH, BATCH | {"state_root": "04" * 32}])).batch(MAGIC, 7)
    with pytest.raises(BadList, match="twice"):
        MoveList(written(path, [MOVE, MOVE | {"max_fee_sat": 1}])).move(VAULT, NONCE)


def test_without_a_list_nothing_is_believed() -> None:
    with pytest.raises(NotSeen):
        BatchList().batch(MAGIC, 7)
    with pytest.raises(NotSeen):
        MoveList().move(VAULT, NONCE)


def test_the_command_prints_attestations_of_batches_and_moves(tmp_path: Path) -> None:
    attestor(tmp_path)
    (tmp_path / "key").write_text("07" * 32)
    (tmp_path / "key").chmod(0o600)
    command = [
        *(sys.executable, "-m", "clients.attestor", "--key", str(tmp_path / "key")),
        *("--fingerprint", VAULT.hex(), "--burns", str(tmp_path / "burns.json")),
        *("--rpc-port", "1", "--cookie", str(tmp_path / "cookie")),
        *("--batches", str(tmp_path / "batches.json"), "--moves", str(tmp_path / "moves.json")),
    ]
    for kind, subject, unknown in (
        ("anchors", f"{MAGIC.hex()}:7", f"{MAGIC.hex()}:8"),
        ("sweeps", NONCE.hex(), "0d" * 16),
    ):
        done = subprocess.run([*command, kind, subject], capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)[kind]) == 1
        done = subprocess.run(
            [*command, kind, unknown], capture_output=True, text=True, check=False
        )
        assert (done.returncode, "not attested" in done.stderr) == (1, True)
