"""Notices of tests. The journal believes its kernel: no signature here is a real one."""

from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.acts import (
    Act,
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    RejectWithdrawal,
    SignedAct,
    StatedAct,
    act_text,
    subject_of,
)
from signer.core.evidence import SweepTerms
from signer.core.governance import Step, Verdict
from signer.core.notices import (
    AttestedNotice,
    Notice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)
from signer.core.payment import WithdrawalTerms
from signer.journal.journal import Journal
from signer.ports.recording import Noted
from tests import federation
from tests.core.spends import NOW, USER_SCRIPT, withdrawal_id
from tests.journal.desk import POLICY_ID

VAULT = federation.vault().fingerprint
QUORUM, OTHER_QUORUM = b"\x41" * 32, b"\x42" * 32
SSH_KEY = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + b"\x03" * 32
OFFICERS = (b"\x01" * 32, b"\x02" * 32, SSH_KEY)
"""Two of BIP-340 and one of OpenSSH."""
EXPIRES = NOW + 86_400


def terms_of(number: int, amount: int = 60_000_000) -> WithdrawalTerms:
    return WithdrawalTerms(withdrawal_id(number), Sats(amount), USER_SCRIPT)


def sweep_of(number: int) -> SweepTerms:
    return SweepTerms(1, VAULT, 0, Sats(20_000), b"%016d" % number)


def approval(number: int, amount: int = 60_000_000) -> ApproveWithdrawal:
    return ApproveWithdrawal(VAULT, terms_of(number, amount))


def rejection(number: int) -> RejectWithdrawal:
    return RejectWithdrawal(VAULT, terms_of(number))


def move_approval(number: int) -> ApproveMove:
    return ApproveMove(VAULT, sweep_of(number))


def subject(act: Act) -> bytes:
    return subject_of(act, REGTEST.genesis_hash)


def attested(
    *terms: WithdrawalTerms, quorum: bytes = QUORUM, vault: bytes = VAULT, now: int = NOW
) -> AttestedNotice:
    evidence = b"evidence %d" % now
    started = tuple((each, quorum) for each in terms)
    return AttestedNotice(now, "relayer", POLICY_ID, vault, evidence, started)


def said(act: Act, officer: bytes = OFFICERS[0], expires: int = EXPIRES, now: int = NOW) -> Notice:
    """That officer's act."""
    text = act_text(StatedAct(act, REGTEST, expires))
    return OfficerNotice(now, "officer", POLICY_ID, SignedAct(text, officer, b"\x51" * 64))


def proposed(policy: bytes, version: int = 1, base: bytes = b"", now: int = NOW) -> PolicyNotice:
    return PolicyNotice(now, "officer", policy, base, version, Verdict.LOOSER.value)


def policy_approval(policy: bytes, replaces: bytes, version: int = 1) -> ApprovePolicy:
    return ApprovePolicy(sha256(policy), replaces, version)


def stepped(policy: bytes, step: Step, moment: int = 0, now: int = NOW) -> PolicyStepNotice:
    return PolicyStepNotice(now, step.value, sha256(policy), moment, b"")


def noted(journal: Journal, *notices: Notice) -> Noted:
    """Record these; the journal's clock stands at their time."""
    return journal.note(lambda _, __: notices)
