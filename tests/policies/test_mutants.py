"""Mutants: which small changes are made, and that one which no example notices is named."""

from pathlib import Path

import pytest

from policies.analysis.edits import (
    Edit,
    Known,
    counts_beside,
    durations_beside,
    edits_of,
    numbers_beside,
    read_nodes,
)
from policies.analysis.mutants import MutationReport, mutate, mutations_of
from policies.load import load_policy
from policies.source import PolicyError
from tests.policies.test_examples import EXCHANGE, SHIPPED, example_text
from tests.policies.world import BRIDGE_TEXT, TEXT, policy_text

KNOWN = Known(("watchers", "officers"), ("exchange", "blocked"), ("primary", "recovery"))
PAY = {"spend": "withdrawal", "from": "peg"}


def edited(text: str) -> list[str]:
    """The texts that the edits make of an expression."""
    edits = edits_of(text, read_nodes(text, 0, len(text)), KNOWN)
    return [text[: edit.start] + edit.text + text[edit.end :] for edit in edits]


def quiet(done: int, of: int) -> None:
    """No progress."""


def report(text: str) -> MutationReport:
    return mutate(text.encode(), quiet)


def survivors(text: str) -> list[str]:
    return [each.what for each in report(text).survivors]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anchor_extends()", []),
        ("anchor_extends( )", []),
        ("normal_fee", []),
        ("and(a())", []),
        ("or( a() , b)", ["and( a() , b)", "or( b)", "or( a())"]),
        (
            "and(a(), b(), c())",
            ["or(a(), b(), c())", "and(b(), c())", "and(a(), c())", "and(a(), b())"],
        ),
        (
            "thresh(2, a(), b(), c())",
            [
                "thresh(1, a(), b(), c())",
                "thresh(3, a(), b(), c())",
                "thresh(4, a(), b(), c())",
                "thresh(2, b(), c())",
                "thresh(2, a(), c())",
                "thresh(2, a(), b())",
            ],
        ),
        ("inputs_at_most(1)", ["inputs_at_most(2)"]),
        ("inputs_at_most(5)", [f"inputs_at_most({number})" for number in (2, 4, 6, 10)]),
        (
            "fee_at_most(0.5 BTC)",
            [
                f"fee_at_most({amount})"
                for amount in (
                    "25000000 sat",
                    "49999999 sat",
                    "50000001 sat",
                    "100000000 sat",
                    "0.5 sat",
                )
            ],
        ),
        (
            "fee_at_most(  10   sat )",
            [
                f"fee_at_most(  {amount} )"
                for amount in ("5 sat", "9 sat", "11 sat", "20 sat", "10 BTC")
            ],
        ),
        (
            "weight_at_most(800 WU)",
            [f"weight_at_most({weight} WU)" for weight in (400, 799, 801, 1600)],
        ),
        (
            "fee_rate_between(1 sat/vB, 20 sat/vB)",
            [
                *(
                    f"fee_rate_between({rate} sat/vB, 20 sat/vB)"
                    for rate in ("0.5", "0.9", "1.1", "2")
                ),
                *(
                    f"fee_rate_between(1 sat/vB, {rate} sat/vB)"
                    for rate in ("10", "19.9", "20.1", "40")
                ),
            ],
        ),
        (
            "aged(2h)",
            [f"aged({time})" for time in ("3600s", "7199s", "7201s", "14400s", "2d", "2m", "2s")],
        ),
        ("attested(1, watchers)", ["attested(2, watchers)", "attested(1, officers)"]),
        ("approved(1, officers)", ["approved(2, officers)", "approved(1, watchers)"]),
        ("destinations_in(exchange)", ["destinations_in(blocked)"]),
        ("destinations_not_in(blocked)", ["destinations_not_in(exchange)"]),
        ("path(recovery)", ["path(primary)"]),
        (
            "destination_types(p2tr)",
            [f"destination_types({form})" for form in ("p2pkh", "p2sh", "p2wpkh", "p2wsh")],
        ),
        ("caller(relayer)", ["caller(stranger)"]),
        (
            "caller(a, b)",
            ["caller(stranger, b)", "caller(a, stranger)", "caller(b)", "caller(a)"],
        ),
        (
            "within(sat, 00:00-00:01)",
            [
                "within(fri-sat, 00:00-00:01)",
                "within(sat-sun, 00:00-00:01)",
                "within(sat, 00:00-00:02)",
                "within(sat, 00:00-01:01)",
            ],
        ),
        (
            "within(tue-sun, 23:59-24:00)",
            [
                "within(daily, 23:59-24:00)",
                "within(wed-sun, 23:59-24:00)",
                "within(tue-sat, 23:59-24:00)",
                "within(tue-sun, 22:59-24:00)",
                "within(tue-sun, 23:58-24:00)",
            ],
        ),
        (
            "within(daily, 08:00-10:00)",
            [
                "within(tue-sun, 08:00-10:00)",
                "within(mon-sat, 08:00-10:00)",
                "within(daily, 07:00-10:00)",
                "within(daily, 08:00-09:00)",
                "within(daily, 07:59-10:00)",
                "within(daily, 08:00-09:59)",
                "within(daily, 08:01-10:00)",
                "within(daily, 08:00-10:01)",
                "within(daily, 09:00-10:00)",
                "within(daily, 08:00-11:00)",
            ],
        ),
    ],
)
def test_edits(text: str, expected: list[str]) -> None:
    assert edited(text) == expected


