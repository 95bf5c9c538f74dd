"""Anchors, sweeps and rotations: what their blocks may say, and what they ask of statements."""

from dataclasses import replace

import pytest

from policies.explain import render
from policies.expression import predicates
from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route, route_of
from policies.predicates import SPEND_PREDICATES, misplaced_in
from policies.source import PolicyError
from signer.bitcoin.units import Sats
from signer.core.errors import Objection, VerificationError
from signer.core.evidence import AnchorTerms, SweepTerms
from signer.core.question import Question
from signer.core.spend import Kind, VerifiedSpend
from tests.policies.world import (
    BRIDGE,
    BRIDGE_TEXT,
    FEDERATION,
    NEXT,
    VAULT,
    WATCHERS,
    FixedView,
    anchor,
    anchor_terms,
    authorized,
    bridge_text,
    codes,
    coin,
    coin_terms,
    payment,
    policy_about,
    question,
    root,
    rotation,
    spend,
    sweep,
    sweep_terms,
    terms_of,
)

GOOD = "attested(2, watchers)"
WITHDRAWAL = Route(Kind.WITHDRAWAL, "peg", None)
ANCHOR = Route(Kind.ANCHOR, "peg", None)
SWEEP = Route(Kind.SWEEP, "next", "next")
ROTATION = Route(Kind.ROTATION, "peg", "next")
EVERY = {
    Kind.WITHDRAWAL: WITHDRAWAL,
    Kind.ANCHOR: ANCHOR,
    Kind.SWEEP: SWEEP,
    Kind.ROTATION: ROTATION,
}
GAMES = b"GAME"


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load_policy(text.encode())
    return caught.value


