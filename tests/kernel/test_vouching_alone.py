"""What a witness grants, its start takes, whatever it lost by then and however much was written since: the
words for an entry stand with it, or with the first version of what it pays (`signer.vouching`, 3)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer import vouching_words
from signer.bitcoin.network import REGTEST
from signer.core.agreement.messages import Contrary, Granted, read_message
from signer.core.evidence import StatementKind
from signer.vouching import RESTED
from signer.vouching_words import MAX_EVIDENCE, LogWords
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.room import attested, construct_request, sign_request
from tests.kernel.test_agreement_wire import codes, log_for, refused
from tests.kernel.test_dishonest_member import held_by, pending_of
from tests.kernel.test_vouching import Lie, entry_of, forged_word, told, without

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
FIRST, SECOND = (1, 60_000_000), (2, 50_000_000)
PAID = (FIRST,)
LARGE = ((1, 99_999_000),)
SMALL, THIRD = Coin(salt=1, index=1, amount=10_000_000), Coin(salt=3, index=3, amount=45_000_000)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.started(tmp_path)
    yield made
    made.stop()


def version(
    kernel: Witnessed,
    coins: tuple[Coin, ...],
    paid: tuple[tuple[int, int], ...],
    fee_rate: int,
    words: list[t.Attestation],
) -> pb.SignPsbtRequest:
    asked = construct_request(coins, paid)
    asked.fee_rate_sat_per_kvb = fee_rate
    return sign_request(kernel.construct(asked), words)


@pytest.mark.parametrize(
    ("code", "lie"),
    [
        ("attestation-missing", without(StatementKind.WITHDRAWAL)),
        ("coin-unproven", without(StatementKind.COIN)),
    ],
)
def test_nothing_is_granted_for_what_our_own_record_alone_says(
    team: Team, code: str, lie: Lie
) -> None:
    """The very same is on B's record; its twin has its words, and the next one has them before it."""
    b, c = team["b"], team["c"]
    request = draft(c, (BIG,), PAID)
    assert codes(b.sign(request)) == ["agreement-pending"]
    number, entry = entry_of(c, request)
    (said,) = told(b, c, lie(entry), after=number)
    assert isinstance(said, Contrary)
    assert said.unvouched.startswith(f"{code}: ")
    assert held_by(b) == []


def test_what_has_its_words_in_the_first_version_is_granted(team: Team) -> None:
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    later = without(StatementKind.WITHDRAWAL)(entry)
    said = told(b, c, entry, later, after=number)
    assert [type(each) for each in said] == [Granted, Granted]


@pytest.mark.parametrize("between", [1, MAX_EVIDENCE + 4])
def test_a_start_takes_what_was_granted_however_much_was_written_since(
    team: Team, between: int
) -> None:
    """A loses its own version of the first withdrawal, and with it what it granted to C."""
    team.stop("a")
    kept = team.save("a")
    team.start("a")
    team.carry(rounds=4)
    a, c = team["a"], team["c"]
    for kernel in (c, a):
        words = attested((BIG,), PAID, now=NOW)
        assert codes(kernel.sign(version(kernel, (BIG,), PAID, 2_000, words)))
    for each in range(between):
        words = attested((BIG,), (), now=NOW + 1 + each)
        c.sign(version(c, (BIG,), PAID, 2_100 + 100 * each, words))
    words = attested((OTHER,), (SECOND,), now=NOW)
    c.sign(version(c, (BIG, OTHER), (FIRST, SECOND), 9_000, words))
    number, _, _ = pending_of(c)
    a.ask(log_for(c, a), au.WitnessResponse)
    granted = held_by(a)
    team.stop("a")
    team.restore("a", kept)
    team.start("a")
    team.carry(rounds=4)
    a = team["a"]
    held = held_by(a)
    assert {each[:2] for each in granted} <= {each[:2] for each in held}
    assert (c.log_key, number) in {each[:2] for each in held}
    assert refused(a, draft(a, (FRESH,), (SECOND,))) == "withdrawal-pinned"


def restarted_behind_words(team: Team) -> tuple[Witnessed, int]:
    """A held an entry of C at its restart, which its own record made true: the words for a coin of it stand
    behind others in C's log. Its number."""
    a, b, c = team["a"], team["b"], team["c"]
    wide = (BIG, SMALL)
    c.sign(version(c, (BIG,), LARGE, 2_000, attested((BIG,), LARGE, now=NOW)))
    c.sign(version(c, wide, LARGE, 20_000, attested((SMALL,), (), now=NOW)))
    for each in range(MAX_EVIDENCE + 4):
        words = attested((BIG,), (), now=NOW + 1 + each)
        c.sign(version(c, wide, LARGE, 20_100 + 100 * each, words))
    more = attested((THIRD,), (SECOND,), now=NOW)
    c.sign(version(c, (*wide, THIRD), (*LARGE, SECOND), 40_000, more))
    number, _, _ = pending_of(c)
    a.sign(version(a, wide, LARGE, 20_000, attested(wide, LARGE, now=NOW)))
    team.stop("a")
    team.start("a")
    a = team["a"]
    for other in (b, c):
        said = other.ask(au.WitnessRequest(standing=a.head().standing), au.WitnessResponse)
        a.ask(au.WitnessRequest(messages=said.messages), au.WitnessResponse)
    for other in (b, c):
        a.ask(log_for(other, a), au.WitnessResponse)
    return a, number


def test_what_a_start_took_by_our_own_record_is_held_and_not_granted(team: Team) -> None:
    a, number = restarted_behind_words(team)
    c = team["c"]
    assert a.head().waiting_for == []
    assert (c.log_key, number) in {each[:2] for each in held_by(a)}
    said = a.ask(log_for(c, a), au.WitnessResponse)
    members = frozenset({a.log_key})
    about = [read_message(each, REGTEST.genesis_hash, members) for each in said.messages]
    (answer,) = [each for each in about if getattr(each, "number", None) == number]
    assert isinstance(answer, Contrary)
    assert answer.unvouched.startswith("coin-unproven: ")


@pytest.mark.parametrize(("bound", "most"), [("MAX_FIRST", 1), ("MAX_WORDS", 1_000)])
def test_so_many_first_versions_count(
    team: Team, bound: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words for two withdrawals stand with the first versions of each."""
    b, c = team["b"], team["c"]
    for coin, paid in ((BIG, FIRST), (OTHER, SECOND)):
        c.sign(draft(c, (coin,), (paid,)))
    number, entry = entry_of(c, draft(c, (BIG, OTHER), (FIRST, SECOND)))
    bare = without(StatementKind.COIN)(without(StatementKind.WITHDRAWAL)(entry))
    monkeypatch.setattr(vouching_words, bound, most)
    *_, said = told(b, c, bare, after=number)
    assert isinstance(said, Contrary)
    monkeypatch.undo()
    team.members[1].clock.moment += RESTED
    *_, said = told(b, c, bare, after=number)
    assert isinstance(said, Granted)


def test_words_that_do_not_count_take_nothing_away(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the first version's stands evidence that nobody accepts, as of another vault."""
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    later, first = without(StatementKind.WITHDRAWAL)(entry), LogWords.first
    bad = forged_word(entry).evidence
    monkeypatch.setattr(LogWords, "first", lambda log, claim: (bad, *first(log, claim)))
    said = told(b, c, entry, later, after=number)
    assert [type(each) for each in said] == [Granted, Granted]
