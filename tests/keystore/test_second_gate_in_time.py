"""The second gate and time: how late an entry is signed, whose clock it follows, what a cut brings back."""

from pathlib import Path

from keystore.caps import DAY, LATE
from keystore.file_keystore import FileKeystore
from keystore.ledger import Charged, ledger_files
from signer.bitcoin.units import Sats
from tests.custody.member import RECORD
from tests.keystore.test_second_gate import (
    NOW,
    VAULT,
    Machine,
    machine,
    on_record,
    open_room,
    refused,
    room,
    spend,
)

__all__ = ["machine", "room"]


def test_an_entry_is_signed_within_six_hours_of_its_record_or_never(
    room: FileKeystore, machine: Machine
) -> None:
    """A ledger that is cut later gets the entry's time from the journal. What is charged is signed again."""
    assert LATE == 6 * 3_600
    machine.seconds = LATE
    assert room.sign(on_record(spend(1))).signatures
    machine.seconds = LATE + 1
    (objection,) = refused(room, on_record(spend(2))).objections
    assert (objection.code, objection.observed, objection.limit) == (
        "cap-entry-late",
        "21601 s",
        "21600 s",
    )
    (said,) = room.objections(spend(2), NOW + 90, NOW + 89 - LATE)
    assert said.code == "cap-entry-late"
    assert room.objections(spend(2), NOW + 90, NOW + 90 - LATE) == ()
    machine.seconds = 10 * LATE
    assert room.sign(on_record(spend(1))).signatures, "the ledger has it"
    assert room.objections(spend(1), NOW + 10 * LATE, NOW) == ()


def test_time_follows_the_kernel_s_forwards(room: FileKeystore, machine: Machine) -> None:
    """The officers stated a time two days later: the day is over, and stays so."""
    assert room.sign(on_record(spend(1))).signatures
    assert room.sign(on_record(spend(2))).signatures
    room.follow(NOW + DAY - 1)
    assert refused(room, on_record(spend(3), moment=NOW + DAY)).code == "cap-per-day"
    room.follow(NOW + 2 * DAY)
    assert room.sign(on_record(spend(3), moment=NOW + 2 * DAY)).signatures
    room.follow(NOW)
    assert room.sign(on_record(spend(4), moment=NOW)).signatures
    assert refused(room, on_record(spend(5), moment=NOW)).code == "cap-per-day"


def test_how_old_an_entry_is_goes_by_the_kernel_s_time(
    room: FileKeystore, machine: Machine
) -> None:
    """Our time is half a day ahead of it, and what it has just recorded is signed."""
    room.follow(NOW - 2 * LATE)
    assert room.sign(on_record(spend(1), moment=NOW - 2 * LATE)).signatures
    assert room.sign(on_record(spend(2), moment=NOW - 3 * LATE)).signatures
    machine.seconds = 1
    late = on_record(spend(3, amount=1_000_000), moment=NOW - 3 * LATE)
    assert refused(room, late).code == "cap-entry-late"


def test_what_was_cut_is_charged_as_late_as_it_may_have_been_signed(
    room: FileKeystore, tmp_path: Path, machine: Machine
) -> None:
    """It was signed at the last moment, and the record is lost."""
    machine.seconds = LATE
    room.sign(on_record(spend(1)))
    room.sign(on_record(spend(2)))
    entries = [
        Charged(
            tuple(each.previous for each in spend(number).transaction.inputs), Sats(60_010_000), NOW
        )
        for number in (1, 2)
    ]
    cut = tmp_path / VAULT.hex()
    cut.write_bytes(cut.read_bytes()[: -2 * RECORD])
    again = open_room(tmp_path)
    again.open_ledgers(ledger_files(tmp_path), machine.passed)
    again.catch_up(VAULT, entries, 7, NOW + LATE + 5)
    again.catch_up(VAULT, entries, 7, NOW + 9 * DAY)  # once
    machine.seconds += DAY - 5 - 1
    third = on_record(spend(3), moment=NOW + LATE + DAY - 1)
    assert refused(again, third).code == "cap-per-day"
    machine.seconds += 1
    assert again.sign(third).signatures
    again.close()
