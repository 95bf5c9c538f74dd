"""Proofs that the coins of a spend are in blocks: claims to facts, before anything is decided.

1. A proof is of a transaction whose outputs the spend spends, once for each: one that proves something else
   is a slip of whoever made it, and is said.
2. It has the very outputs that are spent. By its txid it has, but a Taproot coin's amount is the caller's
   word until here.
3. At most MAX_PROOFS, of at most MAX_PROOF_BYTES together: the record keeps them.
"""

from signer.bitcoin.header_record import HeaderRecord
from signer.bitcoin.inclusion import TxProof
from signer.bitcoin.transaction import Txid, TxOut, display
from signer.core.chain_word import ProvenCoins
from signer.core.errors import unverified
from signer.core.proof_codec import without_witnesses
from signer.core.proven import InclusionClaim, proven
from signer.core.spend import SpendFacts, SpentCoin

MAX_PROOFS = 500
"""In one request."""
MAX_PROOF_BYTES = 4_000_000
"""Of their transactions and branches together."""


def prove(
    claims: tuple[InclusionClaim, ...], spend: SpendFacts, record: HeaderRecord | None
) -> tuple[ProvenCoins, ...]:
    """The facts, in the order of the claims. `record`: None where the configuration names no chain.

    Raises VerificationError `proofs-too-large`, `proof-unused`, `proof-repeated`, `proof-output-differs`,
    `header-unknown`, Refusal `chain-not-configured`, and Malformed as `verify_tx_proof` does.
    """
    _bound(claims)  # 3
    coins = dict[Txid, list[SpentCoin]]()
    for coin in spend.coins:
        coins.setdefault(coin.outpoint.txid, []).append(coin)
    found = dict[Txid, ProvenCoins]()
    for claim in claims:
        fact = proven(claim, record)
        txid = fact.transaction.txid
        if txid not in coins:  # 1
            detail = "a proof of a transaction whose outputs are not spent"
            raise unverified("proof-unused", detail, display(txid))
        if txid in found:
            detail = "two proofs of one transaction"
            raise unverified("proof-repeated", detail, display(txid))
        for coin in coins[txid]:
            _require_output(coin, fact.transaction.outputs)  # 2
        found[txid] = ProvenCoins(fact, without_witnesses(claim.proof))
    return tuple(found.values())


def _bound(claims: tuple[InclusionClaim, ...]) -> None:
    size = sum(_size(each.proof) for each in claims)
    if len(claims) > MAX_PROOFS or size > MAX_PROOF_BYTES:
        raise unverified(
            "proofs-too-large",
            "too much proof in one request",
            f"{len(claims)} proofs, {size} bytes",
            f"{MAX_PROOFS} proofs, {MAX_PROOF_BYTES} bytes",
        )


def _size(proof: TxProof) -> int:
    size = len(proof.transaction) + 32 * len(proof.branch)
    if proof.coinbase is not None:
        size += len(proof.coinbase.transaction) + 32 * len(proof.coinbase.branch)
    return size


def _require_output(coin: SpentCoin, outputs: tuple[TxOut, ...]) -> None:
    vout = coin.outpoint.vout
    if vout >= len(outputs) or outputs[vout] != coin.prevout:
        raise unverified(
            "proof-output-differs", f"the proven transaction has no such output as {coin.outpoint}"
        )
