"""Proofs in SignPsbt: of what is spent, once each, with its outputs; and what the chain said, on record."""

from dataclasses import replace

import pytest

from signer.bitcoin.burial import Burial
from signer.bitcoin.errors import Malformed
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.core import proven_coins
from signer.core.catalogue import CATALOGUE
from signer.core.chain_word import ChainWord, Placed, chain_word, claims_of
from signer.core.chain_word_codec import CHAIN, decode_word, encode_word
from signer.core.errors import Refusal
from signer.core.evidence_codec import decode_chain, decode_evidence, encode_evidence
from signer.core.fields import pack, unpack
from signer.core.proven import InclusionClaim
from signer.core.proven_coins import MAX_PROOFS, prove
from signer.core.spend import VerifiedSpend
from signer.replay.chain import chain_of_word
from tests.core.proven_spends import HEIGHT, SeenRecord, block_of, claim_of, record_of, word_of
from tests.core.spends import NOW, Coin, attestations, good_case

CASE = good_case()
SPEND = CASE.verify()
COIN = Coin()
BLOCK = block_of(COIN)
GOOD = claim_of(BLOCK, 1)
RECORD = record_of(BLOCK)
OUTPOINT = COIN.outpoint


def refused(
    *claims: InclusionClaim, spend: VerifiedSpend = SPEND, record: SeenRecord | None = RECORD
) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        prove(claims, spend, record)
    assert caught.value.code in CATALOGUE
    return caught.value.code


def test_the_good_proof_is_a_fact() -> None:
    assert [coin.outpoint for coin in SPEND.coins] == [OUTPOINT]
    (found,) = prove((GOOD,), SPEND, RECORD)
    assert found.fact.transaction.txid == OUTPOINT.txid
    assert (found.fact.height, found.fact.header) == (HEIGHT, BLOCK.raw_header)
    assert prove((), SPEND, None) == ()


def test_a_proof_of_something_else_is_said() -> None:
    assert refused(GOOD, claim_of(BLOCK, 2)) == "proof-unused"
    assert refused(claim_of(BLOCK, 0)) == "proof-unused"


def test_one_proof_for_each_transaction() -> None:
    assert refused(GOOD, GOOD) == "proof-repeated"


@pytest.mark.parametrize(
    ("vout", "amount"),
    [(2, COIN.amount), (0, COIN.amount), (1, COIN.amount + 1), (1, COIN.amount - 1)],
)
def test_the_proven_transaction_has_the_output_that_is_spent(vout: int, amount: int) -> None:
    """For a Taproot coin the amount is the caller's word until the proof is looked at."""
    (coin,) = SPEND.coins
    lied = coin._replace(
        outpoint=coin.outpoint._replace(vout=vout), prevout=coin.prevout._replace(amount=amount)
    )
    assert refused(GOOD, spend=replace(SPEND, coins=(lied,))) == "proof-output-differs"
    true = coin._replace(prevout=coin.prevout._replace(amount=COIN.amount))
    assert prove((GOOD,), replace(SPEND, coins=(true,)), RECORD)


def test_the_block_is_on_record() -> None:
    assert refused(GOOD, record=record_of(block_of(Coin(salt=1)))) == "header-unknown"
    assert refused(GOOD, record=None) == "chain-not-configured"


def test_a_proof_that_proves_nothing_is_refused() -> None:
    bent = GOOD.proof.branch[0][:-1] + bytes((GOOD.proof.branch[0][-1] ^ 1,))
    broken = replace(GOOD.proof, branch=(bent, *GOOD.proof.branch[1:]))
    assert refused(replace(GOOD, proof=broken)) == "merkle-root"


def test_proofs_are_bounded_in_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(*[GOOD] * (MAX_PROOFS + 1)) == "proofs-too-large"
    assert refused(*[GOOD] * MAX_PROOFS) == "proof-repeated"
    size = proven_coins._size(GOOD.proof)
    monkeypatch.setattr(proven_coins, "MAX_PROOF_BYTES", size)
    assert prove((GOOD,), SPEND, RECORD)
    monkeypatch.setattr(proven_coins, "MAX_PROOF_BYTES", size - 1)
    assert refused(GOOD) == "proofs-too-large"


