"""J2 and what else an entry binds: batches, sweep statements, address windows, rotations; and evidence."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from signer.core.errors import Fault, Refusal
from signer.core.evidence import AnchorTerms, Attestation, authorize
from signer.core.evidence_codec import decode_evidence
from signer.core.spend import ApprovedSpend, VerifiedSpend
from signer.core.view import View
from signer.journal.audit import read_entries, verify_journal
from signer.journal.entry import RotationClaim, SignedEntry
from signer.journal.journal import Journal
from signer.journal.place import Place
from signer.ports.recording import Deliberation
from tests import federation
from tests.core.spends import Coin, attestations, authorized, change_draft
from tests.journal.desk import (
    MAGIC,
    NEXT_VAULT,
    ROOT,
    anchor_case,
    anchor_terms,
    case_number,
    deliberation,
    desk,
    move,
    pay,
    rotation_case,
    sweep_case,
    sweep_terms,
)

VAULT = federation.vault().fingerprint
OTHER = b"\x23" * 32
LAST_BATCH = 2**64 - 1


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    with desk(place) as opened:
        yield opened


def anchor(journal: Journal, salt: int, terms: AnchorTerms) -> bytes:
    """Record that anchor, paid for by a coin of its own."""
    return move(journal, anchor_case(terms, Coin(salt=salt)).verify(), terms).decision_id


def newest(place: Place) -> SignedEntry:
    *_, last = read_entries(place, 1)
    assert isinstance(last.entry, SignedEntry)
    return last.entry


def blind(deliberation: Deliberation) -> Deliberation:
    """Whoever decides sees no record of anchors and nonces: a bug that the tables must survive."""

    class Blind:
        def __init__(self, view: View) -> None:
            self._view = view

        def __getattr__(self, name: str) -> object:
            hidden = {"batch_root": None, "highest_batch": None, "nonce_used": False}
            return (lambda *_: hidden[name]) if name in hidden else getattr(self._view, name)

    def decide(view: View, now: int) -> ApprovedSpend:
        return deliberation.decide(Blind(view), now)  # type: ignore[arg-type]

    return replace(deliberation, decide=decide)


def believed(spend: VerifiedSpend, *terms: AnchorTerms) -> Deliberation:
    """A deliberation with a watcher's word for these terms."""
    words = tuple(federation.WATCHERS[0].attest(spend.vault.realm, 1_800_001_000, t) for t in terms)
    evidence = authorize(words, spend.vault.realm, frozenset({federation.WATCHERS[0].key}))
    return deliberation(spend, evidence)


def test_an_anchor_is_on_record_with_its_statement(journal: Journal, place: Place) -> None:
    with journal.reading() as reading:
        assert reading.batch_root(MAGIC, 1) is None
        assert reading.highest_batch(MAGIC) is None
    anchor(journal, 1, anchor_terms(1))
    anchor(journal, 2, anchor_terms(7, OTHER))
    entry = newest(place)
    assert (entry.kind, entry.path_index, entry.path) == ("anchor", 0, "primary")
    assert entry.claims.anchor == anchor_terms(7, OTHER)
    with journal.reading() as reading:
        assert reading.batch_root(MAGIC, 1) == ROOT
        assert reading.batch_root(MAGIC, 7) == OTHER
        assert reading.batch_root(MAGIC, 2) is reading.batch_root(b"ELSE", 1) is None
        assert reading.highest_batch(MAGIC) == 7
        assert reading.highest_batch(b"ELSE") is None


def test_a_second_root_for_a_batch(journal: Journal, place: Place) -> None:
    """J2. Two kernels' worth of rollup history cannot come from one of them."""
    anchor(journal, 1, anchor_terms())
    with pytest.raises(Refusal) as caught:
        anchor(journal, 2, anchor_terms(root=OTHER))
    assert caught.value.code == "batch-root-conflict"
    assert anchor(journal, 2, anchor_terms())  # the same root, from another coin
    assert anchor(journal, 3, anchor_terms(root=OTHER, magic=b"ELSE"))  # another rollup
    with journal.reading() as reading:
        assert reading.batch_root(MAGIC, 1) == ROOT


def test_a_second_root_meets_the_primary_key(journal: Journal, place: Place) -> None:
    """Should J2's rule ever be wrong, the tables' keys still hold: one root for one batch."""
    anchor(journal, 1, anchor_terms())
    other = anchor_terms(root=OTHER)
    spend = anchor_case(other, Coin(salt=2)).verify()
    with pytest.raises(Fault):
        journal.record(blind(believed(spend, other)))
    with journal.reading() as reading:
        assert reading.batch_root(MAGIC, 1) == ROOT
        assert reading.version(spend.transaction.txid) is None
    same = anchor_case(anchor_terms(), Coin(salt=2)).verify()
    assert journal.record(blind(believed(same, anchor_terms()))).decision_id
    assert verify_journal(place).entries == 3


def test_an_anchor_without_a_statement_is_a_fault(journal: Journal) -> None:
    """Even if a policy consented: without terms on record J2 would not know the root."""
    spend = anchor_case(anchor_terms(), Coin()).verify()
    with pytest.raises(Fault):
        journal.record(believed(spend, anchor_terms(root=OTHER)))
    assert journal.record(believed(spend, anchor_terms())).decision_id


