"""`[[example]]`: how it is read, what it stands for, and that the shipped policies keep theirs."""

import base64
import hashlib
from pathlib import Path

import pytest
from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from embit import bip32, ec, script
from embit.networks import NETWORKS

from policies.analysis.verdicts import ask_examples, basis_of, run_examples
from policies.example import (
    ChangeExample,
    DescribedTransaction,
    HoldExample,
    SpendExample,
    Standing,
    Surroundings,
    Verdict,
)
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.source import PolicyError
from signer.core.moments import format_time
from signer.core.spend import Kind
from tests.policies.world import BRIDGE_TEXT, EXAMPLES, TEXT

SHIPPED = sorted(EXAMPLES.glob("*.toml"))
EXCHANGE = (EXAMPLES / "exchange-grade.toml").read_text().partition("\n# What is meant.")[0]
WITHDRAWAL = {"name": "x", "spend": "withdrawal", "from": "peg", "payments": ["0.5 BTC"]}
ANCHOR = {"name": "x", "spend": "anchor", "from": "peg", "rollup": "main", "batch": 5}
SWEEP = {"name": "x", "spend": "sweep", "from": "next", "to": "next"}
ROTATION = {"name": "x", "spend": "rotation", "from": "peg", "to": "next"}
LARGE = {
    "name": "x",
    "spend": "withdrawal",
    "from": "hot",
    "payments": ["20 BTC"],
    "approved": ["2 officers"],
    "age": "6h",
}
SIGN = {"expect": "sign"}
STRANGER = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"


def toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def example_text(**keys: object) -> str:
    """An `[[example]]` block; `from_` is `from`; None leaves a key out."""
    lines = [f"{key} = {toml(value)}" for key, value in keys.items() if value is not None]
    return "\n".join(("\n\n[[example]]", *lines, ""))


def with_example(text: str = BRIDGE_TEXT, **keys: object) -> LoadedPolicy:
    return load_policy((text + example_text(**keys)).encode())


def spend_example(text: str = BRIDGE_TEXT, **keys: object) -> SpendExample:
    (example,) = with_example(text, **keys).examples
    assert isinstance(example, SpendExample)
    return example


def transaction(**keys: object) -> DescribedTransaction:
    return spend_example(**(WITHDRAWAL | SIGN | keys)).transaction


def around(**keys: object) -> Surroundings:
    return spend_example(**(WITHDRAWAL | SIGN | keys)).around


def got(text: str = BRIDGE_TEXT, **keys: object) -> tuple[str, bool]:
    (result,) = run_examples(with_example(text, **keys))
    return result.got, result.passed


def test_what_is_not_said() -> None:
    example = spend_example(**WITHDRAWAL, expect="sign")
    said, seen = example.around, example.transaction
    assert (example.kind, example.vault.vault_id, example.to) == (Kind.WITHDRAWAL, "peg", None)
    assert (example.code, example.expected) == ("", Verdict.SIGN)
    assert (seen.fee, seen.weight, seen.inputs, seen.outputs) == (1_000, 800, 1, 2)
    assert (seen.path_index, seen.is_replaceable, seen.moved, seen.anchored) == (0, True, 0, None)
    assert (said.attested, said.coins, said.approved, said.age) == (None, None, (), 0)
    assert (said.caller, said.on_record, said.earlier_fee, said.history) == ("relayer", 0, 0, ())
    assert format_time(said.at) == "2026-01-07T12:00:00Z"


def test_everything_said() -> None:
    example = spend_example(
        **WITHDRAWAL,
        fee="2000 sat",
        vsize="201 vB",
        inputs=3,
        outputs=4,
        path="primary",
        replaceable="no",
        attested=["2 watchers"],
        coins=["all watchers"],
        approved=["nobody"],
        age="2h",
        at="2026-03-02T10:00:00Z",
        caller="backup",
        on_record=1,
        earlier_fee="1000 sat",
        history=["0.5 BTC 1h ago", "9 BTC in 4 withdrawals 3h ago"],
        expect="refuse",
        code="fee-too-high",
    )
    said, seen = example.around, example.transaction
    assert (seen.fee, seen.weight, seen.inputs, seen.outputs) == (2_000, 804, 3, 4)
    assert not seen.is_replaceable
    assert [(each.count, each.group.name) for each in said.attested or ()] == [(2, "watchers")]
    assert [each.count for each in said.coins or ()] == [3]
    assert (said.approved, said.age, said.caller) == ((), 7_200, "backup")
    assert format_time(said.at) == "2026-03-02T10:00:00Z"
    assert (said.on_record, said.earlier_fee, example.code) == (1, 1_000, "fee-too-high")
    assert [(past.ago, past.amount, past.count) for past in said.history] == [
        (10_800, 900_000_000, 4),
        (3_600, 50_000_000, 1),
    ]


