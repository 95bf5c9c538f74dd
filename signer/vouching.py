"""Whether another member's entry is true: what a witness asks before it stands behind a claim (J6).

1. The entry's own PSBT and evidence are verified as if they had been brought to us: parsed, proven, and
   judged by the policy in force here, whichever the member went by. The claim is what comes of that, or it
   is refused.
2. Terms that we have on record, or hold, need no fresh word, nor does a coin that a version of what is paid
   spends; nor what we recorded ourselves. What attestors said for an earlier version counts for a later one.
3. Before a grant words count by our clock. At a start all count that were ever given, also by the member's
   policy if we know it: what an honest member recorded, and we may have granted, passes however late it is.
   So nothing is granted that would need our own record at a start, also if it is held already: the record
   may be lost by then. Who brings a further version brings the words for it, for its withdrawals or with
   the first version of them.
4. Limits, windows and time are the member's own to keep; so are officers' approvals, unless nobody else
   speaks for the spend, or its pinned coins are to move without paying: then our record must show them.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint, Txid
from signer.core.agreement.claim import Claim
from signer.core.anchors import anchor_statements
from signer.core.errors import Objection, Refusal, unverified
from signer.core.evidence import Authorized, joined
from signer.core.governance import Standing
from signer.core.payment import PaymentClaim
from signer.core.pins import bind
from signer.core.question import Question
from signer.core.registry import VaultRegistry
from signer.core.spend import VerifiedSpend
from signer.core.sweeps import sweep_statements
from signer.core.verify import SpendClaims, verify
from signer.core.words import Words
from signer.journal.claims import bonds_of
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.entry import SignedEntry
from signer.journal.followed import (
    FollowedEntry,
    waiting_of,
)
from signer.journal.reading import TableReading
from signer.journal.verdicts import Verdict, Verdicts
from signer.ports.policy import PolicyShelf, ServedPolicy
from signer.proposals import vault_named_by
from signer.vouching_words import (
    AloneReading,
    EverReading,
    EverSaid,
    HeldReading,
    LogWords,
)

IN_FORCE_ONCE = frozenset((Standing.SCHEDULED, Standing.IN_FORCE, Standing.SUPERSEDED))
"""Of policies that decide, or did, at some look: a restored clock may stand before a scheduled one's time."""
RESTED = 30
"""Seconds for which what was found about an entry stands."""
MAX_KNOWN = 4_096
"""Entries of which it is remembered what was found."""


class _Look(NamedTuple):
    """What is asked, and of which record."""

    found: FollowedEntry
    log: LogWords
    reading: TableReading
    policy: ServedPolicy

    @property
    def is_ever(self) -> bool:
        return isinstance(self.reading, EverReading)

    @property
    def now(self) -> int:
        """At a start the entry's own time: no later one is known to be right."""
        return self.found.entry.clock if self.is_ever else self.reading.now()

    def words(self, authorized: Authorized) -> Words:
        """As they count at this look."""
        return EverSaid(authorized) if self.is_ever else authorized

    def earlier(self) -> tuple[bytes, ...]:
        """The evidence that counts beside the entry's own."""
        claim = self.found.claim
        return (
            self.log.first(claim)
            if isinstance(self.reading, AloneReading)
            else self.log.earlier(claim)
        )


@dataclass(frozen=True, slots=True)
class Vouching:
    """What is verified with."""

    shelf: PolicyShelf
    registry: VaultRegistry
    _known: dict[tuple[bytes, int, bytes, bytes], tuple[int, Verdict]] = field(
        default_factory=dict, compare=False
    )
    """By log key, number, leaf and policy: when it was found, and what."""

    def before_grants(self, tables: Tables, now: int, member: bytes, limit: int) -> Verdicts:
        """About that member's entries that wait for grants, the oldest first. What was found is not looked
        at again for RESTED seconds: who writes many entries, or brings them often, costs us little."""
        reading, log = HeldReading(tables, now), LogWords(tables, (member,))
        alone = AloneReading(tables, now)
        policy, verdicts = self.shelf.in_force(reading), dict[tuple[bytes, int], Verdict]()
        for each in waiting_of(tables, member, limit):
            key = (*each.claim.name, each.claim.leaf, policy.policy_id)
            found, verdict = self._known.get(key, (now + 1, None))
            if verdict is None or not found <= now < found + RESTED:
                verdict = self._verdict(_Look(each, log, reading, policy))
                lasting = self._ever(each, log, alone).objection
                verdict = Verdict(
                    objection=verdict.objection or lasting,
                    lets_pins_go=verdict.lets_pins_go and lasting is None,
                    stands_alone=lasting is None,
                )
                if len(self._known) >= MAX_KNOWN:
                    self._known.clear()
                self._known[key] = (now, verdict)
            verdicts[each.claim.name] = verdict
        return verdicts

    def at_start(
        self,
        tables: Tables,
        now: int,
        logs: tuple[bytes, ...],
        entries: Iterable[FollowedEntry],
    ) -> Iterator[tuple[Claim, Verdict]]:
        """About these entries of the first log, for a member that may have granted them before it was
        restored (3); the others are histories of the same member's log."""
        reading, log = EverReading(tables, now), LogWords(tables, logs)
        for each in entries:
            yield each.claim, self._ever(each, log, reading)

    def _ever(self, found: FollowedEntry, log: LogWords, reading: EverReading) -> Verdict:
        """By whichever policy it is true, else what the one in force says."""
        policies = self._policies(found.entry, reading)
        verdicts = (self._verdict(_Look(found, log, reading, policy)) for policy in policies)
        first = next(verdicts)
        if first.objection is None:
            return first
        return next((verdict for verdict in verdicts if verdict.objection is None), first)

    def _policies(self, entry: SignedEntry, reading: TableReading) -> Iterator[ServedPolicy]:
        """The one in force, the member's, and those that were in force: by one of these it was granted."""
        policy, known = self.shelf.in_force(reading), reading.governance().proposals
        yield policy
        former = [each.policy_id for each in known if each.standing in IN_FORCE_ONCE]
        for policy_id in dict.fromkeys((entry.policy_id, *former)):
            if policy_id != policy.policy_id and reading.policy_bytes(policy_id):
                yield self.shelf.policy(policy_id, reading)

    def _verdict(self, look: _Look) -> Verdict:
        claim = look.found.claim
        if _is_ours_too(look):
            return Verdict(None, lets_pins_go=not claim.pays)
        try:
            verdict = self._heard(look)
        except Refusal as refusal:
            verdict = Verdict(refusal.objections[0])
        except Malformed as error:
            verdict = Verdict(Objection(error.code, error.detail))
        return _naming_policies(verdict, look)

    def _heard(self, look: _Look) -> Verdict:
        """Raises Refusal or Malformed."""
        claim, entry = look.found
        vault = vault_named_by(self.registry.all(), claim.vault)
        claims = tuple(
            PaymentClaim(each.withdrawal_id, each.vout) for each in entry.claims.payments
        )
        psbt = SpendClaims(parse_psbt(entry.psbt), entry.psbt, claims)
        spend = verify(psbt, vault, self.registry, ())
        _require_same(claim, spend)
        authorized = look.log.words(entry.evidence, vault, look.policy)
        verdict = _judged(look, spend, look.words(authorized))
        if verdict.objection is None:
            return verdict
        for each in look.earlier():
            with suppress(Refusal, Malformed):  # of another vault: it takes nothing away
                authorized = joined(authorized, look.log.words(each, vault, look.policy))
        return _judged(look, spend, look.words(authorized))


