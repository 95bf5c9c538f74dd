"""The fold of attested deposits and of reorganisations (rules of `signer.journal.fold`).

1. An output is attested once for each block and key (primary key): of one chain's blocks only one has it.
2. Whoever relies on a block for ever says so here (`rely`). What a reorganisation undoes stays, with the last
   entry that says so: if the block comes back and leaves again, that is one more reorganisation.
"""

from signer.core.deposits import DepositNotice, ReorganisedNotice
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.database import Tables
from signer.journal.fold_control import apply_reorganisation


def apply_deposit(number: int, notice: DepositNotice, tables: Tables) -> None:
    """Bring the tables from before that notice to after it."""
    facts = notice.facts
    row = (outpoint_bytes(facts.outpoint), facts.block_hash, notice.key, number)
    tables.execute("INSERT INTO deposits VALUES (?,?,?,?)", row)
    rely(tables, facts.block_hash, facts.height, number)


def apply_undone(number: int, notice: ReorganisedNotice, tables: Tables) -> None:
    """The kernel is locked from then on."""
    tables.executemany(
        "UPDATE relied_blocks SET said = ? WHERE block = ? AND entry = ?",
        [(number, each.block_hash, each.entry) for each in notice.undone],
    )
    apply_reorganisation(number, tables)


def rely(tables: Tables, block_hash: bytes, height: int, number: int) -> None:
    """That entry is wrong if that block leaves the best chain."""
    tables.execute("INSERT INTO relied_blocks VALUES (?,?,?,0)", (block_hash, number, height))
