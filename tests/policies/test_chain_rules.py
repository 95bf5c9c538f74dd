"""`confirmed`, `buried` and `tip_fresh`: proofs, chains that say nothing, `coins`, and what loads."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from policies.analysis import diff_text, worst_case_text
from policies.analysis.diff import compare
from policies.analysis.lint import findings
from policies.analysis.worst_case import worst_case
from policies.burials import release_objections
from policies.explain import render
from policies.expression import predicates
from policies.literals import MAX_WORK, format_work, work_of
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.predicates.attested import Attested
from policies.source import PolicyError
from signer.core.governance import Verdict
from signer.core.question import Question
from tests.core.releases import GOVERNANCE
from tests.policies.boundaries import HEAD
from tests.policies.test_predicates import RECORDED, seen
from tests.policies.world import EXAMPLES, TEXT, codes, coin, payment, policy, question, spend

STALE = ("header-chain-light", "header-tip-stale", "header-feed-frozen")
RULES = ("confirmed(3 blocks)", "buried(3 H)", "tip_fresh(1h)")


def coins_policy(coins: str) -> LoadedPolicy:
    """The example with that `coins`."""
    asked = f'coins = "{coins}"\nrelease_work = "1 H"'
    governed = GOVERNANCE.replace('"officers"', '"watchers"', 1)
    return load_policy((TEXT.replace('coins = "attested(2, watchers)"', asked) + governed).encode())


def of_coins(loaded: LoadedPolicy, asked: Question) -> list[str]:
    return [each.code for each in loaded.coin_objections(asked, asked.spend.coins[0])]


@pytest.mark.parametrize("rule", RULES)
def test_without_a_chain_nothing_is_deep_or_fresh(rule: str) -> None:
    assert codes(policy(rule), question()) == ["chain-not-configured"]
    assert codes(policy(rule), seen()) == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("code", STALE)
def test_a_chain_that_is_not_of_today_says_nothing(rule: str, code: str) -> None:
    assert codes(policy(rule), seen(stale=code)) == [code]
    assert codes(policy(rule), seen()) == []


@pytest.mark.parametrize("rule", RULES[:2])
def test_each_coin_needs_its_proof(rule: str) -> None:
    two = replace(seen(), spend=spend(coins=(coin(0), coin(1))))
    found = list(policy(rule).spend_objections(two))
    assert [each.code for each in found] == ["proof-missing"]
    assert str(coin(1).outpoint) in found[0].detail
    same = coin(1)._replace(outpoint=coin(0).outpoint._replace(vout=7))
    assert codes(policy(rule), replace(seen(), spend=spend(coins=(coin(0), same)))) == []
    assert codes(policy("tip_fresh(1h)"), two) == []


def test_a_version_on_record_is_asked_again() -> None:
    """A retry is not; a further version may spend coins that nobody looked at."""
    asked = replace(question(spend(fee=3_000), view=RECORDED), chain=seen(2).chain)
    assert codes(policy("confirmed(3 blocks)"), asked) == ["coin-unconfirmed"]


@pytest.mark.parametrize(
    ("coins", "asked", "expected"),
    [
        ("confirmed(3 blocks)", seen(3), []),
        ("confirmed(3 blocks)", seen(2), ["coin-unconfirmed"]),
        ("confirmed(3 blocks)", question(), ["chain-not-configured"]),
        ("buried(3 H)", seen(9, 3), []),
        ("buried(3 H)", seen(9, 2), ["coin-unburied"]),
        ("and(attested(2, watchers), confirmed(3 blocks))", seen(3), ["coin-unproven"]),
        ("or(attested(2, watchers), confirmed(3 blocks))", seen(3), []),
        (
            "or(attested(2, watchers), confirmed(3 blocks))",
            seen(2),
            ["coin-unproven", "coin-unconfirmed"],
        ),
        ("thresh(2, attested(2, watchers), confirmed(3 blocks), buried(3 H))", seen(3, 3), []),
    ],
)
def test_coins_may_ask_the_chain(coins: str, asked: Question, expected: list[str]) -> None:
    assert of_coins(coins_policy(coins), asked) == expected


def test_a_coin_rule_asks_about_that_coin_alone() -> None:
    two = replace(seen(), spend=spend(coins=(coin(0), coin(1))))
    loaded = coins_policy("confirmed(3 blocks)")
    first, second = two.spend.coins
    assert list(loaded.coin_objections(two, first)) == []
    assert [each.code for each in loaded.coin_objections(two, second)] == ["proof-missing"]


def test_tip_fresh_is_no_rule_about_coins() -> None:
    with pytest.raises(PolicyError) as caught:
        coins_policy("tip_fresh(1h)")
    assert caught.value.code == "policy-name-unknown"


def test_a_policy_says_of_which_vaults_it_asks_the_chain() -> None:
    plain, fingerprint = policy("path(primary)"), question().spend.vault.fingerprint
    assert not plain.asks_chain(fingerprint)
    for rule in RULES:
        assert policy(rule).asks_chain(fingerprint)
    assert coins_policy("confirmed(3 blocks)").asks_chain(fingerprint)
    assert not coins_policy("confirmed(3 blocks)").asks_chain(bytes(32))


WITNESSED = HEAD.replace(
    'coins = "attested(2, watchers)"',
    f'coins = "{{coins}}"\nwitnesses = ["{"1" * 64}", "{"2" * 64}", "{"3" * 64}"]',
)


def witnessed(coins: str, when: str) -> LoadedPolicy:
    block = f'[[allow]]\nspend = "withdrawal"\nfrom = "peg"\nwhen = "{when}"\n'
    return load_policy((WITNESSED.replace("{coins}", coins) + block).encode())


WORD = "attested(2, watchers)"


@pytest.mark.parametrize("coins", [f"and({WORD}, confirmed(3 blocks))", f"or({WORD}, buried(3 H))"])
def test_coins_of_a_vault_with_witnesses_do_not_ask_the_chain(coins: str) -> None:
    """A witness has no rule for another member's headers. Depth in `when` is each member's own to keep."""
    with pytest.raises(PolicyError) as caught:
        witnessed(coins, WORD)
    assert caught.value.code == "policy-spv-witnessed"
    assert "in `coins` of a vault with witnesses" in str(caught.value)
    assert witnessed(WORD, f"and({WORD}, confirmed(3 blocks))").vaults[0].witnesses.quorum
    assert coins_policy(coins).vaults


@pytest.mark.parametrize(
    ("number", "unit", "work"),
    [
        ("1", "H", 1),
        ("1", "kH", 10**3),
        ("1.5", "ZH", 15 * 10**20),
        ("600", "EH", 6 * 10**20),
        ("1000000", "YH", MAX_WORK),
        ("1000000.000001", "YH", None),
        ("0", "H", None),
        ("0.5", "H", None),
        ("0.0001", "kH", None),
    ],
)
def test_work_is_exact_or_refused(number: str, unit: str, work: int | None) -> None:
    assert work_of(number, unit) == work


@pytest.mark.parametrize(
    ("coins", "enough"),
    [
        ("and(attested(1, watchers), confirmed(6 blocks))", 1),
        ("or(attested(2, watchers), and(attested(1, watchers), confirmed(6 blocks)))", 2),
        ("thresh(2, attested(2, watchers), attested(1, watchers), confirmed(6 blocks))", 2),
        (
            "and(or(attested(2, watchers), confirmed(6 blocks)), "
            "or(attested(1, watchers), buried(1 H)))",
            2,
        ),
    ],
)
def test_a_chain_passed_over_does_not_lower_the_quorum_of_words(coins: str, enough: int) -> None:
    (entry,) = coins_policy(coins).vault_entries
    (first, *_) = (each for each in predicates(entry.coins) if isinstance(each, Attested))
    speakers = sorted(first.group.keys)

    def released(count: int) -> bool:
        words = SimpleNamespace(attestors=lambda *_: frozenset(speakers[:count]))
        killer = SimpleNamespace(txid=coin().outpoint.txid)
        asked = SimpleNamespace(release=SimpleNamespace(killer=killer), now=0, words=words)
        said = (SimpleNamespace(height=100),)
        return not release_objections(entry.coins, asked, said)  # type: ignore[arg-type]

    assert [released(count) for count in range(3)] == [count >= enough for count in range(3)]


@pytest.mark.parametrize(
    ("work", "text"),
    [(0, "0 H"), (1, "1 H"), (1_000, "1 kH"), (1_500, "1500 H"), (6 * 10**23, "600 ZH")],
)
def test_work_is_told_in_the_largest_unit_that_is_exact(work: int, text: str) -> None:
    assert format_work(work) == text
    number, unit = text.split()
    assert not work or work_of(number, unit) == work


@pytest.mark.parametrize(
    "rule",
    [
        "confirmed(6)",
        "confirmed(0 blocks)",
        "confirmed(100001 blocks)",
        "confirmed(1.5 blocks)",
        "confirmed(6 block)",
        "buried(6)",
        "buried(6 zh)",
        "buried(0 ZH)",
        "buried(1000001 YH)",
        "tip_fresh(2)",
        "tip_fresh(0h)",
    ],
)
def test_literals_that_are_none(rule: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(rule)
    assert caught.value.code == "policy-literal"


def test_the_amount_decides_how_deep() -> None:
    tiers = policy("or(and(spend_at_most(1 BTC), confirmed(3 blocks)), confirmed(6 blocks))")
    large = replace(question(spend((payment(amount=100_000_001),))), chain=seen(3).chain)
    small = seen(3)
    assert codes(tiers, small) == []
    assert codes(tiers, replace(large, chain=seen(6).chain)) == []
    assert sorted(set(codes(tiers, large))) == ["coin-unconfirmed", "spend-too-large"]
    assert codes(tiers, seen(2)) == ["coin-unconfirmed", "coin-unconfirmed"]


def test_objections_name_the_numbers() -> None:
    (reason,) = policy("confirmed(3 blocks)").spend_objections(seen(1))
    assert (reason.observed, reason.limit) == ("1 blocks", "at least 3 blocks")
    assert reason.change == "waiting for 2 more blocks"
    (reason,) = policy("buried(3 kH)").spend_objections(seen(9, 2_999))
    assert (reason.observed, reason.limit) == ("2999 H", "at least 3 kH")


# --- analysis


OWN = (EXAMPLES / "own-headers.toml").read_text()


def own(old: str, new: str) -> LoadedPolicy:
    """The example policy with one change."""
    assert OWN.count(old) >= 1
    return load_policy(OWN.replace(old, new, 1).encode())


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ("confirmed(6 blocks)", "confirmed(7 blocks)", Verdict.TIGHTER),
        ("confirmed(6 blocks)", "confirmed(5 blocks)", Verdict.LOOSER),
        ("buried(30 YH)", "buried(29 YH)", Verdict.LOOSER),
        ("buried(30 YH)", "buried(31 YH)", Verdict.TIGHTER),
        ("tip_fresh(3h)", "tip_fresh(2h)", Verdict.TIGHTER),
        ("tip_fresh(3h)", "tip_fresh(4h)", Verdict.LOOSER),
        ("tip_fresh(3h),", "", Verdict.LOOSER),
        ("confirmed(6 blocks)", "buried(6 YH)", Verdict.MIXED),
        ("buried(30 YH)", "buried(30000 ZH)", Verdict.EQUAL),
    ],
)
def test_diff_knows_what_is_deeper_and_newer(old: str, new: str, verdict: Verdict) -> None:
    """What is looser or mixed comes with a spend that shows it."""
    difference = compare(load_policy(OWN.encode()), own(old, new))
    assert difference.verdict is verdict
    for route in difference.routes:
        gained, lost = route.allowed_now is not None, route.refused_now is not None
        assert gained is (verdict in (Verdict.LOOSER, Verdict.MIXED))
        assert lost is (verdict in (Verdict.TIGHTER, Verdict.MIXED))


def test_a_spend_that_shows_a_difference_says_how_deep_its_coins_are() -> None:
    old, new = load_policy(OWN.encode()), own("confirmed(6 blocks)", "confirmed(5 blocks)")
    text = "\n".join(diff_text.render(compare(old, new), old, new))
    assert "coins under 5 blocks" in text
    assert "coin-unconfirmed" in text


def test_the_worst_case_names_what_a_false_chain_costs() -> None:
    case = worst_case(
        own('"attested(2, watchers)"', '"or(attested(2, watchers), confirmed(1 blocks))"'), 0
    )
    (vault,) = case.vaults
    assert vault.false_chain == (
        "coins: confirmed(1 blocks): one block's reward forgone",
        "withdrawal from peg: buried(30 YH): the rewards of 30 YH forgone",
        "withdrawal from peg: confirmed(3 blocks): 3 blocks' rewards forgone",
        "withdrawal from peg: confirmed(6 blocks): 6 blocks' rewards forgone",
    )
    lines = worst_case_text.render(case)
    assert all(any(each in line for line in lines) for each in vault.false_chain)
    (plain,) = worst_case(load_policy(TEXT.encode()), 0).vaults
    assert plain.false_chain == ()


@pytest.mark.parametrize(
    ("coins", "found"),
    [
        ("attested(2, watchers)", False),
        ("and(attested(2, watchers), confirmed(1 blocks))", False),
        ("thresh(2, attested(2, watchers), attested(3, watchers), buried(1 H))", False),
        ("confirmed(1 blocks)", True),
        ("or(attested(2, watchers), confirmed(1 blocks))", True),
        ("thresh(2, attested(2, watchers), confirmed(1 blocks), buried(1 H))", True),
    ],
)
def test_coins_that_nobody_says_are_unspent_are_pointed_at(coins: str, found: bool) -> None:
    loaded = coins_policy(coins)
    told = [each.text for each in findings(loaded) if each.rule == "coins unattested"]
    assert [("only officers end" in each) for each in told] == [True] * found
    heading = "though it may be spent already" in "\n".join(render(loaded))
    assert heading is found


def test_a_tip_that_an_honest_chain_does_not_keep_up_with_is_pointed_at() -> None:
    short, enough = policy("tip_fresh(7199s)"), policy("tip_fresh(2h)")
    told = [
        [each for each in findings(which) if "tip_fresh" in each.text] for which in (short, enough)
    ]
    assert [[each.rule for each in found if each.rule == "short time"] for found in told] == [
        ["short time"],
        [],
    ]


def test_no_word_of_attestors_meets_a_depth_where_a_release_is_asked_for() -> None:
    """Where no way of `coins` asks attestors only the proof of the killer releases (docs/releases.md)."""
    (entry,) = coins_policy("confirmed(1 blocks)").vault_entries
    killer = SimpleNamespace(txid=coin().outpoint.txid)
    asked = SimpleNamespace(release=SimpleNamespace(killer=killer))
    (reason,) = release_objections(entry.coins, asked, ())  # type: ignore[arg-type]
    assert (reason.code, reason.change) == (
        "release-unproven",
        "a proof that the transaction is buried",
    )


def test_coins_without_attestors_need_another_end_of_withdrawals() -> None:
    """No word could ever strike a pin or close a withdrawal: it would wait for ever."""
    asked = TEXT.replace('coins = "attested(2, watchers)"', 'coins = "confirmed(3 blocks)"')
    with pytest.raises(PolicyError, match="release_work") as caught:
        load_policy(asked.encode())
    assert caught.value.code == "policy-unsatisfiable"
    assert coins_policy("confirmed(3 blocks)").vaults
    either = asked.replace("confirmed(3 blocks)", f"or({WORD}, confirmed(3 blocks))")
    load_policy(either.encode())
