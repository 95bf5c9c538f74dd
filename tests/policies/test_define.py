"""Definitions stand for their text: the same rules, the same refusals, one level deeper."""

import pytest

from policies.definitions import MAX_WRITTEN_OUT
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.parser import MAX_DEPTH
from policies.source import PolicyError
from tests.policies.world import TEXT, codes, policy_text, question, spend

GOOD = "attested(2, watchers)"
FEE = "fee_at_most(2000 sat)"


def text_of(define: str, when: str) -> str:
    """The example with a `[define]` table before its block."""
    head, _, block = policy_text(when).partition("[[allow]]")
    return f"{head}[define]\n{define}\n\n[[allow]]{block}"


def loaded(define: str, when: str) -> LoadedPolicy:
    return load_policy(text_of(define, when).encode())


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load_policy(text.encode())
    return caught.value


def test_a_name_means_its_text() -> None:
    normal = f'normal-fee = "and({FEE}, inputs_at_most(2))"\nall_of_it = "and(normal-fee, {GOOD})"'
    defined = loaded(normal, "or(all_of_it, and(attested(3, watchers), normal-fee))")
    plain = load_policy(
        policy_text(
            f"or(and(and({FEE}, inputs_at_most(2)), {GOOD}), "
            f"and(attested(3, watchers), and({FEE}, inputs_at_most(2))))"
        ).encode()
    )
    assert defined.blocks[0].expression == plain.blocks[0].expression
    assert defined.blocks[0].ways == plain.blocks[0].ways
    assert defined.policy_id != plain.policy_id
    assert codes(defined, question()) == []
    assert set(codes(defined, question(spend(fee=2_001)))) == {
        "fee-too-high",
        "attestation-missing",
    }
    assert defined.definitions == (
        ("normal-fee", f"and({FEE}, inputs_at_most(2))"),
        ("all_of_it", f"and(normal-fee, {GOOD})"),
    )
    assert plain.definitions == ()


def test_a_definition_of_many_lines_is_kept_as_written() -> None:
    text = f"and({GOOD},\n    {FEE})"
    assert loaded(f'rule = """\n{text}\n"""', "rule").definitions == (("rule", f"{text}\n"),)


# (define with ^ before the character that the error points at, code, a define that loads)
MISTAKES = [
    ('fee = "^fee_at_mots(1 BTC)"', "policy-name-unknown", f'fee = "{FEE}"'),
    ('fee = "fee_at_most(^1)"', "policy-literal", f'fee = "{FEE}"'),
    (f'fee = "{FEE}^, {FEE}"', "policy-expression", f'fee = "{FEE}"'),
    ('fee = "^"', "policy-expression", f'fee = "{FEE}"'),
    ("fee = ^7", "policy-value", f'fee = "{FEE}"'),
    ('fee = "^fee"', "policy-name-unknown", f'fee = "{FEE}"'),
    (f'fee = "^b"\nb = "{FEE}"', "policy-name-unknown", f'b = "{FEE}"\nfee = "b"'),
    (f'fee = "{FEE}"\n^fee = "{FEE}"', "policy-repeated", f'fee = "{FEE}"'),
    (f'fee = "{FEE}"\n^and = "{FEE}"', "policy-repeated", f'fee = "{FEE}"\nand_ = "{FEE}"'),
    (f'fee = "{FEE}"\n^path = "{FEE}"', "policy-repeated", f'fee = "{FEE}"\npaths = "{FEE}"'),
    (f'fee = "{FEE}"\n^9 = "{FEE}"', "policy-value", f'fee = "{FEE}"\nnine = "{FEE}"'),
    (
        f'fee = "{FEE}"\nb = "path(^recovery)"',
        "policy-name-unknown",
        f'fee = "{FEE}"\nb = "path(primary)"',
    ),
    (
        f'fee = "{FEE}"\nb = "^attested(4, watchers)"',
        "policy-unsatisfiable",
        f'fee = "{FEE}"\nb = "{GOOD}"',
    ),
]


