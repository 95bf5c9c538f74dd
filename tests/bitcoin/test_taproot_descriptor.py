"""Taproot descriptors: text, paths, derivation, weight, witness; refusals one field away."""

import re
from collections.abc import Callable
from itertools import combinations
from typing import ParamSpec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.descriptor import (
    DerivedScript,
    Descriptor,
    Tr,
    Wsh,
    canonical_text,
    derive,
    federation_keys,
    input_weight,
    key_places,
    parse_descriptor,
    parse_template,
    satisfaction,
    spending_paths,
    with_checksum,
)
from signer.bitcoin.descriptor.model import MAX_PLACES
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.keys import HARDENED
from signer.bitcoin.miniscript.model import Fragment
from signer.bitcoin.network import REGTEST
from signer.bitcoin.taproot import (
    UNSPENDABLE_H,
    unspendable_xpub,
    verify_control_block,
)
from signer.bitcoin.taproot_sighash import TaprootSighash
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    serialize_witness,
)
from signer.bitcoin.units import Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from tests.bitcoin.multisigs import multi_a_script
from tests.bitcoin.refused import refused
from tests.bitcoin.taproot_vaults import (
    MEMBERS,
    UNSPENDABLE,
    foreign_key,
    keys,
    leaf_signatures,
    plain_template,
    recovery_template,
    taproot,
)

P = ParamSpec("P")

PLAIN = plain_template(2, 3)
TREE = recovery_template(2, 3, 1, 144)
PRIMARY, RECOVERY = "multi_a(2,@1/**,@2/**)", "and_v(v:older(9),multi_a(1,@1/<2;3>/*,@2/<2;3>/*))"
LATER = "and_v(v:older({}),multi_a(1,@1/<{};{}>/*))"


