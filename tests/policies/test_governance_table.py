"""Officers: OpenSSH keys in groups, `[governance]`, and what holds when a policy has expired."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route
from policies.predicates.approved import Approved
from policies.source import PolicyError
from signer.core.governance import GovernanceTerms
from signer.core.moments import format_time
from signer.core.question import Question
from signer.core.spend import Kind, VerifiedSpend
from signer.core.ssh import parse_public_key
from tests.policies.world import (
    BRIDGE,
    BRIDGE_TEXT,
    FEDERATION,
    NEXT,
    NOW,
    TEXT,
    VAULT,
    WATCHERS,
    FixedView,
    approvals,
    authorized,
    codes,
    later,
    policy_text,
    question,
    rotation,
    spend,
    sweep,
    sweep_terms,
)


def ssh_line(number: int) -> str:
    """The public key of an example officer."""
    public = Ed25519PrivateKey.from_private_bytes(bytes((number,)) * 32).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


SSH = tuple(ssh_line(number) for number in (1, 2))
BLOBS = tuple(parse_public_key(line) for line in SSH)
X_ONLY = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
OFFICERS = f'officers = ["{SSH[0]} alice", "{SSH[1]}", "{X_ONLY}"]'
GOVERNANCE = """[governance]
officers = "officers"
quorum = 2
delay = "48h"
confirm_within = "24h"
hold_at_most = "6h"
"""
EXPIRY = f'expires = "{format_time(NOW)}"'


def governed(text: str = BRIDGE_TEXT, table: str = GOVERNANCE, top: str = EXPIRY) -> str:
    """The example with officers, that table and that line at the top."""
    text = text.replace("version = 1", f"version = 1\n{top}", 1)
    return text.replace("[groups]\n", f"[groups]\n{OFFICERS}\n", 1) + table


def load(text: str) -> LoadedPolicy:
    return load_policy(text.encode())


def refusal(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load(text)
    return caught.value


def place_of(text: str, fragment: str) -> tuple[int, int]:
    """Line and column of a fragment's last occurrence."""
    before = text[: text.rindex(fragment)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# --- groups ---


def test_a_group_may_have_both_sorts_of_keys() -> None:
    officers = load(governed()).groups[0]
    assert officers.name == "officers"
    assert officers.keys == {*BLOBS, bytes.fromhex(X_ONLY)}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (f'"{SSH[1]}"', f'"{SSH[0]}"', "policy-repeated"),
        (f'"{SSH[1]}"', f'"{SSH[0]} another comment"', "policy-repeated"),
        (f'"{SSH[1]}"', f'"{X_ONLY}"', "policy-repeated"),
        (SSH[1], SSH[1][:-1] + "!", "officer-key-malformed"),
        (SSH[1], SSH[1].replace("ssh-ed25519", "ssh-rsa"), "officer-key-malformed"),
        (
            SSH[1],
            SSH[1].replace("ssh-ed25519", "sk-ssh-ed25519@openssh.com"),
            "officer-key-malformed",
        ),
        (SSH[1], f"ed25519 {SSH[1]}", "pubkey-malformed"),
    ],
)
def test_a_wrong_key_is_refused_where_it_stands(old: str, new: str, code: str) -> None:
    text = governed().replace(old, new)
    error = refusal(text)
    assert (error.code, error.line) == (code, place_of(text, new)[0])
    load(governed())


def test_attestors_have_x_only_keys() -> None:
    """`policy-value`: no attestation comes as an OpenSSH signature, so such a quorum would be smaller than it
    reads. Officers may have either."""
    moves = governed().replace("attested(3, watchers)", "attested(1, officers)", 1)
    error = refusal(moves)
    assert (error.code, (error.line, error.column)) == (
        "policy-value",
        place_of(moves, "attested(1, officers)"),
    )
    of_one = moves.replace(f'"{SSH[0]} alice", "{SSH[1]}", ', "")
    load(of_one.replace("quorum = 2", "quorum = 1"))
    load(governed().replace("attested(3, watchers)", "approved(1, officers)", 1))
    coins = governed().replace(
        'coins = "attested(2, watchers)"', 'coins = "attested(1, officers)"', 1
    )
    assert refusal(coins).code == "policy-value"


# --- [governance] ---


