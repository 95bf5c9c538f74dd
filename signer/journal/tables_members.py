"""Tables of the other members' logs as this kernel has read them (`signer.journal.members`).

The statements are neutral, as `signer.journal.tables_record` says.
"""

KEPT: tuple[str, ...] = (
    "CREATE TABLE member_logs (member BLOB PRIMARY KEY, size INTEGER NOT NULL, "
    "frontier BLOB NOT NULL, moment INTEGER NOT NULL, owed INTEGER NOT NULL)",
    "CREATE TABLE member_entries (member BLOB NOT NULL, number INTEGER NOT NULL, "
    "record BLOB NOT NULL, PRIMARY KEY (member, number))",
    "CREATE TABLE member_heads (member BLOB NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, "
    "PRIMARY KEY (member, size))",
    "CREATE TABLE member_pending (member BLOB NOT NULL, number INTEGER NOT NULL, "
    "PRIMARY KEY (member, number))",
    "CREATE TABLE member_versions (member BLOB NOT NULL, withdrawal BLOB NOT NULL, "
    "number INTEGER NOT NULL, PRIMARY KEY (member, withdrawal, number))",
    "CREATE TABLE member_epochs (member BLOB PRIMARY KEY, epoch INTEGER NOT NULL, "
    "abandoned INTEGER NOT NULL, heard INTEGER NOT NULL)",
    "CREATE TABLE member_heard (member BLOB NOT NULL, other BLOB NOT NULL, size INTEGER NOT NULL, "
    "number INTEGER NOT NULL, leaf BLOB NOT NULL, PRIMARY KEY (member, other))",
    "CREATE TABLE member_holds (member BLOB NOT NULL, number INTEGER NOT NULL, leaf BLOB NOT NULL, "
    "PRIMARY KEY (member, number))",
    "CREATE TABLE cosignatures (witness BLOB PRIMARY KEY, size INTEGER NOT NULL, line TEXT NOT NULL)",
)
"""Other members' words, signed by them: copies that can be fetched again. `member_logs` says how far each was
read and at what pace (`signer.journal.pace`), `member_heads` its heads at the ends of the pieces,
`member_pending` which of its entries wait for grants, `member_versions` which pay a withdrawal,
`member_epochs` the number of its newest epoch, how much was given up, and how long our log was when we read
of it, `member_heard` how far it had read another's log when it took something, and the newest entry of it
that it took, `member_holds` which entries of ours it holds; `cosignatures` are the newest of each witness on
ours."""
