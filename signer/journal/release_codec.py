"""Canonical bytes of a release, under the rules of `signer.journal.codec`.

Rule 1: its transactions are read only if they are transactions without witness; its acts only if they are
        texts that `signer.core.acts` reads.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import parse_unsigned
from signer.bitcoin.units import sats_checked
from signer.core.acts import SignedAct, read_act
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
from signer.core.payment import WithdrawalTerms
from signer.core.released import ReleasedNotice
from signer.journal.claims_codec import outpoint_bytes, read_outpoint

RELEASED = b"released"
FIELD_COUNT = 12
LABEL_BYTES = 40


def release_fields(notice: ReleasedNotice) -> tuple[bytes, ...]:
    """All fields but the kind."""
    terms = notice.terms
    return (
        u64_be(notice.clock),
        notice.caller.encode(),
        notice.policy_id,
        notice.vault_fingerprint,
        terms.withdrawal_id,
        u64_be(terms.amount),
        terms.script_pubkey,
        b"" if notice.pin is None else outpoint_bytes(notice.pin),
        pack(notice.transactions),
        notice.evidence,
        pack(_encode_act(each) for each in notice.acts),
        pack(notice.labels),
    )


def read_release(fields: list[bytes]) -> ReleasedNotice:
    """The inverse of `release_fields`. Raises Malformed `entry-malformed`."""
    (clock, caller, policy, vault, withdrawal, amount, script, pin, transactions, evidence,
     acts, labels) = fields  # fmt: skip
    raw = tuple(unpack(transactions))
    if not raw:
        refuse_entry("a release without a transaction")
    try:
        for each in raw:
            parse_unsigned(each)
        sats = sats_checked(read_number(amount, 8))
    except Malformed as error:
        refuse_entry(error.detail)
    return ReleasedNotice(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        policy_id=sized(policy, 32),
        vault_fingerprint=sized(vault, 32),
        terms=WithdrawalTerms(sized(withdrawal, 32), sats, script),
        pin=read_outpoint(pin) if pin else None,
        transactions=raw,
        evidence=evidence,
        acts=tuple(_read_act(field) for field in unpack(acts)),
        labels=tuple(sized(each, LABEL_BYTES) for each in unpack(labels)),
    )


def _encode_act(signed: SignedAct) -> bytes:
    return pack((signed.text.encode(), signed.officer, signed.signature))


def _read_act(record: bytes) -> SignedAct:
    text, officer, signature = unpack_exactly(record, 3)
    signed = SignedAct(read_text(text), officer, signature)
    try:
        read_act(signed.text)
    except Malformed as error:
        refuse_entry(error.detail)
    return signed
