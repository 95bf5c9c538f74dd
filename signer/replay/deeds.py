"""What has to be done again so that an entry is written again, by the kernel's own functions.

1. A deed is done with a kernel whose journal is the record rebuilt (`signer.replay.journal`). It takes from
   the entry what came from outside: the request, the evidence, an officer's text and signature, a policy's
   bytes, and the policy under which the request was looked at. All else is derived.
2. What an entry does not keep is named as the reason why it is not derived again, never guessed.
3. Kinds that stand in no row here are such a reason, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from signer import wire_signing
from signer.core.caller import Caller
from signer.core.chain_word import claims_of
from signer.core.clocks import Hearing, bearing, clocks_started
from signer.core.evidence import authorize
from signer.core.evidence_codec import decode_chain, decode_evidence, encode_evidence
from signer.core.notices import (
    AttestedNotice,
    Notice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)
from signer.core.payment import PaymentClaim, WithdrawalTerms
from signer.core.released import ReleasedNotice
from signer.journal.entry import Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.kernel import Kernel
from signer.ports.reading import Reading
from signer.proposals import vault_named_by
from signer.replay.bench import Bench, Deed, Unrepeatable
from signer.replay.chain import chain_of_word
from signer.replay.differences import kind_of
from signer.replay.officers import officer_deeds, policy_deed, release_deed, step_deed
from signer.sign_request import SignRequest

UNDECIDED = "the genesis entry, which decides nothing"
NO_INPUT = "refused, and the request was not kept"
NO_POLICY = "refused before a policy was asked"
STARTING = "refused while the kernel started: what it waited for is not on record"
ELSEWHERE = "closed by what other members' logs say, which is not on our record"
NO_LEDGER = "refused by the keystore, whose caps and ledger are not on record"
NO_CHAIN = "refused by what the kernel's own headers said, which is not on record"
KEYSTORE_CODES = frozenset(
    ("cap-per-spend", "cap-per-day", "cap-ledger-missing", "cap-ledger-broken", "state-rolled-back")
)
NO_KEY = "refused for a path without our key, and which key is ours is not known"


def deeds_of(ahead: Sequence[Entry]) -> Iterator[Deed] | Unrepeatable:
    """What may have written the first of these entries, perhaps with some that follow; the likelier first.
    `ahead`: up to a turn's entries from here on."""
    entry = ahead[0]
    match entry:
        case SignedEntry():
            return iter((_signed(entry),))
        case RefusedEntry():
            return _refused(entry)
        case AttestedNotice():
            return _attested(entry, ahead[1:2])
        case OfficerNotice():
            return officer_deeds(entry, ahead)
        case PolicyNotice():
            return iter((policy_deed(entry, ahead),))
        case PolicyStepNotice():
            return iter((step_deed(entry),))
        case ReleasedNotice():
            return Unrepeatable(ELSEWHERE) if entry.labels else iter((release_deed(entry),))
        case GenesisEntry():
            return Unrepeatable(UNDECIDED)
    return Unrepeatable(f"of kind {kind_of(entry)}, which is folded as it is")


# --- decisions


def _signed(entry: SignedEntry) -> Deed:
    def deed(bench: Bench) -> None:
        vault = vault_named_by(bench.kernel.registry.all(), entry.vault_fingerprint)
        claims = tuple(
            PaymentClaim(each.withdrawal_id, each.vout) for each in entry.claims.payments
        )
        evidence, word = decode_evidence(entry.evidence), decode_chain(entry.evidence)
        request = SignRequest(
            caller=Caller(entry.caller, frozenset()),
            vault_id=vault.vault_id,
            psbt=entry.psbt,
            payments=claims,
            attestations=evidence,
            last_seen_head="",
            raw=b"",
            proofs=() if word is None else claims_of(word),
        )
        bench.journal.session.told = None if word is None else chain_of_word(word)
        _ask(bench, request, entry)

    return deed


def _refused(entry: RefusedEntry) -> Iterator[Deed] | Unrepeatable:
    if not entry.request:
        return Unrepeatable(NO_INPUT)
    if not entry.policy_id:
        return Unrepeatable(NO_POLICY)
    if entry.code == "agreement-starting":
        return Unrepeatable(STARTING)
    if entry.code in KEYSTORE_CODES:
        return Unrepeatable(NO_LEDGER)
    return iter((_refused_again(entry),))


def _refused_again(entry: RefusedEntry) -> Deed:
    def deed(bench: Bench) -> None:
        caller = Caller(entry.caller, frozenset())
        _ask(bench, wire_signing.sign_request(caller, entry.request), entry)

    return deed


def _ask(bench: Bench, request: SignRequest, entry: SignedEntry | RefusedEntry) -> None:
    """SignPsbt up to the record, under the policy that was in force when the request came."""
    kernel = bench.kernel
    with bench.journal.reading() as reading:
        policy = kernel.shelf.policy(entry.policy_id, reading)
    kernel.cover_windows(kernel.registry.get(request.vault_id))
    deliberation = kernel.deliberation(request, policy)
    bench.journal.decide(replace(deliberation, request_digest=entry.request_digest))


# --- clocks


def _attested(notice: AttestedNotice, follower: Sequence[Entry]) -> Iterator[Deed]:
    """With the decision of the request that brought the evidence; or alone."""
    for entry in follower:
        if isinstance(entry, SignedEntry | RefusedEntry) and _same_request(notice, entry):
            deeds = deeds_of((entry,))
            if not isinstance(deeds, Unrepeatable):
                yield from deeds
    yield _clocks(notice)


def _same_request(notice: AttestedNotice, entry: SignedEntry | RefusedEntry) -> bool:
    said = (notice.clock, notice.caller, notice.policy_id)
    return said == (entry.clock, entry.caller, entry.policy_id)


def _clocks(notice: AttestedNotice) -> Deed:
    """The evidence is verified and counted again; whose clocks ran already the record says."""

    def deed(bench: Bench) -> None:
        bench.journal.note(lambda reading, now: _started(bench.kernel, notice, reading, now))

    return deed


def _started(
    kernel: Kernel, notice: AttestedNotice, reading: Reading, now: int
) -> tuple[Notice, ...]:
    policy = kernel.shelf.policy(notice.policy_id, reading)
    vault = vault_named_by(kernel.registry.all(), notice.vault_fingerprint)
    words = authorize(decode_evidence(notice.evidence), vault.realm, policy.attestors)
    hearing = Hearing(vault.fingerprint, words, reading, now)
    wanted = _in_order(notice.started)
    started = clocks_started(hearing, policy.clock_quorums(vault.vault_id), wanted)
    if not started:
        return ()
    evidence = encode_evidence(bearing(started, words.attestations, now))
    about = (policy.policy_id, vault.fingerprint, evidence, started)
    return (AttestedNotice(now, notice.caller, *about),)


def _in_order(started: Sequence[tuple[WithdrawalTerms, bytes]]) -> tuple[WithdrawalTerms, ...]:
    """An order of the request in which each quorum's clocks start in their order."""
    order = TopologicalSorter[WithdrawalTerms]({terms: () for terms, _ in started})
    for quorum in {quorum for _, quorum in started}:
        for before, after in pairwise(terms for terms, its in started if its == quorum):
            order.add(after, before)
    try:
        return tuple(order.static_order())
    except CycleError:
        return ()
