"""Ways round the cap of a day that the campaign found; each is closed, and its honest twin passes."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from keystore.caps import DAY, LATE, Caps
from keystore.header import Binding, Limits
from signer.bitcoin.units import Sats
from signer.core.errors import Fault, Refusal
from signer.core.spend import RecordedSpend
from tests.custody.canaries import Watch
from tests.custody.coins import HOUSES, Order, Wallet
from tests.custody.member import RECORD, Member
from tests.soak.custody import new_one

CAP = 30_000_000
WSH = HOUSES[0]


@pytest.fixture
def wallet() -> Wallet:
    return Wallet(WSH, Random(1))


@pytest.fixture
def member(tmp_path: Path) -> Member:
    """One withdrawal of a day."""
    limits = Limits(Caps(Sats(CAP), Sats(CAP)))
    binding = Binding(WSH.vault.fingerprint, b"\x02" * 32, b"\x03" * 32)
    return Member(tmp_path, new_one(), binding, limits, b"\x09" * 32, Watch())


def pay(member: Member, wallet: Wallet, coin: int) -> str:
    """Most of a coin, each another; recorded whether it is signed or not."""
    paid = (wallet.coin(coin).amount or 0) * 19 // 20
    order = Order(coin, (coin,), min(paid, CAP - 10_000), 5_000, 0)
    recorded = member.record(wallet.build(order))
    try:
        member.sign(recorded)
    except Refusal as refusal:
        return refusal.code
    return "ok"


def test_a_core_that_says_that_less_leaves_is_contradicted(member: Member, wallet: Wallet) -> None:
    """A ledger that was cut would get that word back from the journal."""
    spend = wallet.build(Order(0, (0,), 1_000_000, 5_000, 0))
    assert spend.change is not None
    more = replace(spend.change, amount=Sats(spend.change.amount + 1))
    with pytest.raises(Fault):
        member.keystore.objections(replace(spend, change=more), 0)
    less = replace(spend.change, amount=Sats(spend.change.amount - 1))
    assert member.keystore.objections(replace(spend, change=less), 0) == ()


def restart(member: Member, after: int = 1) -> None:
    member.stop()
    member.pass_(after)
    member.start()
    if member.journal.stopped:
        member.unlock()
        member.counting()


def test_what_is_signed_after_downtime_is_not_as_old_as_the_downtime(
    member: Member, wallet: Wallet
) -> None:
    """Time began at the last entry, and took the downtime in one step at the start after that."""
    assert pay(member, wallet, 0) == "ok"
    restart(member, after=2 * DAY)
    assert pay(member, wallet, 1) == "ok", "that day is over"
    restart(member)
    assert pay(member, wallet, 2) == "cap-per-day"
    member.pass_(DAY)
    assert pay(member, wallet, 3) == "ok"


def test_what_was_refused_is_not_free_after_a_restart(member: Member, wallet: Wallet) -> None:
    """A core records without asking, and is refused; the next start charges the entry, as it may have been
    signed: its coin's account stood, and the same transaction cost nothing any more."""
    assert pay(member, wallet, 0) == "ok"
    assert pay(member, wallet, 1) == "cap-per-day"
    restart(member)
    assert pay(member, wallet, 1) == "cap-per-day"
    assert pay(member, wallet, 0) == "ok", "what was signed costs nothing again"
    member.pass_(DAY)
    assert pay(member, wallet, 1) == "ok"


def test_a_day_later_what_was_refused_costs_in_full(member: Member, wallet: Wallet) -> None:
    assert [pay(member, wallet, coin) for coin in (0, 1, 2)] == ["ok", "cap-per-day", "cap-per-day"]
    restart(member)
    member.pass_(DAY)
    assert [pay(member, wallet, coin) for coin in (1, 2)] == ["ok", "cap-per-day"]


def test_what_a_cut_took_fills_the_day_whatever_was_refused_before(
    member: Member, wallet: Wallet
) -> None:
    """The shadow of an entry that was never signed stood for the one that was, days later."""
    assert [pay(member, wallet, coin) for coin in (0, 1)] == ["ok", "cap-per-day"]
    restart(member)
    member.pass_(2 * DAY)
    assert pay(member, wallet, 1) == "ok"
    member.ledger.write_bytes(member.ledger.read_bytes()[:-RECORD])
    restart(member)
    assert pay(member, wallet, 2) == "cap-per-day"
    member.pass_(DAY)
    assert pay(member, wallet, 2) == "ok"


def record(member: Member, wallet: Wallet, coin: int) -> RecordedSpend:
    """Most of a coin, asked for as an honest core asks."""
    paid = (wallet.coin(coin).amount or 0) * 19 // 20
    spend = wallet.build(Order(coin, (coin,), min(paid, CAP - 10_000), 5_000, 0))
    member.counting()
    assert member.keystore.objections(spend, member.journal.effective) == ()
    return member.record(spend)


