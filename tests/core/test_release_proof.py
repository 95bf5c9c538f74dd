"""Releases by the kernel's own chain: each way to be fooled, beside the honest release one field away."""

from dataclasses import replace

import pytest

from signer.bitcoin.burial import Burial
from signer.bitcoin.units import Height
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Objection
from signer.core.release_proof import KillerBlock
from tests.core.releases import CLOSING, DEPTH, HEIGHT, REORGANISED, STRIKE, Case, policy

WORK = 5_000
BLOCK = KillerBlock(b"\x07" * 32, Height(HEIGHT), Burial(DEPTH, WORK))
"""Just deep and heavy enough."""
BY_CHAIN = policy(work="5 kH")
PROVEN = {"said": (), "watchers": (), "block": BLOCK, "policy": BY_CHAIN}
CASES = [each.but(**PROVEN) for each in (STRIKE, CLOSING, REORGANISED)]


def but(case: Case, **changes: object) -> list[str]:
    assert case.block is not None
    return case.but(block=replace(case.block, **changes)).codes


@pytest.mark.parametrize("case", CASES, ids=["strike", "close", "reorg"])
def test_no_attestor_is_asked(case: Case) -> None:
    assert case.codes == []


@pytest.mark.parametrize("case", CASES, ids=["strike", "close", "reorg"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"burial": Burial(DEPTH - 1, WORK)}, "release-too-shallow"),
        ({"burial": Burial(0, 0)}, "release-too-shallow"),
        ({"burial": Burial(DEPTH, WORK - 1)}, "release-too-light"),
        ({"stale": (Objection("header-feed-frozen", "frozen"),)}, "header-feed-frozen"),
    ],
)
def test_what_a_chain_must_show(case: Case, changes: dict[str, object], code: str) -> None:
    """Too shallow, off the best chain, too little work, a frozen feed."""
    assert but(case, **changes) == [code]


def test_blocks_that_cost_little_are_not_enough() -> None:
    """Twice as many blocks, a little less work: behind a fall of the difficulty."""
    assert but(CASES[0], burial=Burial(2 * DEPTH, WORK - 1)) == ["release-too-light"]
    assert but(CASES[0], burial=Burial(2 * DEPTH, WORK)) == []


def test_a_vault_that_asks_attestors_takes_no_proof() -> None:
    assert CASES[0].but(policy=policy()).codes == ["release-proof-unasked"]


def test_a_vault_that_takes_proofs_hears_attestors_still() -> None:
    assert STRIKE.but(policy=BY_CHAIN).codes == []
    assert STRIKE.but(policy=BY_CHAIN, said=(), watchers=()).codes == ["release-unproven"]


def test_without_attestors_only_a_proof_releases() -> None:
    """`coins` by our own chain alone: no word of anybody proves what spent a pin."""
    alone = policy(work="5 kH", coins="confirmed(3 blocks)")
    assert CASES[0].but(policy=alone).codes == []
    assert STRIKE.but(policy=alone).codes == ["release-unproven"]


def test_what_may_be_a_payment_strikes_nothing_however_deep() -> None:
    paying = CASES[0].but(transactions=CLOSING.transactions)
    assert "release-pays" in paying.codes


def test_every_code_is_in_the_catalogue() -> None:
    for code in ("release-proof-unasked", "release-too-light"):
        assert code in CATALOGUE


@pytest.mark.parametrize(
    ("coins", "by_words"),
    [
        ("and(attested(2, watchers), confirmed(6 blocks))", True),
        ("or(attested(2, watchers), confirmed(6 blocks))", True),
        ("thresh(2, attested(2, watchers), confirmed(6 blocks), buried(5 kH))", True),
        ("and(attested(3, watchers), confirmed(6 blocks))", False),
        ("or(attested(3, watchers), confirmed(6 blocks))", False),
        ("and(or(attested(3, watchers), confirmed(1 blocks)), attested(2, watchers))", False),
        ("and(or(attested(2, watchers), confirmed(1 blocks)), attested(1, watchers))", True),
        ("or(confirmed(6 blocks), buried(5 kH))", False),
        ("and(confirmed(6 blocks), buried(5 kH))", False),
    ],
)
def test_words_release_where_coins_ask_attestors(coins: str, by_words: bool) -> None:
    """What `coins` asks of the coin itself says nothing of what spent it, and stands in no way."""
    found = STRIKE.but(policy=policy(work="5 kH", coins=coins)).codes
    assert set(found) == (set() if by_words else {"release-unproven"})
    silent = STRIKE.but(policy=policy(work="5 kH", coins=coins), said=(), watchers=())
    assert set(silent.codes) == {"release-unproven"}