def test_payments_to_wherever() -> None:
    address = "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f"
    kinds = ["1 sat", "2 sat to p2pkh", "3 sat to p2sh", "4 sat to p2wsh", "5 sat to p2tr"]
    payments = [*kinds, f"6 sat to {address}", "0.00000007 BTC to exchange"]
    keys = WITHDRAWAL | SIGN | {"payments": payments}
    paid = spend_example(TEXT, **keys).transaction.payments
    assert [owed.amount for owed in paid] == [1, 2, 3, 4, 5, 6, 7]
    assert [len(owed.scripts) for owed in paid] == [1, 1, 1, 1, 1, 1, 2]
    assert [len(owed.scripts[0]) for owed in paid[:6]] == [22, 25, 23, 34, 34, 22]
    assert paid[5].scripts[0] in paid[6].scripts


def test_an_anchors_place() -> None:
    first = spend_example(**(ANCHOR | SIGN | {"batch": 1})).transaction.anchored
    later = spend_example(**ANCHOR, **SIGN, follows=3).transaction.anchored
    assert first is not None
    assert later is not None
    assert (first.previous_batch, any(first.previous_root)) == (0, False)
    assert (later.previous_batch, any(later.previous_root), later.magic) == (3, True, b"PGWD")
    assert spend_example(**ANCHOR, **SIGN).transaction.outputs == 2


def test_the_only_rollup_needs_no_name() -> None:
    keys = ANCHOR | SIGN | {"rollup": None}
    anchored = spend_example(TEXT, **keys).transaction.anchored
    assert anchored is not None
    assert anchored.magic == b"PGWD"
    with pytest.raises(PolicyError, match="whose batch it is"):
        with_example(**keys)


def test_sweeps_and_rotations_name_what_they_pay() -> None:
    sweep, rotation = spend_example(**SWEEP, **SIGN), spend_example(**ROTATION, **SIGN)
    assert (sweep.to, sweep.transaction.moved, sweep.transaction.outputs) == (sweep.vault, 0, 1)
    assert (rotation.transaction.moved, rotation.transaction.outputs) == (100_000_000, 1)
    assert spend_example(**ROTATION, **SIGN, moves="5 sat").transaction.moved == 5
    assert spend_example(**SWEEP, **SIGN, path="recovery").transaction.path_index == 1


def test_weight_or_size() -> None:
    assert transaction(weight="801 WU").weight == 801
    assert transaction(weight="400000 WU").weight == transaction(vsize="100000 vB").weight


