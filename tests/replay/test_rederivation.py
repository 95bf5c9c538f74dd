"""Every entry of a history is derived again to the byte; a change of the rules, or of an entry, is found."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from policies.predicates.fee_rate_between import FeeRateBetween
from signer.bitcoin.units import Sats
from signer.core.agreement.notices import VoidNotice
from signer.core.digests import InputDigests
from signer.core.errors import Fault, Objection
from signer.core.evidence import SweepTerms
from signer.core.governance import Verdict
from signer.core.notices import (
    AttestedNotice,
    OfficerNotice,
    PolicyNotice,
    PolicyStepNotice,
)
from signer.core.pins import Binding, bind
from signer.core.question import Question
from signer.journal.entry import GenesisEntry, RefusedEntry, SignedEntry
from signer.replay.bench import Unrepeatable
from signer.replay.deeds import (
    ELSEWHERE,
    NO_INPUT,
    NO_KEY,
    NO_LEDGER,
    NO_POLICY,
    STARTING,
    UNDECIDED,
    deeds_of,
)
from signer.replay.differences import MAX_FIELDS, Difference, difference
from signer.shelf import Shelf
from tests.attacks.bridge import TAP, Maps
from tests.core.spends import NOW
from tests.journal.test_release_codec import NOTICE
from tests.kernel.histories import RELAYERS, History
from tests.kernel.history_faults import with_maps
from tests.replay.past import Past, placed, rederived, renumbered

KINDS = (SignedEntry, RefusedEntry, AttestedNotice, OfficerNotice, PolicyNotice, PolicyStepNotice)


def test_every_entry_is_derived_again_to_the_byte(past: Past) -> None:
    outcomes = past.derived()
    assert [each.stored for each in outcomes] == past.entries
    assert [each for each in outcomes if each.difference] == []
    assert [each.reason for each in outcomes] == [UNDECIDED, *[""] * (len(outcomes) - 1)]
    counted = Counter(type(each.stored.entry) for each in outcomes)
    assert all(counted[kind] > 3 for kind in KINDS)


def test_the_history_has_refusals_of_many_codes(past: Past) -> None:
    codes = {each.entry.code for each in past.entries if isinstance(each.entry, RefusedEntry)}
    assert len(codes) > 20
    assert {"policy-changed", "withdrawal-held", "count-exceeded", "attestation-invalid"} <= codes


def test_what_lies_before_is_folded_and_not_derived(past: Past) -> None:
    since = len(past.entries) // 2
    outcomes = past.derived(since)
    assert [each.stored.number for each in outcomes] == list(range(since, len(past.entries)))
    assert not any(each.difference or each.reason for each in outcomes)


# --- another version


def _charging_more(patch: pytest.MonkeyPatch) -> None:
    def dearer(*asked: Any) -> Binding:
        binding = bind(*asked)
        return binding._replace(charge=Sats(binding.charge + 1))

    patch.setattr("signer.core.question.bind", dearer)


def _another_word(patch: pytest.MonkeyPatch) -> None:
    def objections(_: Question) -> Iterator[Objection]:
        yield Objection(
            "change-index-too-high", "the change address is too far out", "?", "below 9"
        )

    def unless_near(question: Question) -> Iterator[Objection]:
        change = question.spend.change
        return iter(()) if change is None or change.index < 50_000 else objections(question)

    patch.setattr("signer.core.universal_rules._change_objections", unless_near)


def _another_digest(patch: pytest.MonkeyPatch) -> None:
    digest = InputDigests.digest
    patch.setattr(InputDigests, "digest", lambda *asked: bytes(each ^ 1 for each in digest(*asked)))


def _a_rule_gone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FeeRateBetween, "objections", lambda *_: iter(()))


def _a_rule_more(patch: pytest.MonkeyPatch) -> None:
    refusal = Objection("fee-rate-out-of-range", "no")
    patch.setattr(FeeRateBetween, "objections", lambda *_: iter((refusal,)))


def _clocks_of_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("signer.spend_words.clocks_started", lambda *_: ())
    patch.setattr("signer.replay.deeds.clocks_started", lambda *_: ())


def _no_steps(patch: pytest.MonkeyPatch) -> None:
    for place in ("signer.policy_changes", "signer.replay.officers"):
        patch.setattr(f"{place}.steps_after", lambda *_: ())


def _nothing_due(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("signer.replay.officers.due", lambda *_: ())


def _compared_otherwise(patch: pytest.MonkeyPatch) -> None:
    class Mixed:
        verdict = Verdict.MIXED
        lines = ()

    shelved = Shelf.__init__

    def init(shelf: Shelf, *given: Any) -> None:
        shelved(shelf, *given)
        shelf.compare = lambda *_: Mixed()

    patch.setattr(Shelf, "__init__", init)


def _failing(patch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("not so")

    patch.setattr("signer.kernel.verify", fail)


PLANTED: tuple[tuple[Callable[[pytest.MonkeyPatch], None], str, str, str], ...] = (
    (_charging_more, "signed", "signed", "claims.charge"),
    (_another_word, "refused", "refused", "objections[0].detail"),
    (_another_digest, "signed", "signed", "signing[0][4]"),
    (_a_rule_gone, "refused", "signed", "kind"),
    (_a_rule_more, "signed", "refused", "kind"),
    (_clocks_of_one, "attested", "nothing", "entries"),
    (_no_steps, "step", "nothing", "entries"),
    (_nothing_due, "step", "nothing", "entries"),
    (_compared_otherwise, "policy", "policy", "verdict"),
    (_failing, "signed", "fault", "entries"),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted[0].__name__.strip("_"))
def test_a_planted_change_is_found(
    past: Past,
    monkeypatch: pytest.MonkeyPatch,
    planted: tuple[Callable[[pytest.MonkeyPatch], None], str, str, str],
) -> None:
    plant, was, would, field = planted
    plant(monkeypatch)
    found = [each.difference for each in past.differing()]
    assert found
    alike = [
        each
        for each in found
        if each is not None and (each.was.word, each.would.word) == (was, would)
    ]
    assert field in {named.name for each in alike for named in each.fields}


def test_a_change_of_words_changes_no_verdict(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    _another_word(monkeypatch)
    (found,) = past.differing()
    assert found.difference is not None
    assert not found.difference.changes_verdict
    assert found.difference.was.codes == found.difference.would.codes == ("change-index-too-high",)


@pytest.mark.parametrize("plant", [_charging_more, _another_digest, _a_rule_gone, _a_rule_more])
def test_another_answer_charge_or_digest_changes_the_verdict(
    past: Past, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    changed = [each.difference for each in past.differing() if each.difference is not None]
    assert all(
        each.changes_verdict for each in changed if "signed" in (each.was.word, each.would.word)
    )
    assert changed


# --- another record


def one(found: list[Any]) -> Difference:
    (outcome,) = [each for each in found if each.difference is not None]
    return outcome.difference


def test_an_entry_that_says_another_charge_is_the_only_difference(past: Past) -> None:
    number = past.numbers(SignedEntry)[-1]
    claims = past.entries[number].entry.claims
    other = past.but(number, claims=replace(claims, charge=Sats(claims.charge + 1)))
    found = one(rederived(other, past.history.guard.policy))
    assert [each.name for each in found.fields] == ["claims.charge"]
    assert (found.fields[0].was, found.fields[0].would) == (
        str(claims.charge + 1),
        str(claims.charge),
    )


def test_a_refusal_that_says_another_limit_is_named(past: Past) -> None:
    number = past.numbers(RefusedEntry)[-1]
    first, *others = past.entries[number].entry.objections
    other = past.but(number, objections=(replace(first, limit="another"), *others))
    found = one(rederived(other, past.history.guard.policy))
    assert [each.name for each in found.fields] == ["objections[0].limit"]


def test_an_officer_s_word_is_verified_again(past: Past) -> None:
    number = past.numbers(OfficerNotice)[-1]
    signed = past.entries[number].entry.signed
    forged = replace(signed, signature=bytes([signed.signature[0] ^ 1]) + signed.signature[1:])
    found = one(rederived(past.but(number, signed=forged), past.history.guard.policy))
    assert (found.would.word, found.would.codes) == ("refused", ("officer-signature-invalid",))


def test_the_evidence_of_a_clock_is_verified_again(past: Past) -> None:
    number = past.numbers(AttestedNotice)[0]
    evidence = past.entries[number].entry.evidence
    middle = len(evidence) // 4
    forged = evidence[:middle] + bytes([evidence[middle] ^ 1]) + evidence[middle + 1 :]
    found = one(rederived(past.but(number, evidence=forged), past.history.guard.policy))
    assert found.was.word == "attested"


def test_a_step_that_was_due_and_is_not_there_is_missed(past: Past) -> None:
    (number,) = [
        each.number
        for each in past.entries
        if isinstance(each.entry, PolicyStepNotice) and each.entry.step == "lapsed"
    ][:1]
    other = renumbered((*past.entries[:number], *past.entries[number + 1 :]))
    found = [each for each in rederived(other, past.history.guard.policy) if each.difference]
    assert found[0].stored.number == number
    assert found[0].difference is not None
    assert found[0].difference.would.word == "step"


def test_a_step_out_of_nowhere_is_found(past: Past) -> None:
    last, known = past.entries[-1].entry, past.entries[past.numbers(PolicyStepNotice)[-1]].entry
    step = PolicyStepNotice(last.clock, "confirmed", known.policy_id, 0, b"")
    other = [*past.entries, placed(len(past.entries), step)]
    assert one(rederived(other, past.history.guard.policy)).would.word == "nothing"


def test_clocks_in_an_order_that_no_request_has_are_found(past: Past) -> None:
    """Two quorums cannot each start its clocks in the other's order."""
    number = next(
        each.number
        for each in past.entries
        if isinstance(each.entry, AttestedNotice) and len(each.entry.started) == 2
    )
    (a, quorum), (b, _) = past.entries[number].entry.started
    started = ((a, quorum), (b, quorum), (b, bytes(32)), (a, bytes(32)))
    found = rederived(past.but(number, started=started), past.history.guard.policy)
    assert found[number].difference is not None


