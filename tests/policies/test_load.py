"""What does not load: each refusal with its code and place, beside a twin that loads."""

import tomllib

import pytest
from embit.bip32 import HDKey
from embit.networks import NETWORKS
from hypothesis import given
from hypothesis import strategies as st

from policies.document import Table, read_document
from policies.load import load_policy
from policies.source import MAX_POLICY, PolicyError, read_source
from signer.bitcoin.descriptor import parse_key_information
from signer.bitcoin.hashes import sha256
from signer.bitcoin.keys import MemberKey
from signer.core.catalogue import CATALOGUE
from tests.federation import MEMBERS
from tests.policies.world import FEDERATION, HEAD, TEXT, policy_text

GOOD = "attested(2, watchers)"


def refusal(text: str | bytes) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load_policy(text if isinstance(text, bytes) else text.encode())
    assert caught.value.code in CATALOGUE
    return caught.value


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def place_of(text: str, fragment: str) -> tuple[int, int]:
    """Line and column of a fragment."""
    before = text[: text.index(fragment)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


KEY = "0ef53ceb8c01b6624fba35fd5f380526e5fd171aefb06acfd7a7fb0ceb5aa76a"
G = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
FIRST = "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f"
LAST = "bcrt1qt3jq0dk5pt55pym6x6ejvgncj93dm8qenylxea"
OTHER = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
MAIN = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
P2A = "bcrt1pfeesnyr2tx"
P2TR = "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"

# (text in the example, replacement that is refused, code, where it points, replacement that loads)
CHANGES = [
    ("version = 1", "version = 0", "policy-value", "0\nnetwork", "version = 2"),
    ("depth = 100", "depth = 0", "policy-value", "0\n\n[rollups", "depth = 1"),
    ("release_depth = 100", "release_depht = 9", "policy-key-unknown", "release_depht", ""),
    ("release_depth = 100", "lookahead = 9", "policy-repeated", "lookahead = 9", ""),
    ("lookahead = 1000", "lookahead = 100_001", "policy-value", "100_001", "lookahead = 100_000"),
    ("lookahead = 1000", 'lookahead = "1000"', "policy-value", '1000"\ncoins', "lookahead = 1_000"),
    ('magic = "50475744"', 'magic = "5047574"', "policy-value", '5047574"', 'magic = "00000000"'),
    ('magic = "50475744"', "", "policy-key-missing", "[rollups.main]", 'magic = "50475745"'),
    ("first_batch = 1", "first_batch = 0", "policy-value", "0\nsequence", "first_batch = 2"),
    ('"contiguous"', '"contigous"', "policy-value", 'contigous"', '"increasing"'),
    ("[rollups.main]", "[rollup.main]", "policy-key-unknown", "[rollup.", "[rollups.other]"),
    ("[rollups.main]", "[rollups]", "policy-key-unknown", "[rollups]", "[rollups.x-_9]"),
    ("[rollups.main]", "[rollups.9]", "policy-value", "[rollups.9]", "[rollups.r9]"),
    ("[groups]", "[[groups]]", "policy-key-unknown", "[[groups]]", "[ groups ]"),
    ("[lists]", "[groups]", "policy-repeated", "[groups]\nexchange", None),
    ("[[allow]]", "[allow]", "policy-key-unknown", "[allow]", "[[ allow ]]  # so"),
    ("exchange = [", "9exchange = [", "policy-value", "9exchange", f'e9 = ["{OTHER}"]\nexchange = ['),
    ("watchers = [", "others = []\nwatchers = [", "policy-value", "[]\nwatchers", None),
    ('"78d736', f'"{KEY}","78d736', "policy-repeated", f'{KEY}","78', f'"{G}","78d736'),
    ('"78d736', '"78D736', "pubkey-malformed", '78D736', None),
    (KEY, "ff" * 32, "pubkey-malformed", "ff" * 32, G),
    ('"bcrt1qz32', '"bcrt1qz33', "address-malformed", "bcrt1qz33", None),
    (f'"{FIRST}",', f'"{LAST}",', "policy-repeated", f'{LAST}",\n]', f'"{OTHER}",'),
    (FIRST, MAIN, "address-wrong-network", MAIN, OTHER),
    (FIRST, P2A, "policy-value", P2A, P2TR),
    ('network = "regtest"', 'network = "regtset"', "network-unknown", "regtset", None),
    ('network = "regtest"', 'network = "mainnet"', "address-wrong-network", "bcrt1qz32", None),
    ('policy/1"', 'policy/2"', "policy-value", "pegwarden-policy/2", None),
    ('name    = "federation"', 'name = "my federation"', "policy-value", "my federation", 'name = "f"'),
    ('name    = "federation"', 'name = 7', "policy-value", "7", None),
    ('name    = "federation"', 'naem = "federation"', "policy-key-unknown", "naem", None),
    ("multi(2,", "multi(1,", "vault-quorums-disjoint", "wsh(sortedmulti(1", "multi(3,"),
    ("multi(2,", "multi(2,,", "miniscript-malformed", "wsh(sortedmulti(2,,", None),
    ("[6143f0f6/48'", "[6143f0f6/48''", "path-malformed", "[6143f0f6", "[6143f0f6/48h"),
    ("[6143f0f6", "[6143f0f", "key-malformed", "[6143f0f/", "[6143f0f7"),
    ('spend = "withdrawal"', 'spend = "anchor"', "policy-expression", 'payment_at_most', None),
    ('spend = "withdrawal"', 'spend = "rotation"', "policy-key-missing", '[[allow]]', None),
    ('spend = "withdrawal"', 'spend = "withdrawl"', "policy-value", 'withdrawl"', None),
    ('from = "peg"', 'from = "pge"', "policy-name-unknown", 'pge"', "from = 'peg'"),
    ('from = "peg"', 'from = "peg"\nto = "peg"', "policy-key-unknown", "to =", None),
    ("[[allow]]", "[[allow]]\n[[allow]]", "policy-key-missing", "[[allow]]\n[[", None),
    ("[groups]", "[groups]\n", None, "", "[groups] # keys"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "where", "twin"), CHANGES, ids=[str(n) for n in range(len(CHANGES))]
)
def test_one_change_is_refused_where_it_stands(
    old: str, new: str, code: str | None, where: str, twin: str | None
) -> None:
    if twin is not None:
        load_policy(changed(old, twin).encode())
    text = changed(old, new)
    if code is None:
        load_policy(text.encode())
        return
    error = refusal(text)
    assert (error.code, error.line, error.column) == (code, *place_of(text, where))
    assert f"line {error.line}, column {error.column}" in str(error)


def test_the_example_loads() -> None:
    assert FEDERATION.policy_id == sha256(TEXT.encode())
    assert (FEDERATION.name, FEDERATION.version, FEDERATION.network.name) == (
        "federation",
        1,
        "regtest",
    )
    (definition,) = FEDERATION.vault_definitions
    assert (definition.vault_id, definition.lookahead, len(definition.keys)) == ("peg", 1000, 3)
    assert FEDERATION.vaults[0].threshold == 2
    assert len(FEDERATION.attestors) == 3
    (rollup,) = FEDERATION.rollups
    assert (rollup.magic, rollup.first_batch, rollup.sequence) == (b"PGWD", 1, "contiguous")


def test_defaults() -> None:
    text = changed("lookahead = 1000\n", "").replace("release_depth = 100\n", "")
    (entry,) = load_policy(text.encode()).vault_entries
    assert (entry.definition.lookahead, entry.release_depth) == (1_000, 100)


def test_attestors_are_the_keys_of_the_groups_that_are_asked() -> None:
    other = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    text = changed("[groups]", f'[groups]\nothers = ["{other}"]')
    assert bytes.fromhex(other) not in load_policy(text.encode()).attestors
    text = text.replace('coins = "attested(2, watchers)"', 'coins = "attested(1, others)"')
    assert bytes.fromhex(other) in load_policy(text.encode()).attestors


def second_vault(keys: str) -> str:
    return TEXT.replace(
        "[rollups.main]",
        f'[vaults.two]\ntemplate = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"\nkeys = [{keys}]\n'
        'coins = "attested(2, watchers)"\n[rollups.main]',
        1,
    )


def test_vaults_share_no_key() -> None:
    own = FEDERATION.vault_definitions[0].keys
    quoted = ", ".join(f'"{key}"' for key in own)
    text = second_vault(quoted)
    error = refusal(text)
    assert error.code == "vault-key-shared"
    assert (error.line, error.column) == place_of(text, "[vaults.two]")
    others = [key.text(FEDERATION.network) for key in _others()]
    assert (
        len(load_policy(second_vault(", ".join(f'"{key}"' for key in others)).encode()).vaults) == 2
    )


def _others() -> list[MemberKey]:
    keys = [member.key_text for member in MEMBERS[3:6]]
    return [parse_key_information(key, FEDERATION.network)[1] for key in keys]


def test_at_most_64_vaults() -> None:
    empty = "".join(f"[vaults.v{number}]\n" for number in range(64))
    assert refusal(TEXT + empty).code == "policy-value"
    assert refusal(TEXT + empty.replace("[vaults.v63]\n", "")).code == "policy-key-missing"


def test_a_magic_belongs_to_one_rollup() -> None:
    second = '[rollups.b]\nmagic = "50475744"\nfirst_batch = 1\nsequence = "increasing"\n'
    error = refusal(TEXT + second)
    assert (error.code, error.line) == ("policy-repeated", TEXT.count("\n") + 2)
    assert len(load_policy((TEXT + second.replace("744", "745")).encode()).rollups) == 2


def test_an_empty_policy_is_refused() -> None:
    """Default deny: `policy-empty`, not a kernel that answers no to everything by accident."""
    assert (
        refusal(HEAD.replace('[[allow]]\nspend = "withdrawal"\nfrom = "peg"\n', "")).code
        == "policy-empty"
    )
    nothing = refusal(TEXT.partition("[vaults")[0])
    assert (nothing.code, nothing.line, nothing.column) == ("policy-empty", 1, 1)
    load_policy(policy_text(GOOD).encode())


@pytest.mark.parametrize(
    "when",
    [
        "fee_at_most(1 BTC)",
        "or(attested(1, watchers), fee_at_most(1 BTC))",
        "thresh(2, attested(1, watchers), fee_at_most(1 BTC), inputs_at_most(3))",
        "and(inputs_at_most(3), or(and(attested(3, watchers), fee_at_most(1 BTC)), outputs_at_most(9)))",
    ],
)
def test_a_way_without_attestations_is_refused(when: str) -> None:
    error = refusal(policy_text(when))
    assert error.code == "policy-way-unattested"
    assert (error.line, error.column) == place_of(policy_text(when), when)
    load_policy(policy_text(f"and({when}, attested(1, watchers))").encode())


@pytest.mark.parametrize(
    ("when", "twin"),
    [
        ("attested(4, watchers)", "attested(3, watchers)"),
        ("thresh(2, attested(1, watchers))", "thresh(1, attested(1, watchers))"),
        (
            f"and({GOOD}, fee_rate_between(2 sat/vB, 1.999 sat/vB))",
            f"and({GOOD}, fee_rate_between(2 sat/vB, 2 sat/vB))",
        ),
        (
            f"and({GOOD}, fee_rate_between(1 sat/vB, 2 sat/vB), fee_rate_between(3 sat/vB, 4 sat/vB))",
            f"and({GOOD}, fee_rate_between(1 sat/vB, 3 sat/vB), fee_rate_between(3 sat/vB, 4 sat/vB))",
        ),
        (
            f"and({GOOD}, payment_at_least(1 BTC), payment_at_most(0.99999999 BTC))",
            f"and({GOOD}, payment_at_least(1 BTC), payment_at_most(1 BTC))",
        ),
        (
            f"and({GOOD}, payment_at_least(1 BTC), outflow_at_most(1h, 0.9 BTC))",
            f"and({GOOD}, payment_at_least(1 BTC), outflow_at_most(1h, 1 BTC))",
        ),
        (f"and({GOOD}, payment_at_most(293 sat))", f"and({GOOD}, payment_at_most(294 sat))"),
        (f"and({GOOD}, spend_at_most(0 sat))", f"and({GOOD}, spend_at_most(300 sat))"),
        (
            f"and({GOOD}, destination_types(p2tr), destination_types(p2wsh))",
            f"and({GOOD}, destination_types(p2tr, p2wsh), destination_types(p2wsh))",
        ),
        (
            f"and({GOOD}, destinations_in(exchange), destination_types(p2tr))",
            f"and({GOOD}, destinations_in(exchange), destination_types(p2wpkh))",
        ),
    ],
)
def test_what_nothing_can_satisfy_is_refused(when: str, twin: str) -> None:
    assert refusal(policy_text(when)).code == "policy-unsatisfiable"
    load_policy(policy_text(twin).encode())


def test_lists_without_a_common_address_exclude_each_other() -> None:
    text = changed("[lists]", '[lists]\nother = ["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"]')
    both = f"and({GOOD}, destinations_in(exchange), destinations_in(other))"
    assert refusal(policy_text(both, text)).code == "policy-unsatisfiable"
    load_policy(policy_text(both.replace("other", "exchange"), text).encode())


def test_a_dead_way_beside_a_living_one_loads() -> None:
    """Tiers multiply to some ways that nothing can go; only a block without a living way is an error."""
    tiers = "or(payment_at_most(1 BTC), inputs_at_most(9)), or(payment_at_least(2 BTC), outputs_at_most(3))"
    load_policy(policy_text(f"and({GOOD}, {tiers})").encode())


def alternatives(count: int, word: str = "or") -> str:
    return f"{word}(" + ",".join(f"inputs_at_most({n})" for n in range(1, count + 1)) + ")"


@pytest.mark.parametrize(
    ("when", "twin"),
    [
        (alternatives(1_001), alternatives(1_000)),
        (f"{alternatives(26)}, {alternatives(39).replace('in', 'out')}", alternatives(26)),
        (alternatives(24, "thresh(12,").replace(",(", ","), alternatives(12, "thresh(6,").replace(",(", ",")),
        (alternatives(1_200, "thresh(600,").replace(",(", ","), alternatives(1_200, "and")),
    ],
)  # fmt: skip
def test_more_than_a_thousand_ways_are_refused(when: str, twin: str) -> None:
    assert refusal(policy_text(f"and({GOOD}, {when})")).code == "policy-too-many-ways"
    load_policy(policy_text(f"and({GOOD}, {twin})").encode())


def test_ways_are_counted_over_all_blocks() -> None:
    block = policy_text(f"and({GOOD}, {alternatives(600)})")
    again = block[block.index("[[allow]]") :]
    load_policy((block + again).encode())  # the same ways absorb each other
    text = block + again.replace("inputs", "outputs")
    error = refusal(text)
    assert error.code == "policy-too-many-ways"
    assert error.line == text.count("\n", 0, text.rindex("[[allow]]")) + 1


def test_ways_are_counted_over_all_vaults() -> None:
    keys = ", ".join(f'"{xpub.text(FEDERATION.network)}"' for xpub in _others())
    block = policy_text(f"and({GOOD}, {alternatives(600)})")
    again = block[block.index("[[allow]]") :].replace('"peg"', '"two"')
    head = second_vault(keys).partition("[[allow]]")[0]
    load_policy((head + again).encode())
    text = head + block[block.index("[[allow]]") :] + again
    assert refusal(text).code == "policy-too-many-ways"


def test_at_most_a_thousand_blocks() -> None:
    block = TEXT[TEXT.index("[[allow]]") :]
    load_policy((TEXT + block * 999).encode())
    text = TEXT + block * 1_000
    error = refusal(text)
    assert error.code == "policy-too-many-ways"
    assert error.line == text.count("\n", 0, text.rindex("[[allow]]")) + 1


def test_steps_are_bounded_when_ways_are_not_many() -> None:
    """One way, but millions of steps to see it: refused, not computed."""
    same = ",".join(["path(primary)"] * 3_000)
    error = refusal(policy_text(f"and({GOOD}, thresh(1500, {same}))"))
    assert error.code == "policy-too-many-ways"
    load_policy(policy_text(f"and({GOOD}, thresh(2990, {same}))").encode())


def test_a_policy_is_bounded() -> None:
    padding = "#" * (MAX_POLICY - len(TEXT.encode()))
    load_policy((TEXT + padding).encode())
    assert refusal(TEXT + padding + "#").code == "policy-too-large"


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b"\xef\xbb\xbf" + TEXT.encode(), 1, 1),
        (TEXT.replace("\n", "\r\n").encode(), 1, len(TEXT.partition("\n")[0]) + 1),
        (b"# caf\xe9\n", 1, 6),
        ("# é\n#\x00".encode(), 2, 2),
        ("# x\u202ey".encode(), 1, 4),
        ("a\u00a0= 1".encode(), 1, 2),
        (b"\n\xff", 2, 1),
    ],
)
def test_only_visible_utf_8_with_lf(data: bytes, line: int, column: int) -> None:
    error = refusal(data)
    assert (error.code, error.line, error.column) == ("policy-text", line, column)