def place_of(text: str, fragment: str) -> tuple[int, int]:
    """Line and column of a fragment's last occurrence."""
    before = text[: text.rindex(fragment)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# --- loading ---

# (a good block, text in it, replacement that is refused, code, where it points)
BLOCKS = [
    (ROTATION, 'to = "next"', 'to = "peg"', "policy-value", 'peg"\nwhen'),
    (ROTATION, 'to = "next"', 'to = "nxet"', "policy-name-unknown", "nxet"),
    (ROTATION, 'to = "next"\n', "", "policy-key-missing", "[[allow]]"),
    (SWEEP, 'to = "next"', 'to = "peg"', "policy-value", 'peg"\nwhen'),
    (SWEEP, 'to = "next"\n', "", "policy-key-missing", "[[allow]]"),
    (SWEEP, 'spend = "sweep"', 'spend = "anchor"', "policy-key-unknown", "to ="),
    (SWEEP, 'spend = "sweep"', 'spend = "withdrawal"', "policy-key-unknown", "to ="),
    (SWEEP, 'from = "next"', 'from = "nxet"', "policy-name-unknown", "nxet"),
    (SWEEP, GOOD, f"and({GOOD}, path(recovery-2))", "policy-name-unknown", "recovery-2"),
    (ROTATION, GOOD, f"and({GOOD}, path(recovery))", "policy-name-unknown", "recovery"),
    (SWEEP, GOOD, f"and({GOOD}, path(primary), path(recovery))", "policy-unsatisfiable", "and("),
    (ROTATION, GOOD, f"and({GOOD}, spend_at_most(293 sat))", "policy-unsatisfiable", "and("),
    (ANCHOR, GOOD, "fee_at_most(1 sat)", "policy-way-unattested", "fee_at_most"),
    (SWEEP, GOOD, f"or({GOOD}, path(primary))", "policy-way-unattested", "or("),
    (ROTATION, GOOD, f"or({GOOD}, fee_at_most(1 sat))", "policy-way-unattested", "or("),
]  # fmt: skip


@pytest.mark.parametrize(("route", "old", "new", "code", "where"), BLOCKS)
def test_a_block_is_refused_where_it_is_wrong(
    route: Route, old: str, new: str, code: str, where: str
) -> None:
    good = bridge_text((WITHDRAWAL, GOOD), (route, GOOD))
    assert load_policy(good.encode()).blocks[1].route == route
    head, _, tail = good.rpartition("[[allow]]")
    assert old in tail
    text = head + "[[allow]]" + tail.replace(old, new)
    error = refusal(text)
    assert (error.code, error.line, error.column) == (code, *place_of(text, where))


LOADS = [
    (SWEEP, f"and({GOOD}, path(recovery))"),
    (SWEEP, f"or(and({GOOD}, path(primary)), and(attested(3, watchers), path(recovery)))"),
    (ROTATION, f"and({GOOD}, path(primary), spend_at_most(294 sat))"),
    (SWEEP, f"and({GOOD}, spend_at_most(0 sat))"),
    (ANCHOR, f"and({GOOD}, outflow_at_most(1h, 293 sat))"),
]


@pytest.mark.parametrize(("route", "when"), LOADS)
def test_what_some_spend_satisfies_loads(route: Route, when: str) -> None:
    load_policy(bridge_text((route, when)).encode())


@pytest.mark.parametrize("kind", [Kind.WITHDRAWAL, Kind.ANCHOR])
def test_only_sweeps_and_rotations_name_recovery(kind: Kind) -> None:
    """A rule that can never hold is a mistake: the recovery path pays nothing and anchors nothing."""
    route = Route(kind, "next", None)
    assert (
        refusal(bridge_text((route, f"and({GOOD}, path(recovery))"))).code == "policy-name-unknown"
    )
    load_policy(bridge_text((route, f"and({GOOD}, path(primary))")).encode())


EXAMPLES = {
    "aged": "(1h)",
    "approved": "(2, watchers)",
    "destinations_not_in": "(exchange)",
    "payment_at_most": "(1 BTC)",
    "payment_at_least": "(1 sat)",
    "count_at_most": "(1h, 1)",
    "destinations_in": "(exchange)",
    "destination_types": "(p2tr)",
    "anchor_extends": "()",
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_predicate_that_would_always_hold_is_refused(kind: Kind, name: str) -> None:
    """A limit on payments reads like a limit on an anchor or a sweep too, but would hold for all of them."""
    lists = '[lists]\nexchange = ["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"]\n'
    text = bridge_text((EVERY[kind], f"and({GOOD}, {name}{EXAMPLES[name]})")) + lists
    if name not in misplaced_in(kind):
        load_policy(text.encode())
        return
    error = refusal(text)
    assert (error.code, error.line, error.column) == ("policy-expression", *place_of(text, name))
    assert f"it would hold for every {kind}" in str(error)


def test_each_kind_has_its_predicates() -> None:
    assert misplaced_in(Kind.WITHDRAWAL).keys() == {"anchor_extends"}
    assert misplaced_in(Kind.ANCHOR).keys() == EXAMPLES.keys() - {"anchor_extends"}
    moves = EXAMPLES.keys() - {"approved"}
    assert misplaced_in(Kind.SWEEP).keys() == misplaced_in(Kind.ROTATION).keys() == moves
    assert EXAMPLES.keys() < SPEND_PREDICATES.keys()


def test_what_is_misplaced_is_not_suggested() -> None:
    assert "payment_at" not in str(refusal(bridge_text((ANCHOR, "zzz(1)"))))
    assert "payment_at" in str(refusal(bridge_text((WITHDRAWAL, "zzz(1)"))))


def test_anchors_need_a_rollup() -> None:
    text = bridge_text((ANCHOR, GOOD))
    start, end = text.index("[rollups.main]"), text.index("[groups]")
    error = refusal(text[:start] + text[end:])
    assert error.code == "policy-unsatisfiable"
    load_policy((text[:start] + text[end:]).replace('"anchor"', '"withdrawal"').encode())
    load_policy(text.encode())


def test_a_weaker_path_needs_a_stated_age() -> None:
    """Else one key with `older(1)` would take every coin a block after it came."""
    unstated = "\n".join(
        line for line in BRIDGE_TEXT.splitlines() if not line.startswith("weaker_after")
    )
    assert refusal(unstated + "\n").code == "vault-weaker-unstated"
    assert load_policy(BRIDGE_TEXT.encode()).vault_entries[1].weaker_after == 4032


def test_a_recovery_path_before_weaker_after_is_refused() -> None:
    early = BRIDGE_TEXT.replace("weaker_after = 4032", "weaker_after = 4321")
    error = refusal(early)
    assert error.code == "vault-weaker-too-early"
    assert (error.line, error.column) == place_of(early, "4321")
    assert "path recovery opens 4320 blocks after the coin" in str(error)
    load_policy(BRIDGE_TEXT.replace("weaker_after = 4032", "weaker_after = 4320").encode())
    assert (
        refusal(BRIDGE_TEXT.replace("weaker_after = 4032", "weaker_after = 0")).code
        == "policy-value"
    )
    assert [entry.weaker_after for entry in BRIDGE.vault_entries] == [None, 4032]
    beyond = BRIDGE_TEXT.replace("weaker_after = 4032", "weaker_after = 65536")
    assert refusal(beyond).code == "policy-value"


AT_HEIGHT = BRIDGE_TEXT.replace(
    "and_v(v:older(4320),multi_a(1,", "and_v(v:after(900000),multi_a(1,"
).replace("weaker_after = 4032", "weaker_from = 890000")


def test_a_recovery_path_by_height_is_stated_by_height() -> None:
    entry = load_policy(AT_HEIGHT.encode()).vault_entries[1]
    assert (entry.weaker_after, entry.weaker_from) == (None, 890_000)
    lines = render(load_policy(AT_HEIGHT.encode()))
    told = "  No fewer members, and nobody else, can move a coin before the height is 890000."
    assert told in lines
    both = AT_HEIGHT.replace("weaker_from = 890000", "weaker_from = 890000\nweaker_after = 9")
    assert told[:-1].replace("the", "it is 9 blocks old or the") + "." in render(
        load_policy(both.encode())
    )
    load_policy(AT_HEIGHT.replace("890000", "900000").encode())
    early = AT_HEIGHT.replace("890000", "900001")
    assert (refusal(early).code, refusal(early).line) == (
        "vault-weaker-too-early",
        place_of(early, "900001")[0],
    )
    for unit in ("weaker_after = 1", "weaker_from = 1\nweaker_after = 1"):
        text = AT_HEIGHT.replace("weaker_from = 890000", unit)
        expected = "vault-weaker-too-early" if "from" not in unit else ""
        assert _code(text) == expected


def _code(text: str) -> str:
    try:
        load_policy(text.encode())
    except PolicyError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("lock", "stated"),
    [("older(4194305)", "weaker_after = 1"), ("after(1800000000)", "weaker_from = 1")],
)
def test_a_recovery_path_by_time_cannot_be_stated(lock: str, stated: str) -> None:
    """Ages and heights are what a policy states; a weaker path that counts seconds is neither."""
    text = BRIDGE_TEXT.replace("older(4320)", lock).replace("weaker_after = 4032", stated)
    assert refusal(text).code == "vault-weaker-too-early"
    in_blocks = BRIDGE_TEXT.replace("weaker_after = 4032", "weaker_after = 1")
    load_policy(in_blocks.encode())


def test_a_path_of_others_is_stated_too() -> None:
    """As many members as the primary path asks for, but not its members: they could take all coins."""
    others = BRIDGE_TEXT.replace(
        "{multi_a(2,@1/**,@2/**,@3/**),and_v(v:older(4320),multi_a(1,@1/<2;3>/*,@2/<2;3>/*,@3/<2;3>/*))}",
        "{multi_a(2,@1/**,@2/**),and_v(v:older(4320),multi_a(2,@1/<2;3>/*,@3/**))}",
    )
    load_policy(others.encode())
    assert _code(others.replace("weaker_after = 4032", "")) == "vault-weaker-unstated"
    same = BRIDGE_TEXT.replace("multi_a(1,@1/<2;3>/*", "multi_a(2,@1/<2;3>/*")
    load_policy(same.replace("weaker_after = 4032", "").encode())


def test_a_script_with_a_choice_of_ways_is_explained_as_one() -> None:
    """`any k of these keys` would not be true of it."""
    leaf = "multi_a(2,@1/**,@2/**,@3/**)"
    choice = "or_d(pk(@1/<4;5>/*),and_v(v:pk(@2/<4;5>/*),pk(@3/<4;5>/*)))"
    text = BRIDGE_TEXT.replace(leaf, f"and_v(v:{leaf},{choice})")
    lines = render(load_policy(text.encode()))
    assert "  Path primary: at least 2, as its script says, of @1, @2, @3 sign." in lines


def test_a_vault_without_recovery_is_never_weaker() -> None:
    text = BRIDGE_TEXT.replace("coins =", "weaker_after = 65535\ncoins =", 1)
    assert load_policy(text.encode()).vault_entries[0].weaker_after == 65535


def test_a_spendable_internal_key_is_refused() -> None:
    """`descriptor-internal-key`: a member's xpub, under which one key could spend alone."""
    unspendable, own = NEXT_KEYS[0], NEXT_KEYS[1]
    swapped = unspendable.join(own.join(part.split(unspendable)) for part in BRIDGE_TEXT.split(own))
    assert refusal(swapped).code == "descriptor-internal-key"


NEXT_KEYS = BRIDGE.vault_definitions[1].keys


# --- which block is asked ---


def test_each_route_is_asked_its_own_blocks() -> None:
    """`policy-no-rule`: what is allowed from one vault, or to one, is not allowed from or to another."""
    for allowed in (spend(), anchor(), sweep(VAULT), sweep(NEXT), sweep(NEXT, 1), rotation()):
        assert codes(BRIDGE, _certain(allowed)) == []
    for refused in (rotation(NEXT, VAULT), replace(anchor(), vault=NEXT)):
        assert codes(BRIDGE, _certain(refused)) == ["policy-no-rule"]


def _only(route: Route) -> LoadedPolicy:
    return load_policy(bridge_text((route, GOOD)).encode())


def _certain(of: VerifiedSpend) -> Question:
    """With the word of all watchers."""
    return question(of, authorized(*((terms, WATCHERS) for terms in terms_of(of))))


@pytest.mark.parametrize(
    ("of", "other"),
    [
        (spend(), anchor()),
        (anchor(), spend()),
        (sweep(VAULT), rotation()),
        (rotation(), sweep(VAULT)),
        (rotation(NEXT, VAULT), rotation()),
        (sweep(NEXT), sweep(VAULT)),
    ],
)
def test_a_block_of_another_route_allows_nothing(of: VerifiedSpend, other: VerifiedSpend) -> None:
    assert codes(_only(route_of(of)), question(of)) == []
    assert codes(_only(route_of(other)), question(of)) == ["policy-no-rule"]


def test_no_rule_says_which_route() -> None:
    (reason,) = BRIDGE.spend_objections(question(rotation(NEXT, VAULT)))
    assert reason.detail == "no rule allows this rotation from next to peg"


# --- anchors ---


def test_an_anchor_of_no_registered_rollup_is_refused() -> None:
    """`rollup-unknown`: with or without `anchor_extends`, whatever is attested, even without a block."""
    for loaded in (_only(ANCHOR), policy_about(question(anchor()), "anchor_extends()"), FEDERATION):
        assert codes(loaded, question(anchor(5, b"NOPE"))) == ["rollup-unknown"]
    assert codes(_only(ANCHOR), question(anchor(5, GAMES))) == []
    (reason,) = BRIDGE.spend_objections(question(anchor(5, b"NOPE")))
    assert (reason.observed, reason.limit) == ("4e4f5045", "50475744 (main), 47414d45 (games)")


def test_the_trace_tells_of_the_rollup() -> None:
    first, *lines = BRIDGE.trace(question(anchor(5, b"NOPE")))
    assert (first.rule, first.passed, [each.code for each in first.objections]) == (
        "rollups",
        False,
        ["rollup-unknown"],
    )
    assert [line.passed for line in lines if "may follow in its rollup" in line.text] == [False]
    first, *lines = BRIDGE.trace(question(anchor()))
    assert (first.passed, lines[0].passed) == (True, True)
    assert all(line.rule != "rollups" for line in BRIDGE.trace(question()))


def test_a_policy_without_rollups_knows_none() -> None:
    start, end = BRIDGE_TEXT.index("[rollups.main]"), BRIDGE_TEXT.index("[groups]")
    text = BRIDGE_TEXT[:start] + BRIDGE_TEXT[end:].partition('[[allow]]\nspend = "anchor"')[0]
    (reason,) = load_policy(text.encode()).spend_objections(question(anchor()))
    assert (reason.code, reason.limit) == ("rollup-unknown", "none")


def test_a_rollup_is_named_or_the_only_one() -> None:
    """`rollup-unknown` for a name that is no rollup's, and for none where there are two."""
    assert BRIDGE.rollup_magic("games") == GAMES
    assert FEDERATION.rollup_magic("") == FEDERATION.rollup_magic("main") == b"PGWD"
    for loaded, name in ((BRIDGE, ""), (BRIDGE, "mian"), (FEDERATION, "games")):
        with pytest.raises(VerificationError) as caught:
            loaded.rollup_magic(name)
        assert caught.value.code == "rollup-unknown"


# (magic, batch, previous batch, previous root is zero, codes)
ORDER = [
    (b"PGWD", 1, 0, True, []),
    (b"PGWD", 1, 0, False, ["anchor-not-extending"]),
    (b"PGWD", 1, 1, True, ["anchor-not-extending"]),
    (b"PGWD", 2, 1, False, []),
    (b"PGWD", 2, 1, True, ["anchor-not-extending"]),
    (b"PGWD", 2, 0, True, ["anchor-not-extending"]),
    (b"PGWD", 7, 6, False, []),
    (b"PGWD", 7, 5, False, ["anchor-not-extending"]),
    (b"PGWD", 7, 7, False, ["anchor-not-extending"]),
    (GAMES, 999, 998, True, ["batch-before-first"]),
    (GAMES, 1_000, 999, True, []),
    (GAMES, 1_000, 999, False, ["anchor-not-extending"]),
    (GAMES, 1_000, 998, True, ["anchor-not-extending"]),
    (GAMES, 1_007, 1_006, False, []),
    (GAMES, 1_007, 1_000, False, []),
    (GAMES, 1_007, 1_000, True, ["anchor-not-extending"]),
    (GAMES, 1_007, 999, True, ["anchor-not-extending"]),
    (GAMES, 1_007, 999, False, ["anchor-not-extending"]),
    (GAMES, 1_007, 1_007, False, ["anchor-not-extending"]),
]


@pytest.mark.parametrize(("magic", "batch", "before", "is_zero", "expected"), ORDER)
def test_anchors_extend(
    magic: bytes, batch: int, before: int, is_zero: bool, expected: list[str]
) -> None:
    asked = _follows(anchor(batch, magic), before, bytes(32) if is_zero else root(70_000))
    assert codes(policy_about(asked, "anchor_extends()"), asked) == expected
    assert codes(_only(ANCHOR), asked) == []  # the predicate alone asks for it


def _follows(of: VerifiedSpend, batch: int, before: bytes) -> Question:
    terms = replace(anchor_terms(of), previous_batch=batch, previous_root=before)
    return question(of, authorized((terms, WATCHERS[:2])))


def test_where_an_anchor_may_stand_is_said() -> None:
    def said(asked: Question) -> tuple[str, str]:
        found = list(policy_about(asked, "anchor_extends()").spend_objections(asked))
        reason = next(each for each in found if each.code == "anchor-not-extending")
        return reason.observed, reason.limit

    assert said(_follows(anchor(7), 3, root(3))) == (
        "batch 3, a root that is not zero",
        "batch 6, a root that is not zero",
    )
    assert said(_follows(anchor(1), 0, root(3))) == (
        "batch 0, a root that is not zero",
        "batch 0, the zero root",
    )
    assert said(_follows(anchor(1_007, GAMES), 0, bytes(32))) == (
        "batch 0, the zero root",
        "batch 1000 to 1006, a root that is not zero",
    )
    assert said(question(anchor(), authorized()))[0] == "no statement"


def test_an_anchor_without_a_statement_extends_nothing() -> None:
    asked = question(anchor(), authorized())
    rule = policy_about(asked, "anchor_extends()")
    assert codes(rule, asked) == ["attestation-missing", "anchor-not-extending"]


def test_no_anchor_is_not_asked_about() -> None:
    """What has no anchor is never asked by a block, and not refused by the predicate."""
    (block,) = policy_about(question(anchor()), "anchor_extends()").blocks
    _, extends = predicates(block.expression)
    assert list(extends.objections(question())) == []
    assert list(extends.objections(question(anchor(), authorized()))) != []


def missing(asked: Question) -> Objection:
    (reason,) = _only(route_of(asked.spend)).spend_objections(asked)
    assert reason.code == "attestation-missing"
    return reason


def anchored(*words: tuple[AnchorTerms, tuple[bytes, ...]]) -> Question:
    return question(anchor(), authorized(*words))


def test_an_anchor_needs_a_quorum_for_one_statement() -> None:
    """One watcher each for two previous batches is no quorum: they do not say the same."""
    terms = anchor_terms(anchor())
    contrary = replace(terms, previous_batch=3, previous_root=root(3))
    reason = missing(anchored((terms, WATCHERS[:1]), (contrary, WATCHERS[1:2])))
    assert reason.observed == "1 of 2"
    assert reason.detail.endswith("lacks attestations: what was said of it is for other terms")
    assert missing(anchored((terms, WATCHERS[:1]))).detail.endswith("lacks attestations")
    assert codes(_only(ANCHOR), anchored((terms, WATCHERS[:1]), (contrary, WATCHERS[1:3]))) == []


TRUE = anchor_terms(anchor())


@pytest.mark.parametrize(
    "lie", [replace(TRUE, root=root(6)), replace(TRUE, eth_tx_hash=root(6))], ids=["root", "hash"]
)
def test_an_attestation_for_another_anchor_of_the_batch_does_not_count(lie: AnchorTerms) -> None:
    reason = missing(anchored((lie, WATCHERS)))
    assert reason.observed == "0 of 2"
    assert reason.detail.endswith("what was said of it is for other terms")
    assert codes(_only(ANCHOR), anchored((lie, WATCHERS), (TRUE, WATCHERS[:2]))) == []


@pytest.mark.parametrize(
    "lie", [replace(TRUE, magic=GAMES), replace(TRUE, batch=6)], ids=["magic", "batch"]
)
def test_an_attestation_for_another_batch_does_not_count(lie: AnchorTerms) -> None:
    reason = missing(anchored((lie, WATCHERS)))
    assert reason.detail == "the anchor of batch 5 of 50475744 lacks attestations"


def test_expired_words_for_an_anchor_are_counted_apart() -> None:
    asked = question(anchor(), authorized((anchor_terms(anchor()), WATCHERS), expiry=0))
    assert missing(asked).observed == "0 of 2, 3 expired or too far ahead"


def test_payments_attested_do_not_attest_an_anchor() -> None:
    asked = question(anchor(), authorized((payment().terms, WATCHERS)))
    assert missing(asked).detail.endswith("lacks attestations")


# --- sweeps and rotations ---


SWEEP_LIES = [
    (sweep(NEXT), {"kind": 2}),
    (sweep(NEXT), {"to_fingerprint": VAULT.fingerprint}),
    (sweep(NEXT), {"path": 1}),
    (sweep(NEXT, 1), {"path": 0}),
    (sweep(NEXT), {"max_fee": Sats(1_999)}),
    (rotation(), {"kind": 1}),
    (rotation(), {"to_fingerprint": VAULT.fingerprint}),
]


@pytest.mark.parametrize(("of", "change"), SWEEP_LIES)
def test_a_sweep_statement_is_for_exactly_this(
    of: VerifiedSpend, change: dict[str, object]
) -> None:
    terms = sweep_terms(of)
    lie: SweepTerms = replace(terms, **change)  # type: ignore[arg-type]
    reason = missing(question(of, authorized((lie, WATCHERS))))
    assert reason.observed == "0 of 2"
    assert reason.detail.endswith("lacks attestations: what was said of it is for other terms")
    assert codes(_only(route_of(of)), question(of, authorized((terms, WATCHERS[:2])))) == []


def test_a_statement_covers_the_fee_up_to_its_limit() -> None:
    at_limit = replace(sweep_terms(sweep()), max_fee=sweep().fee)
    assert codes(_only(SWEEP), question(sweep(), authorized((at_limit, WATCHERS[:2])))) == []


def test_a_used_statement_is_no_word() -> None:
    evidence = authorized((sweep_terms(sweep()), WATCHERS))
    used = FixedView(nonces=frozenset((bytes(16),)))
    assert missing(question(sweep(), evidence, used)).observed == "0 of 2"
    assert codes(_only(SWEEP), question(sweep(), evidence)) == []


def test_what_a_sweep_lacks_is_named() -> None:
    assert missing(question(sweep(NEXT, 1), authorized())).detail == (
        "the sweep to next by the recovery path lacks attestations"
    )
    assert missing(question(rotation(), authorized())).detail == (
        "the rotation to next by the primary path lacks attestations"
    )


def test_word_of_coins_is_no_word_of_a_sweep() -> None:
    asked = question(sweep(), authorized((coin_terms(coin()), WATCHERS)))
    assert missing(asked).detail.endswith("lacks attestations")


def test_a_recovery_can_ask_for_more() -> None:
    """The example: two watchers for a refresh, all three for the path that one member can sign."""
    for path_index, enough in ((0, 2), (1, 3)):
        of = sweep(NEXT, path_index)
        words = [(sweep_terms(of), WATCHERS[:count]) for count in (enough - 1, enough)]
        refused, allowed = (codes(BRIDGE, question(of, authorized(each))) for each in words)
        assert "attestation-missing" in refused
        assert allowed == []
