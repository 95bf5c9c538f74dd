"""What imported members stand behind of a log that is forked here, or in doubt (design J6).

1. A member's own log says what it took of another's and did not release. It is asked only where that other's
   log is forked here, or another history of it was shown (`signer.importing`, 2), and only for what is not in
   the history that we keep. Nobody is asked what it took of its own log, or of ours.
2. Its word is no claim yet: the entry must be brought, out of a history that its origin signed, stand there
   under the number that was told, be named by the leaf hash, say what the member said, and be vouched for
   like any other. So nobody binds us by telling what it took to more than by an entry of its own.
3. A member is imported when all that it stands behind so was brought, and is settled. Who tells of what
   nobody can bring is as if it were silent.
4. Its log is searched once; what it says is kept in tables, since the origin decides how much the honest
   take. What was brought of it goes on record in portions, before the start is complete.
5. Such claims get numbers that no log reaches, by their leaf hashes, or the next free ones: neither history
   lets them go. Who tells of a claim under such a number does not say where it stood: it may be anywhere.
6. What officers gave up (`signer.journal.reopening`) is asked of nobody: no copy has it any more.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from signer.bitcoin.hashes import sha256
from signer.core.agreement.claim import Claim
from signer.core.agreement.claim_codec import claim_bytes, read_claim
from signer.core.agreement.notices import HeardNotice
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.entry import Entry, SignedEntry
from signer.journal.fold_agreement import name_of
from signer.journal.followed import MAX_EARLIER, FollowedEntry, followed_entry, keep_version
from signer.journal.members import MAX_NUMBER, Piece, followed_record
from signer.journal.merkle import leaf_hash

FIRST_NUMBER = 1 << 63
LAST_NUMBER = (1 << 64) - 1
MAX_TERMS = 1 << 16
"""Claims, with the coins, payments, pins and bonds in them: with the one that goes beyond a portion ends."""

Part = tuple[bytes, int, int]
"""Of that member's log, from one number to before another."""
Word = tuple[bytes, Claim | None]
"""The name of an entry, and the claim where it is taken; None where it is released."""


class Asked(NamedTuple):
    """What a member stands behind."""

    name: bytes
    """By which it does."""
    claim: Claim
    place: int | None
    """Where it stands in what was brought; None where we know the entry by now."""


def second_hand_names(tables: Tables, claims: Iterable[Claim]) -> list[Claim]:
    """Those of one origin, under the numbers by which we hold them (5), ascending."""
    found = dict[int, Claim]()
    for claim in sorted(claims, key=lambda each: each.leaf):
        number = first_number(claim.leaf)
        while _leaf_at(tables, claim.origin, number, found) not in (b"", claim.leaf):
            number = FIRST_NUMBER | (number + 1) % FIRST_NUMBER
        found[number] = claim._replace(number=number)
    return [found[number] for number in sorted(found)]


def first_number(leaf: bytes) -> int:
    """From where a free number is looked for: who writes entries can make two of them meet there."""
    return FIRST_NUMBER | int.from_bytes(leaf[:8], "big") >> 1


def _leaf_at(tables: Tables, origin: bytes, number: int, found: Mapping[int, Claim]) -> bytes:
    """Of the entry that is held under that number, or found to be; empty for none."""
    if number in found:
        return found[number].leaf
    query = "SELECT claim FROM holdings WHERE name = ?"
    row = tables.execute(query, (name_of(origin, number),)).fetchone()
    return b"" if row is None else read_claim(row[0]).leaf


def pool_of(origin: bytes) -> bytes:
    """What the tables call the entries of that log's other histories."""
    return sha256(b"other histories of " + origin)


def forget_pool(tables: Tables, origin: bytes) -> None:
    """What was brought of these is to be brought anew, or is not needed any more."""
    for table in ("member_entries", "member_versions", "member_pending"):
        tables.execute(f"DELETE FROM {table} WHERE member = ?", (pool_of(origin),))  # noqa: S608
    tables.execute("DELETE FROM brought WHERE origin = ?", (origin,))
    tables.execute("UPDATE asked_paid SET kept = 0 WHERE origin = ?", (origin,))