# --- what is not derived again


def test_a_refusal_whose_request_was_not_kept_is_counted(room: History) -> None:
    """A caller's bytes of the hour are used up by the third large request."""
    with room.serving():
        for number in range(4):
            asked = with_maps(room.fresh(), partial(_with_large_field, byte=number))
            assert room.ask(asked, RELAYERS[0]) == "psbt-field-not-understood"
    outcomes = Past(room).derived()
    assert [each.reason for each in outcomes].count(NO_INPUT) == 1
    assert not any(each.difference for each in outcomes)


def _with_large_field(maps: Maps, byte: int) -> Maps:
    return maps.plus(0, (b"\x77", bytes(300_000) + bytes([byte])))


def test_whether_a_path_has_our_key_is_told_when_our_key_is_known(tmp_path) -> None:
    """The third member has none in the recovery path. Before anything was signed nothing shows which member
    it is; a configuration does."""
    history = History(tmp_path, number=2)
    said = SweepTerms(1, TAP.fingerprint, 1, Sats(100_000), bytes(16))
    with history.serving():
        assert history.ask(history.moved(TAP, TAP, said)) == "path-without-our-key"
        assert history.ask(history.fresh(TAP)) == "signed"
        asked = history.moved(TAP, TAP, said)
        assert history.ask(asked, RELAYERS[0]) == "path-without-our-key"
        keys = history.running.keystore.xpubs()
    past = Past(history)
    assert [each.reason for each in past.derived() if each.reason] == [UNDECIDED, NO_KEY]
    known = rederived(past.entries, history.guard.policy, ours=keys)
    assert [each.reason for each in known if each.reason] == [UNDECIDED]
    assert not any(each.difference for each in known)


