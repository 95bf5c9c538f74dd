"""What the world outside a member knows of it, and what it must find true after every death.

1. What was answered stays: every head is of the log's history, every decision is on record.
2. A request that was signed is signed again with the same bytes, under the same decision.
3. No key was touched without an entry on record, and where members agree without that entry being agreed.
4. Limits count each withdrawal and the dearest fee of each transaction chain once.
5. `journal verify` finds nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.agreement.notices import AgreedNotice, HeardNotice, VoidNotice
from signer.core.errors import Refusal
from signer.journal.audit import StoredEntry, read_entries, snapshot, verify_journal
from signer.journal.entry import SignedEntry
from signer.journal.place import Place
from signer.journal.reading import TableReading
from tests import federation

VAULT = federation.vault().fingerprint
REPEATED = 3
"""Answers that are asked for again after a death: the newest."""


class Served(Protocol):
    """A kernel that runs."""

    def sign(self, request: pb.SignPsbtRequest) -> pb.SignPsbtResponse:
        """SignPsbt."""


@dataclass
class Known:
    """Of one member."""

    heads: list[str] = field(default_factory=list)
    decisions: set[bytes] = field(default_factory=set)
    answers: dict[bytes, tuple[pb.SignPsbtRequest, pb.SignPsbtResponse]] = field(
        default_factory=dict
    )
    """By txid: the newest request that was signed, and what came of the first."""
    grants: set[bytes] = field(default_factory=set)
    """Leaf hashes of the entries for which its grant left."""

    def hear(self, request: pb.SignPsbtRequest, answer: pb.SignPsbtResponse) -> list[str]:
        """An answer left the member. What is wrong with it."""
        self.heads.append(answer.head)
        self.decisions.add(answer.decision_id)
        if not answer.signatures:
            return []
        _, first = self.answers.setdefault(answer.txid, (request, answer))
        same = (first.psbt, first.decision_id) == (answer.psbt, answer.decision_id)
        return [] if same else [f"signed anew: {answer.txid.hex()}"]

    def hear_refusal(self, refusal: Refusal) -> None:
        """A refusal left the member."""
        if refusal.decision_id:
            self.decisions.add(refusal.decision_id)
            self.heads.append(refusal.head)

    def contradicted_by(self, place: Place, touched: Iterable[bytes]) -> list[str]:
        """What the record does not bear out (1, 3, 5), just after a death, before anything else happens."""
        try:
            verify_journal(place, *(head for head in self.heads if head))
        except Refusal as refusal:
            return [f"{refusal.code}: {refusal}"]
        entries = tuple(read_entries(place, 0))
        leaves = {each.leaf for each in entries}
        wrong = [f"answer lost: {each.hex()}" for each in self.decisions - leaves]
        wrong += [f"signed unrecorded: {each.hex()}" for each in set(touched) - final(entries)]
        wrong += [f"grant lost: {each.hex()}" for each in self.grants - _taken(entries)]
        return wrong

    def not_repeated_by(self, served: Served) -> list[str]:
        """What a retry does not obtain (2), of the newest answers."""
        wrong = []
        for request, _ in list(self.answers.values())[-REPEATED:]:
            try:
                answer = served.sign(request)
            except Refusal as refusal:
                wrong.append(f"signed, now refused: {refusal}")
                continue
            wrong += self.hear(request, answer)
            if not answer.signatures:
                wrong.append(f"signed, now waits: {answer.txid.hex()}")
        return wrong


def final(entries: Iterable[StoredEntry]) -> set[bytes]:
    """Leaf hashes of what may be signed, by the log alone."""
    listed = list(entries)
    agreed = {each.entry.leaf for each in listed if isinstance(each.entry, AgreedNotice)}
    alone = {
        each.leaf
        for each in listed
        if isinstance(each.entry, SignedEntry) and not each.entry.quorum
    }
    return agreed | alone


def _taken(entries: Iterable[StoredEntry]) -> set[bytes]:
    heard = (each.entry for each in entries if isinstance(each.entry, HeardNotice))
    return {taken.claim.leaf for each in heard for taken in each.taken}


def counted_twice(place: Place) -> list[str]:
    """Limits, counted from the entries in another way than the record does (4)."""
    entries = tuple(read_entries(place, 0))
    void = {each.entry.leaf for each in entries if isinstance(each.entry, VoidNotice)}
    paid: dict[bytes, int] = {}
    fees: dict[object, int] = {}
    for each in entries:
        if isinstance(each.entry, SignedEntry) and each.leaf not in void:
            claims = each.entry.claims
            paid |= {payment.withdrawal_id: payment.amount for payment in claims.payments}
            fees[claims.first_pin] = max(claims.fee, fees.get(claims.first_pin, 0))
    expected = sum(paid.values()) + sum(fees.values())
    with snapshot(place) as tables:
        counted = TableReading(tables, 0).outflow_since(VAULT, 0)
    return [] if counted == expected else [f"{counted} sat counted for {expected}"]
