"""Proof files, verified offline or made from a node (signer/cli/proof_claims.py, spv.py)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_C = CodeKind.SETUP
_V = CodeKind.VERIFICATION
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_WAIT = Disposition.WAIT_UNTIL

ENTRIES = (
    CodeEntry(
        "proof-file-malformed",
        _C,
        _REBUILD,
        "A proof file is JSON of the format pegwarden-proof/1 with exactly its members (docs/spv.md).",
        "Make it with `pegwarden spv prove`.",
    ),
    CodeEntry(
        "proof-other-header",
        _V,
        _NEVER,
        "A proof is about the block that was named.",
        "Make the proof from that block; after a reorganisation, from the one that has the transaction now.",
    ),
    CodeEntry(
        "proof-header-unknown",
        _V,
        _REBUILD,
        "The block of a proof is one of the headers that were given.",
        "Take headers up to the block and beyond it; if it is not among them, it is not on that chain.",
    ),
    CodeEntry(
        "transaction-not-in-block",
        _C,
        _WAIT,
        "A proof is made of a transaction that is in a block which the node has.",
        "Wait for a block; name it with --block where the node has no transaction index.",
    ),
)
