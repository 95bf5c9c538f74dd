"""Canonical bytes of the notices (docs/journal.md has the table), under the rules of `signer.journal.codec`.

Rule 1: an officer's entry is read only if its text is one that `signer.core.acts` reads; the signature was
        verified before it was recorded, and is kept so that anyone can verify it again.
"""

from collections.abc import Callable
from enum import StrEnum

from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import sats_checked
from signer.core.acts import SignedAct, read_act
from signer.core.deposits import DepositNotice, ReorganisedNotice
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.governance import Step, Verdict
from signer.core.notices import (
    AttestedNotice,
    Notice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)
from signer.core.payment import WithdrawalTerms
from signer.core.released import ReleasedNotice
from signer.journal.agreement_codec import READERS, agreement_fields
from signer.journal.deposits_codec import DEPOSIT_READERS, deposit_fields, undone_fields
from signer.journal.release_codec import (
    FIELD_COUNT,
    PROVEN,
    PROVEN_COUNT,
    RELEASED,
    read_proven,
    read_release,
    release_fields,
)


def notice_fields(notice: Notice) -> tuple[bytes, ...]:
    """The kind, then the fields of that kind."""
    clock = u64_be(notice.clock)
    match notice:
        case AttestedNotice():
            started = pack(_encode_started(terms, quorum) for terms, quorum in notice.started)
            vault = notice.vault_fingerprint
            said = (notice.caller.encode(), notice.policy_id, vault, notice.evidence, started)
            return (b"attested", clock, *said)
        case OfficerNotice():
            signed = notice.signed
            act = (signed.text.encode(), signed.officer, signed.signature)
            return (b"officer", clock, notice.caller.encode(), notice.policy_id, *act)
        case PolicyNotice():
            compared = (notice.base, u64_be(notice.version), notice.verdict.encode())
            return (b"policy", clock, notice.caller.encode(), notice.policy, *compared)
        case PolicyStepNotice():
            step = (notice.step.encode(), notice.policy_id, u64_be(notice.moment), notice.officer)
            return (b"step", clock, *step)
        case ReleasedNotice():
            return release_fields(notice)
        case DepositNotice():
            return deposit_fields(notice)
        case ReorganisedNotice():
            return undone_fields(notice)
    return agreement_fields(notice)


def read_notice(kind: bytes, fields: list[bytes]) -> Notice:
    """The inverse of `notice_fields`. Raises Malformed `entry-malformed`."""
    reader = _READERS.get(kind)
    if reader is None:
        refuse_entry("an entry of unknown kind")
    count, read = reader
    if len(fields) != count:
        refuse_entry(f"{len(fields)} fields instead of {count}")
    return read(fields)


def _encode_started(terms: WithdrawalTerms, quorum: bytes) -> bytes:
    return pack((terms.withdrawal_id, u64_be(terms.amount), terms.script_pubkey, quorum))


def _read_started(record: bytes) -> tuple[WithdrawalTerms, bytes]:
    withdrawal_id, amount, script, quorum = unpack_exactly(record, 4)
    try:
        sats = sats_checked(read_number(amount, 8))
    except Malformed as error:
        refuse_entry(error.detail)
    return WithdrawalTerms(sized(withdrawal_id, 32), sats, script), sized(quorum, 32)


def _read_attested(fields: list[bytes]) -> AttestedNotice:
    clock, caller, policy, vault, evidence, started = fields
    read = tuple(_read_started(field) for field in unpack(started))
    if not read:
        refuse_entry("a notice that starts no clock")
    return AttestedNotice(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        policy_id=sized(policy, 32),
        vault_fingerprint=sized(vault, 32),
        evidence=evidence,
        started=read,
    )


def _read_officer(fields: list[bytes]) -> OfficerNotice:
    clock, caller, policy, text, officer, signature = fields
    signed = SignedAct(read_text(text), officer, signature)
    try:
        read_act(signed.text)
    except Malformed as error:
        refuse_entry(error.detail)
    return OfficerNotice(read_number(clock, 8), read_text(caller), sized(policy, 32), signed)


def _read_policy(fields: list[bytes]) -> PolicyNotice:
    clock, caller, policy, base, version, verdict = fields
    return PolicyNotice(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        policy=policy,
        base=sized(base, 0, 32),
        version=read_number(version, 8),
        verdict=_named(read_text(verdict), Verdict),
    )


def _read_step(fields: list[bytes]) -> PolicyStepNotice:
    clock, step, policy, moment, officer = fields
    return PolicyStepNotice(
        clock=read_number(clock, 8),
        step=_named(read_text(step), Step),
        policy_id=sized(policy, 32),
        moment=read_number(moment, 8),
        officer=officer,
    )


def _named(text: str, names: type[StrEnum]) -> str:
    if text not in {each.value for each in names}:
        refuse_entry(f"no {names.__name__.lower()} is called so")
    return text


_READERS: dict[bytes, tuple[int, Callable[[list[bytes]], Notice]]] = {
    b"attested": (6, _read_attested),
    b"officer": (6, _read_officer),
    b"policy": (6, _read_policy),
    b"step": (5, _read_step),
    RELEASED: (FIELD_COUNT, read_release),
    PROVEN: (PROVEN_COUNT, read_proven),
    **DEPOSIT_READERS,
    **READERS,
}