def test_witnesses_are_not_kept() -> None:
    raw = BLOCK.transactions[0]
    first = replace(raw, witnesses=((b"w" * 32,),))
    spent = replace(COIN.previous, witnesses=((b"w" * 900,),))
    claim = InclusionClaim(
        BLOCK.header.hash,
        TxProof(
            spent.serialize(),
            1,
            GOOD.proof.branch,
            CoinbaseProof(first.serialize(), BLOCK.tree.branch(0)),
        ),
    )
    (kept,), (bare,) = prove((claim,), SPEND, RECORD), prove((GOOD,), SPEND, RECORD)
    assert kept == bare
    assert b"w" * 32 not in encode_word(chain_word((kept,), RECORD, NOW))


WORD = word_of(COIN, CASE)
PLACED = WORD.placed[OUTPOINT.txid]


def test_the_word_is_what_the_record_says_now() -> None:
    assert Placed(HEIGHT, Burial(3, 600), is_coinbase=False) == PLACED
    assert (WORD.tip, WORD.vouched, WORD.stale) == (RECORD.tip_seen(), RECORD.vouched(), ())
    stale = word_of(COIN, CASE, "header-feed-frozen")
    assert [each.code for each in stale.stale] == ["header-feed-frozen"]


@pytest.mark.parametrize("stale", ["", "header-chain-light", "header-tip-stale"])
def test_the_word_is_kept_and_read_again(stale: str) -> None:
    word = word_of(COIN, CASE, stale)
    record = encode_word(word)
    read = decode_word(record)
    assert encode_word(read) == record
    assert (read.placed, read.tip, read.vouched) == (word.placed, word.tip, word.vouched)
    assert [each.code for each in read.stale] == [each.code for each in word.stale]
    assert read.proven == word.proven


def test_what_was_kept_is_proven_again_without_the_headers() -> None:
    read = decode_word(encode_word(WORD))
    chain = chain_of_word(read)
    again = chain_word(prove(claims_of(read), SPEND, chain), chain, NOW + 999)
    assert again == read == WORD


@pytest.mark.parametrize("part", [GOOD.proof.branch[0], BLOCK.tree.root])
def test_a_kept_proof_that_does_not_hold_is_found(part: bytes) -> None:
    """Whoever reads an entry verifies its proofs by the header that stands beside them."""
    *others, proofs = unpack(encode_word(WORD))
    assert decode_word(pack((*others, proofs))) == WORD
    with pytest.raises(Malformed) as caught:
        decode_word(pack((*others, proofs.replace(part, bytes(32)))))
    assert caught.value.code == "merkle-root"


def test_evidence_without_a_chain_is_as_it_was() -> None:
    words = attestations(CASE, (COIN,))
    plain, more = encode_evidence(words), encode_evidence(words, WORD)
    assert more == plain + pack((encode_word(WORD),))
    assert decode_evidence(plain) == decode_evidence(more) == words
    assert decode_chain(plain) is None
    assert decode_chain(more) == WORD
    assert decode_chain(encode_evidence((), WORD)) == WORD
    assert decode_chain(b"") is None


def _bent(place: int, content: bytes) -> bytes:
    fields = unpack(encode_word(WORD))
    return pack((*fields[:place], content, *fields[place + 1 :]))


@pytest.mark.parametrize(
    "record",
    [
        _bent(0, b"chain2"),
        _bent(2, bytes(3)),
        _bent(3, b"Header"),
        _bent(3, b"\xff"),
        _bent(1, pack((bytes(32), bytes(8)))),
        _bent(4, unpack(encode_word(WORD))[4] * 2),
        encode_word(WORD) + pack((b"",)),
        encode_word(WORD)[:-1],
    ],
)
def test_reading_is_strict(record: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode_word(record)
    assert caught.value.code == "entry-malformed"
    assert decode_word(encode_word(WORD)) == WORD


def test_a_kept_transaction_has_no_witness() -> None:
    (coins,) = WORD.proven
    raw = replace(COIN.previous, witnesses=((b"w",),)).serialize()
    fat = replace(WORD, proven=(replace(coins, proof=replace(coins.proof, transaction=raw)),))
    with pytest.raises(Malformed) as caught:
        decode_word(encode_word(fat))
    assert caught.value.code == "entry-malformed"


def test_no_attestation_looks_like_a_chain() -> None:
    """An attestation's first field is a key of 32 bytes."""
    for field in unpack(encode_evidence(attestations(CASE, (COIN,)))):
        assert not field.startswith(pack((CHAIN,)))
    assert ChainWord(WORD.tip, WORD.vouched) == decode_word(
        encode_word(ChainWord(WORD.tip, WORD.vouched))
    )
