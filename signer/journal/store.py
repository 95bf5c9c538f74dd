"""Which journals are created and opened, in whatever store, and what must be true before one is used.

Rule 1: a journal is created with its genesis entry.
Rule 2: a journal that begins with another entry, or whose head is not its log key's, is not opened.
"""

from contextlib import suppress
from pathlib import Path

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.database import Store, Tables
from signer.journal.entry import GenesisEntry
from signer.journal.log import LogEnd, append, read_checkpoint, signed_note, write_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import LogSigner, origin_of, verify_head
from signer.journal.place import Place
from signer.journal.schema import foreign
from signer.journal.sqlite_store import SqliteStore


def store_at(place: Place) -> Store:
    """The store of that journal; nothing is opened yet. Raises Refusal `journal-unavailable`."""
    if isinstance(place, Path):
        return SqliteStore(place)
    try:
        from signer.journal.postgres_store import PostgresStore  # noqa: PLC0415 (an extra)
    except ImportError as error:
        detail = f"PostgreSQL's driver is missing; install pegwarden[postgres]: {error}"
        raise Refusal(Objection("journal-unavailable", detail)) from None
    return PostgresStore(place)


def create_journal(place: Place, genesis: GenesisEntry, signer: LogSigner) -> bytes:
    """Create the journal with its first entry, complete or not at all; the entry's leaf hash.

    Raises Refusal `journal-exists` or `journal-unavailable`.
    """

    def fill(tables: Tables) -> None:
        frontier, _ = append(tables, Frontier(), genesis)
        note = signed_note(frontier, genesis.genesis_hash, signer)
        write_checkpoint(tables, LogEnd(frontier, genesis.clock, note))

    store_at(place).create(fill)
    return leaf_hash(encode_entry(genesis))


def verify_beginning(tables: Tables, expected_first_leaf: bytes, log_key: bytes) -> GenesisEntry:
    """The genesis entry, if it is the expected one and the head is its log key's.

    Raises Refusal `journal-foreign` or `journal-tampered`.
    """
    genesis = read_genesis(tables)
    leaf = leaf_hash(encode_entry(genesis))
    if leaf != expected_first_leaf or genesis.log_key != log_key:
        raise Refusal(
            Objection(
                "journal-foreign",
                "the journal begins with another entry than the one our key is bound to",
                leaf.hex(),
                expected_first_leaf.hex(),
            )
        )
    verify_checkpoint(tables, read_checkpoint(tables), genesis)
    return genesis


def read_genesis(tables: Tables) -> GenesisEntry:
    """The first entry, its leaf hash verified. Raises `journal-foreign`, `journal-tampered`."""
    row = tables.execute("SELECT leaf, record FROM entries WHERE number = 0").fetchone()
    if row is None:
        raise foreign("the journal is empty")
    leaf, record = row
    with suppress(Malformed):
        genesis = decode_entry(record)
        if isinstance(genesis, GenesisEntry) and leaf_hash(record) == leaf:
            return genesis
    raise Refusal(
        Objection("journal-tampered", "entry 0 is not a genesis entry with its leaf hash")
    )


def verify_checkpoint(tables: Tables, checkpoint: LogEnd, genesis: GenesisEntry) -> None:
    """The head is the log key's and says what the checkpoint says. Raises `journal-tampered`."""
    last = tables.execute("SELECT number FROM entries ORDER BY number DESC LIMIT 1").fetchone()
    entries = 0 if last is None else last[0] + 1
    try:
        head = verify_head(checkpoint.note, genesis.log_key)
    except Malformed as error:
        raise Refusal(Objection("journal-tampered", f"head: {error.detail}")) from None
    frontier = checkpoint.frontier
    ours = (origin_of(genesis.genesis_hash, genesis.log_key), frontier.size, frontier.root())
    if (head.origin, head.size, head.root) != ours or entries != head.size:
        raise Refusal(
            Objection(
                "journal-tampered",
                "the signed head does not fit the entries",
                f"{entries} entries",
                f"{head.size} entries",
            )
        )