def test_comments_may_use_any_visible_letter() -> None:
    load_policy(("# é ü 日本\tß\n" + TEXT).encode())


SYNTAX = [
    ("a.b = 1", 1, 1),
    ("a = {}", 1, 5),
    ("a = [[1]]", 1, 6),
    ("a = true", 1, 5),
    ("a = 1.5", 1, 6),
    ("a = -1", 1, 5),
    ("a = 0x10", 1, 6),
    ("a = 01", 1, 6),
    ("a = 1__0", 1, 6),
    ("a = 9999999999999999999", 1, 23),
    ("a = 1979-05-27", 1, 9),
    ("a =", 1, 4),
    ("a", 1, 1),
    ("=1", 1, 1),
    ('"a" = 1', 1, 1),
    ("a = 1 b = 2", 1, 6),
    ("a = [1 2]", 1, 8),
    ("a = [,]", 1, 6),
    ("a = [1,,2]", 1, 8),
    ("a = [1", 1, 7),
    ("a = [", 1, 6),
    ("[a", 1, 1),
    ("[a.b.c]", 1, 1),
    ("[[a.b]]", 1, 1),
    ("[a] b = 1", 1, 4),
    ("[]", 1, 1),
    ('a = "x', 1, 5),
    ('a = "x\n"', 1, 5),
    ("a = 'x\n'", 1, 5),
    ('a = """x"', 1, 5),
    ('a = """x""""', 1, 12),
    ("a = '''x''''", 1, 12),
    ('a = "\\u0041"', 1, 6),
    ('a = """\nx \\\n"""', 2, 3),
    ("é = 1", 1, 1),
]