def test_the_last_batch_of_all(journal: Journal) -> None:
    """Batches are unsigned: the highest must not wrap, and not be too large for the store."""
    anchor(journal, 1, anchor_terms(2**63))
    anchor(journal, 2, anchor_terms(LAST_BATCH))
    with journal.reading() as reading:
        assert reading.highest_batch(MAGIC) == LAST_BATCH
        assert reading.batch_root(MAGIC, 2**63) == ROOT
    with pytest.raises(Refusal) as caught:
        anchor(journal, 3, anchor_terms(5))
    assert caught.value.code == "batch-out-of-order"


def test_a_sweep_statement_serves_once(journal: Journal, place: Place) -> None:
    first, second = (sweep_case(Coin(salt=salt)).verify() for salt in (1, 2))
    terms = sweep_terms(first)
    move(journal, first, terms)
    assert newest(place).claims.sweep_nonce == terms.nonce
    with pytest.raises(Refusal) as caught:
        move(journal, second, terms)
    assert caught.value.code == "sweep-statement-used"
    with journal.reading() as reading:
        assert reading.nonce_used(terms.nonce)
        assert not reading.nonce_used(b"m" * 16)
    assert move(journal, second, replace(terms, nonce=b"m" * 16)).decision_id


def test_a_used_nonce_meets_the_primary_key(journal: Journal) -> None:
    first, second = (sweep_case(Coin(salt=salt)).verify() for salt in (1, 2))
    terms = sweep_terms(first)
    move(journal, first, terms)
    for nonce, passes in ((terms.nonce, False), (b"m" * 16, True)):
        word = federation.WATCHERS[0].attest(
            second.vault.realm, 1_800_001_000, replace(terms, nonce=nonce)
        )
        keys = frozenset({federation.WATCHERS[0].key})
        work = blind(deliberation(second, authorize((word,), second.vault.realm, keys)))
        if passes:
            assert journal.record(work).decision_id
        else:
            with pytest.raises(Fault):
                journal.record(work)


def test_a_rotation_is_on_record(journal: Journal, place: Place) -> None:
    spend = rotation_case(Coin(), fee=10_000, index=3).verify()
    move(journal, spend, sweep_terms(spend))
    claims = newest(place).claims
    assert claims.rotations == (RotationClaim(NEXT_VAULT.fingerprint, 0, spend.moved, 3),)
    assert claims.charge == 100_000_000
    assert claims.change is None
    with journal.reading() as reading:
        assert reading.outflow_since(VAULT, 0) == 100_000_000
        assert reading.next_index(NEXT_VAULT.fingerprint, 0) == 0


def test_a_coin_far_beyond_the_window_does_not_lift_it(journal: Journal, place: Place) -> None:
    """Somebody pays address 5,000: the coin is spent, but change at 5,001 is not found by a wallet."""
    move(journal, sweep_case(Coin(index=5_000)).verify())
    assert newest(place).claims.seen == ((1, 0),)
    with journal.reading() as reading:
        assert [reading.next_index(VAULT, branch) for branch in (0, 1)] == [0, 1]
    move(journal, sweep_case(Coin(index=19, salt=1)).verify())
    with journal.reading() as reading:
        assert [reading.next_index(VAULT, branch) for branch in (0, 1)] == [20, 1]
    coin = Coin(index=4, salt=2)
    lower = sweep_case(coin).but(outputs=(change_draft(coin.vault, 99_990_000, 20),))
    move(journal, lower.verify())
    with journal.reading() as reading:
        assert [reading.next_index(VAULT, branch) for branch in (0, 1)] == [20, 21]


def test_twins_are_open_withdrawals_of_equal_terms(journal: Journal) -> None:
    case = case_number(1)
    pay(journal, case)
    pay(journal, case_number(2))
    script = case.outputs[0].txout.script_pubkey
    amount = case.outputs[0].txout.amount
    with journal.reading() as reading:
        found = reading.twins(VAULT, amount, script)
        assert [each.terms for each in found] == list(case.withdrawal_terms())
        assert reading.twins(VAULT, amount, script + b"\x00") == ()
        assert reading.twins(VAULT, type(amount)(amount + 1), script) == ()
        assert reading.twins(NEXT_VAULT.fingerprint, amount, script) == ()


def test_only_words_that_were_verified_are_kept(journal: Journal, place: Place) -> None:
    """A caller pads its request with strangers' words: they would fill every member's disk for ever."""
    case = case_number(1)
    words = attestations(case, (Coin(salt=1),))
    stranger = Attestation(b"\x01" * 32, words[0].expiry, words[0].statements, bytes(64))
    keys = frozenset(watcher.key for watcher in federation.WATCHERS)
    evidence = authorize((stranger, *words, stranger), case.vault.realm, keys)
    assert evidence.attestations == words
    journal.record(deliberation(case.verify(), evidence))
    assert decode_evidence(newest(place).evidence) == words
    assert authorized(case).attestations