def test_a_refusal_before_a_policy_was_asked_is_counted(past: Past) -> None:
    refused = past.entries[past.numbers(RefusedEntry)[0]].entry
    found = deeds_of((replace(refused, policy_id=b""),))
    assert found == Unrepeatable(NO_POLICY)


def test_a_refusal_while_the_kernel_started_is_counted(past: Past) -> None:
    refused = past.entries[past.numbers(RefusedEntry)[0]].entry
    objection = Objection("agreement-starting", "not yet")
    assert deeds_of((replace(refused, objections=(objection,)),)) == Unrepeatable(STARTING)
    capped = Objection("cap-per-day", "too much")
    assert deeds_of((replace(refused, objections=(capped,)),)) == Unrepeatable(NO_LEDGER)


def test_kinds_that_rest_on_other_members_logs_are_counted() -> None:
    void = VoidNotice(NOW, 3, bytes(32), "timeout")
    assert deeds_of((void,)) == Unrepeatable("of kind void, which is folded as it is")


# --- differences


def test_a_difference_names_the_first_byte(past: Past) -> None:
    entry = past.entries[past.numbers(SignedEntry)[0]].entry
    other = replace(entry, psbt=entry.psbt[:100] + b"\xff" + entry.psbt[101:])
    (found,) = difference(entry, (other,), None).fields
    assert found.name == "psbt"
    assert found.was.endswith(f"from byte 100 of {len(entry.psbt)}")
    assert found.would.startswith("ff")


def test_a_difference_has_a_bounded_number_of_fields(past: Past) -> None:
    entry = max(
        (each.entry for each in past.entries if isinstance(each.entry, SignedEntry)),
        key=lambda each: len(each.claims.coins),
    )
    rows = tuple((row[0], *row[1:4], bytes(32)) for row in entry.signing * MAX_FIELDS)
    longer = replace(entry, signing=entry.signing * MAX_FIELDS)
    assert len(difference(longer, (replace(longer, signing=rows),), None).fields) == MAX_FIELDS


def test_a_journal_begins_with_its_policy(past: Past, room: History) -> None:
    from signer.core.errors import Refusal
    from tests.kernel.history_world import governed_policy

    with pytest.raises(Refusal, match="policy-not-descended"):
        rederived(past.entries, governed_policy(day="1 BTC"))
    with pytest.raises(Refusal, match="journal-foreign"):
        rederived(past.entries[1:], past.history.guard.policy)
    assert isinstance(past.entries[0].entry, GenesisEntry)


def test_a_replay_signs_nothing(past: Past) -> None:
    from signer.replay.keys import RecordedKeys

    keys = RecordedKeys(past.entries[0].entry, ())
    for sign in (keys.sign, keys.sign_statement, keys.sign_head, keys.sign_message):
        with pytest.raises(Fault, match="a replay signs nothing"):
            sign(b"")


def test_a_closing_by_what_another_member_agreed_to_is_counted() -> None:
    """Its log is no part of ours."""
    ours = replace(NOTICE, pin=None)
    assert deeds_of((replace(ours, labels=(bytes(40),)),)) == Unrepeatable(ELSEWHERE)
    assert not isinstance(deeds_of((ours,)), Unrepeatable)