def _naming_policies(verdict: Verdict, look: _Look) -> Verdict:
    """Where the member went by another policy than we, it is said."""
    theirs, ours = look.found.entry.policy_id, look.policy.policy_id
    if verdict.objection is None or theirs == ours:
        return verdict
    named = (
        f"{verdict.objection.detail} (judged by policy {ours.hex()}, recorded by {theirs.hex()})"
    )
    found = verdict.objection
    return Verdict(Objection(found.code, named, found.observed, found.limit, found.not_before))


def _is_ours_too(look: _Look) -> bool:
    """Whether the very same is on our own record: the transaction, what it pays and what it binds."""
    claim = look.found.claim
    version = look.reading.version(Txid(claim.txid))
    if version is None or version.terms != claim.pays:
        return False
    ours = decode_entry(look.reading.record(version.number))
    return (
        isinstance(ours, SignedEntry)
        and ours.vault_fingerprint == claim.vault
        and frozenset(each.outpoint for each in ours.claims.coins) == claim.spends
        and frozenset(bonds_of(ours.claims)) == claim.bonds
    )


def _require_same(claim: Claim, spend: VerifiedSpend) -> None:
    """Raises VerificationError `entry-claims-differ`."""
    derived = (
        spend.transaction.txid,
        frozenset(coin.outpoint for coin in spend.coins),
        frozenset(payment.terms for payment in spend.payments),
    )
    if derived != (claim.txid, claim.spends, claim.pays):
        raise unverified(
            "entry-claims-differ", "the entry claims another transaction than its PSBT has"
        )


def _judged(look: _Look, spend: VerifiedSpend, words: Words) -> Verdict:
    """What these words make of the spend."""
    claim, entry = look.found
    anchored = entry.claims.anchor
    nonce = entry.claims.sweep_nonce
    statements = sweep_statements(spend, words, look.reading, look.now)
    question = Question(
        spend=spend,
        authorized=words,
        binding=bind(spend, look.reading),
        view=look.reading,
        now=look.now,
        caller=entry.caller,
        anchored=anchored if anchored in anchor_statements(spend, words, look.now) else None,
        swept=next((each for each in statements if each.nonce == nonce), None),
    )
    objection = next(_objections(look, question, claim), None)
    return Verdict(objection, objection is None and look.policy.lets_pins_go(question))


def _objections(look: _Look, question: Question, claim: Claim) -> Iterator[Objection]:
    said = look.found.entry.claims
    if (said.anchor, said.sweep_nonce) != (
        question.anchored,
        question.swept.nonce if question.swept is not None else b"",
    ):
        yield Objection(
            "entry-claims-differ", "the entry claims a statement that nobody makes about it"
        )
    for coin in question.spend.coins:
        if coin.outpoint in question.binding.unproven and not _is_known(look, claim, coin.outpoint):
            yield from look.policy.coin_objections(question, coin)
    ways = [_lasting(look, way) for way in look.policy.evidence_objections(question)]
    yield from min(ways, key=len)


def _lasting(look: _Look, reasons: Iterable[Objection]) -> tuple[Objection, ...]:
    """At a start approvals may be in what we lost (3)."""
    return tuple(each for each in reasons if not (look.is_ever and each.code == "approval-missing"))


def _is_known(look: _Look, claim: Claim, coin: OutPoint) -> bool:
    """Whether a version of what is paid, that we hold, spends it (2)."""
    payers = (look.reading.held_payers(each) for each in claim.paid)
    return not look.reading.held_spenders(coin).isdisjoint(frozenset().union(*payers))
