"""Tables of agreement between members (J6): our entries that wait for grants, what a void frees, and what
binds us for other members.

The statements are neutral, as `signer.journal.tables_record` says. `name` of another member's entry is 40
bytes: its log key, then the number in that log, big-endian.
"""

CLAIMS: tuple[str, ...] = (
    """CREATE TABLE pending (
        entry INTEGER PRIMARY KEY, moment INTEGER NOT NULL, caller TEXT NOT NULL, vault BLOB NOT NULL,
        incarnation BLOB NOT NULL, quorum INTEGER NOT NULL, claims BLOB NOT NULL,
        received INTEGER NOT NULL
    )""",
    "CREATE INDEX pending_by_caller ON pending (caller, entry)",
    """CREATE TABLE relied (
        withdrawal BLOB NOT NULL, coin BLOB NOT NULL, entry INTEGER NOT NULL,
        PRIMARY KEY (withdrawal, coin, entry)
    )""",
    "CREATE INDEX relied_by_coin ON relied (coin, withdrawal)",
    """CREATE TABLE anchors (
        magic BLOB NOT NULL, batch BLOB NOT NULL, entry INTEGER NOT NULL,
        PRIMARY KEY (magic, batch, entry)
    )""",
    """CREATE TABLE freed (
        vault BLOB NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
        amount INTEGER NOT NULL, fresh INTEGER NOT NULL,
        total_amount INTEGER NOT NULL, total_fresh INTEGER NOT NULL,
        PRIMARY KEY (vault, moment, entry)
    )""",
    """CREATE TABLE voids (
        caller TEXT NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
        received INTEGER NOT NULL, PRIMARY KEY (caller, moment, entry)
    )""",
    """CREATE TABLE holdings (
        name BLOB PRIMARY KEY, vault BLOB NOT NULL, entry INTEGER NOT NULL, granted INTEGER NOT NULL,
        txid BLOB NOT NULL, label BLOB NOT NULL, claim BLOB NOT NULL
    )""",
    "CREATE INDEX holdings_by_txid ON holdings (txid, label, name)",
    """CREATE TABLE held_pays (
        withdrawal BLOB NOT NULL, name BLOB NOT NULL, amount INTEGER NOT NULL, script BLOB NOT NULL,
        PRIMARY KEY (withdrawal, name)
    )""",
    """CREATE TABLE held_pins (
        withdrawal BLOB NOT NULL, coin BLOB NOT NULL, name BLOB NOT NULL,
        PRIMARY KEY (withdrawal, coin, name)
    )""",
    "CREATE INDEX held_pins_by_coin ON held_pins (coin, withdrawal, name)",
    "CREATE TABLE held_spends (coin BLOB NOT NULL, name BLOB NOT NULL, PRIMARY KEY (coin, name))",
    """CREATE TABLE held_bonds (
        bond BLOB NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (bond, name)
    )""",
    "CREATE TABLE starts (incarnation BLOB PRIMARY KEY, entry INTEGER NOT NULL)",
    "CREATE TABLE forks (member BLOB PRIMARY KEY, entry INTEGER NOT NULL)",
)
"""Folds of entries.

`pending`: our entries without a quorum's grants, with their claims, so that they can be undone. `relied`:
pins on which versions of ours rely beside our own one of that withdrawal. `anchors`: which live versions
carry a batch. `freed`: what voids took off the charges of an entry, with running totals as `charges` has
them; `voids`: what these take on disk. `holdings` and `held_...`: the claims that bind us for other members
(`label`: a hash of the withdrawals paid), and where they touch a coin, withdrawal, batch or statement.
`starts`: completed imports. `forks`: members of whom two heads contradict each other.
"""
KEPT: tuple[str, ...] = ()
"""What is no fold of entries, each with its reason."""
