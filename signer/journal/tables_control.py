"""The table of control: pauses, locks and epochs, the fold of the officers' acts about the kernel.

The statements are neutral, as `signer.journal.tables_record` says.
"""

CLAIMS: tuple[str, ...] = (
    "CREATE TABLE control (one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL)",
)
"""Folds of entries: rebuilt and compared by `journal verify`."""
KEPT: tuple[str, ...] = ()
"""What is no fold of entries, each with its reason."""
