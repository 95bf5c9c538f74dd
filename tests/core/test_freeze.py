"""Words after a new epoch. Invariant: only old words about what is frozen are left out."""

from dataclasses import replace

from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from signer.core.control import FREEZE, ControlState, Epoch
from signer.core.evidence import Authorized, authorize
from signer.core.freeze import fresh_words
from signer.core.payment import Payment, WithdrawalTerms
from tests.core.model_view import ModelView
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.federation import WATCHERS, vault

OPENED = ControlState(epochs=(Epoch(1, 5, 9, b"\x0e" * 32, NOW),))
ONE = WithdrawalTerms(withdrawal_id(1), Sats(1_000), USER_SCRIPT)
TWO = replace(ONE, withdrawal_id=withdrawal_id(2))
PAYMENTS = (Payment(ONE.withdrawal_id, 0, ONE.amount, ONE.script_pubkey),)
EARLY, LATE, LATER = NOW + FREEZE, NOW + FREEZE + 1, NOW + 60
COIN = Coin()


def words() -> Authorized:
    """Two attestors' early and one's late word for the first, an early one for the second and a coin."""
    first, second = WATCHERS[:2]
    realm = vault().realm
    given = (
        first.attest(realm, EARLY, ONE, TWO),
        second.attest(realm, EARLY, ONE),
        first.attest(realm, LATE, ONE),
        first.attest(realm, LATER + 60, COIN.terms),
    )
    return authorize(given, realm, frozenset(each.key for each in WATCHERS))


def test_before_a_new_epoch_nothing_is_frozen() -> None:
    assert fresh_words(words(), PAYMENTS, ModelView()) is None
    assert fresh_words(words(), (), ModelView(said_of_kernel=OPENED)) is None


def test_old_words_about_what_is_frozen_are_left_out() -> None:
    said = words()
    fresh = fresh_words(said, PAYMENTS, ModelView(said_of_kernel=OPENED))
    assert fresh is not None
    first, second = WATCHERS[0].key, WATCHERS[1].key
    assert said.attestors(ONE, LATER) == {first, second}
    assert fresh.attestors(ONE, LATER) == {first}
    assert fresh.attestors(ONE, LATER, LATE) == frozenset(), "what asks for more gets it"
    assert fresh.said[ONE] == ((first, LATE),)


def test_all_other_words_stay() -> None:
    said = words()
    fresh = fresh_words(said, PAYMENTS, ModelView(said_of_kernel=OPENED))
    assert fresh is not None
    assert fresh.attestors(TWO, LATER) == said.attestors(TWO, LATER) == {WATCHERS[0].key}
    assert fresh.said[TWO] == said.said[TWO]
    assert (fresh.coins, fresh.attestations) == (said.coins, said.attestations)
    prevout = TxOut(COIN.terms.amount, COIN.terms.script_pubkey)
    assert fresh.coin_statements(COIN.terms.outpoint, prevout) == (COIN.terms,)
