"""Proofs that a transaction is in a block (signer/bitcoin/merkle, merkle_block, inclusion)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER

ENTRIES = (
    # --- branches (signer/bitcoin/merkle.py) ---
    CodeEntry(
        "merkle-branch",
        _M,
        _REBUILD,
        "A Merkle branch is at most 32 hashes of 32 bytes.",
        "Make the branch again from the block's txids.",
    ),
    CodeEntry(
        "merkle-position",
        _M,
        _REBUILD,
        "A position has no bit beyond the depth of its branch.",
        "Send the transaction's position in its block, counted from 0, and all of the branch.",
    ),
    CodeEntry(
        "merkle-duplicate",
        _V,
        _NEVER,
        "Two siblings are equal only where a level's last node is hashed with itself, it being on the left "
        "(CVE-2012-2459).",
        "Make the proof for the transaction's true position.",
    ),
    # --- gettxoutproof (signer/bitcoin/merkle_block.py) ---
    CodeEntry(
        "merkle-block-malformed",
        _M,
        _REBUILD,
        "A partial Merkle tree is what gettxoutproof writes: header, count, hashes, flags, and no more.",
        "Send the proof's bytes, not their hexadecimal digits, and nothing behind them.",
    ),
    CodeEntry(
        "merkle-block-count",
        _M,
        _REBUILD,
        "A partial Merkle tree is of 1 to 16,666 transactions, with at most as many hashes, and at least as "
        "many flag bits as hashes.",
        "Ask a node for the proof again.",
    ),
    CodeEntry(
        "merkle-block-rest",
        _M,
        _REBUILD,
        "A partial Merkle tree has exactly the hashes and flag bits that it needs; the last byte is filled "
        "with zeros.",
        "Ask a node for the proof again.",
    ),
    CodeEntry(
        "merkle-block-unmatched",
        _M,
        _REBUILD,
        "A partial Merkle tree shows the transaction and the coinbase of its block.",
        "Ask gettxoutproof for both txids: the transaction's and the coinbase's.",
    ),
    # --- inclusion (signer/bitcoin/inclusion.py) ---
    CodeEntry(
        "transaction-64-bytes",
        _V,
        _NEVER,
        "What is proven is not 64 bytes long without its witness: inner nodes of a Merkle tree are "
        "(CVE-2017-12842).",
        "Nobody relays such a transaction: it cannot be proven here.",
    ),
    CodeEntry(
        "coinbase-position",
        _V,
        _NEVER,
        "At position 0 of a block is its coinbase, and nowhere else is one.",
        "Send the transaction's true position, and the block's own coinbase transaction.",
    ),
    CodeEntry(
        "coinbase-proof-missing",
        _V,
        _REBUILD,
        "A proof of a transaction has a proof of its block's coinbase beside it (CVE-2017-12842).",
        "Add the block's coinbase transaction with its branch.",
    ),
    CodeEntry(
        "coinbase-proof-depth",
        _V,
        _NEVER,
        "All leaves of a block are equally deep: the transaction's branch is as long as the coinbase's "
        "(CVE-2017-12842).",
        "Make both branches from the same block.",
    ),
    CodeEntry(
        "merkle-root",
        _V,
        _NEVER,
        "A branch leads from the txid to the Merkle root of its block's header.",
        "Make the proof again; after a reorganisation, from the block that has the transaction now.",
    ),
    CodeEntry(
        "proof-of-wtxid",
        _V,
        _REBUILD,
        "A branch is one of txids; the tree of wtxids is committed to elsewhere (BIP-141).",
        "Make the proof from the block's txids.",
    ),
    # --- proofs in SignPsbt (signer/core/proven_coins.py, policies/predicates/placed.py) ---
    CodeEntry(
        "proof-missing",
        _V,
        Disposition.NEEDS_EVIDENCE,
        "Where the policy asks how deep coins are, a proof shows the block of each coin's transaction.",
        "Bring a proof of inclusion for each transaction whose outputs are spent (`pegwarden spv prove`).",
    ),
    CodeEntry(
        "proof-unused",
        _V,
        _REBUILD,
        "Each proof in SignPsbt is of a transaction whose outputs are spent.",
        "Leave the proof out, or bring that of the transaction that was meant.",
    ),
    CodeEntry(
        "proof-repeated",
        _V,
        _REBUILD,
        "There is one proof for each transaction.",
        "Send one of the two proofs.",
    ),
    CodeEntry(
        "proof-output-differs",
        _V,
        _REBUILD,
        "A proven transaction has the output that is spent, with its amount and script.",
        "Correct the PSBT's witness_utxo, or look which transaction the coin is of.",
    ),
    CodeEntry(
        "proofs-too-large",
        _V,
        _REBUILD,
        "A request has at most 500 proofs, of 4,000,000 bytes together.",
        "Spend coins of fewer transactions.",
    ),
)
