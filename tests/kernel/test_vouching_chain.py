"""A witness and what another member's headers said: the entry is judged by attestors' words alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from signer.core.chain_word_codec import encode_word
from signer.core.evidence import StatementKind
from signer.core.fields import pack
from signer.journal.entry import SignedEntry
from tests.core.proven_spends import word_of
from tests.core.spends import Coin, good_case
from tests.kernel import federated
from tests.kernel.federated import Team, draft
from tests.kernel.test_dishonest_member import held_by
from tests.kernel.test_vouching import Contrary, entry_of, told, without

BIG, PAID = Coin(), ((1, 60_000_000),)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = federated.started(tmp_path)
    yield made
    made.stop()


def with_chain(entry: SignedEntry, said: bytes) -> SignedEntry:
    return replace(entry, evidence=entry.evidence + pack((said,)))


WORD = encode_word(word_of(BIG, good_case()))
CODES = {"as it is": WORD, "of nothing": pack((b"chain", b"junk"))}


@pytest.mark.parametrize("said", CODES.values(), ids=CODES.keys())
def test_what_anothers_headers_said_takes_nothing_away_and_proves_nothing(
    team: Team, said: bytes
) -> None:
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    phantom = with_chain(without(StatementKind.COIN)(entry), said)
    (refused,) = told(b, c, phantom, after=number)
    assert isinstance(refused, Contrary)
    assert refused.unvouched.startswith("coin-unproven: ")
    assert held_by(b) == []


def test_an_entry_with_proofs_is_granted(team: Team) -> None:
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    answers = told(b, c, with_chain(entry, WORD), after=number)
    assert not any(isinstance(each, Contrary) for each in answers)
    assert held_by(b) != []