@pytest.mark.parametrize(("text", "line", "column"), SYNTAX)
def test_other_toml_is_refused_where_it_stands(text: str, line: int, column: int) -> None:
    error = refusal(text)
    assert (error.code, error.line, error.column) == ("policy-syntax", line, column)


@pytest.mark.parametrize("text", ["a = 1\na = 2", "[a]\n[a]", "[a.b]\n[c]\n[a.b]", "[[a]]\n[a]"])
def test_nothing_is_defined_twice(text: str) -> None:
    assert refusal(text).code == "policy-repeated"
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)


def as_tomllib(tables: tuple[Table, ...]) -> dict[str, object]:
    """What tomllib would have read."""
    whole: dict[str, object] = {}
    for table in tables:
        entries = {
            key: entry.item.value
            if not isinstance(entry.item.value, tuple)
            else [item.value for item in entry.item.value]
            for key, entry in table.entries.items()
        }
        inside = whole
        for name in table.name[:-1]:
            inside = inside.setdefault(name, {})  # type: ignore[assignment]
        if table.is_repeated:
            inside.setdefault(table.name[0], []).append(entries)  # type: ignore[attr-defined]
        elif table.name:
            inside.setdefault(table.name[-1], {}).update(entries)  # type: ignore[attr-defined]
        else:
            inside.update(entries)
    return whole


