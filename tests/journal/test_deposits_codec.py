"""Entries of deposits and reorganisations: their bytes, their fold, and what the record says of them."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import MAX_MONEY, Height, Sats
from signer.core.control import lock_objection
from signer.core.deposits import (
    BIP340,
    MOST_NAMED,
    DepositFacts,
    DepositNotice,
    ReorganisedNotice,
    Undone,
)
from signer.core.errors import Fault, Refusal
from signer.core.fields import pack, unpack
from signer.core.notices import Notice
from signer.core.opreturn import Deposit
from signer.journal.audit import verify_journal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.decide import Session
from signer.journal.place import Place
from signer.journal.undone import record_undone
from signer.ports.recording import Passage
from signer.replay.bench import Unrepeatable
from signer.replay.deeds import deeds_of
from tests.core.spends import NOW
from tests.journal.desk import desk
from tests.journal.test_codec import b32, code_of, sats, text, u64
from tests.journal.words import noted

KEY = b"\x0a" * 32
FACTS = DepositFacts(
    b"\x01" * 32,
    OutPoint(Txid(b"\x02" * 32), 1),
    Sats(250_000),
    Deposit(b"PGWD", 31_337, b"\x05" * 20),
    b"\x0b" * 32,
    Height(800_000),
)
DEPOSIT = DepositNotice(NOW, "relayer", b"\x03" * 32, BIP340, KEY, 6, FACTS)
REORGANISED = ReorganisedNotice(NOW, (Undone(4, b"\x0b" * 32, 8), Undone(4, b"\x0c" * 32, 9)))

u32 = st.integers(0, 2**32 - 1)
addresses = st.binary(min_size=20, max_size=20).filter(any)
payloads = st.builds(Deposit, st.binary(min_size=4, max_size=4), u32, addresses)
facts = st.builds(
    DepositFacts, b32, st.builds(OutPoint, b32.map(Txid), u32), sats, payloads, b32, u32.map(Height)
)
deposits = st.builds(DepositNotice, u64, text, b32, st.just(BIP340), b32, u32, facts)
undone = st.lists(
    st.builds(Undone, u64, b32, u32),
    min_size=1,
    max_size=5,
    unique_by=lambda e: (e.entry, e.block_hash),
).map(lambda each: tuple(sorted(each, key=lambda e: (e.entry, e.block_hash))))
reorganisations = st.tuples(u64, undone).map(lambda parts: ReorganisedNotice(*parts))


@given(deposits | reorganisations)
def test_they_read_back(notice: DepositNotice | ReorganisedNotice) -> None:
    assert decode_entry(encode_entry(notice)) == notice


def test_the_bytes_of_version_1() -> None:
    """If this fails, entries on disk are read differently than they were written: never change it."""
    digests = [sha256(encode_entry(each)).hex()[:8] for each in (DEPOSIT, REORGANISED)]
    assert digests == ["c5349840", "0861b72a"]


@pytest.mark.parametrize("notice", [DEPOSIT, REORGANISED])
def test_every_field_is_there_once(notice: DepositNotice) -> None:
    good = unpack(encode_entry(notice))
    assert decode_entry(pack(good)) == notice
    assert code_of(pack([*good, b""])) == "entry-malformed"
    for place in range(len(good)):
        assert code_of(pack([*good[:place], *good[place + 1 :]])) == "entry-malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"policy_id": b""},
        {"scheme": "ecdsa"},
        {"key": b"\x0a" * 33},
        {"facts": replace(FACTS, vault_fingerprint=b"")},
        {"facts": replace(FACTS, amount=Sats(MAX_MONEY + 1))},
        {"facts": replace(FACTS, block_hash=b"\x0b" * 31)},
    ],
)
def test_fields_of_a_deposit_are_what_they_may_be(change: dict[str, Any]) -> None:
    assert code_of(encode_entry(replace(DEPOSIT, **change))) == "entry-malformed"
    most = replace(DEPOSIT, facts=replace(FACTS, amount=Sats(MAX_MONEY)))
    assert decode_entry(encode_entry(most)) == most


def test_the_payload_is_a_deposits() -> None:
    fields = unpack(encode_entry(DEPOSIT))
    (place,) = (at for at, field in enumerate(fields) if field[:4] == b"PGWD")
    anchor = b"PGWD\x01\x02" + b"\x01" * 72
    for other in (anchor, fields[place] + b"\x00", fields[place][:10] + bytes(20), b""):
        assert code_of(pack([*fields[:place], other, *fields[place + 1 :]])) == "entry-malformed"


@pytest.mark.parametrize(
    "named",
    [
        (),
        REORGANISED.undone[::-1],
        REORGANISED.undone[:1] * 2,
        (Undone(4, b"\x0b" * 31, 8), REORGANISED.undone[1]),
    ],
)
def test_a_reorganisation_names_entries_in_order(named: tuple[Undone, ...]) -> None:
    assert code_of(encode_entry(ReorganisedNotice(NOW, named))) == "entry-malformed"


def test_one_notice_names_so_many() -> None:
    named = tuple(Undone(entry, b"\x0b" * 32, 8) for entry in range(MOST_NAMED + 1))
    most = ReorganisedNotice(NOW, named[:MOST_NAMED])
    assert decode_entry(encode_entry(most)) == most
    assert code_of(encode_entry(replace(most, undone=named))) == "entry-malformed"


# On record


def changed(session: Session, lowest: int, highest: int) -> None:
    """This record has no headers: whatever stood at these heights is gone."""
    record_undone(session, lowest, highest, ())


def test_a_deposit_is_found_by_output_block_and_key(place: Place) -> None:
    with desk(place) as journal:
        (leaf,) = noted(journal, DEPOSIT).decision_ids
        with journal.reading() as reading:
            found = reading.attested_deposit(FACTS.outpoint, FACTS.block_hash, KEY)
            assert found is not None
            assert (found.notice, found.number, found.decision_id) == (DEPOSIT, 1, leaf)
            others = (
                (FACTS.outpoint._replace(vout=0), FACTS.block_hash, KEY),
                (FACTS.outpoint, b"\x0c" * 32, KEY),
                (FACTS.outpoint, FACTS.block_hash, b"\x0b" * 32),
            )
            assert [reading.attested_deposit(*each) for each in others] == [None] * 3
    assert verify_journal(place).entries == 2


def test_it_stands_on_record_once(tmp_path: Path) -> None:
    with desk(tmp_path / "journal.sqlite") as journal:
        noted(journal, DEPOSIT)
        with pytest.raises(Fault):
            noted(journal, replace(DEPOSIT, blocks=7))
        moved = replace(DEPOSIT, facts=replace(FACTS, block_hash=b"\x0c" * 32))
        noted(journal, moved, replace(DEPOSIT, key=b"\x0b" * 32))


def test_a_block_that_leaves_locks_if_something_relied_on_it(place: Place) -> None:
    with desk(place) as journal:
        noted(journal, DEPOSIT)
        for lowest, highest in ((0, 799_999), (800_001, 900_000)):
            journal.in_turn(partial(changed, lowest=lowest, highest=highest))
        with journal.reading() as reading:
            assert reading.size() == 2
            assert lock_objection(reading.control()) is None
        for _ in range(2):  # it is said once
            journal.in_turn(partial(changed, lowest=800_000, highest=800_000), Passage.WHILE_LOCKED)
        with journal.reading() as reading:
            assert reading.size() == 3
            assert decode_entry(reading.record(2)) == ReorganisedNotice(
                NOW, (Undone(1, FACTS.block_hash, 800_000),)
            )
            locked = lock_objection(reading.control())
        assert locked is not None
        assert locked.code == "chain-reorganised"
        with pytest.raises(Refusal) as caught:
            noted(journal, replace(DEPOSIT, key=b"\x0b" * 32))
        assert caught.value.code == "chain-reorganised"
        journal.in_turn(lambda _: None, Passage.WHILE_LOCKED)
    assert verify_journal(place).entries == 3


def test_more_than_one_notice_names_are_in_the_next_one(tmp_path: Path) -> None:
    with desk(tmp_path / "journal.sqlite") as journal:
        count = MOST_NAMED + 5

        def rely(session: Session) -> None:
            rows = [(FACTS.block_hash, number, 8) for number in range(count)]
            session.tables.executemany("INSERT INTO relied_blocks VALUES (?,?,?,0)", rows)

        journal.in_turn(rely)
        for _ in range(2):  # all of it once
            journal.in_turn(lambda session: changed(session, 8, 8), Passage.WHILE_LOCKED)
        named = list[int]()
        with journal.reading() as reading:
            for number in range(1, reading.size()):
                notice = decode_entry(reading.record(number))
                assert isinstance(notice, ReorganisedNotice)
                named.extend(each.entry for each in notice.undone)
        assert named == list(range(count))


@pytest.mark.parametrize(("notice", "kind"), [(DEPOSIT, "deposit"), (REORGANISED, "reorganised")])
def test_a_replay_says_that_they_are_not_derived_again(notice: Notice, kind: str) -> None:
    """By headers, which are not on record."""
    assert deeds_of((notice,)) == Unrepeatable(f"of kind {kind}, which is folded as it is")
