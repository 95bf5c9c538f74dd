"""Block headers and the chain that they make (signer/bitcoin, signer/core/freshness.py)."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_L = CodeKind.LIMIT
_S = CodeKind.STATE
_C = CodeKind.SETUP
_R = CodeKind.ROLE
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
        Disposition.REBUILD,
        "A branch that is no better leaves the best chain at most as deep as the configuration says.",
        "Send the headers of the best chain; a node that is behind catches up by itself.",
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
        "header-chain-slow",
        _S,
        _WAIT,
        "The last 144 blocks took at most as long as the configuration says, up to now.",
        "Compare the tip with other nodes: few miners make it, for this kernel alone, or Bitcoin is slow.",
    ),
    CodeEntry(
        "header-feed-frozen",
        _S,
        _WAIT,
        "The best chain has moved within the time that the configuration says.",
        "See whether the sources of headers are alive, and add another.",
    ),
    # --- the service (signer/header_chain.py, signer/methods/chain.py) ---
    CodeEntry(
        "chain-not-configured",
        _S,
        _OPERATOR,
        "A kernel that is asked about Bitcoin's chain has one: [chain] of its configuration.",
        "Add [chain] to the member's configuration (docs/configuration.md), or ask another member.",
    ),
    CodeEntry(
        "header-source-unknown",
        _R,
        _OPERATOR,
        "Headers are brought by the sources that the configuration names.",
        "Add the caller's name to `sources` of [chain], or bring them as another caller.",
    ),
    CodeEntry(
        "header-unknown",
        _V,
        _REBUILD,
        "A block that is asked about has its header on this kernel's record.",
        "Wait until the sources have brought it, or bring it; see GetTip for how far the record goes.",
    ),
    # --- the record (signer/journal/header_record.py, header_keeper.py) ---
    CodeEntry(
        "chain-record-differs",
        _S,
        _OPERATOR,
        "The headers on record are of the chain that starts at genesis, or at the configured checkpoint.",
        "Compare the checkpoint with several nodes, then put back the one with which the record began.",
    ),
    CodeEntry(
        "header-chain-disputed",
        _S,
        _OPERATOR,
        "No better chain leaves the one on record deeper than is followed.",
        "Compare both with several nodes, and name a header of the right one in `follow` of [chain].",
    ),
    CodeEntry(
        "header-side-branches-full",
        _L,
        _WAIT,
        "What one source brings beside the best chain is bounded for each day.",
        "Send a branch up to where it has more work than the best chain, and see what else the source sends.",
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
