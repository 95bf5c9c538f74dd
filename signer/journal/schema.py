"""Schema of the SQLite store, migration 1.

Rule 1: `entries` is the record. The claim tables are its fold: a cache, rebuilt and compared row by row
        by `journal verify`. `checkpoint` is the head and what appending needs; `roots` are the roots of
        all heads that were released.
Rule 2: `counters` is the one table that is not derived from entries: it counts what is worth none.
Rule 3: a file's schema is ours to the letter or the file is refused: no table, index or trigger more.
Rule 4: an outpoint is 36 bytes, txid then vout big-endian, so that bytes sort as outpoints do; a batch is
        8 bytes, big-endian, since SQLite's integers are signed.
"""

import sqlite3

from signer.core.errors import Objection, Refusal

APPLICATION_ID = 0x50474A31
"""`PGJ1` in the SQLite header."""
VERSION = 1
"""The number of the last migration; `user_version` in the SQLite header."""

_MIGRATION_1 = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY, leaf BLOB NOT NULL, record BLOB NOT NULL
) STRICT;
CREATE TABLE checkpoint (
    one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, frontier BLOB NOT NULL,
    clock INTEGER NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE roots (size INTEGER PRIMARY KEY, root BLOB NOT NULL) STRICT;
CREATE TABLE versions (
    txid BLOB PRIMARY KEY, entry INTEGER NOT NULL, first_pin BLOB, fee INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX versions_by_first_pin ON versions (first_pin, fee) WHERE first_pin IS NOT NULL;
CREATE TABLE payments (
    withdrawal BLOB NOT NULL, txid BLOB NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (withdrawal, txid)
) STRICT, WITHOUT ROWID;
CREATE TABLE withdrawals (
    withdrawal BLOB PRIMARY KEY, vault BLOB NOT NULL, amount INTEGER NOT NULL,
    script BLOB NOT NULL, state TEXT NOT NULL, pin BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX withdrawals_by_pin ON withdrawals (pin, withdrawal);
CREATE INDEX withdrawals_by_terms ON withdrawals (script, amount, vault, state, withdrawal);
CREATE TABLE coins (
    vault BLOB NOT NULL, coin BLOB NOT NULL, amount INTEGER NOT NULL, script BLOB NOT NULL,
    branch INTEGER NOT NULL, place INTEGER NOT NULL, height INTEGER NOT NULL,
    PRIMARY KEY (vault, coin)
) STRICT, WITHOUT ROWID;
CREATE TABLE spends (
    coin BLOB NOT NULL, txid BLOB NOT NULL, PRIMARY KEY (coin, txid)
) STRICT, WITHOUT ROWID;
CREATE TABLE charges (
    vault BLOB NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
    amount INTEGER NOT NULL, fresh INTEGER NOT NULL,
    total_amount INTEGER NOT NULL, total_fresh INTEGER NOT NULL,
    PRIMARY KEY (vault, moment, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE places (
    vault BLOB NOT NULL, branch INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (vault, branch)
) STRICT, WITHOUT ROWID;
CREATE TABLE batches (
    magic BLOB NOT NULL, batch BLOB NOT NULL, root BLOB NOT NULL, PRIMARY KEY (magic, batch)
) STRICT, WITHOUT ROWID;
CREATE TABLE nonces (nonce BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE repeats (
    caller TEXT NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
    received INTEGER NOT NULL, PRIMARY KEY (caller, moment, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    caller TEXT NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL,
    request BLOB NOT NULL, code TEXT NOT NULL, kept INTEGER NOT NULL,
    PRIMARY KEY (caller, moment, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_by_request ON refusals (caller, request, code, moment);
CREATE TABLE first_seen (
    withdrawal BLOB NOT NULL, vault BLOB NOT NULL, amount INTEGER NOT NULL, script BLOB NOT NULL,
    quorum BLOB NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL, unsigned INTEGER NOT NULL,
    PRIMARY KEY (withdrawal, vault, amount, script, quorum)
) STRICT, WITHOUT ROWID;
CREATE INDEX first_seen_unsigned ON first_seen (vault, withdrawal) WHERE unsigned = 1;
CREATE TABLE acts (
    officer BLOB NOT NULL, moment INTEGER NOT NULL, entry INTEGER NOT NULL, subject BLOB NOT NULL,
    PRIMARY KEY (officer, moment, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX acts_by_subject ON acts (subject, officer, entry);
CREATE TABLE approvals (
    subject BLOB NOT NULL, officer BLOB NOT NULL, expiry INTEGER NOT NULL,
    PRIMARY KEY (subject, officer)
) STRICT, WITHOUT ROWID;
CREATE TABLE rejections (
    subject BLOB NOT NULL, officer BLOB NOT NULL, PRIMARY KEY (subject, officer)
) STRICT, WITHOUT ROWID;
CREATE TABLE holds (
    kind TEXT NOT NULL, target BLOB NOT NULL, officer BLOB NOT NULL, until INTEGER NOT NULL,
    lifted INTEGER NOT NULL, PRIMARY KEY (kind, target, officer)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_by_officer ON holds (officer, lifted, until);
CREATE TABLE moves (
    vault BLOB NOT NULL, terms BLOB NOT NULL, officer BLOB NOT NULL, nonce BLOB NOT NULL,
    expiry INTEGER NOT NULL, PRIMARY KEY (vault, terms, officer)
) STRICT, WITHOUT ROWID;
CREATE INDEX moves_by_expiry ON moves (vault, expiry);
CREATE INDEX moves_by_officer ON moves (officer, expiry);
CREATE INDEX moves_by_nonce ON moves (nonce);
CREATE TABLE policies (
    policy BLOB NOT NULL, entry INTEGER NOT NULL, version INTEGER NOT NULL, base BLOB NOT NULL,
    verdict TEXT NOT NULL, moment INTEGER NOT NULL, caller TEXT NOT NULL,
    PRIMARY KEY (policy, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX policies_by_caller ON policies (caller, moment);
CREATE TABLE governance (
    one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL
) STRICT;
CREATE TABLE events (entry INTEGER PRIMARY KEY, governs INTEGER NOT NULL) STRICT;
CREATE INDEX events_about_policies ON events (entry) WHERE governs = 1;
CREATE TABLE counters (
    caller TEXT NOT NULL, code TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (caller, code)
) STRICT, WITHOUT ROWID;
"""

CLAIM_TABLES = (
    "versions", "payments", "withdrawals", "coins", "spends", "charges", "places", "batches",
    "nonces", "repeats", "refusals", "first_seen", "acts", "approvals", "rejections", "holds",
    "moves", "policies", "governance", "events",
)  # fmt: skip
"""The fold of the entries. Each is compared in the order of its primary key."""


def create_schema(connection: sqlite3.Connection) -> None:
    """All tables, empty."""
    connection.executescript(_MIGRATION_1)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def verify_schema(connection: sqlite3.Connection) -> None:
    """Raises Refusal `journal-foreign`, `journal-schema-unknown` or `journal-tampered`."""
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise Refusal(Objection("journal-foreign", "the file is not a Pegwarden journal"))
    version = _pragma(connection, "user_version")
    if version != VERSION:
        raise Refusal(
            Objection(
                "journal-schema-unknown",
                "the journal was written by another version of Pegwarden",
                f"schema {version}",
                f"schema {VERSION}",
            )
        )
    fresh = sqlite3.connect(":memory:")
    try:
        create_schema(fresh)
        if _schema(connection) != _schema(fresh):
            raise Refusal(Objection("journal-tampered", "the schema is not the one we created"))
    finally:
        fresh.close()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    query = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    return connection.execute(query).fetchall()