def test_edits_within_edits() -> None:
    assert edited("and(a(),\n    or(b(), path(primary)))") == [
        "or(a(),\n    or(b(), path(primary)))",
        "and(or(b(), path(primary)))",
        "and(a())",
        "and(a(),\n    and(b(), path(primary)))",
        "and(a(),\n    or(path(primary)))",
        "and(a(),\n    or(b()))",
        "and(a(),\n    or(b(), path(recovery)))",
    ]


def test_steps() -> None:
    assert counts_beside(1) == (2,)
    assert counts_beside(1_000, 100) == (500, 900, 1_100, 2_000)
    assert list(durations_beside(1, "d"))[-3:] == ["1h", "1m", "1s"]
    assert list(numbers_beside("3", "")) == ["1", "2", "4", "6"]


def test_an_edit_names_what_it_changes() -> None:
    text = "and(a(),\n    fee_at_most(1 sat))"
    edits = list(edits_of(text, read_nodes(text, 0, len(text)), KNOWN))
    assert edits[2] == Edit(7, len(text) - 1, "", "without fee_at_most(1 sat)")
    assert edits[3].what == "fee_at_most(1 sat): 2 sat"


def mutated(text: str) -> list[str]:
    """What was changed outside of expressions."""
    return [f"{each.line}: {each.what}" for each in mutations_of(text.encode())]


def test_mutants_of_tables() -> None:
    changes = mutated(EXCHANGE)
    lines = EXCHANGE.splitlines()

    def line(start: str) -> int:
        return 1 + next(place for place, each in enumerate(lines) if each.startswith(start))

    assert f"{line('[governance]')}: without [governance]" in changes
    assert f"{line('[fallback]')}: without [fallback]" in changes
    assert sum(change.endswith("without [allow]") for change in changes) == 7
    quorum, delay = line("quorum"), line("delay")
    assert [each for each in changes if each.startswith(f"{quorum}:")] == [
        f"{quorum}: quorum = 2: {number}" for number in (1, 3, 4)
    ]
    assert [each for each in changes if each.startswith(f"{delay}:")] == [
        f"{delay}: delay = 48h: {time}"
        for time in ("86400s", "172799s", "172801s", "345600s", "48d", "48m", "48s")
    ]
    assert f"{line('officers       ')}: officers = officers: watchers" in changes
    assert [each for each in changes if "expires" in each] == [
        f"{line('expires')}: expires = 2027-01-31T00:00:00Z: {time}"
        for time in (
            "2027-01-30T00:00:00Z",
            "2027-01-30T23:59:59Z",
            "2027-01-31T00:00:01Z",
            "2027-02-01T00:00:00Z",
        )
    ]
    keys = [each for each in changes if "officers: " in each and "..." in each]
    assert sum("exchanged" in each for each in keys) == 3
    assert sum("without" in each for each in keys) == 3
    houses = [each for each in changes if "exchange: " in each and "..." in each]
    assert len(houses) == 8