def code_of(call: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> str:
    with pytest.raises(Malformed) as refusal:
        call(*arguments, **named)
    assert not re.search("[xt](pub|prv)[1-9A-Za-z]{4}|[0-9a-f]{20}", refusal.value.detail)
    return refusal.value.code


# --- text ---


@pytest.mark.parametrize("template", [PLAIN, TREE, PLAIN.replace("multi_a", "sortedmulti_a")])
def test_text_there_and_back(template: str) -> None:
    descriptor = taproot(template, 3)
    text = canonical_text(descriptor, REGTEST)
    expected = template
    for number, key in enumerate(keys(3)):
        expected = expected.replace(f"@{number}/**", f"{key}/<0;1>/*")
        expected = expected.replace(f"@{number}/", f"{key}/")
    assert text == expected
    assert parse_descriptor(with_checksum(text), REGTEST) == descriptor


def test_h_itself_is_understood_in_a_descriptor() -> None:
    descriptor = taproot(PLAIN, 3)
    raw = UNSPENDABLE_H.hex()
    text = canonical_text(descriptor, REGTEST).replace(f"{UNSPENDABLE}/<0;1>/*", raw)
    parsed = parse_descriptor(with_checksum(text), REGTEST)
    assert isinstance(parsed, Tr)
    assert parsed.internal is None
    assert parsed.leaves == descriptor.leaves
    assert canonical_text(parsed, REGTEST) == text
    assert derive(parsed, 0, 0).internal_key == UNSPENDABLE_H
    for other in (MEMBERS[0].secret(0, 0).public_key.format()[1:].hex(), f"02{raw}", raw.upper()):
        spendable = with_checksum(text.replace(raw, other))
        assert code_of(parse_descriptor, spendable, REGTEST) == "descriptor-internal-key"
    template = PLAIN.replace("@0/**", raw)
    assert code_of(parse_template, template, keys(3), REGTEST) == "descriptor-placeholder"


def test_h_itself_is_no_federation_key() -> None:
    """It must not vanish from a multisig: 2-of-3 would silently be 2-of-2."""
    raw = UNSPENDABLE_H.hex()
    for descriptor in (taproot(PLAIN, 3), parse_template(wsh(), keys(3)[1:], REGTEST)):
        text = canonical_text(descriptor, REGTEST)
        wsh_vault = text.startswith("wsh")
        for dead, code in (
            (raw, "pubkey-malformed" if wsh_vault else "descriptor-fixed-in-taproot"),
            (f"02{raw}", "descriptor-internal-key" if wsh_vault else "descriptor-fixed-in-taproot"),
            (f"{UNSPENDABLE}/<2;3>/*", "descriptor-internal-key"),
        ):
            forged = text.replace(f"{keys(3)[2]}/<0;1>/*", dead)
            assert forged != text
            assert code_of(parse_descriptor, with_checksum(forged), REGTEST) == code


def wsh() -> str:
    return "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"


def test_a_tree_keeps_its_nesting() -> None:
    leaves = [LATER.format(n, 2 * n, 2 * n + 1) for n in range(1, 4)]
    for tree, depths in (
        (f"{{{PRIMARY},{{{leaves[0]},{{{leaves[1]},{leaves[2]}}}}}}}", (1, 2, 3, 3)),
        (f"{{{{{PRIMARY},{leaves[0]}}},{{{leaves[1]},{leaves[2]}}}}}", (2, 2, 2, 2)),
        (f"{{{{{{{PRIMARY},{leaves[0]}}},{leaves[1]}}},{leaves[2]}}}", (3, 3, 2, 1)),
        (f"{{{leaves[0]},{{{PRIMARY},{leaves[1]}}}}}", (1, 2, 2)),
    ):
        template = f"tr(@0/**,{tree})"
        # BIP-388 wants placeholders in order of first appearance; the last tree still has it.
        descriptor = taproot(template, 2)
        assert tuple(depth for depth, _ in descriptor.leaves) == depths
        text = canonical_text(descriptor, REGTEST)
        assert parse_descriptor(with_checksum(text), REGTEST) == descriptor
        derived = derive(descriptor, 1, 5)
        for leaf in derived.leaves:
            block, output = leaf.control_block, derived.script_pubkey[2:]
            assert verify_control_block(output, block, leaf.script) == leaf.leaf_hash


def test_64_leaves_are_read_and_65_are_not() -> None:
    tree = PRIMARY
    for number in range(1, 64):
        tree = f"{{{tree},{LATER.format(number, 2 * number, 2 * number + 1)}}}"
    assert len(taproot(f"tr(@0/**,{tree})", 2).leaves) == 64
    more = f"tr(@0/**,{{{tree},{LATER.format(64, 128, 129)}}})"
    assert code_of(parse_template, more, keys(2), REGTEST) == "descriptor-malformed"


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ("", "miniscript-malformed"),
        ("{", "descriptor-malformed"),
        ("{" * 16_000, "descriptor-malformed"),
        ("}", "descriptor-malformed"),
        (f"{{{PRIMARY}}}", "descriptor-malformed"),
        (f"{{{PRIMARY},{RECOVERY}", "descriptor-malformed"),
        (f"{{{PRIMARY},{RECOVERY}}}}}", "descriptor-malformed"),
        (f"{{{PRIMARY},{RECOVERY},{RECOVERY}}}", "descriptor-malformed"),
        (f"{PRIMARY},{RECOVERY}", "descriptor-malformed"),
        (f"{{{PRIMARY}{{,{RECOVERY}}}", "miniscript-malformed"),
        (f"{{{PRIMARY},{RECOVERY}}}x", "descriptor-malformed"),
        (f"({PRIMARY})", "miniscript-malformed"),
        ("multi(2,@1/**,@2/**)", "miniscript-unknown-fragment"),
        (f"{{{PRIMARY},{RECOVERY.replace('v:older', 'older')}}}", "miniscript-type"),
        (f"{{{PRIMARY},{RECOVERY.replace('(9)', '(0)')}}}", "miniscript-number"),
        (f"{{{PRIMARY},{RECOVERY.replace('(9)', '(09)')}}}", "miniscript-number"),
        (f"{{{PRIMARY},{RECOVERY.replace('(9)', '(65536)')}}}", "descriptor-timelock"),
        (f"{{{PRIMARY},{RECOVERY.replace('(9)', '(65537)')}}}", "descriptor-timelock"),
        (f"{{{PRIMARY},{RECOVERY.replace('(9)', '(4194304)')}}}", "descriptor-timelock"),
        (f"{{{PRIMARY},{RECOVERY.replace('(9)', '(8388609)')}}}", "descriptor-timelock"),
        (PRIMARY.replace("(2", "(0"), "miniscript-threshold"),
        (PRIMARY.replace("(2", "(3"), "miniscript-threshold"),
        (PRIMARY.replace("(2", "(a"), "miniscript-number"),
        (PRIMARY.replace("@2", "@3"), "descriptor-placeholder"),
        (PRIMARY.replace("@2/**", "@1/**,@2/**"), "descriptor-key-repeated"),
        (f"{{{PRIMARY},{RECOVERY.replace('<2;3>', '<1;2>')}}}", "descriptor-key-repeated"),
        (PRIMARY.replace("@2/**", "@2/**,@0/<2;3>/*"), "descriptor-internal-key"),
        ("and_v(v:multi_a(1,@1/**,@2/**),or_i(older(9),after(9)))", "miniscript-malleable"),
        ("or_i(multi_a(2,@1/**,@2/**),older(9))", "miniscript-without-signature"),
        (f"{{0,{PRIMARY}}}", "miniscript-unsatisfiable"),
        ("and_v(v:multi_a(1,@1/**,@2/**),0)", "miniscript-unsatisfiable"),
    ],
)
def test_trees_one_field_away(tree: str, code: str) -> None:
    assert code_of(parse_template, f"tr(@0/**,{tree})", keys(2), REGTEST) == code


