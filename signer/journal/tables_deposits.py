"""Tables of attested deposits, and of the blocks on which irreversible entries rely.

The statements are neutral, as `signer.journal.tables_record` says.
"""

CLAIMS: tuple[str, ...] = (
    """CREATE TABLE deposits (
        coin BLOB NOT NULL, block BLOB NOT NULL, signer BLOB NOT NULL, entry INTEGER NOT NULL,
        PRIMARY KEY (coin, block, signer)
    )""",
    """CREATE TABLE relied_blocks (
        block BLOB NOT NULL, entry INTEGER NOT NULL, height INTEGER NOT NULL, said INTEGER NOT NULL,
        PRIMARY KEY (block, entry)
    )""",
    "CREATE INDEX relied_blocks_by_height ON relied_blocks (height)",
)
"""Folds of entries: rebuilt and compared by `journal verify`. `signer`: the key that attests.
`said`: the entry that says that the block has left, 0 for none."""
