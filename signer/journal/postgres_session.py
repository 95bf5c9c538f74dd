"""A connection to the journal's PostgreSQL database, and what must hold of the server.

1. Nothing comes from the environment: a variable of PostgreSQL's library that would fill in what the URL
   leaves out is refused by its name.
2. A server on which a commit may be lost, or a page be torn, is refused: `journal-not-durable`.
3. Integers are 64 bits, as in SQLite; a number that is larger is an OverflowError before anything is sent.
4. A query goes by an index where there is one, with a plan that is made once: no answer takes longer because
   the log is longer, whatever the server's statistics say.
"""

import os
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from psycopg.types.numeric import Int8BinaryDumper

from signer.core.errors import Objection, Refusal
from signer.journal.database import Row
from signer.journal.place import PostgresPlace

Connection = psycopg.Connection[Row]

SCHEMA = "pegwarden"
OLDEST = 150_000
MAX_PASSWORD = 1_024

_OURS = {"target_session_attrs": "read-write", "client_encoding": "UTF8"}
_DEFAULTS = {"connect_timeout": "5", "tcp_user_timeout": "10000", "application_name": "pegwarden"}
_DURABLE = {
    "synchronous_commit": ("on", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
}
_SETTINGS = {
    "search_path": f"{SCHEMA}, pg_temp",
    "lock_timeout": "5s",  # a writer that hangs: ours is refused, and can be sent again
    "idle_in_transaction_session_timeout": "60s",  # one that froze gives up its lock,
    "tcp_keepalives_idle": "10",  # and so does one whose machine is gone
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "statement_timeout": "0",
    "enable_seqscan": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}


def connect(place: PostgresPlace) -> Connection:
    """A connection that commits when it is told to.

    Raises Refusal `journal-not-durable` or `journal-unavailable`.
    """
    conninfo = make_conninfo(**_parameters(place))
    try:
        connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=2)
    except psycopg.Error as error:
        raise unavailable(place, error) from None
    try:
        _require_durable(connection, place)
        for name, value in _SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    except psycopg.Error as error:
        connection.close()
        raise unavailable(place, error) from None
    except Refusal:
        connection.close()
        raise
    for kind in (int, bool):
        connection.adapters.register_dumper(kind, Int8BinaryDumper)
    return connection


def unavailable(place: PostgresPlace, error: object) -> Refusal:
    """The server does not answer, or not as it should."""
    said = " ".join(str(error).split())
    return Refusal(Objection("journal-unavailable", f"{place} cannot be used: {said}"))


def _parameters(place: PostgresPlace) -> dict[str, str]:
    given = {key: str(value) for key, value in conninfo_to_dict(place.url).items()} | _OURS
    if place.password is not None:
        given["password"] = read_password(place.password) if place.known is None else place.known
    filled = {**_DEFAULTS, **given}
    for option in Conninfo.get_defaults():
        name = (option.envvar or b"").decode()
        if name in os.environ and option.keyword.decode() not in filled:
            raise unavailable(place, f"the environment must not set {name}; name it in the URL")
    return filled


def read_password(path: Path) -> str:
    """Its first line. Raises Refusal `journal-unavailable`."""
    try:
        with path.open(encoding="utf-8") as stream:
            return stream.readline(MAX_PASSWORD).rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise Refusal(
            Objection("journal-unavailable", f"the password file cannot be read: {error}")
        ) from None


def _require_durable(connection: Connection, place: PostgresPlace) -> None:
    if connection.info.server_version < OLDEST:
        raise unavailable(place, "the server is older than PostgreSQL 15")
    for name, wanted in _DURABLE.items():
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        found = "" if row is None else str(row[0])
        if found not in wanted:
            raise Refusal(
                Objection(
                    "journal-not-durable",
                    f"with {name} = {found} the server may lose or damage what it said it had stored",
                    f"{name} = {found}",
                    f"{name} = {wanted[0]}",
                )
            )
