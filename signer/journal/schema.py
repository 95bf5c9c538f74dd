"""The tables of a journal, schema 2, for every store.

Rule 1: `entries` is the record. The claim tables are its fold: a cache, rebuilt and compared row by row
        by `journal verify`. `checkpoint` is the head and what appending needs.
Rule 2: what is not derived from entries stands in KEPT, each with its reason.
Rule 3: a journal's schema is ours to the letter or it is refused: no table, index or trigger more.
"""

import re

from signer.core.errors import Objection, Refusal
from signer.journal import (
    tables_agreement,
    tables_control,
    tables_deposits,
    tables_headers,
    tables_members,
    tables_notices,
    tables_record,
    tables_release,
)
from signer.journal.tiles import TILES

VERSION = 2
"""The number of the last migration."""

CLAIMS = (
    TILES
    + tables_record.CLAIMS
    + tables_notices.CLAIMS
    + tables_agreement.CLAIMS
    + tables_release.CLAIMS
    + tables_control.CLAIMS
    + tables_deposits.CLAIMS
)
KEPT = (
    tables_record.KEPT
    + tables_members.KEPT
    + tables_agreement.KEPT
    + tables_release.KEPT
    + tables_control.KEPT
    + tables_headers.KEPT
)
TABLES = KEPT + CLAIMS
"""Neutral statements, in an order in which they can run."""

_TABLE = re.compile(r"CREATE TABLE (\w+) ")
_KEY = re.compile(r"\(\s*(\w+) \w+ PRIMARY KEY|PRIMARY KEY \(([\w, ]+)\)")


def tables_of(statements: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the tables that these create."""
    return tuple(match[1] for each in statements if (match := _TABLE.match(each)))


def key_of(table: str) -> str:
    """The columns of that table's primary key, for ORDER BY."""
    (created,) = (each for each in TABLES if each.startswith(f"CREATE TABLE {table} "))
    (key,) = _KEY.findall(created)
    return "".join(key)


CLAIM_TABLES = tables_of(CLAIMS)
"""The fold of the entries."""
KEPT_TABLES = tables_of(KEPT)
"""The record, and what only this journal knows."""


def foreign(detail: str) -> Refusal:
    """Not a journal of ours."""
    return Refusal(Objection("journal-foreign", detail))


def verify_version(version: int) -> None:
    """Raises Refusal `journal-schema-unknown`."""
    if version != VERSION:
        raise Refusal(
            Objection(
                "journal-schema-unknown",
                "the journal was written by another version of Pegwarden",
                f"schema {version}",
                f"schema {VERSION}",
            )
        )
