"""ExplainPsbt's trace: every way with every predicate's verdict, graded by role, and the nearest changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from policies.analysis.described import DescribedRecord
from policies.predicates import Predicate
from policies.predicates.fee_at_most import FeeAtMost
from policies.trace import MAX_SHOWN, Ways, in_order, nearest_changes, trace_of
from signer.bitcoin.units import Sats
from signer.core.caller import Role
from signer.core.errors import MAX_OBJECTIONS, Objection
from signer.core.question import Question
from signer.wire_answers import trace_message
from tests.policies.boundaries import (
    HOUR,
    LISTED,
    MONDAY,
    THOUSAND_WAYS,
    WITHDRAWAL,
    asked,
    earlier,
    fee,
    paying,
    policy_saying,
)

TIERS = (
    "or(and(payment_at_most(1 BTC), fee_at_most(1000 sat)), "
    "and(approved(2, officers), aged(6h), fee_at_most(3000 sat)))"
)
ATTESTED = (
    "  1 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on record "
    "yet"
)


def test_each_way_and_each_predicate_under_the_way_s_number() -> None:
    lines = policy_saying(TIERS).trace(fee(2_000))
    assert [(line.way, line.passed, line.text) for line in lines] == [
        (1, False, "Way 1: 1 objection."),
        (1, True, ATTESTED),
        (1, False, "  the fee is at most 1000 sat"),
        (1, True, "  each payment is at most 1 BTC"),
        (2, False, "Way 2: 2 objections."),
        (2, True, ATTESTED),
        (2, True, "  the fee is at most 3000 sat"),
        (2, False, "  2 of the 3 officers in officers approved it"),
        (
            2,
            False,
            "  6h passed since a request first brought the attestations for exactly this withdrawal",
        ),
    ]
    assert {line.rule for line in lines} == {"way 1", "way 2"}
    (reason,) = lines[2].objections
    assert (reason.observed, reason.limit) == ("2000 sat", "at most 1000 sat")


def test_a_way_that_holds_says_so() -> None:
    lines = policy_saying(TIERS).trace(fee(900))
    assert (lines[0].text, lines[0].passed) == ("Way 1: no objections.", True)


def test_an_anchor_s_trace_begins_with_its_rollup() -> None:
    pairs = policy_saying("path(primary)").trace(asked())
    assert all(line.rule != "rollups" for line in pairs)


@pytest.mark.parametrize(
    ("role", "text", "limit"),
    [
        (Role.AUDITOR, "  each payment is at most 0.1 BTC", "at most 10000000 sat"),
        (Role.OFFICER, "  each payment is at most 0.1 BTC", "at most 10000000 sat"),
        (Role.RELAYER, "  payment_at_most", ""),
    ],
)
def test_limits_that_are_not_public_are_hidden_from_relayers(
    role: Role, text: str, limit: str
) -> None:
    lines = policy_saying("payment_at_most(0.1 BTC)").trace(asked())
    shown = trace_message(lines[-1], frozenset((role,)))
    assert (shown.text, shown.objections[0].limit, shown.way) == (text, limit, 1)


def test_public_limits_are_for_relayers_too() -> None:
    lines = policy_saying("fee_at_most(1000 sat)").trace(asked())
    shown = trace_message(lines[-1], frozenset((Role.RELAYER,)))
    assert shown.text == "  the fee is at most 1000 sat"
    assert shown.objections[0].limit == "at most 1000 sat"


@dataclass(frozen=True)
class Counting:
    """A predicate that counts how often it is asked."""

    NAME: ClassVar = "path"
    CODES: ClassVar[tuple[str, ...]] = ("path-refused",)
    WAITABLE: ClassVar = False
    ASKED: ClassVar[Counter[str]] = Counter()

    text: str
    objecting: int = 1

    @property
    def english(self) -> str:
        return self.text

    def implies(self, other: object) -> bool:
        return self == other

    def objections(self, question: Question) -> Iterator[Objection]:
        self.ASKED[self.text] += 1
        for number in range(self.objecting):
            yield Objection("path-refused", "no", change=f"{self.text} {number}")


def counting(ways: int, predicates: int, objecting: int = 1) -> Ways:
    """Ways of which each shares all predicates but one."""
    shared: frozenset[Predicate] = frozenset(
        Counting(f"shared {number}", objecting) for number in range(predicates - 1)
    )
    return tuple(shared | {Counting(f"own {number:04}", objecting)} for number in range(ways))


def test_each_predicate_is_asked_once_however_many_ways_it_stands_in() -> None:
    Counting.ASKED.clear()
    ways = counting(1_000, 5)
    trace_of(ways, asked())
    assert set(Counting.ASKED.values()) == {1}
    assert len(Counting.ASKED) == 1_004
    Counting.ASKED.clear()
    nearest_changes(ways, asked())
    assert set(Counting.ASKED.values()) == {1}


def test_of_too_many_ways_the_nearest_are_shown_in_their_order() -> None:
    far = counting(400, 4, objecting=8)
    near = frozenset((Counting("near"),))
    lines = trace_of((*far, near), asked())
    size = sum(1 + len(line.objections) for line in lines)
    assert size <= MAX_SHOWN + 1
    shown = [line.way for line in lines if not line.text.startswith("  ")]
    assert shown[-2] == 401
    assert shown[:-1] == sorted(shown[:-1])
    left = 401 - len(shown[:-1])
    assert (lines[-1].rule, lines[-1].way, lines[-1].passed) == ("ways", 0, False)
    assert lines[-1].text == f"{left} more ways are farther from passing."
    assert left > 0


def test_two_thousand_lines_and_objections_are_shown() -> None:
    fitting = trace_of(counting(1_000, 1, objecting=0), asked())
    assert (len(fitting), fitting[-1].rule) == (2_000, "way 1000")
    above = trace_of(counting(1_001, 1, objecting=0), asked())
    assert (len(above), above[-1].text) == (2_001, "1 more ways are farther from passing.")


def test_the_nearest_way_is_shown_however_long_it_is() -> None:
    (way,) = counting(1, MAX_SHOWN)
    lines = trace_of((way,), asked())
    assert len(lines) == 1 + MAX_SHOWN
    assert all(line.way == 1 for line in lines)


def test_of_one_predicate_at_most_eight_objections_are_shown() -> None:
    (way,) = counting(1, 1, objecting=500)
    _, line = trace_of((way,), asked())
    assert len(line.objections) == MAX_OBJECTIONS


def test_a_thousand_ways_are_traced() -> None:
    policy = policy_saying(THOUSAND_WAYS)
    lines = policy.trace(fee(13))
    assert sum(line.passed and line.way > 0 and line.text.startswith("Way") for line in lines) > 0
    assert policy.nearest_changes(fee(20)) == ("a fee of at most 19 sat",)


def test_the_nearest_change_names_the_limit() -> None:
    policy = policy_saying("fee_at_most(4210 sat)")
    assert policy.nearest_changes(fee(4_211)) == ("a fee of at most 4210 sat",)
    assert policy.nearest_changes(fee(4_210)) == ()


def test_of_ways_that_differ_in_a_limit_only_the_widest_is_near() -> None:
    rule = "or(and(caller(other), fee_at_most(10 sat)), and(caller(other), fee_at_most(15 sat)))"
    (told,) = policy_saying(rule).nearest_changes(fee(20))
    assert told == "a fee of at most 15 sat, and a request by other"
    wide = policy_saying("or(fee_at_most(15 sat), and(fee_at_most(17 sat), caller(other)))")
    assert wide.nearest_changes(fee(20)) == (
        "a fee of at most 15 sat",
        "a fee of at most 17 sat, and a request by other",
    )


def test_which_way_is_wider_does_not_depend_on_their_order() -> None:
    tight: frozenset[Predicate] = frozenset((FeeAtMost(Sats(10)),))
    wide: frozenset[Predicate] = frozenset((FeeAtMost(Sats(15)),))
    for ways in ((tight, wide), (wide, tight)):
        assert nearest_changes(ways, fee(20)) == ("a fee of at most 15 sat",)


def test_ways_of_more_than_eight_predicates_are_not_compared() -> None:
    """The longer one asks for all that the shorter one asks for, in both pairs."""
    seven, eight, nine = (way for size in (7, 8, 9) for way in counting(1, size))
    assert len(nearest_changes((seven, eight), asked())) == 1
    assert len(nearest_changes((seven, nine), asked())) == 2


def test_the_nearest_sixty_four_ways_are_compared() -> None:
    ways = tuple(frozenset[Predicate]((FeeAtMost(Sats(limit)),)) for limit in range(1, 66))
    assert nearest_changes(ways, fee(70)) == ("a fee of at most 64 sat",)
    assert nearest_changes(ways[1:], fee(70)) == ("a fee of at most 65 sat",)


def test_a_full_window_passes_later() -> None:
    policy = policy_saying("outflow_at_most(1h, 0.50002 BTC)")
    (told,) = policy.nearest_changes(asked(record=earlier((HOUR - 600, 1_000, 1))))
    assert told == "at most 50001000 sat more, or waiting until 2026-08-03T00:10:00Z"
    assert MONDAY == 1_785_715_200


def test_the_nearest_way_comes_first_and_its_changes_are_joined() -> None:
    policy = policy_saying(TIERS)
    large = paying((200_000_000, LISTED))
    asked_for = replace(large, spend=replace(WITHDRAWAL, payments=large.spend.payments))
    near, far = policy.nearest_changes(asked_for)
    assert near == "a fee of at most 1000 sat, and a payment of at most 100000000 sat"
    assert far == ("approvals by 2 more of officers, and all attestations, then waiting 6h")


def test_at_most_three_ways_and_eight_changes_each_are_told() -> None:
    few = nearest_changes(counting(9, 1), asked())
    assert few == ("own 0000 0", "own 0001 0", "own 0002 0")
    (many,) = nearest_changes(counting(1, 1, objecting=11), asked())
    assert many.count(", and ") == MAX_OBJECTIONS
    assert many.endswith(", and 3 more")


def test_two_ways_with_the_same_change_are_told_once() -> None:
    policy = policy_saying("or(inputs_at_most(3), outputs_at_most(3)), fee_at_most(1 sat)")
    assert policy.nearest_changes(asked()) == ("a fee of at most 1 sat",)


def test_after_expiry_nothing_of_the_rules_is_near() -> None:
    policy = replace(policy_saying("fee_at_most(1 sat)"), expires=MONDAY)
    assert policy.nearest_changes(asked()) == ()
    assert policy.trace(asked()) == ()


def test_predicates_are_shown_in_the_language_s_order() -> None:
    policy = policy_saying("caller(relayer), fee_at_most(2 sat), fee_at_most(10 sat)")
    (way,) = policy.blocks[0].ways
    assert [each.text for each in in_order(way)] == [
        "attested(1, watchers)",
        "fee_at_most(10 sat)",
        "fee_at_most(2 sat)",
        "caller(relayer)",
    ]


def test_a_waiting_record_is_not_asked_again() -> None:
    policy = policy_saying("aged(1h)")
    since = DescribedRecord(attested_since=MONDAY - 600, fee_on_record=Sats(0))
    assert policy.nearest_changes(asked(record=since)) == ("waiting until 2026-08-03T00:50:00Z",)