def test_mutants_of_rollups() -> None:
    changes = [each.partition(": ")[2] for each in mutated(BRIDGE_TEXT)]
    assert "without [rollups.games]" in changes
    assert "sequence = contiguous: increasing" in changes
    assert "sequence = increasing: contiguous" in changes
    assert [each for each in changes if each.startswith("first_batch = 1000")] == [
        f"first_batch = 1000: {number}" for number in (500, 999, 1001, 2000)
    ]


def test_a_group_or_list_of_one_loses_no_entry() -> None:
    only = TEXT.replace('  "bcrt1qt3jq0dk5pt55pym6x6ejvgncj93dm8qenylxea",\n', "")
    changes = [each for each in mutated(only) if "exchange: " in each]
    assert len(changes) == 1
    assert changes[0].endswith("exchanged")


def test_every_mutant_is_another_text_with_its_lines_in_place() -> None:
    """What is taken out leaves its line breaks: survivors point at the original's lines."""
    mutations = mutations_of(BRIDGE_TEXT.encode())
    texts = {each.data for each in mutations}
    assert len(texts) == len(mutations)
    assert BRIDGE_TEXT.encode() not in texts
    assert {text.count(b"\n") for text in texts} == {BRIDGE_TEXT.count("\n")}
    assert [each.line for each in mutations] == sorted(each.line for each in mutations)


def test_no_mutant_has_examples() -> None:
    text = TEXT + example_text(name="x", **PAY, payments=["0.5 BTC"], expect="sign")
    assert all(b"example]]" not in each.data for each in mutations_of(text.encode()))


def test_without_examples_every_policy_that_differs_survives() -> None:
    found = report(TEXT)
    assert found.noticed == 0
    assert found.total == len(found.survivors) + found.not_policies + len(found.equivalent)
    assert found.total == len(mutations_of(TEXT.encode()))
    whats = {each.what for each in found.survivors}
    assert "payment_at_most(1 BTC): 200000000 sat" in whats
    assert "and of 4 parts: or" not in whats  # nobody would attest: it does not load


def test_survivors_are_named_with_their_line() -> None:
    text = policy_text("and(attested(2, watchers), outputs_at_most(3))")
    tail = example_text(name="all", **PAY, payments=["1 sat"], outputs=3, expect="sign")
    found = [each for each in report(text + tail).survivors if "outputs" in each.what]
    where = text.count("\n", 0, text.index("outputs_at_most")) + 1
    assert [(each.line, each.what) for each in found] == [
        (where, "without outputs_at_most(3)"),
        (where, "outputs_at_most(3): 4"),
        (where, "outputs_at_most(3): 6"),
    ]
    more = example_text(name="more", **PAY, payments=["1 sat"], outputs=4, expect="refuse")
    assert not [each for each in survivors(text + tail + more) if "outputs" in each]


def test_a_mutant_may_be_noticed_by_one_try_alone() -> None:
    """The stranger in place of the third key: only some pairs of watchers show it."""
    text = policy_text("attested(2, watchers)")
    pair = {"attested": ["2 watchers"], "coins": ["all watchers"]}
    tail = example_text(name="pairs", **PAY, payments=["1 sat"], **pair, expect="sign")
    assert not [each for each in survivors(text + tail) if "exchanged" in each]
    anybody = example_text(name="all", **PAY, payments=["1 sat"], expect="sign")
    assert len([each for each in survivors(text + anybody) if "exchanged" in each]) == 3


def test_equivalent_mutants_are_counted_apart() -> None:
    """What another predicate implies may go: nothing that is said or refused changes."""
    text = policy_text("and(attested(2, watchers), outputs_at_most(3), outputs_at_most(4))")
    found = report(text)
    assert "without outputs_at_most(4)" in {each.what for each in found.equivalent}
    assert "without outputs_at_most(3)" in {each.what for each in found.survivors}


def test_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    found = mutate(TEXT.encode(), lambda done, of: seen.append((done, of)))
    assert seen == [(number, found.total) for number in range(1, found.total + 1)]


def test_only_a_policy_has_mutants() -> None:
    with pytest.raises(PolicyError):
        mutations_of(b"format = 1")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_examples_of_shipped_policies_notice_every_mutant(path: Path) -> None:
    data = path.read_bytes()
    found = mutate(data, quiet)
    assert [(each.line, each.what) for each in found.survivors] == []
    assert found.noticed > 60
    assert found.equivalent == ()
    assert load_policy(data).examples