def test_the_terms_of_governance() -> None:
    terms = load(governed()).governance
    keys = frozenset((*BLOBS, bytes.fromhex(X_ONLY)))
    day = 86_400
    assert terms == GovernanceTerms(keys, "officers", 2, 2 * day, day, day // 4)
    default = load(governed(table=GOVERNANCE.replace('hold_at_most = "6h"\n', ""))).governance
    assert default is not None
    assert default.hold_at_most == day
    assert FEDERATION.governance is None


@pytest.mark.parametrize(
    ("old", "new", "code", "where", "twin"),
    [
        ('"officers"', '"offcers"', "policy-name-unknown", 'offcers"', '"watchers"'),
        ("quorum = 2", "quorum = 4", "policy-unsatisfiable", "4\ndelay", "quorum = 3"),
        ("quorum = 2", "quorum = 0", "policy-value", "0\ndelay", "quorum = 1"),
        ("quorum = 2\n", "", "policy-key-missing", "[governance]", "quorum = 2\n"),
        ("quorum = 2", "quorums = 2", "policy-key-unknown", "quorums", "quorum = 2"),
        ('"48h"', '"0h"', "policy-literal", '0h"', '"1h"'),
        ('"48h"', '"367d"', "policy-literal", '367d"', '"366d"'),
        ('"48h"', '"two days"', "policy-literal", 'two days"', '"2 d"'),
        ('"48h"', '"1.5h"', "policy-literal", '1.5h"', '"15h"'),
        ('"48h"', "48", "policy-value", "48\nconfirm", '"48m"'),
        ('"6h"', '"6"', "policy-literal", '6"\n', '"6s"'),
    ],
)
def test_a_mistake_in_governance_is_refused_there(
    old: str, new: str, code: str, where: str, twin: str
) -> None:
    load(governed(table=GOVERNANCE.replace(old, twin)))
    text = governed(table=GOVERNANCE.replace(old, new))
    error = refusal(text)
    assert (error.code, error.line, error.column) == (code, *place_of(text, where))


def test_there_is_one_governance() -> None:
    assert refusal(governed(table=GOVERNANCE + GOVERNANCE)).code == "policy-repeated"
    table = GOVERNANCE.replace("[governance]", "[[governance]]")
    assert refusal(governed(table=table)).code == "policy-key-unknown"


def test_officers_are_those_who_govern_and_those_who_approve() -> None:
    keys = {*BLOBS, bytes.fromhex(X_ONLY)}
    assert load(governed()).officer_keys == keys
    assert load(governed(table="", top="")).officer_keys == frozenset()
    approving = governed(table="", top="").replace(
        "attested(3, watchers)", "approved(1, officers)", 1
    )
    assert load(approving).officer_keys == keys
    fallback = governed(table='[fallback]\nwhen = "approved(1, officers)"\n')
    assert load(fallback).officer_keys == keys
    assert FEDERATION.officer_keys == frozenset()
    attesting = governed(table='[fallback]\nwhen = "attested(1, others)"\n').replace(
        "[groups]\n", f'[groups]\nothers = ["{X_ONLY}"]\n'
    )
    assert load(attesting).attestors == {*WATCHERS, bytes.fromhex(X_ONLY)}


# --- expires and [fallback] ---


@pytest.mark.parametrize(
    "text", ["2027-01-31", "2027-02-29T00:00:00Z", "1969-12-31T23:59:59Z", "never"]
)
def test_an_expiry_is_a_time(text: str) -> None:
    wrong = governed(top=f'expires = "{text}"')
    error = refusal(wrong)
    assert (error.code, error.line, error.column) == ("policy-value", *place_of(wrong, text))
    assert load(governed(top='expires = "1970-01-01T00:00:00Z"')).expires == 0
    assert load(governed(top='expires = "2027-01-31T00:00:00Z"')).expires == 1_801_353_600
    assert FEDERATION.expires is None


def expired(of: VerifiedSpend, count: int = 3) -> Question:
    """With the word of all watchers and the approval of so many officers, at the second of expiry."""
    keys = (*BLOBS, bytes.fromhex(X_ONLY))[:count]
    terms = (sweep_terms(of),) if of.to is not None else ()
    view = FixedView(approvals=approvals(of, keys), moves=terms)
    words = [(each, WATCHERS) for each in (*terms, *(paid.terms for paid in of.payments))]
    return question(of, authorized(*words), view)


@pytest.mark.parametrize(
    "of", [sweep(VAULT), sweep(NEXT), sweep(NEXT, 1), rotation(), rotation(NEXT, VAULT)]
)
def test_after_expiry_the_officers_move_coins(of: VerifiedSpend) -> None:
    """Without a table: from every vault to every vault, by the quorum that governs."""
    policy = load(governed())
    assert codes(policy, expired(of, 2)) == []
    assert codes(policy, expired(of, 1)) == ["approval-missing"]
    assert [each.code for each in policy.waiting(expired(of, 1))] == ["approval-missing"]
    assert policy.asked_ways(expired(of)) == (frozenset((Approved(2, policy.groups[0]),)),)


def test_the_second_of_expiry_belongs_to_the_fallback() -> None:
    """`policy-expired`: what the blocks allowed a second ago is refused."""
    policy = load(governed())
    asked = expired(spend())
    assert policy.is_expired(NOW)
    assert not policy.is_expired(NOW - 1)
    assert codes(policy, later(asked, -1)) == []
    (reason,) = policy.spend_objections(asked)
    assert (reason.code, reason.limit) == ("policy-expired", f"before {format_time(NOW)}")
    assert policy.waiting(asked) == ()
    assert policy.trace(asked) == ()
    assert policy.nearest_changes(asked) == ()


def test_the_old_rules_are_over() -> None:
    """All attestors are not enough for what they could move before."""
    policy, asked = load(governed()), expired(rotation(), 0)
    assert codes(policy, asked) == ["approval-missing"]
    assert codes(policy, later(asked, -1)) == []
    assert codes(BRIDGE, asked) == []


def test_a_fallback_can_be_written() -> None:
    table = (
        '[fallback]\nwhen = "and(approved(3, officers), path(primary), fee_at_most(2000 sat))"\n'
    )
    policy = load(governed(table=GOVERNANCE + table))
    assert codes(policy, expired(sweep(NEXT), 3)) == []
    assert codes(policy, expired(sweep(NEXT), 2)) == ["approval-missing"]
    assert codes(policy, expired(sweep(NEXT, 1), 3)) == ["path-refused"]
    assert codes(policy, expired(spend(), 3)) == ["policy-expired"]
    assert {each.number for each in policy.fallback} == {0}
    assert {each.line for each in policy.fallback} == {governed(table=GOVERNANCE).count("\n") + 1}
    assert [each.route for each in policy.fallback] == [
        Route(Kind.SWEEP, "peg", "peg"),
        Route(Kind.ROTATION, "peg", "next"),
        Route(Kind.ROTATION, "next", "peg"),
        Route(Kind.SWEEP, "next", "next"),
    ]


def test_nothing_holds_then_without_officers() -> None:
    policy = load(governed(table=""))
    assert policy.fallback == ()
    assert codes(policy, expired(sweep(NEXT))) == ["policy-expired"]
    assert codes(policy, later(expired(sweep(NEXT)), -1)) == []


def test_what_never_expires_has_no_fallback() -> None:
    """`policy-key-missing`: a table that would never hold is a mistake."""
    assert load(governed(top="")).fallback == ()
    text = governed(top="", table='[fallback]\nwhen = "approved(1, officers)"\n')
    error = refusal(text)
    assert (error.code, error.line, error.column) == (
        "policy-key-missing",
        *place_of(text, "[fallback]"),
    )


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("fee_at_most(1 BTC)", "policy-way-unattested"),
        ("or(approved(1, officers), path(primary))", "policy-way-unattested"),
        ("and(approved(1, officers), payment_at_most(1 BTC))", "policy-expression"),
        ("and(approved(1, officers), anchor_extends())", "policy-expression"),
        ("and(approved(1, officers), aged(1h))", "policy-expression"),
        ("and(approved(1, officers), path(recovery))", "policy-name-unknown"),
        ("and(approved(1, officers), spend_at_most(293 sat))", "policy-unsatisfiable"),
        ("approved(4, officers)", "policy-unsatisfiable"),
        ("attested(1, officers)", "policy-value"),
    ],
)
def test_a_fallback_asks_somebody_for_moves(when: str, code: str) -> None:
    text = governed(table=f'[fallback]\nwhen = "{when}"\n')
    error = refusal(text)
    assert (error.code, error.line) == (code, place_of(text, when)[0])
    load(governed(table='[fallback]\nwhen = "or(approved(1, officers), attested(3, watchers))"\n'))


