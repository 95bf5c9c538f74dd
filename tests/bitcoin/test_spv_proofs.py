"""Public proofs: bitcoin-spv's, good and bad, without a coinbase; and tBTC's five, with one."""

import json
from typing import Any

import pytest

from signer.bitcoin.header import HEADER_SIZE, read_header
from signer.bitcoin.inclusion import CoinbaseProof, TxProof, verify_tx_proof
from signer.bitcoin.merkle import root_of
from signer.bitcoin.transaction import parse_transaction, txid_from_display
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json

Row = dict[str, Any]


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def spv_proof(given: Row) -> tuple[TxProof, bytes]:
    """Without a coinbase, as that library's are; and the header."""
    names = ("version", "vin", "vout", "locktime")
    nodes = raw(given["intermediate_nodes"])
    branch = tuple(nodes[at : at + 32] for at in range(0, len(nodes), 32))
    transaction = b"".join(raw(given[name]) for name in names)
    proof = TxProof(transaction, given["index"], branch, None)
    return proof, raw(given["confirming_header"]["raw"])


def test_spv_proofs() -> None:
    """The good one lacks the coinbase, as all of that library's do: this is all that is wrong with it."""
    proofs = load_json("bitcoin-spv/testProofs.json")
    (text,) = proofs["valid"]
    given = json.loads(text)
    proof, header = spv_proof(given)
    transaction = parse_transaction(proof.transaction)
    assert transaction.txid == raw(given["tx_id"])
    root = read_header(header).merkle_root
    assert root_of(transaction.txid, proof.position, proof.branch) == root
    with refused("coinbase-proof-missing"):
        verify_tx_proof(proof, read_header(header))
    bad = {
        "Bad Vin": "transaction-malformed",
        "Bad Vout": "transaction-malformed",
        "Bad TxID": "another root",
        "Bad Header -- Merkle Proof": "another root",
    }
    assert [each["comment"] for each in proofs["badSPVProofs"]] == list(bad)
    for each in proofs["badSPVProofs"]:
        proof, header = spv_proof(each["proof"])
        read = unless_refused("transaction-malformed", parse_transaction, proof.transaction)
        if read is None:
            assert bad[each["comment"]] == "transaction-malformed"
        else:
            assert bad[each["comment"]] == "another root"
            found = root_of(read.txid, proof.position, proof.branch)
            assert found != read_header(header).merkle_root


def test_spv_headers_of_proofs() -> None:
    """We derive what they claim beside a header, so a false claim has no place to stand."""
    proofs = load_json("bitcoin-spv/testProofs.json")
    derived = {"Bad Hash": "hash", "Bad MerkleRoot": "merkle_root", "Bad Prevhash": "prevhash"}
    assert [each["comment"] for each in proofs["badHeaders"]] == list(derived)
    for each in proofs["badHeaders"]:
        claims = each["header"]
        header = read_header(raw(claims["raw"]))
        found = {
            "hash": header.hash,
            "merkle_root": header.merkle_root,
            "prevhash": header.previous,
        }
        assert [name for name in found if found[name] != raw(claims[name])] == [
            derived[each["comment"]]
        ]
    short = json.loads(proofs["errBadLenRawHeader"])["confirming_header"]["raw"]
    with refused("header-malformed"):
        read_header(raw(short))
    apart = [name for name in proofs if name.startswith("errBad") and name != "errBadLenRawHeader"]
    assert len(apart) == 7  # of their JSON's hexadecimal: we take bytes


@pytest.mark.parametrize(
    ("name", "has_transaction"),
    [
        ("singleInputProofTestData", True),
        ("multipleInputsProofTestData", True),
        ("transactionConfirmationsInOneEpochData", False),
        ("transactionConfirmationsInTwoEpochsData", False),
        ("testnetTransactionData", False),
    ],
)
def test_tbtcs_proofs_with_coinbase(name: str, has_transaction: bool) -> None:
    """Five of mainnet and testnet; of three there is the txid only, so their coinbases are proven alone."""
    given = load_json("tbtc-v2/spv_proofs.json")["proofs"][name]
    header = read_header(bytes.fromhex(given["headersChain"])[:HEADER_SIZE])
    (branch, position), (coinbase_branch, first) = (
        (tuple(bytes.fromhex(each)[::-1] for each in found["merkle"]), found["position"])
        for found in (given["transactionMerkleBranch"], given["coinbaseMerkleBranch"])
    )
    assert first == 0
    wanted = txid_from_display(given["txid"])
    assert root_of(wanted, position, branch) == header.merkle_root
    coinbase = CoinbaseProof(bytes.fromhex(given["coinbaseRawTx"]), coinbase_branch)
    alone = TxProof(coinbase.transaction, 0, coinbase.branch, None)
    assert verify_tx_proof(alone, header).is_coinbase
    assert (given["rawTx"] is not None) == has_transaction
    if has_transaction:
        proof = TxProof(bytes.fromhex(given["rawTx"]), position, branch, coinbase)
        fact = verify_tx_proof(proof, header)
        assert (fact.transaction.txid, fact.position) == (wanted, position)
        for wrong in (position ^ 1, position ^ 2):
            with refused("merkle-root"):
                verify_tx_proof(TxProof(proof.transaction, wrong, branch, coinbase), header)


def test_tbtcs_proofs_are_five() -> None:
    assert len(load_json("tbtc-v2/spv_proofs.json")["proofs"]) == 5
