"""Watch: what happened, entry by entry. The edge repeats this call and makes a stream of it."""

from collections.abc import Iterator

from pegwarden.v1 import approval_pb2 as pb
from signer import wire
from signer.bitcoin.units import COIN
from signer.core.acts import (
    CONTROL_ACTS,
    Act,
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    read_act,
)
from signer.core.caller import Caller
from signer.core.deposits import DepositNotice, ReorganisedNotice
from signer.core.errors import malformed
from signer.core.moments import format_time
from signer.core.notices import (
    AttestedNotice,
    Notice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)
from signer.core.released import ReleasedNotice
from signer.core.ssh import format_officer
from signer.kernel import Kernel
from signer.methods.watch_control import control_told

PAGE = 100
"""Entries of one answer at most; an entry has up to 500 events."""
MAX_EVENTS = 1_000
"""Events after which an answer ends with the entry that it is at: some 300 kB."""
_SIGNED = "signed "
Told = tuple[str, str, bytes]
"""(what, in English, withdrawal id or nothing)."""


def watch(kernel: Kernel, _: Caller, raw: bytes) -> pb.WatchResponse:
    """The events above an entry, at most those of PAGE entries; none when nothing happened."""
    after = wire.decode(pb.WatchRequest, raw).after_entry
    if after >= 2**63:
        raise malformed("request-malformed", "after_entry is not of an event")
    with kernel.journal.reading() as reading:
        found = reading.notices(after, PAGE)
    events, last = list[pb.WatchEvent](), after
    for entry, decision_id, notice in found:
        if len(events) >= MAX_EVENTS:
            break
        events += [
            pb.WatchEvent(
                entry=entry,
                decision_id=decision_id,
                clock_unix=0 if isinstance(notice, str) else notice.clock,
                what=what,
                text=text,
                withdrawal_id=withdrawal_id,
            )
            for what, text, withdrawal_id in _told(notice)
        ]
        last = entry
    return pb.WatchResponse(events=events, last_entry=last)


def _told(notice: Notice | str) -> Iterator[Told]:
    match notice:
        case str():
            yield from _signed(notice.removeprefix(_SIGNED).split())
        case AttestedNotice(started=started):
            for terms in dict.fromkeys(terms for terms, _ in started):
                text = f"attested: withdrawal {terms.withdrawal_id.hex()} of {_btc(terms.amount)}"
                yield "attested", text, terms.withdrawal_id
        case OfficerNotice(signed=signed):
            yield _acted(format_officer(signed.officer), read_act(signed.text).act)
        case PolicyNotice(version=version, verdict=verdict):
            yield "policy-proposed", f"policy version {version} is proposed: {verdict}", b""
        case PolicyStepNotice(step=step, policy_id=policy_id):
            yield "policy-step", f"policy {policy_id.hex()}: {step}", b""
        case DepositNotice() | ReorganisedNotice():
            yield _of_the_chain(notice)
        case ReleasedNotice(terms=terms, pin=None):
            withdrawal_id = terms.withdrawal_id
            yield "closed", f"withdrawal {withdrawal_id.hex()} is closed", withdrawal_id
        case ReleasedNotice(terms=terms, pin=pin):
            withdrawal_id = terms.withdrawal_id
            yield (
                "struck",
                f"pin {pin} of withdrawal {withdrawal_id.hex()} is struck",
                withdrawal_id,
            )


def _of_the_chain(notice: DepositNotice | ReorganisedNotice) -> Told:
    if isinstance(notice, ReorganisedNotice):
        count = len(notice.undone)
        said = f"a reorganisation has undone what {count} entries relied on: it is locked"
        return "reorganised", said, b""
    said = f"deposit {notice.facts.outpoint} of {_btc(notice.facts.amount)} is attested"
    return "deposit-attested", said, b""


def _signed(withdrawal_ids: list[str]) -> Iterator[Told]:
    for each in withdrawal_ids:
        yield "signed", f"a version of withdrawal {each} is signed", bytes.fromhex(each)
    if not withdrawal_ids:
        yield "signed", "an anchor, a sweep or a rotation is signed", b""


def _acted(officer: str, act: Act) -> Told:
    if isinstance(act, CONTROL_ACTS):
        return control_told(officer, act)
    match act:
        case ApproveWithdrawal(_, terms):
            said = f"approves withdrawal {terms.withdrawal_id.hex()} of {_btc(terms.amount)}"
            return "approved", f"{officer} {said}", terms.withdrawal_id
        case RejectWithdrawal(_, terms):
            said = f"rejects withdrawal {terms.withdrawal_id.hex()}"
            return "rejected", f"{officer} {said}", terms.withdrawal_id
        case ApproveMove(vault, _):
            return "approved", f"{officer} approves a move out of vault {vault.hex()}", b""
        case HoldWithdrawal(withdrawal_id, until):
            said = f"holds withdrawal {withdrawal_id.hex()} until {format_time(until)}"
            return "held", f"{officer} {said}", withdrawal_id
        case HoldDestination(script, until):
            said = f"holds what is paid to script {script.hex()} until {format_time(until)}"
            return "held", f"{officer} {said}", b""
        case LiftHolds(held_by):
            return "holds-lifted", f"{officer} lifts the holds of {format_officer(held_by)}", b""
        case ApprovePolicy(policy_id):
            return "policy-approved", f"{officer} approves policy {policy_id.hex()}", b""


def _btc(amount: int) -> str:
    return f"{amount // COIN}.{amount % COIN:08d} BTC"
