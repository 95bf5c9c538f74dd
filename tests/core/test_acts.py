"""What officers sign. Invariant: `read_act(act_text(x)) == x`, and no other text is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import load
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import MAINNET, NETWORKS, REGTEST, SIGNET
from signer.bitcoin.script import witness_script_pubkey
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import MAX_MONEY, Sats
from signer.core.acts import (
    GENESIS_POLICY,
    MAX_ACT,
    MAX_VERSION,
    Act,
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    ConfirmPause,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    Lock,
    NewEpoch,
    Pause,
    RejectWithdrawal,
    ReleaseWithdrawal,
    Resume,
    Scope,
    StatedAct,
    Unlock,
    act_text,
    read_act,
    subject_of,
)
from signer.core.acts_control import CLOSED, MAX_EPOCH, MAX_SIZE, STRUCK
from signer.core.evidence import SweepTerms
from signer.core.payment import WithdrawalTerms
from tests.officers import Officer, Token

VAULT, OTHER = b"\x01" * 32, b"\x02" * 32
SCRIPT = witness_script_pubkey(0, b"\x22" * 20)
TERMS = WithdrawalTerms(b"\xab" * 32, Sats(1_250_000_000), SCRIPT)
SWEEP = SweepTerms(1, OTHER, 0, Sats(20_000), b"\x0f" * 16)
EXPIRES = 1_795_867_200  # 2026-11-28T12:00:00Z
APPROVAL = """pegwarden officer act, version 1
action: approve withdrawal
network: regtest
genesis: 0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206
vault: 0101010101010101010101010101010101010101010101010101010101010101
withdrawal: abababababababababababababababababababababababababababababababab
amount: 12.50000000 BTC
address: bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0
script: 00142222222222222222222222222222222222222222
expires: 2026-11-28T12:00:00Z
"""

hashes = st.binary(min_size=32, max_size=32)
moments = st.integers(0, 253_402_300_799)
amounts = st.integers(0, MAX_MONEY).map(Sats)
scripts = st.builds(
    witness_script_pubkey,
    st.just(0),
    st.sampled_from((20, 32)).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
) | hashes.map(lambda program: witness_script_pubkey(1, program))
withdrawals = st.builds(WithdrawalTerms, hashes, amounts, scripts)
moves = st.builds(
    SweepTerms, st.sampled_from((1, 2)), hashes, st.integers(0, 255), amounts,
    st.binary(min_size=16, max_size=16),
)  # fmt: skip
officers = st.sampled_from((Officer("carol").key, Token().key))
scopes = st.builds(Scope, hashes, st.integers(0, MAX_EPOCH), st.integers(1, MAX_SIZE))
txids = hashes.map(Txid)
pins = st.none() | st.builds(OutPoint, txids, st.integers(0, 2**32 - 1))
acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(Pause, scopes, moments),
    st.builds(ConfirmPause, scopes),
    st.builds(Resume, scopes),
    st.builds(Lock, scopes),
    st.builds(Unlock, scopes, moments),
    st.builds(
        ReleaseWithdrawal, scopes, hashes, hashes, st.sampled_from((CLOSED, STRUCK)), pins, txids
    ),
    st.builds(NewEpoch, scopes, st.integers(0, MAX_SIZE), hashes, moments),
    st.builds(ApproveWithdrawal, hashes, withdrawals),
    st.builds(RejectWithdrawal, hashes, withdrawals),
    st.builds(ApproveMove, hashes, moves),
    st.builds(HoldWithdrawal, hashes, moments),
    st.builds(HoldDestination, scripts, moments),
    st.builds(LiftHolds, officers),
    st.builds(ApprovePolicy, hashes, hashes, st.integers(1, MAX_VERSION)),
)
stated = st.builds(StatedAct, acts, st.sampled_from(tuple(NETWORKS.values())), moments)


def refused(text: str) -> None:
    with pytest.raises(Malformed) as error:
        read_act(text)
    assert error.value.code == "act-malformed"


@given(stated)
def test_every_act_is_read_as_it_was_written(each: StatedAct) -> None:
    text = act_text(each)
    assert read_act(text) == each
    assert len(text) <= MAX_ACT
    assert text.splitlines()[-1].startswith("expires: ")


@given(stated, st.data())
def test_a_text_with_one_character_changed_says_something_else_or_nothing(
    each: StatedAct, data: st.DataObject
) -> None:
    text = act_text(each)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters()) + text[at + 1 :]
    try:
        read: object = read_act(changed)
    except Malformed as error:
        read = error.code
    assert read == "act-malformed" or (read == each) == (changed == text)


@given(st.text())
def test_whatever_text_comes_is_refused(text: str) -> None:
    refused(text)
    refused(APPROVAL + text if text else APPROVAL * 2)


def test_an_approval_reads_as_the_manual_shows_it() -> None:
    expected = StatedAct(ApproveWithdrawal(VAULT, TERMS), REGTEST, EXPIRES)
    assert act_text(expected) == APPROVAL
    assert read_act(APPROVAL) == expected


CHANGES = {
    "another version": ("version 1", "version 2"),
    "an unknown act": ("approve withdrawal", "approve everything"),
    "another act of other lines": ("approve withdrawal", "hold withdrawal"),
    "an unknown network": ("regtest", "liquid"),
    "another network's genesis": ("0f9188f1", "00000008"),
    "upper case": ("abababab", "ABABABAB"),
    "a shorter id": ("withdrawal: ab", "withdrawal: "),
    "less precision": ("12.50000000", "12.5"),
    "a leading zero": ("12.50000000", "012.50000000"),
    "more than there is": ("12.50000000", "21000000.00000001"),
    "less than nothing": ("12.50000000", "-12.00000000"),
    "no unit": (" BTC", ""),
    "another address than the script's": ("zs4w3j0", "zs4w3j1"),
    "another script than the address's": ("script: 00142222", "script: 00142223"),
    "a line twice": ("script: ", "amount: 12.50000000 BTC\nscript: "),
    "another order": ("network: regtest\n", ""),
    "a date that does not exist": ("2026-11-28", "2026-11-31"),
    "no expiry": ("expires: 2026-11-28T12:00:00Z\n", ""),
    "no last line feed": ("12:00:00Z\n", "12:00:00Z"),
    "carriage returns": ("\n", "\r\n"),
    "a letter that looks alike": ("amount", "\u0430mount"),
    "a lone surrogate": ("amount", "\ud800mount"),
    "too long": ("regtest", "regtest" * 1_000),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_a_text_one_change_away_is_refused(old: str, new: str) -> None:
    assert old in APPROVAL
    refused(APPROVAL.replace(old, new))


def test_a_text_that_is_too_long_is_not_looked_at() -> None:
    for length, detail in ((MAX_ACT, "unknown or incomplete"), (MAX_ACT + 1, f"at most {MAX_ACT}")):
        with pytest.raises(Malformed, match=detail):
            read_act("x" * length)


def text_of(act: Act) -> str:
    return act_text(StatedAct(act, REGTEST, EXPIRES))


SCOPE = Scope(VAULT, 3, 120)
RELEASE = ReleaseWithdrawal(SCOPE, VAULT, OTHER, STRUCK, OutPoint(Txid(VAULT), 7), Txid(OTHER))
OTHERS = {
    "a path above a byte": (ApproveMove(VAULT, SWEEP), "path: 0\n", "path: 256\n"),
    "a negative path": (ApproveMove(VAULT, SWEEP), "path: 0\n", "path: -1\n"),
    "a shorter nonce": (ApproveMove(VAULT, SWEEP), "nonce: 0f", "nonce: "),
    "a policy of version 0": (ApprovePolicy(VAULT, OTHER, 1), "version: 1\n", "version: 0\n"),
    "a version above all": (
        ApprovePolicy(VAULT, OTHER, MAX_VERSION), f": {MAX_VERSION}\n", f": {MAX_VERSION + 1}\n",
    ),
    "no officer": (LiftHolds(VAULT), f"officer: {VAULT.hex()}", "officer: "),
    "an officer with a comment": (LiftHolds(Token().key), "AABHNzaDo=", "AABHNzaDo= bob"),
    "no end of a hold": (HoldWithdrawal(VAULT, EXPIRES), "until: 2026", "until: 026"),
    "a negative epoch": (Resume(SCOPE), "epoch: 3", "epoch: -3"),
    "an epoch above all": (Resume(SCOPE), "epoch: 3", f"epoch: {MAX_EPOCH + 1}"),
    "no entries": (Lock(SCOPE), "entries: 120", "entries: 0"),
    "more entries than a head": (Lock(SCOPE), "entries: 120", f"entries: {MAX_SIZE + 1}"),
    "a shorter log key": (Lock(SCOPE), "kernel: 01", "kernel: "),
    "another verdict": (RELEASE, "verdict: struck", "verdict: paid"),
    "an output above all": (RELEASE, ":7\n", f":{2**32}\n"),
    "no output": (RELEASE, ":7\n", "\n"),
    "a shorter killer": (RELEASE, "killer: 02", "killer: "),
    "a wrong next epoch": (NewEpoch(SCOPE, 9, OTHER, 0), "opens: 4", "opens: 5"),
    "no time": (Unlock(SCOPE, EXPIRES), "time: 2026", "time: "),
}  # fmt: skip


@pytest.mark.parametrize(("act", "old", "new"), OTHERS.values(), ids=OTHERS)
def test_the_other_acts_are_as_strict(act: Act, old: str, new: str) -> None:
    text = text_of(act)
    assert read_act(text).act == act
    changed = text.replace(old, new)
    assert changed != text
    refused(changed)


def test_an_approval_and_a_rejection_are_about_the_same() -> None:
    genesis = REGTEST.genesis_hash
    yes, no = ApproveWithdrawal(VAULT, TERMS), RejectWithdrawal(VAULT, TERMS)
    assert subject_of(yes, genesis) == subject_of(no, genesis)
    assert subject_of(yes, genesis) != subject_of(yes, SIGNET.genesis_hash)
    assert subject_of(HoldWithdrawal(VAULT, 1), genesis) == subject_of(
        HoldWithdrawal(VAULT, 2), genesis
    )


@given(acts, acts)
def test_what_is_about_something_else_has_another_subject(one: Act, other: Act) -> None:
    def about(act: Act) -> object:
        match act:
            case HoldWithdrawal(withdrawal_id):
                return ("hold withdrawal", withdrawal_id)
            case HoldDestination(script_pubkey):
                return ("hold destination", script_pubkey)
            case ApproveWithdrawal(vault, terms) | RejectWithdrawal(vault, terms):
                return (vault, terms)
        return act

    same = subject_of(one, b"g" * 32) == subject_of(other, b"g" * 32)
    assert same == (about(one) == about(other))


RELEASE_TEXT = """pegwarden officer act, version 1
action: release withdrawal
network: regtest
genesis: 0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206
kernel: 0101010101010101010101010101010101010101010101010101010101010101
epoch: 3
entries: 120
vault: 0101010101010101010101010101010101010101010101010101010101010101
withdrawal: 0202020202020202020202020202020202020202020202020202020202020202
verdict: struck
pin: 0101010101010101010101010101010101010101010101010101010101010101:7
killer: 0202020202020202020202020202020202020202020202020202020202020202
expires: 2026-11-28T12:00:00Z
"""


def test_a_control_text_binds_kernel_epoch_and_journal() -> None:
    assert text_of(RELEASE) == RELEASE_TEXT
    assert text_of(Pause(SCOPE, EXPIRES)).splitlines()[4:8] == [
        f"kernel: {VAULT.hex()}", "epoch: 3", "entries: 120", "until: 2026-11-28T12:00:00Z",
    ]  # fmt: skip
    without = ReleaseWithdrawal(SCOPE, VAULT, OTHER, CLOSED, None, Txid(OTHER))
    assert "\npin: none\n" in text_of(without)


def test_a_control_act_is_about_itself_alone() -> None:
    """One that was recorded never counts again; another one does, whatever little differs."""
    genesis = REGTEST.genesis_hash
    others = (
        Pause(SCOPE, 1), Pause(SCOPE, 2), Pause(Scope(VAULT, 3, 121), 1), Pause(Scope(VAULT, 4, 120), 1),
        Pause(Scope(OTHER, 3, 120), 1), Resume(SCOPE), Lock(SCOPE), ConfirmPause(SCOPE),
    )  # fmt: skip
    subjects = {subject_of(each, genesis) for each in others}
    assert len(subjects) == len(others)
    assert subject_of(Resume(SCOPE), genesis) in subjects
    assert subject_of(Resume(SCOPE), SIGNET.genesis_hash) not in subjects


def test_the_last_version_is_that_of_policy_files() -> None:
    assert load.MAX_VERSION == MAX_VERSION


def test_the_first_policy_replaces_nothing() -> None:
    first = ApprovePolicy(VAULT, GENESIS_POLICY, 1)
    assert read_act(text_of(first)).act == first
    assert read_act(act_text(StatedAct(first, MAINNET, EXPIRES))).network == MAINNET
