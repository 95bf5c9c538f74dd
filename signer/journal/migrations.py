"""From the schema of an earlier version to ours: numbered steps, taken only when they are asked for.

1. Opening a journal of another schema is refused (`journal-schema-unknown`), and it is left as found.
2. `migrate_journal` takes all steps in one transaction, with nobody else writing: the tables change, and the
   claim tables are folded anew from the entries. Then the schema must be ours to the letter and the whole
   journal must verify, or nothing has happened.
3. Entries are never changed: what an entry says is for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from signer.core.errors import Objection, Refusal
from signer.journal import tables_deposits, tables_headers
from signer.journal.audit import refold, verify_tables
from signer.journal.database import StoreError, Tables
from signer.journal.place import Place
from signer.journal.schema import VERSION, verify_version
from signer.journal.store import store_at


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from the schema with the number before."""

    number: int
    """Of the schema that it leads to."""
    statements: tuple[str, ...]
    """Neutral ones (`signer.journal.tables_record`): tables made and dropped."""


MIGRATIONS: tuple[Migration, ...] = (Migration(2, tables_headers.KEPT + tables_deposits.CLAIMS),)
"""Schema 1 is the first; 2 has Bitcoin's headers."""


def migrate_journal(place: Place, migrations: Sequence[Migration] = MIGRATIONS) -> tuple[int, ...]:
    """The numbers of the steps that were taken.

    Raises Refusal `journal-missing`, `journal-foreign`, `journal-schema-unknown`, `journal-tampered`,
    `journal-locked` or `journal-unavailable`.
    """
    done: list[int] = []

    def statements(version: int) -> tuple[str, ...]:
        steps = tuple(step for step in migrations if version < step.number <= VERSION)
        if version + len(steps) != VERSION:
            verify_version(version)
        done.extend(step.number for step in steps)
        return tuple(each for step in steps for each in step.statements)

    def finish(tables: Tables) -> None:
        refold(tables)
        verify_tables(tables)

    try:
        store_at(place).migrate(statements, finish)
    except StoreError as error:
        raise Refusal(Objection("journal-unavailable", f"{place}: {error}")) from None
    return tuple(done)
