"""Tables of Bitcoin's headers (`signer.journal.header_record`).

The statements are neutral, as `signer.journal.tables_record` says.
"""

KEPT: tuple[str, ...] = (
    "CREATE TABLE headers (height INTEGER PRIMARY KEY, short INTEGER NOT NULL, "
    "moment INTEGER NOT NULL, work BLOB NOT NULL, raw BLOB NOT NULL)",
    "CREATE INDEX headers_by_short ON headers (short)",
    "CREATE TABLE headers_aside (raw BLOB PRIMARY KEY, height INTEGER NOT NULL, "
    "short INTEGER NOT NULL, moment INTEGER NOT NULL, work BLOB NOT NULL)",
    "CREATE INDEX headers_aside_by_short ON headers_aside (short)",
    "CREATE TABLE header_sources (source TEXT PRIMARY KEY, hash BLOB NOT NULL, "
    "moment INTEGER NOT NULL, equivocations INTEGER NOT NULL, aside INTEGER NOT NULL, "
    "aside_since INTEGER NOT NULL)",
    "CREATE TABLE header_dispute (one INTEGER PRIMARY KEY CHECK (one = 1), source TEXT NOT NULL, "
    "fork INTEGER NOT NULL, height INTEGER NOT NULL, moment INTEGER NOT NULL, work BLOB NOT NULL, "
    "raw BLOB NOT NULL)",
)
"""What sources brought, and no fold of entries: there are a million headers, everybody can bring them again,
and they prove themselves by their work (`signer.journal.header_audit`). `headers` is the best chain,
`headers_aside` what is beside it; `header_sources` what each source vouches for, and how many headers it
brought of late that are beside the best chain; `header_dispute` a better chain that leaves ours too deep,
until people decide."""
