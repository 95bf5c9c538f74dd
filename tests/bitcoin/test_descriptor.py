"""wsh() vaults: text, refusals one field away, and what is derived."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.descriptor import (
    KeyExpression,
    Wsh,
    canonical_text,
    derive,
    input_weight,
    parse_descriptor,
    parse_key_information,
    parse_template,
    satisfaction,
    strip_checksum,
    with_checksum,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.keys import HARDENED
from signer.bitcoin.miniscript.model import Context, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.network import MAINNET, REGTEST
from signer.bitcoin.transaction import serialize_witness
from tests.bitcoin.multisigs import multisig_script
from tests.federation import Member
from tests.vectors import load_json

THREE = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
KEYS = tuple(Member(f"member-{number}").key_text for number in range(3))
XPUBS = tuple(parse_key_information(key, REGTEST)[1] for key in KEYS)


def code_of(call, *arguments) -> str:
    with pytest.raises(Malformed) as refusal:
        call(*arguments)
    assert not re.search("[xt](pub|prv)[1-9A-Za-z]{4}", refusal.value.detail)
    return refusal.value.code


def multi(threshold: int, keys: int) -> Wsh:
    template = ",".join(f"@{number}/**" for number in range(keys))
    return parse_template(
        f"wsh(sortedmulti({threshold},{template}))",
        tuple(Member(f"member-{number}").key_text for number in range(keys)),
        REGTEST,
    )


# --- vectors ---


def test_bip67_sorting():
    cases = load_json("bitcoin-core/functional/rpc_bip67.json")
    for case in cases:
        keys = tuple(sorted(bytes.fromhex(key) for key in case["keys"]))
        assert [key.hex() for key in keys] == case["sorted_keys"]
        assert multisig_script(2, keys).hex() == case["script"]
    assert len(cases) == 4


# --- refusals, each with a twin one field away ---


def test_the_good_template_parses():
    assert parse_template(THREE, KEYS, REGTEST) == Wsh(
        Miniscript(Context.P2WSH, (Node(Fragment.SORTEDMULTI, 2, (0, 1, 2)),)),
        tuple(KeyExpression(*parse_key_information(key, REGTEST), branches=(0, 1)) for key in KEYS),
    )


@pytest.mark.parametrize(
    ("template", "code"),
    [
        (THREE.replace("wsh(", "wsh["), "descriptor-malformed"),
        (THREE + " ", "descriptor-malformed"),
        (THREE[:-1], "miniscript-malformed"),
        (THREE[:-2], "descriptor-malformed"),
        ("", "descriptor-malformed"),
        ("wsh(" * 5_000 + ")" * 5_000, "descriptor-malformed"),
        ("wsh(" * 100 + ")" * 100, "miniscript-unknown-fragment"),
        (THREE.replace("wsh", "sh"), "descriptor-unsupported"),
        (THREE.replace("sortedmulti", "multi_a"), "miniscript-unknown-fragment"),
        (THREE.replace("(2,", "(0,"), "miniscript-threshold"),
        (THREE.replace("(2,", "(4,"), "miniscript-threshold"),
        (THREE.replace("(2,", "(02,"), "miniscript-number"),
        (THREE.replace("(2,", "(a,"), "miniscript-number"),
        ("wsh(sortedmulti(1))", "miniscript-threshold"),
        (THREE.replace("@2", "@3"), "descriptor-placeholder"),
        (THREE.replace("@2", "@02"), "descriptor-placeholder"),
        (THREE.replace("@2/**", "@2/<1;1>/*"), "descriptor-placeholder"),
        (THREE.replace("@2/**", "@2/<0;2147483648>/*"), "descriptor-placeholder"),
        (THREE.replace("@2/**", "@2/<0h;1>/*"), "descriptor-placeholder"),
        (THREE.replace("@2/**", "@2/<01;1>/*"), "descriptor-placeholder"),
        (THREE.replace("@2/**", "@1/**"), "descriptor-placeholder"),
    ],
)
def test_templates_one_field_away(template, code):
    assert code_of(parse_template, template, KEYS, REGTEST) == code


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (KEYS[1], "descriptor-key-repeated"),
        (KEYS[2] + "/0", "key-malformed"),
        (KEYS[2].replace("]", ""), "key-malformed"),
        (KEYS[2].replace("[", "[0"), "key-malformed"),
        (KEYS[2].replace("/48'", "/48''"), "path-malformed"),
        (KEYS[2].replace("/48'", "/48'" * 11), "path-malformed"),
        (KEYS[2].replace("tpub", "tprv"), "key-private"),
        (KEYS[2][:-1] + ("1" if KEYS[2][-1] != "1" else "2"), "xpub-malformed"),
        (XPUBS[2].text(MAINNET), "xpub-wrong-network"),
        ("1" * 20_000, "key-malformed"),
        ("", "key-malformed"),
    ],
)
def test_keys_one_field_away(key, code):
    assert code_of(parse_template, THREE, (*KEYS[:2], key), REGTEST) == code


def test_a_key_without_origin_is_accepted():
    keys = (*KEYS[:2], XPUBS[2].text(REGTEST))
    derived = derive(parse_template(THREE, keys, REGTEST), 1, 7)
    assert derived.keys[2].fingerprint == XPUBS[2].fingerprint()
    assert derived.keys[2].path == (1, 7)
    assert derived.keys[0].path[-2:] == (1, 7)
    assert len(derived.keys[0].path) == 6


def test_one_key_in_two_places_with_disjoint_branches():
    template = "wsh(sortedmulti(2,@0/**,@0/<2;3>/*,@1/**))"
    parsed = parse_template(template, KEYS[:2], REGTEST)
    assert len({key.pubkey for key in derive(parsed, 0, 0).keys}) == 3
    assert parse_descriptor(with_checksum(canonical_text(parsed, REGTEST)), REGTEST) == parsed


def test_one_key_under_two_origins_is_refused():
    text = canonical_text(parse_template(THREE, KEYS, REGTEST), REGTEST)
    bare = XPUBS[0].text(REGTEST)
    other = text.replace(f"{KEYS[1]}/<0;1>", f"{bare}/<2;3>")
    assert code_of(parse_descriptor, with_checksum(other), REGTEST) == "descriptor-key-repeated"


def test_a_descriptor_needs_its_right_checksum():
    text = canonical_text(parse_template(THREE, KEYS, REGTEST), REGTEST)
    good = with_checksum(text)
    assert parse_descriptor(good, REGTEST) == parse_template(THREE, KEYS, REGTEST)
    assert code_of(parse_descriptor, text, REGTEST) == "descriptor-checksum"
    assert code_of(parse_descriptor, good[:-1] + "!", REGTEST) == "descriptor-checksum"
    assert code_of(parse_descriptor, good.replace("/<0;1>", "/<0;2>"), REGTEST) == (
        "descriptor-checksum"
    )
    assert code_of(parse_descriptor, "a" * 20_000 + "#", REGTEST) == "descriptor-checksum"
    assert code_of(with_checksum, "a" * 16_385) == "descriptor-malformed"
    single = with_checksum(text.replace("/<0;1>/*", "/0/*"))
    assert code_of(parse_descriptor, single, REGTEST) == "key-malformed"


def test_canonical_text_has_one_hardened_mark():
    keys = tuple(key.replace("'", "h") for key in KEYS)
    parsed = parse_template(THREE, keys, REGTEST)
    assert canonical_text(parsed, REGTEST) == (
        "wsh(sortedmulti(2," + ",".join(f"{key}/<0;1>/*" for key in KEYS) + "))"
    )


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_malformed(text):
    """Invariant: only Malformed escapes."""
    for call, arguments in (
        (parse_template, (text, KEYS, REGTEST)),
        (parse_template, (THREE, (*KEYS[:2], text), REGTEST)),
        (parse_descriptor, (text, REGTEST)),
        (strip_checksum, (text,)),
    ):
        code_of(call, *arguments)


# --- derivation ---


def test_derived_keys_are_the_members_children():
    vault = parse_template(THREE, KEYS, REGTEST)
    for branch, index in ((0, 0), (1, 5), (0, HARDENED - 1)):
        derived = derive(vault, branch, index)
        expected = [
            Member(f"member-{number}").secret(branch, index).public_key.format()
            for number in range(3)
        ]
        assert [key.pubkey for key in derived.keys] == expected
        assert derived.witness_script == multisig_script(2, tuple(sorted(expected)))
        assert derived.script_pubkey == b"\x00\x20" + sha256(derived.witness_script)
        assert [key.position for key in derived.keys] == [0, 1, 2]


@pytest.mark.parametrize(("branch", "index"), [(2, 0), (-1, 0), (0, -1), (0, HARDENED)])
def test_derivation_impossible(branch, index):
    vault = parse_template(THREE, KEYS, REGTEST)
    assert code_of(derive, vault, branch, index) == "derivation-impossible"


def test_descriptors_of_equal_first_key_are_told_apart():
    """The cheap hash only chooses the bucket; equality decides."""
    one, other = multi(2, 3), multi(3, 3)
    assert hash(one) == hash(other)
    assert derive(one, 0, 0).witness_script != derive(other, 0, 0).witness_script
    assert derive(replace(one), 0, 0) is derive(one, 0, 0)


# --- weight and witness ---


@pytest.mark.parametrize(("threshold", "keys"), [(1, 1), (2, 3), (4, 7), (11, 15), (17, 20)])
def test_input_weight_is_the_worst_case(threshold, keys):
    descriptor = multi(threshold, keys)
    derived = derive(descriptor, 0, 3)
    signatures = {(b"", key.pubkey): bytes(72) for key in derived.keys}
    stack = satisfaction(descriptor, derived, signatures)
    assert stack is not None
    assert input_weight(descriptor) == 4 * 41 + len(serialize_witness(stack))


def test_a_script_that_nothing_satisfies_has_no_weight():
    """Its parts cannot be dissatisfied, so that the type system refuses it; nor is it weighed as nothing."""
    sane = "thresh(1,pk(A),s:pk(B))"
    script = parse_miniscript(sane, Context.P2WSH).script
    assert input_weight(replace(multi(2, 3), script=script)) > 0
    unsound = "thresh(1,and_v(v:pk(A),1),a:and_v(v:pk(B),1))"
    script = parse_miniscript(unsound, Context.P2WSH).script
    assert code_of(input_weight, replace(multi(2, 3), script=script)) == "miniscript-unsatisfiable"


def test_satisfaction_is_canonical():
    descriptor = multi(2, 3)
    derived = derive(descriptor, 0, 0)
    order = [(b"", pubkey) for pubkey in sorted(key.pubkey for key in derived.keys)]
    full = {pubkey: bytes((number,)) * 71 for number, pubkey in enumerate(order)}
    script = derived.witness_script
    assert satisfaction(descriptor, derived, full) == (b"", full[order[0]], full[order[1]], script)
    last = {order[2]: full[order[2]], order[1]: full[order[1]]}
    assert satisfaction(descriptor, derived, last) == (b"", last[order[1]], last[order[2]], script)
    assert satisfaction(descriptor, derived, {order[0]: bytes(71)}) is None
    foreign = {order[0]: bytes(71), (b"", b"\x02" * 33): bytes(71)}
    assert satisfaction(descriptor, derived, foreign) is None


def test_satisfaction_prefers_short_signatures():
    descriptor = multi(2, 3)
    derived = derive(descriptor, 0, 0)
    order = [(b"", pubkey) for pubkey in sorted(key.pubkey for key in derived.keys)]
    signatures = {order[0]: bytes(72), order[1]: bytes(71), order[2]: bytes(70)}
    stack = satisfaction(descriptor, derived, signatures)
    assert stack == (b"", bytes(71), bytes(70), derived.witness_script)
