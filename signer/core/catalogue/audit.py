"""The log shown to outsiders: heads, proofs, receipts and exported journals."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_M = CodeKind.MALFORMED
_V = CodeKind.VERIFICATION
_S = CodeKind.STATE
_C = CodeKind.SETUP
_REBUILD = Disposition.REBUILD
_OPERATOR = Disposition.OPERATOR

ENTRIES = (
    # --- AuditService (signer/methods/audit.py) ---
    CodeEntry(
        "entry-unknown",
        _V,
        _REBUILD,
        "An entry that is asked for is one of the log.",
        "Ask for a number below the size of the newest head, or for a decision id that this member gave.",
    ),
    CodeEntry(
        "head-size-unknown",
        _V,
        _REBUILD,
        "A head that is asked for has a size that the log has had.",
        "Ask for a size from 1 up to that of the newest head, or 0 for the newest.",
    ),
    CodeEntry(
        "proof-span-invalid",
        _V,
        _REBUILD,
        "A proof leads from something earlier to something later.",
        "Ask for an entry below the size, or for an old size of at least 1 and at most the new one.",
    ),
    CodeEntry(
        "log-unknown",
        _V,
        _REBUILD,
        "A log that is asked for is this member's own or one that it follows.",
        "Leave log_key empty, or name one that GetHead lists.",
    ),
    # --- verified offline (signer/journal, signer/core/receipt.py) ---
    CodeEntry(
        "proof-invalid",
        _M,
        _REBUILD,
        "A proof leads, hash by hash, from what it proves to the root of a signed head.",
        "Do not believe it; ask the member again, and another member about the member's heads.",
    ),
    CodeEntry(
        "receipt-invalid",
        _V,
        _REBUILD,
        "A receipt is signed by the log key, of exactly this decision, request, answer and head.",
        "Do not believe it; look whether network, log key and receipt belong together.",
    ),
    CodeEntry(
        "export-malformed",
        _C,
        _OPERATOR,
        "An exported journal is exactly its head and the records that the head counts.",
        "The file is cut short or changed: export the journal again.",
    ),
    CodeEntry(
        "log-forked",
        _S,
        _OPERATOR,
        "A log key signs one history.",
        "Keep both heads, they prove that it signed two; tell the other members, and rotate the key out.",
    ),
    CodeEntry(
        "journal-behind-head",
        _S,
        _OPERATOR,
        "A journal reaches every head that its log key signed.",
        "Use a newer copy; if there is none, entries are missing: look at the other members' copies.",
    ),
)
