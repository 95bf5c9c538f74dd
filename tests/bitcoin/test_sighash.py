"""BIP-143 digests: the BIP's own examples, and an independent implementation on random spends."""

import re

import pytest
from btclib.script.sig_hash import segwit_v0
from btclib.tx.tx import Tx
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.codec import Reader
from signer.bitcoin.hashes import hash256
from signer.bitcoin.secp import verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL, SegwitV0Sighash
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, parse_transaction
from signer.bitcoin.units import MAX_MONEY, Sats
from tests.bitcoin.transactions import transactions
from tests.vectors import vector_path

PREIMAGE = re.compile(r"hash preimage[^:]*:\s*([0-9a-f]+)")
DIGEST = re.compile(r"sig[Hh]ash:\s*([0-9a-f]{64})\b")
TRANSACTION = re.compile(r"transaction[^:\n]*:\s*([0-9a-f]{100,})")


def bip143_sections() -> list[str]:
    """The five worked examples, each with its own transactions."""
    text = vector_path("bips/bip143/bip143_examples.txt").read_text()
    return re.split(r"^=== .* ===$", text, flags=re.MULTILINE)[1:]


def our_digest(preimage: bytes, candidates: list[Transaction]) -> bytes:
    """Our digest of the candidate's input that the preimage names."""
    reader = Reader(preimage[4 + 32 + 32 :], "script")
    outpoint = OutPoint(Txid(reader.take(32)), reader.u32())
    script_code, amount = reader.var_bytes(), Sats(reader.u64())
    for transaction in candidates:
        places = [txin.previous for txin in transaction.inputs]
        if outpoint in places:
            return SegwitV0Sighash(transaction).digest(places.index(outpoint), script_code, amount)
    pytest.fail(f"no transaction spends {outpoint}")


def test_bip143_examples() -> None:
    """All five digests of SIGHASH_ALL; the other five types cannot even be asked for."""
    preimages = agreed = 0
    for section in bip143_sections():
        candidates = [parse_transaction(bytes.fromhex(t)) for t in TRANSACTION.findall(section)]
        for match in PREIMAGE.finditer(section):
            preimages += 1
            preimage = bytes.fromhex(match[1])
            published = DIGEST.search(section, match.end())
            assert published is not None
            digest = our_digest(preimage, candidates)
            if preimage.endswith(SIGHASH_ALL.to_bytes(4, "little")):
                assert digest == hash256(preimage) == bytes.fromhex(published[1])
                agreed += 1
            else:
                assert digest != bytes.fromhex(published[1])
    assert (preimages, agreed) == (10, 5)


def test_bip143_signatures_verify() -> None:
    """Native P2WPKH: the published signature is the published key's over our digest."""
    section = bip143_sections()[0]
    transaction = parse_transaction(bytes.fromhex(TRANSACTION.findall(section)[-1]))
    signature, pubkey = transaction.witnesses[1]
    script_code = bytes.fromhex("76a9141d0f172a0ecb48aee1be1f2687d2963ae33f71a188ac")
    digest = SegwitV0Sighash(transaction).digest(1, script_code, Sats(600_000_000))
    verify_ecdsa(pubkey, digest, signature[:-1])


@given(transactions(), st.binary(max_size=300), st.integers(0, MAX_MONEY).map(Sats))
def test_digests_of_an_independent_implementation(
    transaction: Transaction, script: bytes, amount: Sats
) -> None:
    foreign = Tx.parse(transaction.serialize(), check_validity=False)
    sighash = SegwitV0Sighash(transaction)
    for index in range(len(transaction.inputs)):
        theirs = segwit_v0(script, foreign, index, SIGHASH_ALL, amount)
        assert sighash.digest(index, script, amount) == theirs
