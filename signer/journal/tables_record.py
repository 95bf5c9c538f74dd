"""Tables of the record itself: entries, heads, and what signed and refused entries claim.

1. Each statement is neutral: `CREATE TABLE name (...)` with BLOB, INTEGER and TEXT, or `CREATE INDEX`; a
   store renders it. Key columns stand first, in the key's order.
2. An outpoint is 36 bytes, txid then vout big-endian, so that bytes sort as outpoints do; a batch is 8
   bytes, big-endian, since the stores' integers are signed.
"""

KEPT = (
    """CREATE TABLE entries (
        number INTEGER PRIMARY KEY, leaf BLOB NOT NULL, record BLOB NOT NULL
    )""",
    "CREATE INDEX entries_by_leaf ON entries (leaf)",
    """CREATE TABLE checkpoint (
        one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, frontier BLOB NOT NULL,
        clock INTEGER NOT NULL, note TEXT NOT NULL
    )""",
    """CREATE TABLE counters (
        caller TEXT NOT NULL, code TEXT NOT NULL, times INTEGER NOT NULL,
        PRIMARY KEY (caller, code)
    )""",
)
"""The record, and where it ends; and counts of what is worth no entry."""

CLAIMS = (
    """CREATE TABLE versions (
        txid BLOB PRIMARY KEY, entry INTEGER NOT NULL, moment INTEGER NOT NULL, first_pin BLOB,
        fee INTEGER NOT NULL
    )""",
    "CREATE INDEX versions_by_first_pin ON versions (first_pin, fee) WHERE first_pin IS NOT NULL",
    """CREATE TABLE payments (
        withdrawal BLOB NOT NULL, txid BLOB NOT NULL, entry INTEGER NOT NULL,
        PRIMARY KEY (withdrawal, txid)
    )""",
    """CREATE TABLE withdrawals (
        withdrawal BLOB PRIMARY KEY, vault BLOB NOT NULL, amount INTEGER NOT NULL,
        script BLOB NOT NULL, state TEXT NOT NULL, pin BLOB
    )""",
    "CREATE INDEX withdrawals_by_pin ON withdrawals (pin, withdrawal)",
    "CREATE INDEX withdrawals_by_terms ON withdrawals (script, amount, vault, state, withdrawal)",
    """CREATE TABLE coins (
        vault BLOB NOT NULL, coin BLOB NOT NULL, amount INTEGER NOT NULL, script BLOB NOT NULL,
        branch INTEGER NOT NULL, place INTEGER NOT NULL, height INTEGER NOT NULL,
        PRIMARY KEY (vault, coin)
    )""",
    "CREATE TABLE spends (coin BLOB NOT NULL, txid BLOB NOT NULL, PRIMARY KEY (coin, txid))",
    """CREATE TABLE charges (
        vault BLOB NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
        amount INTEGER NOT NULL, fresh INTEGER NOT NULL,
        total_amount INTEGER NOT NULL, total_fresh INTEGER NOT NULL,
        PRIMARY KEY (vault, moment, entry)
    )""",
    """CREATE TABLE places (
        vault BLOB NOT NULL, branch INTEGER NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY (vault, branch)
    )""",
    """CREATE TABLE batches (
        magic BLOB NOT NULL, batch BLOB NOT NULL, root BLOB NOT NULL, PRIMARY KEY (magic, batch)
    )""",
    "CREATE TABLE nonces (nonce BLOB PRIMARY KEY, entry INTEGER NOT NULL)",
    """CREATE TABLE repeats (
        caller TEXT NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
        received INTEGER NOT NULL, PRIMARY KEY (caller, moment, entry)
    )""",
    """CREATE TABLE refusals (
        caller TEXT NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
        request BLOB NOT NULL, code TEXT NOT NULL, kept INTEGER NOT NULL,
        PRIMARY KEY (caller, moment, entry)
    )""",
    "CREATE INDEX refusals_by_request ON refusals (caller, request, code, moment)",
    "CREATE TABLE growth (name TEXT PRIMARY KEY, moment INTEGER NOT NULL, owed INTEGER NOT NULL)",
    "CREATE TABLE events (entry INTEGER PRIMARY KEY)",
)
"""The fold of signed and refused entries. `growth`: what the log and each caller owe
(`signer.journal.growth`)."""
