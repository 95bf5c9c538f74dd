"""Block headers and the chain that they make (signer/bitcoin, signer/core/freshness.py)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_L = CodeKind.LIMIT
_S = CodeKind.STATE
_C = CodeKind.SETUP
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_WAIT = Disposition.WAIT_UNTIL
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- one header (signer/bitcoin/header.py, target.py, chain.py) ---
    CodeEntry(
        "header-malformed",
        _M,
        _REBUILD,
        "A header is 80 bytes, and a batch is one or more of them.",
        "Send whole headers.",
    ),
    CodeEntry(
        "headers-too-many",
        _L,
        _REBUILD,
        "A batch has at most 2,000 headers.",
        "Send the headers in several batches.",
    ),
    CodeEntry(
        "target-malformed",
        _M,
        _NEVER,
        "A target in compact form is positive, below 2^256 and in its shortest form.",
        "Send the header as it was mined.",
    ),
    CodeEntry(
        "header-unlinked",
        _V,
        _REBUILD,
        "A header follows one that is known, and each of a batch the one before it.",
        "Send the headers between the last known one and these, in order.",
    ),
    CodeEntry(
        "header-bits",
        _V,
        _NEVER,
        "A header's bits are exactly what the network's rules demand at its height.",
        "Look for a node that follows this network's rules.",
    ),
    CodeEntry(
        "header-work",
        _V,
        _NEVER,
        "A header's hash does not exceed its target.",
        "Send the header as it was mined.",
    ),
    CodeEntry(
        "header-time-early",
        _V,
        _NEVER,
        "A header's time is after the median of the eleven before it (BIP-113).",
        "Look for a node that follows this network's rules.",
    ),
    CodeEntry(
        "header-time-ahead",
        _V,
        _WAIT,
        "A header's time is at most two hours ahead of the kernel's.",
        "Send it again when its time has come nearer; check the member's clock.",
    ),
    CodeEntry(
        "header-time-warp",
        _V,
        _NEVER,
        "On testnet4 a period starts at most 600 seconds before the end of the one before (BIP-94).",
        "Look for a node that follows this network's rules.",
    ),
    CodeEntry(
        "header-version",
        _V,
        _NEVER,
        "A header's version is at least the one due at its height (BIP-34, BIP-66, BIP-65).",
        "Look for a node that follows this network's rules.",
    ),
    # --- the chain (signer/bitcoin/header_record.py, best_chain.py, signer/core/freshness.py) ---
    CodeEntry(
        "header-before-start",
        _V,
        _NEVER,
        "No branch leaves the chain before the checkpoint where the record starts.",
        "Compare the checkpoint with other nodes; if it is wrong, begin a record anew from a right one.",
    ),
    CodeEntry(
        "header-fork-too-deep",
        _V,
        _OPERATOR,
        "A branch leaves the best chain at most as deep below its tip as the configuration says.",
        "Find out with other nodes which chain is Bitcoin's before anything else is signed.",
    ),
    CodeEntry(
        "header-chain-light",
        _S,
        _WAIT,
        "The best chain has at least the work that the configuration says (chainwork, hexadecimal).",
        "Wait until the headers are all there; if they are, find out whose chain this is.",
    ),
    CodeEntry(
        "header-tip-stale",
        _S,
        _WAIT,
        "The median time of the last eleven headers is at most as old as the configuration says.",
        "See whether the sources of headers follow Bitcoin; wait for blocks if it is slow.",
    ),
    CodeEntry(
        "header-feed-frozen",
        _S,
        _WAIT,
        "The best chain has moved within the time that the configuration says.",
        "See whether the sources of headers are alive, and add another.",
    ),
    # --- where a record starts (signer/bitcoin/checkpoint.py) ---
    CodeEntry(
        "checkpoint-height",
        _C,
        _OPERATOR,
        "A checkpoint is the first header of a period: its height is a multiple of 2,016, and not 0.",
        "Take the checkpoint at the start of a period.",
    ),
    CodeEntry(
        "checkpoint-headers",
        _C,
        _OPERATOR,
        "A checkpoint comes with eleven headers that lead to its hash, each with its work.",
        "Take the ten headers before the checkpoint and its own from one node.",
    ),
    CodeEntry(
        "checkpoint-work",
        _C,
        _OPERATOR,
        "A checkpoint's work is more than that of its eleven headers.",
        "Take the work from a node's getblockheader: chainwork.",
    ),
)
