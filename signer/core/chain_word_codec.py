"""What the chain said, as the journal keeps it behind the attestations (`signer.core.evidence_codec`).

1. The field `chain`, the tip (work 32, median time u64, since u64), the vouched height u32, the code that
   says why the chain was not fresh (empty when it was), and a record of proofs.
2. A proof is a record of the header (80 bytes), its height u32, blocks u32, work 32, and the proof as
   `proof_codec` has it. Numbers are big-endian.
3. Decoding is strict and the inverse of encoding; and the proofs are verified again, each by the header that
   stands beside it.
"""

import re

from signer.bitcoin.burial import Burial
from signer.bitcoin.units import Height
from signer.core.chain_word import ChainWord, Placed, ProvenCoins
from signer.core.errors import Objection
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u32_be,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.freshness import TipSeen
from signer.core.proof_codec import decode_proof, encode_proof
from signer.core.proven import proven_by

CHAIN = b"chain"
"""The first field; that of an attestation is a key of 32 bytes."""
_CODE = re.compile(r"[a-z-]{1,64}")
"""Of what `require_fresh` raises, whichever version of the kernel wrote it."""


def encode_word(word: ChainWord) -> bytes:
    """The record of what the chain said."""
    tip = pack((_u256(word.tip.work), u64_be(word.tip.median_time), u64_be(word.tip.since)))
    stale = word.stale[0].code.encode() if word.stale else b""
    proofs = pack(_encode(each, word) for each in word.proven)
    return pack((CHAIN, tip, u32_be(word.vouched), stale, proofs))


def decode_word(record: bytes) -> ChainWord:
    """The inverse of `encode_word`. Raises Malformed `entry-malformed`, or as `verify_tx_proof` does."""
    mark, tip, vouched, stale, proofs = unpack_exactly(record, 5)
    code = read_text(stale)
    if mark != CHAIN or (code and not _CODE.fullmatch(code)):
        refuse_entry("what a chain said that says no such thing")
    read = [_decode(each) for each in unpack(proofs)]
    placed = {coins.fact.transaction.txid: place for coins, place in read}
    if len(placed) != len(read):
        refuse_entry("two proofs of one transaction")
    return ChainWord(
        tip=_read_tip(tip),
        vouched=Height(read_number(vouched, 4)),
        stale=(Objection(code, "as it was on record"),) if code else (),
        placed=placed,
        proven=tuple(coins for coins, _ in read),
    )


def _encode(coins: ProvenCoins, word: ChainWord) -> bytes:
    fact = coins.fact
    burial = word.placed[fact.transaction.txid].burial
    numbers = (u32_be(fact.height), u32_be(burial.blocks), _u256(burial.work))
    return pack((sized(fact.header, 80), *numbers, encode_proof(coins.proof)))


def _decode(record: bytes) -> tuple[ProvenCoins, Placed]:
    header, height, blocks, work, proof = unpack_exactly(record, 5)
    claim, place = decode_proof(proof), Height(read_number(height, 4))
    fact = proven_by(claim, sized(header, 80), place)
    if fact.transaction.stripped != claim.transaction:
        refuse_entry("a proven transaction with its witness")
    burial = Burial(read_number(blocks, 4), read_number(work, 32))
    return ProvenCoins(fact, claim), Placed(place, burial, fact.is_coinbase)


def _read_tip(record: bytes) -> TipSeen:
    work, median_time, since = unpack_exactly(record, 3)
    return TipSeen(read_number(work, 32), read_number(median_time, 8), read_number(since, 8))


def _u256(value: int) -> bytes:
    return value.to_bytes(32, "big")
