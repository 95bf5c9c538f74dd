"""The journal once more, entry by entry: each decision with its input and the record as it was before it.

1. The record is rebuilt in memory by the fold that serves, so that what was seen then is seen again.
2. A decision has its input if it was signed, or refused while the caller's byte budget lasted. An input is a
   claim as it was when it came: it is parsed, authorized and verified again, and believed no more than then.
3. Of the evidence a signed entry keeps what its own policy's attestors said; another policy's were not kept.
4. A vault is found by its fingerprint; where a request was refused, by the name that the request gave.
5. Clocks of `aged` are those on record: what another policy would have started is not imagined.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from signer import wire
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.approve import Question, ask
from signer.core.caller import Caller
from signer.core.errors import MalformedRequest, Objection, Refusal, unverified
from signer.core.evidence import Attestation, authorize
from signer.core.evidence_codec import decode_evidence
from signer.core.payment import PaymentClaim
from signer.core.spend import VerifiedSpend
from signer.core.vault import CHANGE, RECEIVE, Vault, VaultRegistry
from signer.core.verify import SpendClaims, verify
from signer.journal import fold
from signer.journal.audit import StoredEntry, read_entries
from signer.journal.entry import Entry, RefusedEntry, SignedEntry
from signer.journal.reading import SqliteReading
from signer.journal.schema import create_schema
from signer.kernel import ServedPolicy


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on record."""

    caller: str
    vault: bytes | str
    """Fingerprint, or the name in a request that was refused."""
    psbt: bytes
    payments: tuple[PaymentClaim, ...]
    attestations: tuple[Attestation, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """An entry at its place."""

    stored: StoredEntry
    asked: Asked | None
    """None where the entry is no decision, or its input was not kept."""
    before: SqliteReading
    """The record without the entry, at the entry's time; to be used until the next one is taken."""


def replay(path: Path) -> Iterator[Replayed]:
    """Every entry, oldest first. Raises Refusal `journal-tampered` and what opening a journal raises."""
    tables = sqlite3.connect("file::memory:", uri=True, isolation_level=None)
    try:
        create_schema(tables)
        for stored in read_entries(path, 0):
            if stored.number == 0:  # the file is a journal
                _show_entries(path, tables)
            before = SqliteReading(tables, stored.entry.clock)
            yield Replayed(stored, asked_of(stored.entry), before)
            _fold(stored, tables)
    finally:
        tables.close()


def asked_of(entry: Entry) -> Asked | None:
    """The request that the entry decided, if it was kept (rule 2) and can be read."""
    if isinstance(entry, SignedEntry):
        claims = tuple(
            PaymentClaim(each.withdrawal_id, each.vout) for each in entry.claims.payments
        )
        evidence = decode_evidence(entry.evidence)
        return Asked(entry.caller, entry.vault_fingerprint, entry.psbt, claims, evidence)
    if not isinstance(entry, RefusedEntry) or not entry.request:
        return None
    try:
        sent = wire.sign_request(Caller(entry.caller, frozenset()), entry.request)
    except MalformedRequest:
        return None
    return Asked(entry.caller, sent.vault_id, sent.psbt, sent.payments, sent.attestations)


@dataclass(frozen=True, slots=True)
class Court:
    """A policy that decides what others decided, with its vaults."""

    policy: ServedPolicy
    registry: VaultRegistry

    def hear(self, asked: Asked, before: SqliteReading) -> tuple[VerifiedSpend, Question]:
        """The facts, and the question that the policy answers. Raises Refusal or Malformed.

        Nothing is signed, so no key is ours: the spend has no signing tasks.
        """
        vault = self._vault(asked.vault)
        for branch in (RECEIVE, CHANGE):
            self.registry.cover(vault, branch, before.next_index(vault.fingerprint, branch))
        psbt = parse_psbt(asked.psbt)
        words = authorize(asked.attestations, vault.realm, self.policy.attestors)
        spend = verify(SpendClaims(psbt, asked.psbt, asked.payments), vault, self.registry, ())
        return spend, ask(spend, words, before, before.now(), caller=asked.caller)

    def _vault(self, named: bytes | str) -> Vault:
        if isinstance(named, str):
            return self.registry.get(named)
        for vault in self.registry.all():
            if vault.fingerprint == named:
                return vault
        raise unverified(
            "vault-unknown", "the policy has no vault of that fingerprint", named.hex()
        )


def _show_entries(path: Path, tables: sqlite3.Connection) -> None:
    """Let the view read earlier entries from the file: they need not fit into memory."""
    tables.execute("ATTACH ? AS log", (f"file:{quote(str(path.absolute()))}?mode=ro",))
    tables.execute("CREATE TEMP VIEW entries AS SELECT number, leaf, record FROM log.entries")


def _fold(stored: StoredEntry, tables: sqlite3.Connection) -> None:
    try:
        fold.apply(stored.number, stored.entry, tables)
    except (sqlite3.Error, KeyError, OverflowError, Malformed) as error:
        detail = f"entry {stored.number} contradicts those before it: {error}"
        raise Refusal(Objection("journal-tampered", detail)) from None
