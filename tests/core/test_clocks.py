"""The clocks of `aged` rules: what starts one, what does not, and which words are kept with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from signer.bitcoin.units import Sats
from signer.core.clocks import Hearing, bearing, clocks_started
from signer.core.evidence import HORIZON, Attestation, CoinTerms, StatementKind, authorize
from signer.core.payment import WithdrawalTerms
from signer.core.view import View
from signer.core.words import Words
from tests.core.model_view import ModelView
from tests.core.spends import NOW, USER_SCRIPT, Coin, good_case, withdrawal_id
from tests.core.test_approve import decide
from tests.federation import WATCHERS, Watcher

VAULT = Coin().vault
TERMS = WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT)
OTHER = replace(TERMS, withdrawal_id=withdrawal_id(2))
THIRD = replace(TERMS, withdrawal_id=withdrawal_id(3))
COIN = Coin().terms
KEYS = frozenset(watcher.key for watcher in WATCHERS)


@dataclass(frozen=True)
class TwoWatchers:
    """Complete with the word of two."""

    digest: bytes = b"\x22" * 32

    def is_complete(self, words: Words, terms: WithdrawalTerms, now: int) -> bool:
        return len(words.attestors(terms, now)) >= 2


def hearing(view: View, watchers: int, terms: Iterable[WithdrawalTerms] = (TERMS,)) -> Hearing:
    said = tuple(
        watcher.attest(VAULT.realm, NOW + 600, each)
        for watcher in WATCHERS[:watchers]
        for each in terms
    )
    return Hearing(VAULT.fingerprint, authorize(said, VAULT.realm, KEYS), view, NOW)


def test_a_complete_quorum_starts_the_clock_once() -> None:
    view, quorum = ModelView(), TwoWatchers()
    assert clocks_started(hearing(view, 2), (quorum,), (TERMS,)) == ((TERMS, quorum.digest),)
    view.clocks[VAULT.fingerprint, TERMS, quorum.digest] = NOW
    assert clocks_started(hearing(view, 2), (quorum,), (TERMS,)) == ()
    other = TwoWatchers(b"\x23" * 32)
    assert clocks_started(hearing(view, 2), (quorum, other), (TERMS,)) == ((TERMS, other.digest),)


def test_a_guess_starts_no_clock() -> None:
    """I guess the next id, or have one attestor vouch for it, so that it is old when it is burnt."""
    assert clocks_started(hearing(ModelView(), 1), (TwoWatchers(),), (TERMS,)) == ()
    richer = replace(TERMS, amount=Sats(60_000_001))
    assert clocks_started(hearing(ModelView(), 2), (TwoWatchers(),), (richer,)) == ()


def test_what_is_signed_needs_no_clock() -> None:
    view = ModelView()
    decide(view, good_case())
    assert view.withdrawal(TERMS.withdrawal_id) is not None
    assert clocks_started(hearing(view, 2), (TwoWatchers(),), (TERMS,)) == ()


ADA, BOB = WATCHERS[:2]
STARTED = ((TERMS, b"\x22" * 32), (TERMS, b"\x23" * 32))
"""One withdrawal, two quorums."""
FARTHEST = NOW + HORIZON[StatementKind.WITHDRAWAL]


@cache  # a signature is another one each time
def word(
    watcher: Watcher, *terms: WithdrawalTerms | CoinTerms, expiry: int = NOW + 600
) -> Attestation:
    return watcher.attest(VAULT.realm, expiry, *terms)


def test_what_convinced_is_kept_in_the_order_given() -> None:
    words = (word(BOB, TERMS), word(ADA, TERMS))
    assert bearing(STARTED, words, NOW) == words
    assert bearing((), words, NOW) == ()


def test_of_an_attestor_s_several_words_the_smallest_is_kept() -> None:
    """I bring an attestor's word a thousand times, or among 499 others, so that the record keeps it all."""
    small, large = word(ADA, TERMS), word(ADA, TERMS, OTHER, THIRD)
    again = word(ADA, TERMS, expiry=NOW + 601)
    assert bearing(STARTED, (large, small, again, small, word(BOB, TERMS)), NOW) == (
        small,
        word(BOB, TERMS),
    )
    assert bearing(STARTED, (again, small), NOW) == (again,)


def test_one_word_may_be_kept_for_several_withdrawals() -> None:
    both, one = word(ADA, TERMS, OTHER), word(ADA, OTHER)
    started = ((TERMS, b"\x22" * 32), (OTHER, b"\x22" * 32))
    assert bearing(started, (both,), NOW) == (both,)
    assert bearing(started, (both, one), NOW) == (both, one)
    assert bearing(started, (both, one, word(ADA, TERMS)), NOW) == (one, word(ADA, TERMS))


def test_words_about_other_matters_are_not_kept() -> None:
    richer = replace(TERMS, amount=Sats(60_000_001))
    junk = (word(ADA, OTHER), word(ADA, COIN), word(ADA, richer))
    assert bearing(STARTED, junk, NOW) == ()
    assert bearing(STARTED, (*junk, word(ADA, TERMS)), NOW) == (word(ADA, TERMS),)


def test_only_words_that_count_now_are_kept() -> None:
    """A smaller word that has expired, or reaches too far ahead, does not crowd out the one that counted."""
    counted = word(ADA, TERMS, OTHER)
    for expiry in (NOW, FARTHEST + 1):
        assert bearing(STARTED, (word(ADA, TERMS, expiry=expiry), counted), NOW) == (counted,)
    for expiry in (NOW + 1, FARTHEST):
        live = word(ADA, TERMS, expiry=expiry)
        assert bearing(STARTED, (live, counted), NOW) == (live,)


def test_what_is_kept_is_still_a_quorum() -> None:
    """What the officer's machine verifies again must convince it as it convinced the kernel."""
    given = (word(ADA, TERMS, OTHER), word(ADA, TERMS), word(BOB, OTHER), word(BOB, TERMS, THIRD))
    kept = bearing(STARTED, given, NOW)
    assert kept == (given[1], given[3])
    assert TwoWatchers().is_complete(authorize(kept, VAULT.realm, KEYS), TERMS, NOW)