def test_a_fallback_names_a_path_that_every_vault_has() -> None:
    """With one vault that has a recovery path, it can be named."""
    alone = (
        BRIDGE_TEXT[: BRIDGE_TEXT.index("[vaults.peg]")]
        + BRIDGE_TEXT[BRIDGE_TEXT.index("[vaults.next]") :]
    )
    blocks = (
        alone[: alone.index("[[allow]]")] + alone[alone.rindex('[[allow]]\nspend = "withdrawal"') :]
    )
    recovery = '[fallback]\nwhen = "and(approved(1, officers), path(recovery))"\n'
    policy = load(governed(blocks, recovery))
    assert codes(policy, expired(sweep(NEXT, 1))) == []
    assert codes(policy, expired(sweep(NEXT))) == ["path-refused"]


# --- ways of moves, and what excludes itself ---


def test_sweeps_and_rotations_may_be_the_officers_alone() -> None:
    text = governed().replace("attested(3, watchers)", "approved(1, officers)", 1)
    assert load(text).blocks[3].route == Route(Kind.ROTATION, "peg", "next")
    paid = governed(TEXT, table="").replace(
        "and(attested(2, watchers),", "and(approved(1, officers),"
    )
    error = refusal(paid)
    assert error.code == "policy-way-unattested"
    assert "no attested in: approved(1, officers)" in str(error)
    anchored = governed().replace(
        "and(attested(2, watchers), anchor_extends()", "and(approved(1, officers), anchor_extends()"
    )
    assert refusal(anchored).code == "policy-expression"
    either = governed().replace("attested(3, watchers)", "path(primary)", 1)
    assert "no attested or approved in: " in str(refusal(either))