REFUSED = [
    (WITHDRAWAL | SIGN | {"payments": None}, "policy-key-missing"),
    (WITHDRAWAL | SIGN | {"name": None}, "policy-key-missing"),
    (WITHDRAWAL, "policy-key-missing"),
    (WITHDRAWAL | SIGN | {"fees": "1 sat"}, "policy-key-unknown"),
    (WITHDRAWAL | SIGN | {"to": "next"}, "policy-key-unknown"),
    (WITHDRAWAL | SIGN | {"moves": "1 BTC"}, "policy-key-unknown"),
    (ANCHOR | SIGN | {"approved": ["nobody"]}, "policy-key-unknown"),
    (SWEEP | SIGN | {"moves": "1 BTC"}, "policy-key-unknown"),
    (SWEEP | SIGN | {"to": None}, "policy-key-missing"),
    (SWEEP | SIGN | {"to": "peg"}, "policy-value"),
    (ROTATION | SIGN | {"to": "peg"}, "policy-value"),
    (WITHDRAWAL | {"expect": "signed"}, "policy-value"),
    (WITHDRAWAL | {"expect": "sign", "code": "fee-too-high"}, "policy-value"),
    (WITHDRAWAL | {"expect": "refuse", "code": "fee-to-high"}, "policy-name-unknown"),
    (WITHDRAWAL | SIGN | {"from": "pig"}, "policy-name-unknown"),
    (SWEEP | SIGN | {"to": "nxt"}, "policy-name-unknown"),
    (ANCHOR | SIGN | {"rollup": "man"}, "policy-name-unknown"),
    (ANCHOR | SIGN | {"batch": 0}, "policy-value"),
    (WITHDRAWAL | SIGN | {"spend": "gift"}, "policy-value"),
    (WITHDRAWAL | SIGN | {"name": ""}, "policy-value"),
    (WITHDRAWAL | SIGN | {"name": " x"}, "policy-value"),
    (WITHDRAWAL | SIGN | {"name": "x" * 121}, "policy-value"),
    (WITHDRAWAL | SIGN | {"payments": ["1 sat"] * 101}, "policy-value"),
    (WITHDRAWAL | SIGN | {"payments": ["0.5"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"payments": ["0.5 sat"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"payments": ["1 sat to nowhere"]}, "address-malformed"),
    (WITHDRAWAL | SIGN | {"fee": "1 BTC to p2tr"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"fee": "21000001 BTC"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"weight": "800"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"weight": "800 vB"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"weight": "400001 WU"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"vsize": "100001 vB"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"weight": "800 WU", "vsize": "200 vB"}, "policy-repeated"),
    (WITHDRAWAL | SIGN | {"inputs": 0}, "policy-value"),
    (WITHDRAWAL | SIGN | {"outputs": 1_000_001}, "policy-value"),
    (WITHDRAWAL | SIGN | {"path": "recovery"}, "policy-value"),
    (WITHDRAWAL | SIGN | {"replaceable": "perhaps"}, "policy-value"),
    (WITHDRAWAL | SIGN | {"attested": ["4 watchers"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"attested": ["0 watchers"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"attested": ["two watchers"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"attested": ["2 watcher"]}, "policy-name-unknown"),
    (WITHDRAWAL | SIGN | {"attested": []}, "policy-value"),
    (WITHDRAWAL | SIGN | {"age": "6 h"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"age": "367d"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"at": "2026-02-30T10:00:00Z"}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"history": ["1 BTC"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"history": ["1.5 sat 1h ago"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"history": ["1 sat 0h ago"]}, "policy-literal"),
    (WITHDRAWAL | SIGN | {"on_record": 2}, "policy-value"),
    ({"name": "x", "hold": "24h", "expect": "sign"}, "policy-value"),
    ({"name": "x", "change": "looser", "expect": "waiting"}, "policy-value"),
]


@pytest.mark.parametrize(("keys", "code"), REFUSED)
def test_what_is_no_example(keys: dict[str, object], code: str) -> None:
    with pytest.raises(PolicyError) as refused:
        with_example(**keys)
    assert refused.value.code == code
    assert refused.value.line > BRIDGE_TEXT.count("\n") + 1


def test_an_address_that_nobody_can_be_paid_at() -> None:
    anyone = "bcrt1pfeesnyr2tx"
    with pytest.raises(PolicyError, match="a destination that can be paid"):
        with_example(**(WITHDRAWAL | SIGN | {"payments": [f"1 sat to {anyone}"]}))


def test_a_name_stands_once() -> None:
    both = example_text(**WITHDRAWAL, **SIGN) + example_text(**ANCHOR, **SIGN)
    with pytest.raises(PolicyError, match="a second example of that name"):
        load_policy((BRIDGE_TEXT + both).encode())
    other = example_text(**WITHDRAWAL, **SIGN) + example_text(**(ANCHOR | SIGN | {"name": "y"}))
    assert len(load_policy((BRIDGE_TEXT + other).encode()).examples) == 2


def test_at_most_a_thousand() -> None:
    def many(count: int) -> bytes:
        each = (
            example_text(**(WITHDRAWAL | SIGN | {"name": f"x {number}"})) for number in range(count)
        )
        return (TEXT + "".join(each)).encode()

    assert len(load_policy(many(1_000)).examples) == 1_000
    with pytest.raises(PolicyError, match="more than 1000"):
        load_policy(many(1_001))


def test_examples_are_part_of_the_policy_id_and_allow_nothing() -> None:
    plain, told = load_policy(BRIDGE_TEXT.encode()), with_example(**WITHDRAWAL, **SIGN)
    assert plain.policy_id != told.policy_id
    assert plain.blocks == told.blocks


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"expect": "sign"}, ("sign", True)),
        ({"expect": "refuse"}, ("sign", False)),
        (
            {"expect": "sign", "fee": "0.003 BTC"},
            ("refuse fee-rate-out-of-range fee-too-high", False),
        ),
        ({"expect": "refuse", "fee": "0.003 BTC", "code": "fee-too-high"}, ("refuse", True)),
        (
            {"expect": "refuse", "payments": ["1 sat to p2wsh", "2 BTC"], "code": "fee-too-high"},
            ("refuse payment-too-large", False),
        ),
        ({"expect": "sign", "attested": ["2 watchers"]}, ("sign", True)),
        ({"expect": "refuse", "attested": ["1 watchers"]}, ("refuse", True)),
        (
            {"expect": "refuse", "attested": ["nobody"], "code": "attestation-missing"},
            ("refuse", True),
        ),
        ({"expect": "refuse", "coins": ["1 watchers"], "code": "coin-unproven"}, ("refuse", True)),
        ({"expect": "sign", "on_record": 1, "attested": ["nobody"]}, ("sign", True)),
        ({"expect": "sign", "history": ["9.49999 BTC 86399s ago"]}, ("sign", True)),
        ({"expect": "refuse", "history": ["949999001 sat 86399s ago"]}, ("refuse", True)),
        ({"expect": "sign", "history": ["949999001 sat 24h ago"]}, ("sign", True)),
    ],
)
def test_verdicts(keys: dict[str, object], expected: tuple[str, bool]) -> None:
    assert got(**(WITHDRAWAL | keys)) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ("sign", True)),
        ({"age": "21599s"}, ("pending not-aged", False)),
        ({"approved": ["1 officers"]}, ("pending approval-missing", False)),
        (
            {"approved": None, "expect": "pending", "code": "approval-missing"},
            ("pending", True),
        ),
        ({"attested": ["4 watchers"]}, ("sign", True)),
    ],
)
def test_what_waits(keys: dict[str, object], expected: tuple[str, bool]) -> None:
    assert got(EXCHANGE, **(LARGE | SIGN | keys)) == expected


