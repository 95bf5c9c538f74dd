"""The fold of agreement (rules of `signer.journal.fold`): our entries that wait, and what binds us for
others.

1. Agreed and void are final: both take the entry out of `pending`, and only what is there can be either.
2. A claim binds from the entry that took it to the one that released it, in every table that it touches.
3. Two heads of one log that contradict each other are remembered; what we held for that member still binds.
"""

from signer.bitcoin.hashes import sha256
from signer.core.agreement.claim import Claim
from signer.core.agreement.claim_codec import claim_bytes, read_claim
from signer.core.agreement.notices import (
    AgreedNotice,
    AgreementNotice,
    ForkedNotice,
    HeardNotice,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.core.fields import u64_be
from signer.journal.claims_codec import outpoint_bytes
from signer.journal.database import Contradiction, Tables
from signer.journal.undo import settle, undo


def name_of(origin: bytes, number: int) -> bytes:
    """What the tables call another member's entry."""
    return origin + u64_be(number)


def label_of(claim: Claim) -> bytes:
    """Which withdrawals it says that its transaction pays, 32 bytes."""
    return sha256(b"".join(sorted(claim.paid)))


def apply_agreement(number: int, notice: AgreementNotice, tables: Tables) -> None:
    """Bring the tables from before that notice to after it."""
    match notice:
        case AgreedNotice():
            if settle(notice.number, tables).payments:
                tables.execute("INSERT INTO events VALUES (?)", (number,))
        case VoidNotice():
            undo(notice.number, tables)
        case HeardNotice():
            for released in notice.released:
                _release(name_of(released.origin, released.number), tables)
            for taken in notice.taken:
                _take(number, taken, tables)
        case StartedNotice():
            tables.execute("INSERT INTO starts VALUES (?,?)", (notice.incarnation, number))
        case ForkedNotice():
            tables.execute(
                "INSERT INTO forks VALUES (?,?) ON CONFLICT (member) "
                "DO UPDATE SET entry = excluded.entry",
                (notice.member, number),
            )


def _take(number: int, taken: Taken, tables: Tables) -> None:
    claim, name = taken.claim, name_of(taken.claim.origin, taken.claim.number)
    said = (claim.txid, label_of(claim), claim_bytes(claim))
    row = (name, claim.vault, number, int(taken.granted), *said)
    tables.execute("INSERT INTO holdings VALUES (?,?,?,?,?,?,?)", row)
    terms = [(each.withdrawal_id, name, each.amount, each.script_pubkey) for each in claim.pays]
    tables.executemany("INSERT INTO held_pays VALUES (?,?,?,?)", terms)
    pins = [(*key, name) for key in _pins(claim)]
    tables.executemany("INSERT INTO held_pins VALUES (?,?,?)", pins)
    spends = [(coin, name) for coin in _coins(claim)]
    tables.executemany("INSERT INTO held_spends VALUES (?,?)", spends)
    bonds = [(bond, name, value) for bond, value in claim.bonds]
    tables.executemany("INSERT INTO held_bonds VALUES (?,?,?)", bonds)


def _release(name: bytes, tables: Tables) -> None:
    row = tables.execute("SELECT claim FROM holdings WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise Contradiction("a claim is released that did not bind us")
    claim = read_claim(row[0])
    tables.execute("DELETE FROM holdings WHERE name = ?", (name,))
    pays = [(each.withdrawal_id, name) for each in claim.pays]
    tables.executemany("DELETE FROM held_pays WHERE withdrawal = ? AND name = ?", pays)
    pins = [(*key, name) for key in _pins(claim)]
    tables.executemany("DELETE FROM held_pins WHERE withdrawal = ? AND coin = ? AND name = ?", pins)
    spends = [(coin, name) for coin in _coins(claim)]
    tables.executemany("DELETE FROM held_spends WHERE coin = ? AND name = ?", spends)
    bonds = [(bond, name) for bond, _ in claim.bonds]
    tables.executemany("DELETE FROM held_bonds WHERE bond = ? AND name = ?", bonds)


def _pins(claim: Claim) -> set[tuple[bytes, bytes]]:
    """Each once: what is new may be relied on as well."""
    return {(withdrawal_id, outpoint_bytes(coin)) for withdrawal_id, coin in claim.pins}


def _coins(claim: Claim) -> list[bytes]:
    return [outpoint_bytes(coin) for coin in claim.spends]
