"""Tables of releases: pins struck and withdrawals closed.

The statements are neutral, as `signer.journal.tables_record` says.
"""

CLAIMS: tuple[str, ...] = (
    """CREATE TABLE releases (
        withdrawal BLOB NOT NULL, pin BLOB NOT NULL, killer BLOB NOT NULL, entry INTEGER NOT NULL,
        PRIMARY KEY (withdrawal, pin)
    )""",
    "CREATE INDEX releases_by_killer ON releases (killer, withdrawal)",
    """CREATE TABLE closings (
        vault BLOB NOT NULL, amount INTEGER NOT NULL, script BLOB NOT NULL, moment INTEGER NOT NULL,
        entry INTEGER NOT NULL, PRIMARY KEY (vault, amount, script)
    )""",
    "CREATE TABLE buried (coin BLOB PRIMARY KEY, txid BLOB NOT NULL)",
)
"""Folds of entries. The pin of a release is the struck one, or empty where the withdrawal is closed; of equal
withdrawals the last closing is kept; `buried`: coins of ours and which buried transaction spent them."""
KEPT: tuple[str, ...] = ()
"""What is no fold of entries, each with its reason."""