def forget_asked(tables: Tables) -> None:
    """Nothing is asked of anybody any more."""
    for table in ("asked", "asked_paid"):
        tables.execute(f"DELETE FROM {table}")  # noqa: S608


def forget_said(session: Session, member: bytes, origin: bytes) -> None:
    """That member is to be heard about that origin from the beginning of its log."""
    query = "DELETE FROM asked WHERE member = ? AND name >= ? AND name <= ?"
    session.tables.execute(query, (member, *_names(origin)))


def words_of(tables: Tables, part: Part, origin: bytes) -> tuple[list[Word], int]:
    """What a member took of that origin that we do not have, and what it released, in that part of its log,
    and where this ends: behind the entry that makes it more than MAX_TERMS."""
    words, terms, end = list[Word](), 0, part[2]
    query = (
        "SELECT number, record FROM member_entries WHERE member = ? AND number >= ? AND number < ? "
        "ORDER BY number"
    )
    for number, record in tables.scan(query, part):
        entry = decode_entry(record) if origin in record else None
        if isinstance(entry, HeardNotice):
            released = (each.number for each in entry.released if each.origin == origin)
            words += [(name_of(origin, each), None) for each in released]
            taken = [each.claim for each in entry.taken if _is_asked(each.claim, origin)]
            words += [(name_of(*each.name), each) for each in taken if not _is_known(tables, each)]
            terms += len(entry.released) + sum(map(_terms, taken))
            if terms > MAX_TERMS:
                return words, number + 1
    return words, end


def keep_words(session: Session, member: bytes, origin: bytes, words: Iterable[Word]) -> None:
    """What that member so says, in this order (4)."""
    tables = session.tables
    for name, claim in words:
        tables.execute("DELETE FROM asked WHERE member = ? AND name = ?", (member, name))
        if claim is not None:
            row = (member, name, claim.leaf, claim_bytes(claim))
            tables.execute("INSERT INTO asked VALUES (?,?,?,?)", row)
            tables.executemany(
                "INSERT INTO asked_paid VALUES (?,?,0) ON CONFLICT (origin, withdrawal) DO NOTHING",
                [(origin, each) for each in sorted(claim.paid)],
            )


def is_asked(tables: Tables, member: bytes, origin: bytes) -> bool:
    """Whether something that this member stands behind is not settled (3)."""
    query = "SELECT 1 FROM asked WHERE member = ? AND name >= ? AND name <= ? LIMIT 1"
    return tables.execute(query, (member, *_names(origin))).fetchone() is not None


def keep_brought(session: Session, piece: Piece, entries: Iterable[Entry]) -> None:
    """Of another history: what is asked for, and what pays the same, for what was said about it."""
    pairs = zip(piece.records, entries, strict=True)
    for number, (record, entry) in enumerate(pairs, piece.start):
        if isinstance(entry, SignedEntry) and entry.quorum:
            _keep(session.tables, (piece.member, number), record, entry)


def _keep(tables: Tables, name: tuple[bytes, int], record: bytes, entry: SignedEntry) -> None:
    origin, number = name
    leaf, pool = leaf_hash(record), pool_of(origin)
    if _place_of(tables, origin, leaf, (number, number)) is not None:
        return
    claim = claim_of(pool, _next_place(tables, pool), leaf, entry)
    if _is_wanted(tables, origin, number, leaf) or _is_word(tables, origin, claim):
        tables.execute("INSERT INTO brought VALUES (?,?,?,?)", (origin, leaf, number, claim.number))
        row = (pool, claim.number, record)
        tables.execute("INSERT INTO member_entries VALUES (?,?,?)", row)
        keep_version(tables, claim)
        update = "UPDATE asked_paid SET kept = kept + 1 WHERE origin = ? AND withdrawal = ?"
        tables.executemany(update, [(origin, each) for each in sorted(claim.paid)])


