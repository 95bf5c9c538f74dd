"""What a witness grants, its start takes, whatever it lost by then and however much was written since: the
words for an entry stand with it, or with the first version of what it pays (`signer.vouching`, 3)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.core.agreement.messages import Contrary, Granted
from signer.core.evidence import StatementKind
from signer.vouching_words import MAX_EVIDENCE
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.room import attested, construct_request, sign_request
from tests.kernel.test_agreement_wire import codes, log_for, refused
from tests.kernel.test_dishonest_member import held_by, pending_of
from tests.kernel.test_vouching import Lie, entry_of, told, without

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)
FIRST, SECOND = (1, 60_000_000), (2, 50_000_000)
PAID = (FIRST,)


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
