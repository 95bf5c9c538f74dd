"""Tables of clocks, officers' acts and policies: the fold of their notices (`signer.journal.fold_notices`).

The statements are neutral, as `signer.journal.tables_record` says.
"""

CLAIMS = (
    """CREATE TABLE first_seen (
        withdrawal BLOB NOT NULL, vault BLOB NOT NULL, amount INTEGER NOT NULL,
        script BLOB NOT NULL, quorum BLOB NOT NULL, moment INTEGER NOT NULL,
        entry INTEGER NOT NULL, unsigned INTEGER NOT NULL,
        PRIMARY KEY (withdrawal, vault, amount, script, quorum)
    )""",
    "CREATE INDEX first_seen_unsigned ON first_seen (vault, withdrawal) WHERE unsigned = 1",
    """CREATE TABLE acts (
        officer BLOB NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
        subject BLOB NOT NULL, PRIMARY KEY (officer, moment, entry)
    )""",
    "CREATE INDEX acts_by_subject ON acts (subject, officer, entry)",
    """CREATE TABLE approvals (
        subject BLOB NOT NULL, officer BLOB NOT NULL, expiry INTEGER NOT NULL,
        PRIMARY KEY (subject, officer)
    )""",
    """CREATE TABLE rejections (
        subject BLOB NOT NULL, officer BLOB NOT NULL, PRIMARY KEY (subject, officer)
    )""",
    """CREATE TABLE holds (
        kind TEXT NOT NULL, target BLOB NOT NULL, officer BLOB NOT NULL, until INTEGER NOT NULL,
        lifted INTEGER NOT NULL, PRIMARY KEY (kind, target, officer)
    )""",
    "CREATE INDEX holds_by_officer ON holds (officer, lifted, until)",
    """CREATE TABLE moves (
        vault BLOB NOT NULL, terms BLOB NOT NULL, officer BLOB NOT NULL, nonce BLOB NOT NULL,
        expiry INTEGER NOT NULL, PRIMARY KEY (vault, terms, officer)
    )""",
    "CREATE INDEX moves_by_expiry ON moves (vault, expiry)",
    "CREATE INDEX moves_by_officer ON moves (officer, expiry)",
    "CREATE INDEX moves_by_nonce ON moves (nonce)",
    """CREATE TABLE policies (
        policy BLOB NOT NULL, entry INTEGER NOT NULL, version INTEGER NOT NULL, base BLOB NOT NULL,
        verdict TEXT NOT NULL, moment INTEGER NOT NULL, caller TEXT NOT NULL,
        PRIMARY KEY (policy, entry)
    )""",
    "CREATE INDEX policies_by_caller ON policies (caller, moment)",
    "CREATE TABLE governance (one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL)",
    "CREATE TABLE policy_events (entry INTEGER PRIMARY KEY)",
)
"""The fold of attested, officers' and policies' notices."""