def portion_of(tables: Tables, member: bytes, origin: bytes) -> list[Asked]:
    """What that member stands behind and that is known by now or was brought, up to what was not brought
    (4)."""
    portion, terms = list[Asked](), 0
    query = (
        "SELECT name, claim FROM asked WHERE member = ? AND name >= ? AND name <= ? ORDER BY name"
    )
    for name, record in tables.scan(query, (member, *_names(origin))):
        claim, place = read_claim(record), None
        if not _is_known(tables, claim):
            anywhere = claim.number >= FIRST_NUMBER
            numbers = (0, MAX_NUMBER) if anywhere else (claim.number, claim.number)
            place = _place_of(tables, origin, claim.leaf, numbers)
            if place is None:
                break
        portion.append(Asked(name, claim, place))
        terms += _terms(claim)
        if terms > MAX_TERMS:
            break
    return portion


def found(tables: Tables, portion: Iterable[Asked]) -> Iterator[tuple[Claim, FollowedEntry]]:
    """What was brought of it and says what it was said to say (2), with where it stands."""
    for _, claim, place in portion:
        if place is not None:
            entry = followed_entry(tables, pool_of(claim.origin), place)
            if entry and _same(claim, entry):
                yield claim, entry


def settle(session: Session, member: bytes, portion: Iterable[Asked]) -> None:
    """What was brought of it is on record, or is not true: that member is not asked for it again."""
    query = "DELETE FROM asked WHERE member = ? AND name = ?"
    session.tables.executemany(query, [(member, each.name) for each in portion])


def _names(origin: bytes) -> tuple[bytes, bytes]:
    """The first and the last name of that log's entries."""
    return name_of(origin, 0), name_of(origin, LAST_NUMBER)


def _next_place(tables: Tables, pool: bytes) -> int:
    query = "SELECT number FROM member_entries WHERE member = ? ORDER BY number DESC LIMIT 1"
    row = tables.execute(query, (pool,)).fetchone()
    return 0 if row is None else int(row[0]) + 1


def _place_of(tables: Tables, origin: bytes, leaf: bytes, numbers: tuple[int, int]) -> int | None:
    """Where the pool has that entry, brought under one of these numbers."""
    query = (
        "SELECT place FROM brought WHERE origin = ? AND leaf = ? AND number >= ? AND number <= ? "
        "ORDER BY number LIMIT 1"
    )
    row = tables.execute(query, (origin, leaf, *numbers)).fetchone()
    return None if row is None else int(row[0])


def _is_wanted(tables: Tables, origin: bytes, number: int, leaf: bytes) -> bool:
    """Whether anybody stands behind that entry, under its number or under one that says no place (5)."""
    query = "SELECT 1 FROM asked WHERE leaf = ? AND name >= ? AND name <= ? LIMIT 1"
    ends = ((number, number), (FIRST_NUMBER, LAST_NUMBER))
    names = ((name_of(origin, first), name_of(origin, last)) for first, last in ends)
    return any(tables.execute(query, (leaf, *each)).fetchone() is not None for each in names)


def _is_word(tables: Tables, origin: bytes, claim: Claim) -> bool:
    """Whether an entry that pays these may hold words that count for a wanted one."""
    query = "SELECT 1 FROM asked_paid WHERE origin = ? AND withdrawal = ? AND kept < ?"
    rows = ((origin, each, MAX_EARLIER) for each in sorted(claim.paid))
    return any(tables.execute(query, row).fetchone() is not None for row in rows)


def _is_asked(claim: Claim, origin: bytes) -> bool:
    """Whether it is of that origin, and not of a part given up (6)."""
    return claim.origin == origin and not MAX_NUMBER <= claim.number < FIRST_NUMBER


def _is_known(tables: Tables, claim: Claim) -> bool:
    """Whether our copy has that very entry, or we hold it second hand already."""
    record = followed_record(tables, claim.origin, claim.number)
    if record is not None and leaf_hash(record) == claim.leaf:
        return True
    (named,) = second_hand_names(tables, (claim,))
    return bool(_leaf_at(tables, claim.origin, named.number, {}))


def _terms(claim: Claim) -> int:
    return 1 + sum(map(len, (claim.spends, claim.pays, claim.pins, claim.bonds)))


def _same(claim: Claim, found: FollowedEntry) -> bool:
    return claim_of(claim.origin, claim.number, claim.leaf, found.entry) == claim
