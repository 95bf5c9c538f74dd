"""Entries and claims of tests of agreement, and tables to fold them into."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim
from signer.core.agreement.machine import TIMED_OUT
from signer.core.agreement.notices import (
    AgreedNotice,
    Heard,
    HeardNotice,
    Released,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.core.evidence import AnchorTerms
from signer.core.payment import Payment, WithdrawalTerms
from signer.journal.codec import encode_entry
from signer.journal.database import Tables
from signer.journal.entry import Claims, CoinClaim, Entry, RotationClaim, SignedEntry
from signer.journal.fold import apply
from signer.journal.merkle import leaf_hash
from signer.journal.reading import TableReading
from signer.journal.reading_agreement import JournalRecord
from signer.journal.schema import CLAIM_TABLES, key_of

ME = b"\x0a" * 32
VAULT = b"\x0b" * 32
START = b"\x0c" * 16
MAGIC = b"PGWD"


def coin(number: int) -> OutPoint:
    return OutPoint(Txid(sha256(b"coin %d" % number)), number)


def withdrawal(number: int) -> bytes:
    return sha256(b"withdrawal %d" % number)


def terms(number: int, amount: int = 0) -> WithdrawalTerms:
    return WithdrawalTerms(withdrawal(number), Sats(amount or 1_000 * (number + 1)), b"\x51")


def claims_of(
    name: int, coins: Iterable[int], pays: Iterable[WithdrawalTerms] = (), **more: object
) -> Claims:
    """What transaction `name` binds; pins, fee and charge as given."""
    payments = tuple(
        Payment(each.withdrawal_id, vout, each.amount, each.script_pubkey)
        for vout, each in enumerate(pays)
    )
    plain: dict[str, object] = {
        "txid": Txid(sha256(b"transaction %d" % name)),
        "payments": payments,
        "new_pins": (),
        "relied": (),
        "first_pin": None,
        "fee": Sats(0),
        "charge": Sats(0),
        "coins": tuple(CoinClaim(coin(each), Sats(9), b"\x52", 0, each, 7) for each in coins),
        "change": None,
        "rotations": (),
        "anchor": None,
        "sweep_nonce": b"",
        "seen": (),
    }
    return Claims(**(plain | more))  # type: ignore[arg-type]


def signed(
    claims: Claims, quorum: int = 2, clock: int = 100, incarnation: bytes = START
) -> SignedEntry:
    return SignedEntry(
        clock=clock,
        caller="relayer",
        request_digest=bytes(32),
        policy_id=bytes(32),
        vault_fingerprint=VAULT,
        kind="withdrawal",
        path_index=0,
        path="primary",
        psbt=b"psbt",
        evidence=b"",
        claims=claims,
        signing=(),
        quorum=quorum,
        incarnation=incarnation if quorum else b"",
    )


def anchor(batch: int, root: int) -> AnchorTerms:
    return AnchorTerms(MAGIC, batch - 1, bytes(32), batch, bytes([root]) * 32, bytes(32))


def rotation(amount: int) -> RotationClaim:
    return RotationClaim(bytes(32), 0, Sats(amount), 0)


def member(number: int) -> bytes:
    """Another member's log key."""
    return bytes([0x20 + number]) * 32


def claim(origin: int, number: int, **parts: object) -> Claim:
    """Another member's claim."""
    plain: dict[str, object] = {
        "origin": member(origin),
        "number": number,
        "leaf": sha256(b"%d %d" % (origin, number)),
        "vault": VAULT,
        "txid": sha256(b"their %d %d" % (origin, number)),
        "spends": frozenset({coin(0)}),
        "pays": frozenset(),
        "new_pins": frozenset(),
        "relied": frozenset(),
        "bonds": frozenset(),
    }
    return Claim(**(plain | parts))  # type: ignore[arg-type]


@dataclass
class Log:
    """A log that is folded into tables as it grows."""

    tables: Tables
    size: int = 1
    leaves: dict[int, bytes] = field(default_factory=dict)

    def add(self, entry: Entry) -> int:
        """The entry's number."""
        number, record = self.size, encode_entry(entry)
        self.leaves[number] = leaf_hash(record)
        self.tables.execute(
            "INSERT INTO entries VALUES (?,?,?)", (number, self.leaves[number], record)
        )
        apply(number, entry, self.tables)
        self.size += 1
        return number

    def start(self, incarnation: bytes = START) -> int:
        return self.add(StartedNotice(100, incarnation, ()))

    def void(self, number: int) -> int:
        return self.add(VoidNotice(100, number, self.leaves[number], TIMED_OUT))

    def agree(self, number: int) -> int:
        return self.add(AgreedNotice(100, number, self.leaves[number], ()))

    def take(self, *claims: Claim) -> int:
        heard = Heard(claims[0].origin, 9, bytes(32))
        return self.add(HeardNotice(100, heard, tuple(Taken(each, True) for each in claims), ()))

    def release(self, claim: Claim) -> int:
        heard = Heard(claim.origin, 9, bytes(32))
        released = (Released(claim.origin, claim.number),)
        return self.add(HeardNotice(100, heard, (), released))

    def record(self, incarnation: bytes = START) -> JournalRecord:
        return JournalRecord(self.tables, ME, incarnation)

    def view(self) -> TableReading:
        return TableReading(self.tables, 100)

    def contents(self, *left_out: str) -> dict[str, list[tuple[object, ...]]]:
        """Every claim table, row by row."""
        tables = [each for each in CLAIM_TABLES if each not in left_out]
        return {
            table: self.tables.execute(f"SELECT * FROM {table} ORDER BY {key_of(table)}").fetchall()  # noqa: S608
            for table in tables
        }
