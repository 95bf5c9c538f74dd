"""A better chain that leaves ours too deep: nothing is decided until people have."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from signer.bitcoin.hashes import hash256
from signer.core.errors import VerificationError
from signer.journal.audit import verify_journal
from signer.journal.header_chain import ChainSetting
from signer.journal.journal import Journal
from signer.journal.place import Place
from tests.bitcoin.refused import refused
from tests.core.spends import NOW
from tests.journal.headers import (
    LONELY,
    best_of,
    bring,
    chain_of,
    names,
    on_top,
    trunk,
    with_headers,
)

DISPUTED = "header-chain-disputed"
RAWS = trunk(12)
THEIRS = on_top(RAWS[:5], 9)
"""Leaves at height 5, 7 below the tip where 6 are followed; with two headers more."""
BETTER = on_top(RAWS[:5], 10, b"c" * 32)
FRESH = replace(LONELY, fresh=replace(LONELY.fresh, age=NOW, silence=NOW))


def following(header: bytes) -> ChainSetting:
    """The configuration in which people have decided."""
    bounds = replace(FRESH.bounds, follow=hash256(header))
    return replace(FRESH, bounds=bounds)


def stale(journal: Journal) -> str:
    with chain_of(journal) as chain:
        try:
            chain.require_fresh(NOW)
        except VerificationError as error:
            return error.code
        return ""


def disputed(journal: Journal, raws: Sequence[bytes]) -> None:
    with refused(DISPUTED):
        bring(journal, raws, "two")


def last_of(journal: Journal) -> tuple[int, bytes] | None:
    with chain_of(journal) as chain:
        dispute = chain.dispute()
        return None if dispute is None else (dispute.fork, dispute.last.raw)


def test_a_better_chain_that_leaves_too_deep_is_told_of_and_stops_decisions(place: Place) -> None:
    with with_headers(place, FRESH) as journal:
        bring(journal, RAWS)
        assert (last_of(journal), stale(journal)) == (None, "")
        disputed(journal, THEIRS)
        assert (last_of(journal), stale(journal)) == ((5, THEIRS[-1]), DISPUTED)
        assert best_of(journal) == names(RAWS)
        with chain_of(journal) as chain:
            assert chain.link(names(THEIRS)[0]) is None
            assert [each.height for each in chain.sources()] == [12, 0]
    with with_headers(place, FRESH) as journal:
        assert (last_of(journal), stale(journal)) == ((5, THEIRS[-1]), DISPUTED)
        bring(journal, on_top(RAWS, 1))
        assert stale(journal) == DISPUTED
    assert verify_journal(place).headers == 14


def test_one_header_less_deep_is_a_reorganisation_and_one_no_better_is_refused(
    file: Path,
) -> None:
    with with_headers(file, FRESH) as journal:
        bring(journal, RAWS)
        with refused("header-fork-too-deep"):
            bring(journal, THEIRS[:7], "two")
        assert last_of(journal) is None
        assert bring(journal, on_top(RAWS[:6], 7)).left == 6


@pytest.mark.parametrize("first", [THEIRS, BETTER])
def test_of_two_that_are_better_the_best_is_told_of(file: Path, first: list[bytes]) -> None:
    with with_headers(file, FRESH) as journal:
        bring(journal, RAWS)
        disputed(journal, first)
        disputed(journal, THEIRS)
        disputed(journal, BETTER)
        disputed(journal, THEIRS)
        assert last_of(journal) == (5, BETTER[-1])


@pytest.mark.parametrize("named", [0, 4, 8])
def test_people_decide_for_the_other_chain(file: Path, named: int) -> None:
    with with_headers(file, FRESH) as journal:
        bring(journal, RAWS)
        disputed(journal, THEIRS)
    with with_headers(file, following(THEIRS[named])) as journal:
        assert stale(journal) == DISPUTED
        assert bring(journal, THEIRS, "two").left == 7
        assert (last_of(journal), stale(journal)) == (None, "")
        assert best_of(journal) == names(RAWS[:5] + THEIRS)


@pytest.mark.parametrize(("named", "over"), [(4, False), (5, True), (11, True)])
def test_people_decide_for_ours(file: Path, named: int, over: bool) -> None:
    """By a header above where the two part: both have the others."""
    with with_headers(file, FRESH) as journal:
        bring(journal, RAWS)
        disputed(journal, THEIRS)
    with with_headers(file, following(RAWS[named])) as journal:
        assert stale(journal) == ("" if over else DISPUTED)
        with refused("header-fork-too-deep" if over else DISPUTED):
            bring(journal, BETTER, "two")
        assert stale(journal) == ("" if over else DISPUTED)
