"""An officer's word counts while text, network, key, expiry and signature are right."""

from dataclasses import replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST, SIGNET
from signer.bitcoin.transaction import Txid
from signer.core.acts import (
    ApproveWithdrawal,
    HoldWithdrawal,
    LiftHolds,
    Lock,
    ReleaseWithdrawal,
    Resume,
    Scope,
    SignedAct,
)
from signer.core.acts_control import CLOSED
from signer.core.errors import VerificationError
from signer.core.moments import format_time
from signer.core.officers import (
    HORIZON,
    LIFT_HORIZON,
    PROPOSED_EXPIRY,
    claimed_act,
    require_live,
    verify_act,
)
from tests.core.test_acts import TERMS, VAULT
from tests.officers import Officer, SshOfficer, Token

NOW = 1_795_262_400
CAROL, DAVE, ALICE, TOKEN = Officer("carol"), Officer("dave"), SshOfficer("alice"), Token()
OFFICERS = frozenset(each.key for each in (CAROL, DAVE, ALICE, TOKEN))
ACT = ApproveWithdrawal(VAULT, TERMS)
GOOD = CAROL.says(ACT, NOW + 60)
SCOPE = Scope(VAULT, 0, 1)


def test_a_word_lasts_a_month_a_lift_a_day_and_a_week_is_proposed() -> None:
    assert (HORIZON, LIFT_HORIZON, PROPOSED_EXPIRY) == (2_592_000, 86_400, 604_800)


def refused(signed: SignedAct, now: int = NOW) -> str:
    with pytest.raises((Malformed, VerificationError)) as error:
        verify_act(signed, REGTEST, OFFICERS, now)
    return error.value.code


def test_officers_of_every_kind_of_key_are_heard() -> None:
    for officer in (CAROL, ALICE, TOKEN):
        signed = officer.sign(GOOD.text)
        stated = verify_act(signed, REGTEST, OFFICERS, NOW)
        assert (stated.act, stated.network, stated.expires) == (ACT, REGTEST, NOW + 60)


def test_an_armoured_signature_goes_on_record_without_its_armour() -> None:
    file = ALICE.signature(GOOD.text)
    signed = claimed_act(GOOD.text, ALICE.key, file)
    assert signed.signature.startswith(b"SSHSIG")
    assert claimed_act(GOOD.text, ALICE.key, signed.signature) == signed
    raw = b"-" + bytes(63)
    assert claimed_act(GOOD.text, CAROL.key, raw).signature == raw


def test_a_text_that_is_no_act_is_refused() -> None:
    assert refused(CAROL.sign(GOOD.text + "\n")) == "act-malformed"


def test_the_word_of_another_network_is_refused() -> None:
    """An approval of signet is replayed on the network with the money."""
    assert refused(CAROL.says(ACT, NOW + 60, SIGNET)) == "act-other-network"
    verify_act(CAROL.says(ACT, NOW + 60, REGTEST), REGTEST, OFFICERS, NOW)


def test_a_stranger_s_word_is_refused() -> None:
    assert refused(Officer("mallory").sign(GOOD.text)) == "officer-unknown"
    assert refused(replace(GOOD, officer=b"")) == "officer-unknown"
    verify_act(CAROL.sign(GOOD.text), REGTEST, OFFICERS, NOW)


def test_a_word_counts_before_its_expiry() -> None:
    verify_act(GOOD, REGTEST, OFFICERS, NOW + 59)
    assert refused(GOOD, NOW + 60) == "act-expired"


def test_a_word_expires_at_most_30_days_ahead() -> None:
    far = CAROL.says(ACT, NOW + HORIZON)
    verify_act(far, REGTEST, OFFICERS, NOW)
    assert refused(far, NOW - 1) == "act-too-far-ahead"
    with pytest.raises(VerificationError) as caught:
        verify_act(far, REGTEST, OFFICERS, NOW - 1)
    assert caught.value.objections[0].limit == format_time(NOW - 1 + HORIZON)


def test_a_lift_expires_at_most_a_day_ahead() -> None:
    """A lift that is kept back for weeks would end holds that nobody has thought of yet."""
    lift = CAROL.says(LiftHolds(DAVE.key), NOW + LIFT_HORIZON)
    verify_act(lift, REGTEST, OFFICERS, NOW)
    assert refused(lift, NOW - 1) == "act-too-far-ahead"
    with pytest.raises(VerificationError) as caught:
        verify_act(lift, REGTEST, OFFICERS, NOW - 1)
    assert caught.value.objections[0].limit == format_time(NOW - 1 + LIFT_HORIZON)
    hold = HoldWithdrawal(TERMS.withdrawal_id, NOW + LIFT_HORIZON)
    verify_act(CAROL.says(hold, NOW + LIFT_HORIZON), REGTEST, OFFICERS, NOW - 1)


@pytest.mark.parametrize("act", [Resume(SCOPE), Lock(SCOPE)], ids=["resume", "lock"])
def test_a_control_act_expires_at_most_a_day_ahead(act: Resume | Lock) -> None:
    said = CAROL.says(act, NOW + LIFT_HORIZON)
    verify_act(said, REGTEST, OFFICERS, NOW)
    assert refused(said, NOW - 1) == "act-too-far-ahead"


def test_a_consent_to_a_release_lasts_as_an_approval_does() -> None:
    """It is about one withdrawal and one transaction for ever: kept back, it does nothing else."""
    release = ReleaseWithdrawal(SCOPE, VAULT, VAULT, CLOSED, None, Txid(VAULT))
    verify_act(CAROL.says(release, NOW + HORIZON), REGTEST, OFFICERS, NOW)
    assert refused(CAROL.says(release, NOW + HORIZON + 1)) == "act-too-far-ahead"


def test_a_word_that_was_verified_is_live_until_its_expiry() -> None:
    stated = verify_act(GOOD, REGTEST, OFFICERS, NOW)
    require_live(stated, NOW + 59)
    with pytest.raises(VerificationError, match="act-expired"):
        require_live(stated, NOW + 60)


@pytest.mark.parametrize("officer", [CAROL, ALICE, TOKEN], ids=["bip340", "ssh", "token"])
def test_a_signature_is_of_that_text_by_that_key(officer: Officer) -> None:
    signed = officer.sign(GOOD.text)
    other = officer.says(HoldWithdrawal(TERMS.withdrawal_id, NOW + 60), NOW + 60)
    verify_act(other, REGTEST, OFFICERS, NOW)
    assert refused(replace(signed, text=other.text)) == "officer-signature-invalid"
    assert refused(replace(signed, officer=DAVE.key)) == "officer-signature-invalid"


def test_a_signature_of_the_other_kind_is_malformed_or_invalid() -> None:
    assert refused(replace(GOOD, officer=ALICE.key)) == "officer-signature-malformed"
    assert refused(replace(GOOD, signature=GOOD.signature[:63])) == "officer-signature-invalid"
    off_curve = b"\xff" * 32
    with pytest.raises(VerificationError, match="officer-signature-invalid"):
        verify_act(replace(GOOD, officer=off_curve), REGTEST, frozenset({off_curve}), NOW)
