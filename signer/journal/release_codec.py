"""Canonical bytes of a release, under the rules of `signer.journal.codec`.

Rule 1: its transactions are read only if they are transactions without witness; its acts only if they are
        texts that `signer.core.acts` reads.
Rule 2: a release by our own chain is an entry of another kind, with one field more: proof, header 80, height
        u32, blocks u32, work 32.
"""

from dataclasses import replace

from signer.bitcoin.burial import Burial
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import HEADER_SIZE
from signer.bitcoin.transaction import parse_unsigned
from signer.bitcoin.units import Height, sats_checked
from signer.core.acts import SignedAct, read_act
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u32_be,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.core.payment import WithdrawalTerms
from signer.core.proof_codec import decode_proof, encode_proof
from signer.core.release_proof import KillerBlock
from signer.core.released import ProvenKiller, ReleasedNotice
from signer.journal.claims_codec import outpoint_bytes, read_outpoint

RELEASED, PROVEN = b"released", b"released-proven"
FIELD_COUNT = 12
PROVEN_COUNT = FIELD_COUNT + 1
LABEL_BYTES = 40


def release_fields(notice: ReleasedNotice) -> tuple[bytes, ...]:
    """The kind and the fields."""
    terms = notice.terms
    proof = notice.proof
    return (
        RELEASED if proof is None else PROVEN,
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
        *(() if proof is None else (_encode_proven(proof),)),
    )


def read_proven(fields: list[bytes]) -> ReleasedNotice:
    """The same for a release by our own chain. Raises Malformed `entry-malformed`."""
    return replace(read_release(fields[:-1]), proof=_read_proven(fields[-1]))


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


def _encode_proven(killer: ProvenKiller) -> bytes:
    block = killer.block
    return pack(
        (
            encode_proof(killer.proof),
            killer.header,
            u32_be(block.height),
            u32_be(block.burial.blocks),
            block.burial.work.to_bytes(32, "big"),
        )
    )


def _read_proven(record: bytes) -> ProvenKiller:
    proof, header, height, blocks, work = unpack_exactly(record, 5)
    block = KillerBlock(
        hash=hash256(sized(header, HEADER_SIZE)),
        height=Height(read_number(height, 4)),
        burial=Burial(read_number(blocks, 4), read_number(work, 32)),
    )
    return ProvenKiller(decode_proof(proof), header, block)


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