@pytest.mark.parametrize(("define", "code", "twin"), MISTAKES)
def test_a_mistake_in_a_definition_is_refused_there(define: str, code: str, twin: str) -> None:
    """Used or not."""
    loaded(twin, f"and({GOOD}, fee)")
    marked = text_of(define, f"and({GOOD}, fee)")
    before = marked[: marked.index("^")]
    error = refusal(marked.replace("^", ""))
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert (error.code, error.line, error.column) == (code, *place)


def test_a_name_is_used_bare_and_known() -> None:
    define = f'fee = "{FEE}"'
    assert refusal(text_of(define, f"and({GOOD}, fee())")).code == "policy-name-unknown"
    assert "did you mean 'fee'?" in str(refusal(text_of(define, f"and({GOOD}, fees)")))
    loaded(define, f"and({GOOD}, fee)")


def test_a_definition_is_used_only_below_it() -> None:
    """`policy-name-unknown` for a block above the table that defines what it says."""
    text = policy_text(f"and({GOOD}, fee)")
    table = f'[define]\nfee = "{FEE}"\n'
    error = refusal(text + table)
    assert (error.code, error.line) == (
        "policy-name-unknown",
        text[: text.rindex("fee)")].count("\n") + 1,
    )
    assert "'fee' is defined only below" in str(error)
    load_policy(text.replace("[[allow]]", table + "[[allow]]").encode())


def test_what_means_nothing_in_a_block_is_refused_in_the_definition() -> None:
    """The predicate is read again where its name is used, by what that block may say."""
    define = 'paid = "payment_at_most(1 BTC)"\nback = "anchor_extends()"'
    loaded(define, f"and({GOOD}, paid)")
    error = refusal(text_of(define, f"and({GOOD}, back)"))
    assert (error.code, error.column) == ("policy-expression", len('back = "') + 1)


def test_coins_can_be_proven_by_definition() -> None:
    """Where the table stands above the vault; what a coin cannot be asked is refused as ever."""
    define = f'[define]\nseen = "{GOOD}"\n\n[vaults.peg]'
    text = TEXT.replace("[vaults.peg]", define).replace(f'coins = "{GOOD}"', 'coins = "seen"')
    (entry,) = load_policy(text.encode()).vault_entries
    assert entry.coins == load_policy(TEXT.encode()).vault_entries[0].coins
    assert (
        refusal(text.replace(f'seen = "{GOOD}"', f'seen = "{FEE}"')).code == "policy-name-unknown"
    )


def chain(depth: int) -> str:
    """d1 is a predicate, each further one the one before."""
    return f'd1 = "{FEE}"\n' + "\n".join(f'd{n} = "d{n - 1}"' for n in range(2, depth + 1))


def test_a_definition_is_a_level() -> None:
    """d30 is 30 levels of names that stand for one predicate: with `and` and itself 32."""
    deepest = MAX_DEPTH - 2
    loaded(chain(deepest), f"and({GOOD}, d{deepest})")
    error = refusal(text_of(chain(deepest + 1), f"and({GOOD}, d{deepest + 1})"))
    assert error.code == "policy-expression"
    assert "32 levels" in str(error)


def test_definitions_written_out_are_bounded() -> None:
    """Each doubles the one before: refused after 256 KiB, in bounded time, not computed."""
    define = f'd0 = "and({FEE}, {FEE})"\n' + "\n".join(
        f'd{n} = "and(d{n - 1}, d{n - 1})"' for n in range(1, 20)
    )
    error = refusal(text_of(define, f"and({GOOD}, d19)"))
    assert error.code == "policy-expression"
    assert f"more than {MAX_WRITTEN_OUT} characters" in str(error)


def test_the_bound_is_over_all_uses() -> None:
    wide = FEE + " " * (32_768 - len(FEE))
    define = f'wide = "{wide}"'
    some = ", ".join(["wide"] * 8)
    assert len(wide) * 8 == MAX_WRITTEN_OUT
    loaded(define, f"and({GOOD}, {some})")
    assert refusal(text_of(define, f"and({GOOD}, {some}, wide)")).code == "policy-expression"
    block = policy_text(f"and({GOOD}, wide)")
    again = block[block.index("[[allow]]") :]
    seven = text_of(define, f"and({GOOD}, {', '.join(['wide'] * 7)})")
    load_policy((seven + again).encode())
    assert refusal(seven + again + again).code == "policy-expression"