def sign(member: Member, recorded: RecordedSpend) -> str:
    try:
        member.sign(recorded)
    except Refusal as refusal:
        return refusal.code
    return "ok"


def test_what_waited_is_not_signed_a_day_later_cut_by_cut(member: Member, wallet: Wallet) -> None:
    """A reader's: six entries that were within the cap when each was asked for. On the day after, each was
    signed, its record cut, and not brought back: one day's cap for every cut."""
    entries = [record(member, wallet, coin) for coin in range(6)]
    assert [sign(member, each) for each in entries] == ["ok", *["cap-per-day"] * 5]
    member.pass_(DAY + 3_600)
    assert [sign(member, each) for each in entries] == ["ok", *["cap-entry-late"] * 5]
    for each in entries[1:]:
        member.ledger.write_bytes(member.ledger.read_bytes()[:-RECORD])
        restart(member)
        assert sign(member, each) == "cap-entry-late"
    member.pass_(LATE)
    assert sign(member, record(member, wallet, 6)) == "ok", "they fill no day any more"


def test_an_entry_that_was_never_signed_dates_no_later_one(member: Member, wallet: Wallet) -> None:
    """The campaign's: an entry of a day before, on the same coin, stood for the one that was signed, and its
    shadow faded minutes after the cut: a second day's cap."""
    record(member, wallet, 0)
    member.pass_(DAY + LATE - 60)
    assert pay(member, wallet, 0) == "ok"
    member.ledger.write_bytes(member.ledger.read_bytes()[:-RECORD])
    restart(member)
    for later in (0, 120, DAY - 123):
        member.pass_(later)
        assert pay(member, wallet, 1) == "cap-per-day"
    member.pass_(3)
    assert pay(member, wallet, 2) == "ok"


def test_an_old_version_is_not_signed_because_a_dearer_one_was(
    tmp_path: Path, wallet: Wallet
) -> None:
    """By argument, and a reader's: V{a}, of days ago, was free beside D{a,b}. D came back to a cut ledger
    on b, and V not at all: one more cap for every cut."""
    limits = Limits(Caps(Sats(CAP), Sats(2 * CAP)))
    binding = Binding(WSH.vault.fingerprint, b"\x02" * 32, b"\x03" * 32)
    member = Member(tmp_path, new_one(), binding, limits, b"\x09" * 32, Watch())
    old, signed = record(member, wallet, 0), record(member, wallet, 1)
    assert sign(member, signed) == "ok"
    member.pass_(LATE - 60)
    assert sign(member, signed) == "ok"
    member.pass_(DAY)
    for number, coin in enumerate((0, 1), 7):
        both = wallet.build(Order(number, (coin, coin + 2), CAP - 5_000, 5_000, 0))
        assert sign(member, member.record(both)) == "ok"
    assert sign(member, old) == "cap-entry-late"
    assert sign(member, signed) == "cap-entry-late", "it cannot be told from one that was not"


def test_what_was_signed_is_signed_again_at_any_age(member: Member, wallet: Wallet) -> None:
    signed = record(member, wallet, 0)
    assert sign(member, signed) == "ok"
    member.pass_(13 * DAY)
    assert sign(member, signed) == "ok"


def test_a_start_before_it_was_signed_dates_it_no_earlier(tmp_path: Path, wallet: Wallet) -> None:
    """It comes back at a start, is signed hours later, and comes back again: as late as it may have been."""
    limits = Limits(Caps(Sats(CAP), Sats(2 * CAP)))
    binding = Binding(WSH.vault.fingerprint, b"\x02" * 32, b"\x03" * 32)
    member = Member(tmp_path, new_one(), binding, limits, b"\x09" * 32, Watch())
    entry = record(member, wallet, 0)
    restart(member)
    member.pass_(LATE - 60)
    assert sign(member, entry) == "ok"
    member.ledger.write_bytes(member.ledger.read_bytes()[:-RECORD])
    restart(member)
    member.pass_(DAY - LATE + 120)
    assert [pay(member, wallet, coin) for coin in (1, 2)] == ["ok", "cap-per-day"]
    member.pass_(LATE)
    assert pay(member, wallet, 3) == "ok"


def test_what_was_signed_at_the_last_moment_is_charged_again_as_of_then(
    member: Member, wallet: Wallet
) -> None:
    entry = record(member, wallet, 0)
    member.pass_(LATE)
    assert sign(member, entry) == "ok"
    member.ledger.write_bytes(member.ledger.read_bytes()[:-RECORD])
    restart(member)
    member.pass_(DAY - 2)
    assert pay(member, wallet, 1) == "cap-per-day"
    member.pass_(1)
    assert pay(member, wallet, 1) == "ok"
