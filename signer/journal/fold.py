"""The claim tables as the fold of the entries (design section 2): used live and by `journal verify`.

Rule 1: what goes into a claim table depends on the entry, its number and the tables, and nothing else.
Rule 2: what must not be, such as a withdrawal that is pinned twice, a batch with two roots or an entry that
        is both agreed and void, raises (Contradiction) in the transaction that records, should a decision
        ever be wrong.
Rule 3: no entry takes longer to fold because the log is longer.
"""

from signer.core.agreement.notices import AgreementNotice
from signer.journal.database import Tables
from signer.journal.entry import Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.journal.fold_agreement import apply_agreement
from signer.journal.fold_notices import apply_notice
from signer.journal.fold_versions import apply_signed


def apply(number: int, entry: Entry, tables: Tables) -> None:
    """Bring the claim tables from before that entry to after it."""
    if isinstance(entry, SignedEntry):
        apply_signed(number, entry, tables)
    elif isinstance(entry, RefusedEntry):
        row = (entry.caller, entry.clock, number, entry.request_digest, entry.code)
        tables.execute("INSERT INTO refusals VALUES (?,?,?,?,?,?)", (*row, len(entry.request)))
    elif isinstance(entry, AgreementNotice):
        apply_agreement(number, entry, tables)
    elif not isinstance(entry, GenesisEntry):
        tables.execute("INSERT INTO events VALUES (?)", (number,))
        apply_notice(number, entry, tables)