@pytest.mark.parametrize("tree", [PRIMARY, f"{{{PRIMARY},{RECOVERY}}}"])
@pytest.mark.parametrize("lock", [1, 65_535, 4_194_305, 4_259_839])
def test_the_good_trees_parse(tree: str, lock: int) -> None:
    taproot(f"tr(@0/**,{tree.replace('(9)', f'({lock})')})", 2)


@pytest.mark.parametrize(
    "tree",
    [
        "pk(@1/**)",
        f"{{{PRIMARY},pk(@1/<2;3>/*)}}",
        f"{{{PRIMARY},multi_a(1,@1/<2;3>/*)}}",
        f"{{{PRIMARY},{RECOVERY.replace('older', 'after')}}}",
        "{and_v(v:pk(@1/**),pk(@2/**)),thresh(2,pk(@1/<2;3>/*),s:pk(@2/<2;3>/*),sln:after(9))}",
        RECOVERY.replace("<2;3>", "<0;1>"),
    ],
)
def test_any_tree_of_sane_leaves_parses(tree: str) -> None:
    """Whether every way has a lock is a question to its paths, not to its text."""
    descriptor = taproot(f"tr(@0/**,{tree})", 2 if "@2" in tree else 1)
    text = canonical_text(descriptor, REGTEST)
    assert parse_descriptor(with_checksum(text), REGTEST) == descriptor
    assert len(derive(descriptor, 0, 0).leaves) == len(descriptor.leaves)


def test_one_hundred_places_are_read_and_one_more_is_not() -> None:
    """Each place costs one derivation per address."""
    places = [f"@1/<{2 * number};{2 * number + 1}>/*" for number in range(MAX_PLACES + 1)]
    assert len(taproot(f"tr(@0/**,multi_a(1,{','.join(places[:-1])}))", 1).keys) == 100
    with refused("descriptor-too-many-keys"):
        taproot(f"tr(@0/**,multi_a(1,{','.join(places)}))", 1)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("tr(@0/**)", "descriptor-unsupported"),
        (f"tr(musig(@0,@1)/**,{PRIMARY})", "descriptor-unsupported"),
        (f"tr({PRIMARY})", "descriptor-malformed"),
        (f"tr(@0,{PRIMARY})", "descriptor-placeholder"),
        (f"wsh(tr(@0/**,{PRIMARY}))", "miniscript-unknown-fragment"),
        ("sh(wsh(pk(@0/**)))", "descriptor-unsupported"),
        (f"tr(@1/**,{PRIMARY})", "descriptor-placeholder"),
        (PRIMARY, "descriptor-unsupported"),
    ],
)
def test_templates_one_field_away(template: str, code: str) -> None:
    assert code_of(parse_template, template, keys(2), REGTEST) == code


