"""Attestations: whose word counts, for what, until when."""

import pytest

from signer.bitcoin.network import MAINNET, REGTEST
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from signer.core.evidence import (
    Attestation,
    Realm,
    attestation_digest,
    authorize,
    statement_bytes,
)
from signer.core.payment import WithdrawalTerms
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.federation import WATCHERS

REALM = Realm(REGTEST.genesis_hash, b"\x05" * 32)
TERMS = WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT)
KEYS = frozenset(watcher.key for watcher in WATCHERS)
DAY = 86_400


def refused(*attestations: Attestation) -> str:
    with pytest.raises(Refusal) as caught:
        authorize(attestations, REALM, KEYS)
    return caught.value.code


def test_statement_bytes_are_those_of_the_design() -> None:
    assert statement_bytes(TERMS) == (
        withdrawal_id(1) + (60_000_000).to_bytes(8, "big") + b"\x00\x16" + USER_SCRIPT
    )
    terms = Coin().terms
    assert statement_bytes(terms) == (
        terms.outpoint.txid
        + b"\x00\x00\x00\x01"
        + (100_000_000).to_bytes(8, "big")
        + (120).to_bytes(4, "big")
        + b"\x00\x22"
        + terms.script_pubkey
    )


def test_quorum_counts_distinct_keys() -> None:
    first, second = (watcher.attest(REALM, NOW + 60, TERMS) for watcher in WATCHERS[:2])
    assert authorize((first, second), REALM, KEYS).attestors(TERMS, NOW) == {
        WATCHERS[0].key,
        WATCHERS[1].key,
    }


def test_words_that_must_outlast_a_moment() -> None:
    """Given after a moment is what expires more than the horizon after it."""
    said = authorize((WATCHERS[0].attest(REALM, NOW + 60, TERMS),), REALM, KEYS)
    assert said.attestors(TERMS, NOW, NOW + 59) == {WATCHERS[0].key}
    assert said.attestors(TERMS, NOW, NOW + 60) == frozenset()


def test_one_attestor_twice_is_one() -> None:
    once = WATCHERS[0].attest(REALM, NOW + 60, TERMS)
    again = WATCHERS[0].attest(REALM, NOW + 61, TERMS)
    assert authorize((once, again, once), REALM, KEYS).attestors(TERMS, NOW) == {WATCHERS[0].key}


def test_expired_word_does_not_count() -> None:
    said = authorize((WATCHERS[0].attest(REALM, NOW, TERMS),), REALM, KEYS)
    assert said.attestors(TERMS, NOW) == frozenset()
    assert said.attestors(TERMS, NOW - 1) == {WATCHERS[0].key}


@pytest.mark.parametrize(("terms", "horizon"), [(TERMS, 7 * DAY), (Coin().terms, 3_600)])
def test_word_too_far_ahead_does_not_count_yet(terms: WithdrawalTerms, horizon: int) -> None:
    said = authorize((WATCHERS[0].attest(REALM, NOW + horizon + 1, terms),), REALM, KEYS)
    assert said.attestors(terms, NOW) == frozenset()
    assert said.attestors(terms, NOW + 1) == {WATCHERS[0].key}


def test_word_for_other_terms_does_not_count() -> None:
    said = authorize((WATCHERS[0].attest(REALM, NOW + 60, TERMS),), REALM, KEYS)
    other = WithdrawalTerms(TERMS.withdrawal_id, Sats(TERMS.amount + 1), TERMS.script_pubkey)
    assert said.attestors(other, NOW) == frozenset()


def test_strangers_are_not_looked_at() -> None:
    word = WATCHERS[0].attest(REALM, NOW + 60, TERMS)
    stranger = Attestation(b"\x01" * 32, word.expiry, word.statements, bytes(64))
    authorized = authorize((stranger, word), REALM, KEYS)
    assert authorized.attestors(TERMS, NOW) == {WATCHERS[0].key}
    assert authorized.attestations == (word,)


@pytest.mark.parametrize(
    "realm",
    [Realm(MAINNET.genesis_hash, REALM.vault_fingerprint), Realm(REGTEST.genesis_hash, bytes(32))],
    ids=["another network", "another vault"],
)
def test_word_for_another_realm(realm: Realm) -> None:
    assert refused(WATCHERS[0].attest(realm, NOW + 60, TERMS)) == "attestation-invalid"


def test_changed_statement_under_an_old_signature() -> None:
    word = WATCHERS[0].attest(REALM, NOW + 60, TERMS)
    more = WithdrawalTerms(TERMS.withdrawal_id, Sats(TERMS.amount + 1), TERMS.script_pubkey)
    forged = Attestation(word.attestor, word.expiry, (more,), word.signature)
    assert refused(forged) == "attestation-invalid"


def test_changed_expiry_under_an_old_signature() -> None:
    word = WATCHERS[0].attest(REALM, NOW + 60, TERMS)
    forged = Attestation(word.attestor, word.expiry + 1, word.statements, word.signature)
    assert refused(forged) == "attestation-invalid"


@pytest.mark.parametrize("statements", [(), (TERMS, Coin().terms)])
def test_one_signature_is_over_one_kind(statements: tuple[WithdrawalTerms, ...]) -> None:
    assert refused(Attestation(WATCHERS[0].key, NOW + 60, statements, bytes(64))) == (
        "evidence-mixed-kinds"
    )


def test_kinds_have_their_own_domain() -> None:
    assert attestation_digest(REALM, NOW, (TERMS,)) != attestation_digest(
        REALM, NOW, (Coin().terms,)
    )


def test_too_much_evidence() -> None:
    word = WATCHERS[0].attest(REALM, NOW + 60, TERMS)
    assert refused(*[word] * 65) == "evidence-too-large"
    assert authorize((word,) * 64, REALM, KEYS).attestors(TERMS, NOW)


def test_too_many_statements() -> None:
    terms = tuple(WithdrawalTerms(withdrawal_id(n), Sats(1_000), USER_SCRIPT) for n in range(4_000))
    good = WATCHERS[0].attest(REALM, NOW + 60, *terms)
    assert len(authorize((good,), REALM, KEYS).said) == 4_000
    more = WATCHERS[1].attest(REALM, NOW + 60, TERMS)
    assert refused(good, more) == "evidence-too-large"
