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
    "said INTEGER NOT NULL, PRIMARY KEY (member, number))",
    "CREATE INDEX member_pending_by_said ON member_pending (member, said, number)",
    "CREATE TABLE member_versions (member BLOB NOT NULL, withdrawal BLOB NOT NULL, "
    "number INTEGER NOT NULL, PRIMARY KEY (member, withdrawal, number))",
    "CREATE TABLE member_epochs (member BLOB PRIMARY KEY, epoch INTEGER NOT NULL, "
    "abandoned INTEGER NOT NULL, heard INTEGER NOT NULL)",
    "CREATE TABLE member_heard (member BLOB NOT NULL, other BLOB NOT NULL, size INTEGER NOT NULL, "
    "number INTEGER NOT NULL, leaf BLOB NOT NULL, PRIMARY KEY (member, other))",
    "CREATE TABLE member_holds (member BLOB NOT NULL, number INTEGER NOT NULL, leaf BLOB NOT NULL, "
    "PRIMARY KEY (member, number))",
    "CREATE TABLE asked (member BLOB NOT NULL, name BLOB NOT NULL, leaf BLOB NOT NULL, "
    "claim BLOB NOT NULL, PRIMARY KEY (member, name))",
    "CREATE INDEX asked_by_leaf ON asked (leaf, name)",
    "CREATE TABLE asked_paid (origin BLOB NOT NULL, withdrawal BLOB NOT NULL, "
    "kept INTEGER NOT NULL, PRIMARY KEY (origin, withdrawal))",
    "CREATE TABLE brought (origin BLOB NOT NULL, leaf BLOB NOT NULL, number INTEGER NOT NULL, "
    "place INTEGER NOT NULL, PRIMARY KEY (origin, leaf, number))",
    "CREATE TABLE cosignatures (witness BLOB PRIMARY KEY, size INTEGER NOT NULL, line TEXT NOT NULL)",
)
"""Other members' words, signed by them: copies, which backups hold. `member_logs` says how far each was
read and at what pace (`signer.journal.pace`), `member_heads` its heads at the ends of the pieces,
`member_pending` which of its entries wait for grants, as far as we can see, and whether it says that they are
agreed (`signer.journal.followed`), `member_versions` which pay a withdrawal,
`member_epochs` the number of its newest epoch, how much was given up, and how long our log was when we read
of it, `member_heard` how far it had read another's log when it took something, and the newest entry of it
that it took, `member_holds` which entries of ours it holds. During a start (`signer.journal.second_hand`)
`asked` are the claims of a forked log that a member stands behind and that are not settled, `asked_paid` how
many versions of what these pay were brought and kept, `brought` where these entries stand in their history,
and where they are kept. `cosignatures` are the newest of each witness on ours."""