@pytest.mark.parametrize(
    "internal",
    [
        MEMBERS[9].key_text,
        f"[d34db33f/1]{UNSPENDABLE}",
        foreign_key().text(REGTEST),
        unspendable_xpub().child(0).text(REGTEST),
    ],
)
def test_a_spendable_internal_key_is_refused(internal: str) -> None:
    """A hidden key path: whoever knows its logarithm spends alone. An origin claims that one does."""
    listed = (internal, *keys(3)[1:])
    assert code_of(parse_template, PLAIN, listed, REGTEST) == "descriptor-internal-key"
    text = canonical_text(taproot(PLAIN, 3), REGTEST).replace(UNSPENDABLE, internal)
    assert code_of(parse_descriptor, with_checksum(text), REGTEST) == "descriptor-internal-key"
    assert parse_template(PLAIN, keys(3), REGTEST) == taproot(PLAIN, 3)


@given(st.text(alphabet="{},()@0123/*<;>multi_aorder:v", max_size=60))
def test_any_tree_is_parsed_or_malformed(tree: str) -> None:
    """Invariant: only Malformed escapes."""
    with pytest.raises(Malformed):
        parse_template(f"tr(@0/**,{{{tree},{PRIMARY}}})", keys(2), REGTEST)


def test_spending_paths() -> None:
    paths = spending_paths(taproot(TREE, 3))
    assert [(p.name, p.threshold, p.positions, p.older, p.leaves) for p in paths] == [
        ("primary", 2, (0, 1, 2), None, (0,)),
        ("recovery", 1, (3, 4, 5), 144, (1,)),
    ]
    (only,) = spending_paths(parse_template(wsh(), keys(3)[1:], REGTEST))
    assert (only.name, only.threshold, only.positions) == ("primary", 2, (0, 1, 2))
    assert (only.older, only.leaves) == (None, ())


def test_the_primary_path_is_first_wherever_it_stands() -> None:
    first, second = LATER.format(99, 2, 3), LATER.format(7, 4, 5)
    descriptor = taproot(f"tr(@0/**,{{{first},{{{second},{PRIMARY}}}}})", 2)
    paths = spending_paths(descriptor)
    assert [(path.name, path.older, path.leaves) for path in paths] == [
        ("primary", None, (2,)),
        ("recovery", 7, (1,)),
        ("recovery-2", 99, (0,)),
    ]
    assert paths[0].positions == (2, 3)
    assert paths[0].threshold == 2


def test_federation_keys_are_distinct_and_without_the_unspendable_one() -> None:
    descriptor = taproot(TREE, 3)
    assert len(key_places(descriptor)) == 6
    assert [str(key.origin) for key in federation_keys(descriptor)] == [
        key.partition("]")[0] + "]" for key in keys(3)[1:]
    ]
    assert [key.branches for key in federation_keys(descriptor)] == [(0, 1)] * 3
    plain: Descriptor = parse_template(wsh(), keys(3)[1:], REGTEST)
    assert isinstance(plain, Wsh)
    assert federation_keys(plain) == key_places(plain) == plain.keys


# --- derivation ---


