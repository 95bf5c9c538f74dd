"""What imported members stand behind of a log that is forked here (design J6).

1. A member's own log says what it took of another's and did not release. It is asked only where that other's
   log is forked here, and only for what is not in the history that we keep.
2. Its word is no claim yet: the entry must be brought, out of a history that its origin signed, be named by
   the leaf hash, say what the member said, and be vouched for like any other. So nobody binds us by telling
   what it took to more than by an entry of its own.
3. A member is imported when all that it stands behind so was brought. Who tells of what nobody can bring is
   as if it were silent, as who tells of more than MAX_TERMS.
4. Such claims get numbers that no log reaches, by their leaf hashes, or the next free ones: neither history
   lets them go.
5. What officers gave up (`signer.journal.reopening`) is asked of nobody: no copy has it any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from signer.bitcoin.hashes import sha256
from signer.core.agreement.claim import Claim
from signer.core.agreement.claim_codec import read_claim
from signer.core.agreement.notices import HeardNotice
from signer.journal.claims import claim_of
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.entry import Entry, SignedEntry
from signer.journal.fold_agreement import name_of
from signer.journal.followed import (
    MAX_EARLIER,
    FollowedEntry,
    followed_entry,
    keep_version,
)
from signer.journal.members import MAX_NUMBER, Piece, followed_record
from signer.journal.merkle import leaf_hash
from signer.journal.reopening import epochs_read

FIRST_NUMBER = 1 << 63
MAX_TERMS = 1 << 16
"""Claims, with the coins and payments in them, that one member may stand behind of one forked log."""


def second_hand_names(tables: Tables, claims: Iterable[Claim]) -> list[Claim]:
    """Those of one origin, under the numbers by which we hold them (4), ascending."""
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
    """Nothing of these is needed any more."""
    for table in ("member_entries", "member_versions", "member_pending"):
        tables.execute(f"DELETE FROM {table} WHERE member = ?", (pool_of(origin),))  # noqa: S608


@dataclass(slots=True)
class _Said:
    """By one member, about one origin."""

    size: int = 0
    """How far its log was searched."""
    claims: dict[int, Claim] = field(default_factory=dict)
    """By number: taken, not released, and not in our copy."""
    is_too_much: bool = False
    """More than MAX_TERMS: none of it counts."""
    epoch: int = 0
    """Of our copy: with each new one other entries are in it."""


@dataclass(slots=True)
class Addition:
    """What one piece added to the pool of that origin; nothing of it counts before it is durable."""

    origin: bytes
    places: dict[bytes, int] = field(default_factory=dict)
    versions: dict[bytes, int] = field(default_factory=dict)
    """By withdrawal."""


@dataclass(slots=True)
class SecondHand:
    """Of one start. `hear` is called by one thread at a time, as are `keep`, in the writer's turn, which may
    be taken again, and then `count_in`."""

    _said: dict[tuple[bytes, bytes], _Said] = field(default_factory=dict)
    """By member and origin."""
    _places: dict[bytes, dict[bytes, int]] = field(default_factory=dict)
    """By origin: where its entries stand in the pool, by leaf hash."""
    _versions: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    """By origin and withdrawal: entries in the pool that pay it."""

    def hear(self, tables: Tables, member: bytes, size: int, origin: bytes) -> None:
        """Search that member's log, as far as it named it, for what it stands behind of that origin (1)."""
        epoch, said = epochs_read(tables, origin).number, self._said.get((member, origin), _Said())
        if said.epoch != epoch:
            said = _Said(epoch=epoch)
        if said.size >= size or said.is_too_much:
            return
        claims, terms = dict(said.claims), sum(map(_terms, said.claims.values()))
        query = (
            "SELECT record FROM member_entries WHERE member = ? AND number >= ? AND number < ? "
            "ORDER BY number"
        )
        for (record,) in tables.scan(query, (member, said.size, size)):
            entry = decode_entry(record) if origin in record else None
            if isinstance(entry, HeardNotice):
                numbers = [each.number for each in entry.released if each.origin == origin]
                taken = [each.claim for each in entry.taken if _is_asked(each.claim, origin)]
                gone = [claims.pop(each) for each in numbers if each in claims]
                new = {each.number: each for each in taken if not _is_known(tables, each)}
                gone += [claims[each] for each in new if each in claims]
                claims |= new
                terms += sum(map(_terms, new.values())) - sum(map(_terms, gone))
            if terms > MAX_TERMS:
                self._said[member, origin] = _Said(size, is_too_much=True, epoch=epoch)
                return
        self._said[member, origin] = _Said(size, claims, epoch=epoch)

    def wanted(self, origin: bytes) -> Mapping[bytes, Claim]:
        """What anybody stands behind of that origin, by leaf hash."""
        every = [said for (_, about), said in self._said.copy().items() if about == origin]
        return {claim.leaf: claim for said in every for claim in said.claims.values()}

    def lacks(self, member: bytes, origin: bytes) -> bool:
        """Whether something of that was not brought (3)."""
        said, places = self._said[member, origin], self._places.get(origin, {})
        return said.is_too_much or any(claim.leaf not in places for claim in said.claims.values())

    def keep(self, session: Session, piece: Piece, entries: Iterable[Entry]) -> Addition:
        """Of another history: what is wanted, and what pays the same, for what was said about it."""
        origin, wanted = piece.member, self.wanted(piece.member)
        paid = frozenset[bytes]().union(*(claim.paid for claim in wanted.values()))
        if origin not in self._places:
            forget_pool(session.tables, origin)
        places, new = self._places.get(origin, {}), Addition(origin)
        for record, entry in zip(piece.records, entries, strict=True):
            leaf = leaf_hash(record)
            if not isinstance(entry, SignedEntry) or not entry.quorum:
                continue
            if leaf in places or leaf in new.places:
                continue
            number = len(places) + len(new.places)
            claim = claim_of(pool_of(origin), number, leaf, entry)
            if leaf in wanted or self._is_word(new, claim.paid & paid):
                row = (claim.origin, claim.number, record)
                session.tables.execute("INSERT INTO member_entries VALUES (?,?,?)", row)
                keep_version(session.tables, claim)
                new.places[leaf] = number
        return new

    def count_in(self, new: Addition) -> None:
        """It is durable."""
        self._places.setdefault(new.origin, {}).update(new.places)
        for paid, count in new.versions.items():
            key = (new.origin, paid)
            self._versions[key] = self._versions.get(key, 0) + count

    def found(self, tables: Tables, origin: bytes) -> Iterable[tuple[Claim, FollowedEntry]]:
        """What was brought and says what it was said to say (2), with where it stands."""
        places = self._places.get(origin, {})
        for (_, about), said in self._said.items():
            for claim in said.claims.values() if about == origin else ():
                place = places.get(claim.leaf, len(places))
                entry = followed_entry(tables, pool_of(origin), place)
                if entry and _same(claim, entry) and not _is_known(tables, claim):
                    yield claim, entry

    def _is_word(self, new: Addition, paid: Iterable[bytes]) -> bool:
        """Whether an entry that pays these may hold words that count for a wanted one."""
        is_word = False
        for each in paid:
            new.versions[each] = new.versions.get(each, 0) + 1
            before = self._versions.get((new.origin, each), 0)
            is_word = is_word or before + new.versions[each] <= MAX_EARLIER
        return is_word


def _is_asked(claim: Claim, origin: bytes) -> bool:
    """Whether it is of that origin, and not of a part given up (5)."""
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
