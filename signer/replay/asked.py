"""A decision with its input: the request as far as the entry keeps it.

1. A decision has its input if it was signed, or refused while the caller's byte budget lasted. An input is a
   claim as it was when it came: it is parsed, authorized and verified again, and believed no more than then.
2. Of the evidence a signed entry keeps what its own policy's attestors said; another policy's were not kept.
3. A vault is found by its fingerprint; where a request was refused, by the name that the request gave.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signer import wire_signing
from signer.core.caller import Caller
from signer.core.chain_word import claims_of
from signer.core.errors import MalformedRequest
from signer.core.evidence import Attestation
from signer.core.evidence_codec import decode_chain, decode_evidence
from signer.core.payment import PaymentClaim
from signer.core.proven import InclusionClaim
from signer.journal.audit import StoredEntry, read_entries
from signer.journal.entry import Entry, RefusedEntry, SignedEntry
from signer.journal.reading import TableReading
from signer.ports.chain import ChainReading
from signer.replay.chain import chain_of_word
from signer.replay.record import rebuilding


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on record."""

    caller: str
    vault: bytes | str
    """Fingerprint, or the name in a request that was refused."""
    psbt: bytes
    payments: tuple[PaymentClaim, ...]
    attestations: tuple[Attestation, ...]
    proofs: tuple[InclusionClaim, ...] = ()
    chain: ChainReading | None = None
    """As the entry has it; None where it was not asked, or is not kept: where a request was refused."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """An entry at its place."""

    stored: StoredEntry
    asked: Asked | None
    """None where the entry is no decision, or its input was not kept."""
    before: TableReading
    """The record without the entry, at the entry's time; to be used until the next one is taken."""


def replay(path: Path) -> Iterator[Replayed]:
    """Every entry, oldest first. Raises Refusal `journal-tampered` and what opening a journal raises."""
    with rebuilding() as record:
        for stored in read_entries(path, 0):
            yield Replayed(stored, asked_of(stored.entry), record.reading(stored.entry.clock))
            record.fold(stored)


def asked_of(entry: Entry) -> Asked | None:
    """The request that the entry decided, if it was kept (rule 1) and can be read."""
    if isinstance(entry, SignedEntry):
        claims = tuple(
            PaymentClaim(each.withdrawal_id, each.vout) for each in entry.claims.payments
        )
        evidence, word = decode_evidence(entry.evidence), decode_chain(entry.evidence)
        proofs, chain = ((), None) if word is None else (claims_of(word), chain_of_word(word))
        about = (entry.vault_fingerprint, entry.psbt, claims, evidence)
        return Asked(entry.caller, *about, proofs, chain)
    if not isinstance(entry, RefusedEntry) or not entry.request:
        return None
    try:
        sent = wire_signing.sign_request(Caller(entry.caller, frozenset()), entry.request)
    except MalformedRequest:
        return None
    words = sent.attestations
    return Asked(entry.caller, sent.vault_id, sent.psbt, sent.payments, words, sent.proofs)