@pytest.mark.parametrize(("branch", "index"), [(0, 0), (1, 5), (0, HARDENED - 1)])
def test_derived_leaves(branch: int, index: int) -> None:
    derived = derive(taproot(TREE, 3), branch, index)
    expected = [
        MEMBERS[number].secret(branch + 2 * leaf, index).public_key.format()
        for leaf in (0, 1)
        for number in range(3)
    ]
    assert [key.pubkey for key in derived.keys] == expected
    assert [key.position for key in derived.keys] == list(range(6))
    assert derived.keys[3].path[-2:] == (branch + 2, index)
    primary, recovery = derived.leaves
    xonly = tuple(key[1:] for key in expected)
    assert primary.script == multi_a_script(2, xonly[:3])
    assert recovery.script == bytes.fromhex("029000b269") + multi_a_script(1, xonly[3:])
    assert (primary.keys, recovery.keys) == (derived.keys[:3], derived.keys[3:])
    assert derived.internal_key == unspendable_xpub().child(branch).child(index).pubkey[1:]
    assert derived.witness_script == b""
    assert derived.merkle_root
    assert derived.script_pubkey[:2] == b"\x51\x20"
    for leaf in derived.leaves:
        assert (
            verify_control_block(derived.script_pubkey[2:], leaf.control_block, leaf.script)
            == leaf.leaf_hash
        )


def test_sorted_leaves_have_their_keys_sorted() -> None:
    descriptor = taproot(PLAIN.replace("multi_a", "sortedmulti_a"), 3)
    assert descriptor.leaves[0][1].root.fragment is Fragment.SORTEDMULTI_A
    orders = set()
    for index in range(12):
        derived = derive(descriptor, 0, index)
        assert derived.leaves[0].keys == derived.keys
        assert [key.position for key in derived.keys] == [0, 1, 2]
        in_order = sorted(derived.keys, key=lambda key: key.xonly)
        script = multi_a_script(2, tuple(key.xonly for key in in_order))
        assert derived.leaves[0].script == script
        orders.add(tuple(key.position for key in in_order))
    assert len(orders) > 1


@pytest.mark.parametrize(("branch", "index"), [(2, 0), (-1, 0), (0, -1), (0, HARDENED)])
def test_derivation_impossible(branch: int, index: int) -> None:
    with refused("derivation-impossible"):
        derive(taproot(TREE, 3), branch, index)


def test_descriptors_of_equal_first_key_are_told_apart() -> None:
    one, other = taproot(PLAIN, 3), taproot(PLAIN.replace("(2,", "(3,"), 3)
    assert hash(one) == hash(other)
    assert derive(one, 0, 0).script_pubkey != derive(other, 0, 0).script_pubkey
    assert derive(taproot(PLAIN, 3), 0, 0) is derive(one, 0, 0)


def test_a_vector_of_the_fingerprint() -> None:
    text = canonical_text(taproot(TREE, 3), REGTEST)
    assert text.startswith(f"tr({UNSPENDABLE}/<0;1>/*,{{multi_a(2,[")
    assert len(sha256(text.encode())) == 32


# --- weight and witness ---


@pytest.mark.parametrize(("threshold", "members"), [(1, 1), (2, 3), (4, 7), (11, 15), (17, 20)])
@pytest.mark.parametrize("path_index", [0, 1])
def test_input_weight_is_the_worst_case(threshold: int, members: int, path_index: int) -> None:
    descriptor = taproot(recovery_template(threshold, members, 1, 1_000), members)
    derived = derive(descriptor, 0, 3)
    leaf = derived.leaves[path_index]
    signatures = {(leaf.leaf_hash, key.xonly): bytes(64) for key in leaf.keys}
    stack = satisfaction(descriptor, derived, signatures, path_index)
    assert stack is not None
    assert input_weight(descriptor, path_index) == 4 * 41 + len(serialize_witness(stack))


def test_a_plain_tree_has_the_shortest_control_block() -> None:
    descriptor = taproot(PLAIN, 3)
    (leaf,) = derive(descriptor, 0, 0).leaves
    signatures = {(leaf.leaf_hash, key.xonly): bytes(64) for key in leaf.keys}
    stack = satisfaction(descriptor, derive(descriptor, 0, 0), signatures)
    assert stack is not None
    assert len(stack[-1]) == 33
    assert input_weight(descriptor) == 4 * 41 + len(serialize_witness(stack))