_LINES = st.sampled_from(
    [
        "[a.b]", "[ c ]", "[[d]]", "[[ d ]] # x", "[e . f]", "x = 1", "y=1_000 # y", "z = 0",
        'x = "s"', "y = 's\\'", 'z = """a\n"b" \n"""', "w = '''\n\nc'd'''", "u = [ ]",
        'v = [1, "two",\n # three\n \'3\', ]', "", "# comment", "  \t", 't = ""', "s = ''''''",
        'r = """"""', "q = ['''x''', 10]", 'p = "\t#[]"', "o = 2 o = 3", "n = [", '"', "]",
    ]
)  # fmt: skip


@given(st.lists(_LINES, max_size=12))
def test_what_is_read_means_the_same_to_tomllib(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        tables = read_document(read_source(text.encode()))
    except PolicyError as error:
        assert error.code in ("policy-syntax", "policy-repeated")  # noqa: PT017
        return
    names = {table.name for table in tables if not table.is_repeated}
    if any(table.is_repeated and table.name in names for table in tables):
        return  # refused one step later: a repeated table is `allow` alone
    assert as_tomllib(tables) == tomllib.loads(text)


def test_the_example_means_the_same_to_tomllib() -> None:
    assert as_tomllib(read_document(read_source(TEXT.encode()))) == tomllib.loads(TEXT)


@given(st.binary(max_size=200))
def test_bytes_are_refused_with_a_code(data: bytes) -> None:
    assert refusal(data).code.startswith("policy-")


@given(st.integers(0, len(TEXT) - 1), st.text(max_size=3), st.integers(0, 3))
def test_a_damaged_policy_loads_or_is_refused_with_a_place(at: int, text: str, cut: int) -> None:
    """Whatever three characters become, there is a policy or a coded refusal with a place in the file."""
    damaged = TEXT[:at] + text + TEXT[at + cut :]
    error = outcome(damaged.encode("utf-8", "surrogatepass"))
    if error is not None:
        assert error.code in CATALOGUE
        assert 1 <= error.line <= damaged.count("\n") + 1
        assert error.column >= 1


def outcome(data: bytes) -> PolicyError | None:
    """The refusal, if any; nothing else may be raised."""
    try:
        load_policy(data)
    except PolicyError as error:
        return error
    return None


def test_a_private_key_is_never_repeated() -> None:
    """Who pastes a secret into a policy does not find it in a log."""
    secret = HDKey.from_seed(bytes(32), version=NETWORKS["regtest"]["xprv"]).to_base58()
    key = FEDERATION.vault_definitions[0].keys[0]
    assert secret[4:] not in str(refusal(changed(key, secret)))
    assert "78D736" not in str(refusal(changed('"78d736', '"78D736')))