def test_every_key_of_a_group_takes_part() -> None:
    """A policy in which one watcher is another key than the example's authors think: some pair has it."""
    policy = with_example(**WITHDRAWAL, **SIGN, attested=["2 watchers"])
    (asked,) = ask_examples(policy)
    assert len(asked.questions) == 3
    said = [next(iter(each.authorized.said.values())) for each in asked.questions]
    counts = {key: sum(key in dict(pairs) for pairs in said) for key in policy.attestors}
    assert set(counts.values()) == {2}
    for key in sorted(policy.attestors):
        stranger = BRIDGE_TEXT.replace(key.hex(), STRANGER)
        assert not asked.result(load_policy(stranger.encode())).passed
        assert asked.result(policy).passed


def test_every_address_of_a_list_is_paid() -> None:
    keys = WITHDRAWAL | SIGN | {"payments": ["20 BTC to exchange"]}
    policy = with_example(TEXT, **keys)
    (asked,) = ask_examples(policy)
    assert len(asked.questions) == 2
    addresses = [line for line in TEXT.splitlines() if line.startswith('  "bcrt1q')]
    assert len(addresses) == 2
    for line in addresses:
        result = asked.result(load_policy(TEXT.replace(line + "\n", "").encode()))
        assert not result.passed
        assert "destination-not-listed" in result.codes


def test_what_a_verdict_depends_on() -> None:
    """`basis_of` may leave out only what cannot matter."""
    plain = load_policy(EXCHANGE.encode())
    for route in {block.route for block in plain.blocks}:
        assert basis_of(plain, route) == basis_of(load_policy((EXCHANGE + "\n").encode()), route)
        later = EXCHANGE.replace("2027-01-31T", "2027-02-01T")
        assert basis_of(plain, route) != basis_of(load_policy(later.encode()), route)
    bridge = load_policy(BRIDGE_TEXT.encode())
    anchors = next(each.route for each in bridge.blocks if each.route.kind is Kind.ANCHOR)
    other = load_policy(BRIDGE_TEXT.replace("first_batch = 1000", "first_batch = 1001").encode())
    assert basis_of(bridge, anchors) != basis_of(other, anchors)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"change": "looser", "approved": ["2 officers"], "age": "48h"}, Standing.IN_FORCE),
        ({"change": "looser", "approved": ["2 officers"], "age": "172799s"}, Standing.WAITING),
        ({"change": "looser", "approved": ["1 officers"], "age": "30d"}, Standing.WAITING),
        ({"change": "tighter"}, Standing.WAITING),
        ({"change": "tighter", "approved": ["1 officers"]}, Standing.IN_FORCE),
        ({"change": "tighter", "approved": ["1 officers"], "age": "24h"}, Standing.LAPSED),
        ({"change": "tighter", "approved": ["2 officers"], "age": "24h"}, Standing.IN_FORCE),
        ({"change": "tighter", "approved": ["all watchers"]}, Standing.WAITING),
    ],
)
def test_changes(keys: dict[str, object], expected: Standing) -> None:
    policy = with_example(EXCHANGE, name="x", **keys, expect=str(expected))
    (example,) = policy.examples
    assert isinstance(example, ChangeExample)
    assert [each.passed for each in run_examples(policy)] == [True]
    for other in set(Standing) - {expected}:
        assert got(EXCHANGE, name="x", **keys, expect=str(other)) == (str(expected), False)


