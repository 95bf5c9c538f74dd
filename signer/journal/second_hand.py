"""What imported members stand behind of a log that is forked here (design J6).

1. A member's own log says what it took of another's and did not release. It is asked only where that other's
   log is forked here, and only for what is not in the history that we keep.
2. Its word is no claim yet: the entry must be brought, out of a history that its origin signed, be named by
   the leaf hash, say what the member said, and be vouched for like any other. So nobody binds us by telling
   what it took to more than by an entry of its own.
3. A member is imported when all that it stands behind so was brought, and is settled. Who tells of what
   nobody can bring is as if it were silent.
4. It is heard in portions, since the origin decides how much the honest take. When all of a portion was
   brought, what is true of it goes on record, before the start is complete; then its member's log is searched
   on. What that member let go later, anywhere in its log, is in no portion.
5. Such claims get numbers that no log reaches, by their leaf hashes, or the next free ones: neither history
   lets them go.
6. What officers gave up (`signer.journal.reopening`) is asked of nobody: no copy has it any more.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

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
from signer.journal.followed import MAX_EARLIER, FollowedEntry, followed_entry, keep_version
from signer.journal.members import MAX_NUMBER, Piece, followed_record
from signer.journal.merkle import leaf_hash
from signer.journal.reopening import epochs_read

FIRST_NUMBER = 1 << 63
MAX_TERMS = 1 << 16
"""Claims, with the coins and payments in them: the entry that goes beyond is the last one of a portion."""

Part = tuple[bytes, int, int]
"""Of that member's log, from one number to before another."""


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
    """Nothing of these is needed any more."""
    for table in ("member_entries", "member_versions", "member_pending"):
        tables.execute(f"DELETE FROM {table} WHERE member = ?", (pool_of(origin),))  # noqa: S608


class _Said(NamedTuple):
    """By one member, about one origin."""

    epoch: int
    """Of our copy: with each new one other entries are in it."""
    size: int = 0
    """How far its log was searched."""
    is_all: bool = False
    claims: Mapping[int, Claim] = MappingProxyType({})
    """By number: taken, not released, and not in our copy; of one portion (4)."""


@dataclass(slots=True)
class Pool:
    """Of one origin's other histories, or what one piece adds, which does not count before it is durable."""

    places: dict[bytes, int] = field(default_factory=dict)
    """Where entries stand, by leaf hash."""
    versions: Counter[bytes] = field(default_factory=Counter)
    """How many pay it, by withdrawal."""