def test_satisfaction_is_canonical() -> None:
    """The last key's signature comes first, nothing for who is missing, k and no more."""
    descriptor = taproot(TREE, 3)
    derived = derive(descriptor, 0, 0)
    leaf, recovery = derived.leaves
    a, b, c = ((leaf.leaf_hash, key.xonly) for key in leaf.keys)
    full = {key: bytes((number,)) * 64 for number, key in enumerate((a, b, c))}
    tail = (leaf.script, leaf.control_block)
    assert satisfaction(descriptor, derived, full) == (b"", full[b], full[a], *tail)
    outer = {a: full[a], c: full[c]}
    assert satisfaction(descriptor, derived, outer) == (full[c], b"", full[a], *tail)
    assert satisfaction(descriptor, derived, {a: full[a]}) is None
    assert satisfaction(descriptor, derived, full, 1) is None
    later = {(recovery.leaf_hash, recovery.keys[2].xonly): bytes(64)}
    assert satisfaction(descriptor, derived, later) is None
    assert satisfaction(descriptor, derived, later, 1) == (
        *(bytes(64), b"", b""),
        *(recovery.script, recovery.control_block),
    )


def spend_of(derived: DerivedScript, sequence: int) -> tuple[Transaction, tuple[TxOut, ...]]:
    outpoint = OutPoint(Txid(bytes(32)), 1)
    prevouts = (TxOut(Sats(10_000), derived.script_pubkey),)
    output = TxOut(Sats(9_000), b"\x51\x20" + bytes(32))
    return Transaction(2, (TxIn(outpoint, b"", sequence),), (output,), 0), prevouts


@pytest.mark.parametrize("template", [TREE, PLAIN, PLAIN.replace("multi_a", "sortedmulti_a")])
def test_core_accepts_every_team_of_the_primary_path(template: str) -> None:
    """Every pair of three members; the twin is a signature of the wrong leaf."""
    descriptor = taproot(template, 3)
    for team in combinations(range(3), 2):
        derived = derive(descriptor, 1, sum(team))
        transaction, prevouts = spend_of(derived, 0xFFFFFFFD)
        leaf = derived.leaves[0]
        sighash = TaprootSighash(transaction, prevouts)
        verify_consensus(signed(transaction, descriptor, derived, team, sighash), prevouts)
        wrong = leaf_signatures(leaf, sighash.digest(0, 0, bytes(32)), team)
        stack = satisfaction(descriptor, derived, wrong)
        assert stack is not None
        with pytest.raises(Refusal):
            verify_consensus(with_stack(transaction, stack), prevouts)


def with_stack(transaction: Transaction, stack: tuple[bytes, ...]) -> Transaction:
    return Transaction(
        transaction.version, transaction.inputs, transaction.outputs, 0, witnesses=(stack,)
    )


def signed(
    transaction: Transaction,
    descriptor: Tr,
    derived: DerivedScript,
    team: tuple[int, ...],
    sighash: TaprootSighash,
    path_index: int = 0,
) -> Transaction:
    leaf = derived.leaves[path_index]
    signatures = leaf_signatures(leaf, sighash.digest(0, 0, leaf.leaf_hash), team)
    stack = satisfaction(descriptor, derived, signatures, path_index)
    assert stack is not None
    return with_stack(transaction, stack)


@pytest.mark.parametrize(("sequence", "accepted"), [(144, True), (143, False), (145, True)])
def test_core_accepts_the_recovery_path_at_its_age(sequence: int, accepted: bool) -> None:
    descriptor = taproot(TREE, 3)
    derived = derive(descriptor, 0, 2)
    transaction, prevouts = spend_of(derived, sequence)
    sighash = TaprootSighash(transaction, prevouts)
    final = signed(transaction, descriptor, derived, (1,), sighash, 1)
    if accepted:
        verify_consensus(final, prevouts)
    else:
        with pytest.raises(Refusal):
            verify_consensus(final, prevouts)
