"""The tables of a journal as somebody reaches them who may write to its store."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from signer.journal.database import Tables
from signer.journal.place import Place
from signer.journal.sqlite_tables import SqliteTables


@contextmanager
def tables_of(place: Place) -> Iterator[Tables]:
    """Every statement counts at once."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            yield SqliteTables(connection)
        return
    from signer.journal.postgres_session import connect
    from signer.journal.postgres_store import PostgresTables

    with closing(connect(place)) as server:
        yield PostgresTables(server)


def tamper(place: Place, *statements: str) -> None:
    with tables_of(place) as tables:
        for statement in statements:
            tables.execute(statement)


def place_named(text: str) -> Place:
    """The place that was printed so."""
    if "://" not in text:
        return Path(text)
    from signer.journal.place import PostgresPlace

    return PostgresPlace(text)