@pytest.mark.parametrize(
    ("hold", "expected"), [("24h", "sign"), ("86401s", "refuse"), ("1s", "sign"), ("0s", "refuse")]
)
def test_holds(hold: str, expected: str) -> None:
    policy = with_example(EXCHANGE, name="x", hold=hold, expect=expected)
    (example,) = policy.examples
    assert isinstance(example, HoldExample)
    assert [each.passed for each in run_examples(policy)] == [True]
    (result,) = run_examples(policy)
    assert (result.expected, result.got) == (expected, expected)


def test_without_governance_nothing_changes_and_nobody_holds() -> None:
    text = example_text(name="x", change="tighter", approved=["2 officers"], expect="in force")
    text += example_text(name="y", hold="1h", expect="sign")
    asked = ask_examples(load_policy((EXCHANGE + text).encode()))
    ungoverned = load_policy(BRIDGE_TEXT.encode())
    assert [each.result(ungoverned).got for each in asked] == ["waiting", "refuse"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_policies_do_what_their_authors_meant(path: Path) -> None:
    results = run_examples(load_policy(path.read_bytes()))
    assert len(results) > 15
    assert [(each.example.name, each.got) for each in results if not each.passed] == []


def test_six_policies_are_shipped() -> None:
    assert [path.stem for path in SHIPPED] == [
        "anchor-only",
        "bridge",
        "exchange-grade",
        "federation",
        "own-headers",
        "witnessed",
    ]


def seed(text: str) -> bytes:
    return hashlib.sha256(f"pegwarden example {text}".encode()).digest()


@pytest.mark.parametrize(
    ("name", "members", "accounts"),
    [("exchange-grade", 5, (2, 3)), ("anchor-only", 3, (4,)), ("witnessed", 4, (5,))],
)
def test_members_keys_are_those_that_the_comment_tells(
    name: str, members: int, accounts: tuple[int, ...]
) -> None:
    text, regtest = (EXAMPLES / f"{name}.toml").read_text(), NETWORKS["regtest"]
    for number in range(members):
        root = bip32.HDKey.from_seed(seed(f"member {number}"))
        for account in accounts:
            key = root.derive(f"m/48h/1h/{account}h/2h").to_public()
            xpub = key.to_base58(version=regtest["xpub"])
            assert f"[{root.my_fingerprint.hex()}/48'/1'/{account}'/2']{xpub}" in text


def test_other_keys_are_those_that_the_comment_tells() -> None:
    regtest = NETWORKS["regtest"]

    def strings(*parts: bytes) -> str:
        joined = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return base64.b64encode(joined).decode()

    def ed25519(number: int) -> bytes:
        secret = Ed25519PrivateKey.from_private_bytes(seed(f"officer {number}"))
        return secret.public_key().public_bytes_raw()

    witnessed = (EXAMPLES / "witnessed.toml").read_text()
    for number in range(4):
        log_key = Ed25519PrivateKey.from_private_bytes(seed(f"log {number}")).public_key()
        assert log_key.public_bytes_raw().hex() in witnessed
    for number in range(3):
        assert PrivateKey(seed(f"officer {number}")).public_key_xonly.format().hex() in witnessed
    for number in range(5):
        assert PrivateKey(seed(f"watcher {number}")).public_key_xonly.format().hex() in EXCHANGE
    assert PrivateKey(seed("officer 0")).public_key_xonly.format().hex() in EXCHANGE
    assert strings(b"ssh-ed25519", ed25519(1)) in EXCHANGE
    token = strings(b"sk-ssh-ed25519@openssh.com", ed25519(2), b"ssh:pegwarden")
    assert token in EXCHANGE
    for number, form in enumerate((script.p2wpkh, script.p2wpkh, script.p2tr, script.p2tr)):
        key = ec.PrivateKey(seed(f"exchange {number}")).get_public_key()
        assert form(key).address(regtest) in EXCHANGE
    for number in range(2):
        key = ec.PrivateKey(seed(f"blocked {number}")).get_public_key()
        assert script.p2wpkh(key).address(regtest) in EXCHANGE
