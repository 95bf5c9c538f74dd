"""Evidence, and the record's rules."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_P = CodeKind.POLICY
_L = CodeKind.LIMIT
_REBUILD = Disposition.REBUILD
_NEVER = Disposition.NEVER
_EVIDENCE = Disposition.NEEDS_EVIDENCE

ENTRIES = (
    # --- evidence (signer/core/evidence.py) ---
    CodeEntry(
        "evidence-too-large",
        _L,
        _REBUILD,
        "One request carries at most 64 attestations and 4,000 statements.",
        "Send only the attestations that this transaction needs.",
    ),
    CodeEntry(
        "evidence-mixed-kinds",
        _M,
        _REBUILD,
        "One attestation holds one or more statements, all of one kind.",
        "Have the attestor sign each kind apart.",
    ),
    CodeEntry(
        "attestation-invalid",
        _V,
        _EVIDENCE,
        "An attestation verifies under its attestor's key for this network and vault.",
        "Ask the attestor again, for this vault.",
    ),
    # --- the record (signer/core/pins.py, approve.py) ---
    CodeEntry(
        "withdrawal-pinned",
        _P,
        _REBUILD,
        "Every version of a withdrawal spends the coin that its first version pinned.",
        "Spend the pin that GetWithdrawal names.",
    ),
    CodeEntry(
        "withdrawal-terms-changed",
        _P,
        _NEVER,
        "Every version pays the same amount to the same script.",
        "Pay what is on record.",
    ),
    CodeEntry(
        "withdrawal-twin-open",
        _P,
        _REBUILD,
        "Open withdrawals of equal amount and script are paid by one transaction that spends all pins.",
        "Pay both in a version that spends the pin, or wait until the first is closed.",
    ),
    CodeEntry(
        "coin-not-as-recorded",
        _P,
        _REBUILD,
        "A coin on record keeps the amount and script with which it was proven.",
        "Send the true amount, or the whole previous transaction.",
    ),
    CodeEntry(
        "anchor-too-many-inputs",
        _P,
        _REBUILD,
        "An anchor spends at most 8 coins.",
        "Use fewer or larger coins; consolidate by a sweep.",
    ),
    CodeEntry(
        "batch-root-conflict",
        _P,
        _NEVER,
        "A batch of a rollup has one root for ever.",
        "Find out which root is true before anything else is anchored.",
    ),
    CodeEntry(
        "batch-out-of-order",
        _P,
        _NEVER,
        "Batches are anchored in increasing order; an older one only if it is on record.",
        "Anchor the next batch.",
    ),
    CodeEntry(
        "previous-root-conflict",
        _P,
        _EVIDENCE,
        "The attested previous batch agrees with any record of it.",
        "Ask the attestors which root is true.",
    ),
    CodeEntry(
        "sweep-statement-used",
        _P,
        _EVIDENCE,
        "A sweep statement serves once.",
        "Ask the attestors for a new statement.",
    ),
    CodeEntry(
        "pin-spent-unpaid",
        _P,
        _REBUILD,
        "Whoever spends a pinned coin pays every withdrawal pinned to it.",
        "Pay them too, or spend another coin.",
    ),
    CodeEntry(
        "no-coin-to-pin",
        _P,
        _REBUILD,
        "A new withdrawal needs a coin that no other transaction on record spends.",
        "Add a fresh coin.",
    ),
    CodeEntry(
        "change-index-too-high",
        _P,
        _REBUILD,
        "Change stays below the highest index seen plus the lookahead.",
        "Use the change index that GetInfo gives.",
    ),
    CodeEntry(
        "retry-mismatch",
        _V,
        _NEVER,
        "A retry equals what is on record in withdrawals, scripts, types and digests.",
        "Ask for what was signed, or build a new version.",
    ),
)
