"""Audit lines of what is recorded: each entry once, in order, without the words of requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signer.cli import told_entries
from signer.cli.told_entries import EntryTeller, fields_of
from signer.core.errors import Objection, Refusal
from signer.core.notices import Notice, OfficerNotice
from signer.core.spend import Kind
from signer.journal.codec import encode_entry
from signer.journal.journal import Journal
from signer.journal.reading import TableReading
from tests.core.spends import Coin
from tests.federation import vault
from tests.journal import test_agreement_codec, test_notices_codec
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

Line = dict[str, object]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Member(tmp_path / "a", 0).init().start()
    yield running
    running.stop()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """Of the events `entry`."""
    told: list[Line] = []

    def keep(event: str, **fields: object) -> None:
        told.append({"event": event} | fields)

    monkeypatch.setattr(told_entries, "log_event", keep)
    return told


def pay(running: Running, number: int) -> None:
    coins, payments = (Coin(vault(), salt=number),), ((number, 60_000_000 + number),)
    built = running.construct(construct_request(coins, payments))
    running.sign(sign_request(built, attested(coins, payments)))


def overpay(running: Running, number: int) -> None:
    """Against the policy's two coins a day."""
    coins, payments = (
        (Coin(vault(), salt=number, amount=900_000_000),),
        ((number, 800_000_000 + number),),
    )
    built = running.construct(construct_request(coins, payments))
    with pytest.raises(Refusal):
        running.sign(sign_request(built, attested(coins, payments)))


def test_each_entry_is_told_once_and_in_order(
    running: Running, lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told_entries, "_MOST", 2)
    pay(running, 1)
    teller = EntryTeller(running.journal)
    teller.tick()
    assert lines == []
    for number in (2, 3, 4, 5, 6):
        pay(running, number) if number < 4 else overpay(running, number)
    teller.tick()
    teller.tick()
    with running.journal.reading() as reading:
        end = reading.size()
    assert [line["number"] for line in lines] == list(range(end - 5, end))
    assert [line["kind"] for line in lines] == [*["signed"] * 2, *["refused"] * 3]


def test_a_line_says_who_what_and_with_which_outcome(running: Running, lines: list[Line]) -> None:
    teller = EntryTeller(running.journal)
    pay(running, 1)
    overpay(running, 2)
    teller.tick()
    signed, refused = lines
    told = {"event", "number", "decision_id", "caller", "kind"}
    assert signed.keys() == told | {"txid", "vault", "spend", "waits_for_grants", "about"}
    assert (signed["caller"], signed["spend"]) == ("relayer-1", Kind.WITHDRAWAL)
    assert (signed["vault"], signed["waits_for_grants"]) == (vault().fingerprint.hex(), 0)
    assert refused.keys() == told | {"code"}
    assert refused["code"] == "outflow-exceeded"


def test_what_cannot_be_read_now_is_told_later(
    running: Running, lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = EntryTeller(running.journal)
    pay(running, 1)

    @contextmanager
    def away(_: Journal) -> Iterator[TableReading]:
        raise Refusal(Objection("journal-unavailable", "away"))
        yield

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "reading", away)
        teller.tick()
    assert lines == []
    teller.tick()
    assert [line["kind"] for line in lines] == ["signed"]


@pytest.mark.parametrize("notice", [*test_notices_codec.EXAMPLES, *test_agreement_codec.EXAMPLES])
def test_a_notice_is_told_by_its_kind_and_not_by_its_text(notice: Notice) -> None:
    fields = fields_of(7, encode_entry(notice))
    assert fields.keys() <= {"number", "decision_id", "caller", "kind", "txid", "about"}
    assert fields["number"] == 7
    assert fields["about"]
    if isinstance(notice, OfficerNotice):
        signed = notice.signed
        assert signed.officer.hex() in str(fields["about"])
        assert signed.signature.hex() not in str(fields)
        assert "\n" not in str(fields["about"])
