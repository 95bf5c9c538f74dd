"""The schema `pegwarden` of a PostgreSQL database: made, and compared to the letter.

1. The neutral statements of `signer.journal.schema`, in PostgreSQL's types; text is sorted by its bytes.
2. `made` says what the schema is, as `application_id` and `user_version` do in a SQLite file.
3. It is compared with one made afresh as temporary tables, in a transaction that is undone.
"""

import re

from psycopg import sql

from signer.core.errors import Objection, Refusal
from signer.journal.database import Row
from signer.journal.postgres_session import SCHEMA, Connection
from signer.journal.schema import TABLES, VERSION, foreign, verify_version

_TYPES = {"BLOB": "BYTEA", "INTEGER": "BIGINT", "TEXT": 'TEXT COLLATE "C"'}
_MADE = "CREATE TABLE made (one INTEGER PRIMARY KEY CHECK (one = 1), schema INTEGER NOT NULL)"
_OURS = re.compile(rf"\b({SCHEMA}|pg_temp(_\d+)?)\.")

_LISTING = """
SELECT 'relation', c.relname, c.relkind::text, coalesce(pg_get_indexdef(i.indexrelid), ''),
    c.relrowsecurity::text
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relnamespace = @
UNION ALL
SELECT 'column', c.relname, a.attname,
    a.attnum || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull,
    coalesce(l.collname, '') || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relkind = 'r' AND c.relnamespace = @
UNION ALL
SELECT 'constraint', c.relname, r.conname, pg_get_constraintdef(r.oid), r.convalidated::text
FROM pg_constraint r JOIN pg_class c ON c.oid = r.conrelid WHERE c.relnamespace = @
UNION ALL
SELECT 'trigger', c.relname, t.tgname, '', '' FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = @
UNION ALL
SELECT 'rule', c.relname, r.rulename, '', '' FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = @
UNION ALL
SELECT 'function', p.proname, '', '', '' FROM pg_proc p WHERE p.pronamespace = @
""".replace("@", "%(space)s::regnamespace")


def rendered(statement: str) -> str:
    """The neutral statement as PostgreSQL's."""
    return re.sub("|".join(_TYPES), lambda match: _TYPES[match[0]], statement)


def create_schema(connection: Connection) -> None:
    """All tables, empty, in the first schema of the search path; within a transaction."""
    for statement in (_MADE, *TABLES):
        connection.execute(sql.SQL(rendered(statement)))
    connection.execute("INSERT INTO made VALUES (1, %s)", (VERSION,))


def change_schema(connection: Connection, statements: tuple[str, ...]) -> None:
    """To our schema, within a transaction. Raises Refusal `journal-tampered` if they do not lead there."""
    for statement in statements:
        connection.execute(sql.SQL(rendered(statement)))
    connection.execute("UPDATE made SET schema = %s", (VERSION,))
    verify_schema(connection)


def verify_schema(connection: Connection) -> None:
    """Raises Refusal `journal-missing`, `journal-foreign`, `journal-schema-unknown`, `journal-tampered`."""
    verify_version(read_version(connection))
    found = _listed(connection, SCHEMA)
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = pg_temp")
        create_schema(connection)
        space = connection.execute("SELECT pg_my_temp_schema()::regnamespace::text").fetchone()
        expected = _listed(connection, str(space and space[0]))
    if found != expected:
        raise Refusal(Objection("journal-tampered", "the schema is not the one we created"))


def read_version(connection: Connection) -> int:
    """The number of the last migration. Raises Refusal `journal-missing`, `journal-foreign`."""
    if not schema_exists(connection):
        raise Refusal(Objection("journal-missing", f"the database has no schema {SCHEMA}"))
    made = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.made",)).fetchone()
    row = made and made[0] and connection.execute("SELECT schema FROM made").fetchone()
    if not row:
        raise foreign(f"the schema {SCHEMA} is not a Pegwarden journal")
    return int(row[0])


def schema_exists(connection: Connection) -> bool:
    """Whether there is something that may be a journal."""
    row = connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone()
    return row is not None and row[0] is not None


def _listed(connection: Connection, space: str) -> list[Row]:
    rows = connection.execute(_LISTING, {"space": space}).fetchall()
    return sorted(tuple(_OURS.sub("", cell) for cell in row) for row in rows)