@pytest.mark.parametrize(
    ("when", "twin"),
    [
        ("caller(a, b), caller(c)", "caller(a, b), caller(b)"),
        (
            "within(mon-wed, 08:00-09:00), within(thu, 08:00-09:00)",
            "within(mon-thu, 08:00-09:00), within(thu, 08:00-09:00)",
        ),
        (
            "within(daily, 08:00-09:00), within(daily, 09:00-10:00)",
            "within(daily, 08:00-09:01), within(daily, 09:00-10:00)",
        ),
        (
            "destinations_in(exchange), destinations_not_in(exchange)",
            "destination_types(p2wpkh), destinations_not_in(exchange)",
        ),
    ],
)
def test_what_excludes_itself_is_refused(when: str, twin: str) -> None:
    rule = "and(attested(2, watchers), {})"
    assert refusal(policy_text(rule.format(when))).code == "policy-unsatisfiable"
    load(policy_text(rule.format(twin)))


def test_a_list_less_the_refused_leaves_its_types() -> None:
    first = FEDERATION.lists[0]
    assert len(first.scripts) == 2
    some = '[lists]\nfirst = ["bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f"]'
    text = TEXT.replace("[lists]", some)
    rule = "and(attested(2, watchers), destinations_in({}), destinations_not_in(first))"
    load(policy_text(rule.format("exchange"), text))
    assert refusal(policy_text(rule.format("first"), text)).code == "policy-unsatisfiable"


def test_the_ways_of_a_route_are_those_of_all_its_blocks() -> None:
    """Absorbed and in one order, however many blocks say them."""
    block = policy_text("and(attested(2, watchers), inputs_at_most(3))")
    again = block[block.index("[[allow]]") :]
    wider = again.replace("and(attested(2, watchers), inputs_at_most(3))", "attested(2, watchers)")
    route = Route(Kind.WITHDRAWAL, "peg", None)
    assert load(block + again).ways_of(route) == load(block).ways_of(route)
    (way,) = load(block + wider).ways_of(route)
    assert {each.text for each in way} == {"attested(2, watchers)"}
    assert load(block).ways_of(Route(Kind.ANCHOR, "peg", None)) == ()
    assert [len(ways) for _, ways in BRIDGE.route_ways] == [1, 1, 1, 1, 1, 2]