@dataclass(slots=True)
class SecondHand:
    """Of one start. Called by one thread at a time; `keep` in the writer's turn, which may be taken again,
    and then `count_in`."""

    _said: dict[tuple[bytes, bytes], _Said] = field(default_factory=dict)
    """By member and origin."""
    _pools: defaultdict[bytes, Pool] = field(default_factory=lambda: defaultdict(Pool))
    """By origin."""

    def hear(self, tables: Tables, member: bytes, size: int, origin: bytes) -> bool:
        """Search that member's log, as far as it named it, for the next portion of what it stands behind of
        that origin (1, 4). Whether that is anything: then all of that origin is to be brought anew, since
        words for it may have been passed over."""
        epoch, said = epochs_read(tables, origin).number, self._said.get((member, origin))
        if said is None or said.epoch != epoch:
            said = _Said(epoch)
        if said.is_all or said.claims:
            return False
        claims, end = _portion(tables, (member, said.size, size), origin)
        self._said[member, origin] = _Said(epoch, end, end == size, claims)
        if claims:
            self._pools.pop(origin, None)
        return bool(claims)

    def wanted(self, origin: bytes) -> Mapping[bytes, Claim]:
        """What anybody stands behind of that origin, by leaf hash."""
        every = [said for (_, about), said in self._said.items() if about == origin]
        return {claim.leaf: claim for said in every for claim in said.claims.values()}

    def lacks(self, member: bytes, origin: bytes) -> bool:
        """Whether something of that was not heard, or is not settled (3, 4)."""
        said = self._said[member, origin]
        return not said.is_all or bool(said.claims)

    def ready(self) -> set[bytes]:
        """The origins of which a member's portion was brought (4)."""
        wanted = [key for key, said in self._said.items() if said.claims]
        return {key[1] for key in wanted if not self._missing(*key)}

    def settle(self, origin: bytes) -> None:
        """What was brought of it is on record, or is not true: it is asked of nobody again."""
        for member in [member for member, about in self._said if about == origin]:
            claims, key = self._missing(member, origin), (member, origin)
            self._said[key] = self._said[key]._replace(claims=claims)
        self._pools.pop(origin, None)

    def _missing(self, member: bytes, origin: bytes) -> Mapping[int, Claim]:
        claims, places = self._said[member, origin].claims, self._pools[origin].places
        return {number: each for number, each in claims.items() if each.leaf not in places}

    def keep(self, session: Session, piece: Piece, entries: Iterable[Entry]) -> Pool:
        """Of another history: what is wanted, and what pays the same, for what was said about it."""
        origin, wanted = piece.member, self.wanted(piece.member)
        paid = frozenset[bytes]().union(*(claim.paid for claim in wanted.values()))
        places, new = self._pools[origin].places, Pool()
        if not places:
            forget_pool(session.tables, origin)
        for record, entry in zip(piece.records, entries, strict=True):
            leaf = leaf_hash(record)
            if not isinstance(entry, SignedEntry) or not entry.quorum:
                continue
            if leaf in places or leaf in new.places:
                continue
            number = len(places) + len(new.places)
            claim = claim_of(pool_of(origin), number, leaf, entry)
            if leaf in wanted or self._is_word(origin, new, claim.paid & paid):
                row = (claim.origin, claim.number, record)
                session.tables.execute("INSERT INTO member_entries VALUES (?,?,?)", row)
                keep_version(session.tables, claim)
                new.places[leaf] = number
        return new

    def count_in(self, origin: bytes, new: Pool) -> None:
        """It is durable."""
        self._pools[origin].places |= new.places
        self._pools[origin].versions += new.versions

    def found(self, tables: Tables, origin: bytes) -> Iterable[tuple[Claim, FollowedEntry]]:
        """What was brought and says what it was said to say (2), with where it stands."""
        places = self._pools[origin].places
        for (_, about), said in self._said.items():
            for claim in said.claims.values() if about == origin else ():
                place = places.get(claim.leaf, len(places))
                entry = followed_entry(tables, pool_of(origin), place)
                if entry and _same(claim, entry) and not _is_known(tables, claim):
                    yield claim, entry

    def _is_word(self, origin: bytes, new: Pool, paid: Collection[bytes]) -> bool:
        """Whether an entry that pays these may hold words that count for a wanted one."""
        new.versions.update(paid)
        before = self._pools[origin].versions
        return any(before[each] + new.versions[each] <= MAX_EARLIER for each in paid)


def _portion(tables: Tables, part: Part, origin: bytes) -> tuple[dict[int, Claim], int]:
    """What a member took of that origin and did not release, by number, and where the portion ends, in that
    part of its log. What comes behind it is asked only what it releases."""
    claims, terms, end = dict[int, Claim](), 0, part[2]
    query = (
        "SELECT number, record FROM member_entries WHERE member = ? AND number >= ? AND number < ? "
        "ORDER BY number"
    )
    for number, record in tables.scan(query, part):
        entry = decode_entry(record) if origin in record else None
        if isinstance(entry, HeardNotice):
            released = [each.number for each in entry.released if each.origin == origin]
            terms -= sum(_terms(claims.pop(each)) for each in released if each in claims)
            if number < end:
                taken = [each.claim for each in entry.taken if _is_asked(each.claim, origin)]
                new = {each.number: each for each in taken if not _is_known(tables, each)}
                claims |= new
                terms += sum(map(_terms, new.values()))
                end = number + 1 if terms > MAX_TERMS else end
    return claims, end


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
