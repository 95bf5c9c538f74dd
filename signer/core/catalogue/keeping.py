"""The journal and the keystore."""

from signer.core.catalogue.entry import CodeEntry, CodeKind, Disposition

_S = CodeKind.STATE
_L = CodeKind.LIMIT
_C = CodeKind.SETUP
_RETRY = Disposition.RETRY_SAME
_WAIT = Disposition.WAIT_UNTIL
_OPERATOR = Disposition.OPERATOR
_REBUILD = Disposition.REBUILD

ENTRIES = (
    # --- journal (signer/journal) ---
    CodeEntry(
        "entry-malformed",
        _C,
        _OPERATOR,
        "A journal entry is exactly its canonical bytes.",
        "Do not use this journal; compare it with another member's copy.",
    ),
    CodeEntry(
        "journal-exists",
        _C,
        _OPERATOR,
        "A journal is created once and never overwritten.",
        "Use the journal that is there, or another path.",
    ),
    CodeEntry(
        "journal-missing",
        _C,
        _OPERATOR,
        "A kernel starts with the journal of its vault key.",
        "Correct the path, or restore the journal; a new one does not fit a bound key.",
    ),
    CodeEntry(
        "journal-foreign",
        _C,
        _OPERATOR,
        "A journal begins with the genesis entry that the vault key is bound to.",
        "Use the journal that was created when this key was bound.",
    ),
    CodeEntry(
        "journal-schema-unknown",
        _C,
        _OPERATOR,
        "A journal has the schema of this version of Pegwarden.",
        "Run the version that wrote it; nothing is migrated silently.",
    ),
    CodeEntry(
        "journal-locked",
        _C,
        _OPERATOR,
        "One kernel at a time has a journal open.",
        "Stop the other process, then start again.",
    ),
    CodeEntry(
        "journal-tampered",
        _S,
        _OPERATOR,
        "Entries, tables, schema and signed head of a journal agree.",
        "Stop, keep the file, and compare its head with the other members'.",
    ),
    CodeEntry(
        "journal-disk-full",
        _S,
        _RETRY,
        "What cannot be recorded is not signed; the reserve beside the journal is kept for decisions.",
        "Free disk space; the same request can then be sent again, and the reserve is put aside again.",
    ),
    CodeEntry(
        "journal-unavailable",
        _S,
        _RETRY,
        "What cannot be recorded is not signed.",
        "Make the file writable or the server answer; the same request can then be sent again.",
    ),
    CodeEntry(
        "journal-not-durable",
        _C,
        _OPERATOR,
        "A PostgreSQL server that keeps the journal stores a commit durably before it answers.",
        "Set synchronous_commit, fsync and full_page_writes to on, for this role and database too.",
    ),
    CodeEntry(
        "version-budget-exhausted",
        _L,
        _WAIT,
        "A caller's transactions that bind no new withdrawal, batch or sweep statement are limited per hour; "
        "all of them are, while callers make the log grow faster than other members read it.",
        "Send a version that is on record again, or wait until the moment given.",
    ),
    # --- keystore (keystore/) ---
    CodeEntry(
        "passphrase-unreadable",
        _C,
        _OPERATOR,
        "A passphrase is 1 to 1024 bytes from a descriptor, a private file or a prompt.",
        "Name a source that only you can read; never the command line.",
    ),
    CodeEntry(
        "key-file-missing",
        _C,
        _OPERATOR,
        "A sealed key file stands where config names it.",
        "Correct the path, or restore the file from its backup.",
    ),
    CodeEntry(
        "key-file-exists",
        _C,
        _OPERATOR,
        "A key file is never overwritten.",
        "Choose another path, or move the old file away yourself.",
    ),
    CodeEntry(
        "key-file-exposed",
        _C,
        _OPERATOR,
        "Only its owner can read a key file.",
        "chmod 600 the file, and ask who has read it.",
    ),
    CodeEntry(
        "key-file-malformed",
        _C,
        _OPERATOR,
        "A sealed key file is exactly the JSON that Pegwarden wrote.",
        "The file is cut short or changed: restore it from its backup.",
    ),
    CodeEntry(
        "key-file-unusable",
        _C,
        _OPERATOR,
        "A key file can be read and written in whole.",
        "Look at the disk and at the file's permissions.",
    ),
    CodeEntry(
        "key-passphrase-wrong",
        _C,
        _OPERATOR,
        "The passphrase opens the seal, and the file is as it was sealed.",
        "Try the passphrase again; if it is right, the file was changed: restore the backup.",
    ),
    CodeEntry(
        "key-role-wrong",
        _C,
        _OPERATOR,
        "A key file is used for its role only.",
        "Name the file of the other role.",
    ),
    CodeEntry(
        "key-already-bound",
        _C,
        _OPERATOR,
        "A vault key is bound once, to one vault and one journal.",
        "Create a new key for another vault; this one serves the vault named.",
    ),
    CodeEntry(
        "key-unbound",
        _C,
        _OPERATOR,
        "An unbound vault key signs nothing.",
        "Run `pegwarden key bind POLICY` once all members' keys stand in the policy.",
    ),
    CodeEntry(
        "key-binding-mismatch",
        _C,
        _OPERATOR,
        "All keys of a kernel are for one network and one journal, one key for each vault.",
        "Name the key files that were bound together.",
    ),
    # --- the second gate (keystore/caps.py, keystore/ledger.py) ---
    CodeEntry(
        "cap-per-spend",
        _S,
        _OPERATOR,
        "A vault key signs away at most its cap by one transaction, whatever the policy says.",
        "Ask why the policy let it pass before anybody raises the cap, which takes the passphrase.",
        public=False,
    ),
    CodeEntry(
        "cap-per-day",
        _S,
        _WAIT,
        "What can leave grows in 24 hours by at most the vault key's cap, whatever the policy says.",
        "Wait until the moment given; if it happens again, the cap is below the policy's limits.",
        public=False,
    ),
    CodeEntry(
        "cap-entry-late",
        _S,
        _REBUILD,
        "A vault key with caps signs an entry for the first time within 6 hours of its record.",
        "Build another version (other fee, change index or locktime), with fresh statements: a new entry.",
    ),
    CodeEntry(
        "cap-ledger-missing",
        _S,
        _OPERATOR,
        "A vault key with caps signs with its ledger only.",
        "Correct the path; if the ledger is lost, make a new one: the journal fills it.",
    ),
    CodeEntry(
        "cap-ledger-broken",
        _S,
        _OPERATOR,
        "Every record of a ledger is ours, and none is missing between two others.",
        "Keep the file and ask who wrote to it; then make a new one: the journal fills it.",
    ),
    CodeEntry(
        "cap-ledger-unused",
        _C,
        _OPERATOR,
        "A vault key without caps starts only where there is no ledger of its vault.",
        "Use the newer file of the key. Without it move the ledger away, then run `pegwarden key caps set`.",
    ),
    CodeEntry(
        "cap-out-of-range",
        _C,
        _OPERATOR,
        "The cap of a transaction is at least 1 sat and at most the cap of a day.",
        "Give other caps.",
    ),
    CodeEntry(
        "caps-absent",
        _C,
        _OPERATOR,
        "A successor is what caps spare; a key without caps has none.",
        "Run `pegwarden key caps set` first, if the key is to have caps.",
    ),
    CodeEntry(
        "successor-unknown",
        _C,
        _OPERATOR,
        "The successor of a vault is another vault of the member's policy.",
        "Name a vault as the policy does; it must stand there with the vault that it succeeds.",
    ),
    CodeEntry(
        "backup-differs",
        _C,
        _OPERATOR,
        "A copy of a key is of a key, a vault and a journal of this member.",
        "Do not rely on this copy: back up the key that is in use, and verify that.",
    ),
    CodeEntry(
        "vault-rehearsing",
        _C,
        _OPERATOR,
        "A vault is emptied outside the caps only into one whose every quorum and path has spent.",
        "Show the missing spends (`pegwarden key rotate status` names them).",
    ),
    CodeEntry(
        "rehearsal-malformed",
        _C,
        _OPERATOR,
        "A rehearsal's file has one raw transaction in hex on each line.",
        "Write the file again: the spends, and the transactions that they spend from.",
    ),
)
