"""BIP-388 wallet policies: its vectors, and each of its rules one field away from a good template."""

import re
from typing import Any

import pytest

from signer.bitcoin.descriptor import (
    canonical_text,
    parse_descriptor,
    parse_template,
    with_checksum,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import MAINNET, REGTEST
from tests.bitcoin.refused import refused
from tests.bitcoin.taproot_vaults import MEMBERS, UNSPENDABLE
from tests.vectors import load_json

KEYS = tuple(member.key_text for member in MEMBERS[:4])


def outcome(case: dict[str, Any]) -> str:
    """`read`, with the text and its descriptor as the BIP has it; or the code, equal for both forms."""
    text = with_checksum(case["descriptor"])
    try:
        parsed = parse_template(case["template"], tuple(case["keys"]), MAINNET)
    except Malformed as refusal:
        with refused(refusal.code):
            parse_descriptor(text, MAINNET)
        return refusal.code
    assert canonical_text(parsed, MAINNET) == case["descriptor"]
    assert parse_descriptor(text, MAINNET) == parsed
    return "read"


def test_valid_policies() -> None:
    """Those of a form that a vault may have are read; the others are refused by the name of the form."""
    cases = load_json("bips/descriptors/bip388.json")["valid"]
    outcomes = {case["template"]: outcome(case) for case in cases}
    assert list(outcomes.items()) == [
        ("pkh(@0/**)", "descriptor-unsupported"),
        ("sh(wpkh(@0/**))", "descriptor-unsupported"),
        ("wpkh(@0/**)", "descriptor-unsupported"),
        ("tr(@0/**)", "descriptor-unsupported"),
        ("wsh(sortedmulti(2,@0/**,@1/**))", "read"),
        ("wsh(thresh(3,pk(@0/**),s:pk(@1/**),s:pk(@2/**),sln:older(12960)))", "read"),
        ("wsh(or_d(pk(@0/**),and_v(v:multi(2,@1/**,@2/**,@3/**),older(65535))))", "read"),
        (
            "tr(@0/**,{sortedmulti_a(1,@0/<2;3>/*,@1/**),or_b(pk(@2/**),s:pk(@3/**))})",
            "descriptor-internal-key",
        ),
        (
            "tr(musig(@0,@1,@2)/**,{and_v(v:pk(musig(@0,@1)/**),older(12960)),"
            "{and_v(v:pk(musig(@0,@2)/**),older(12960)),and_v(v:pk(musig(@1,@2)/**),older(12960))}})",
            "descriptor-unsupported",
        ),
    ]


def test_the_tree_of_the_vectors_is_read_below_an_unspendable_key() -> None:
    """Its leaves are a vault's; only its internal key is not."""
    template = "tr(@0/**,{sortedmulti_a(1,@1/<2;3>/*,@2/**),or_b(pk(@3/**),s:pk(@4/**))})"
    vault = parse_template(template, (UNSPENDABLE, *KEYS), REGTEST)
    assert len(vault.keys) == 4


def test_invalid_policies() -> None:
    """All are refused as they stand, for whatever is wrong first."""
    cases = load_json("bips/descriptors/bip388.json")["invalid"]
    for case in cases:
        with pytest.raises(Malformed):
            parse_template(case["template"], KEYS[:2], MAINNET)
    assert len(cases) == 9


@pytest.mark.parametrize("outside", ["wsh(multi(1,{}))", "tr(@9/**,multi_a(1,{}))"])
@pytest.mark.parametrize(
    ("arguments", "keys", "code"),
    [
        ("@0", 1, "descriptor-placeholder"),
        ("@0/0/**", 1, "descriptor-placeholder"),
        ("@1/**,@0/**", 2, "descriptor-placeholder"),
        ("@0/**,@2/**", 3, "descriptor-placeholder"),
        ("@0/**,@0/**", 1, "descriptor-key-repeated"),
        ("@0/<0;1>/*,@0/<1;2>/*", 1, "descriptor-key-repeated"),
        (f"@0/**,{KEYS[1]}/<0;1>/*", 1, "descriptor-placeholder"),
        ("@0/<0;1;2>/*", 1, "descriptor-placeholder"),
        ("musig(@0/**,@1/**)", 2, "descriptor-unsupported"),
    ],
)
def test_the_rules_of_the_invalid_ones_in_our_form(
    outside: str, arguments: str, keys: int, code: str
) -> None:
    """The nine, each in a multisig. In tr() the unspendable key stands first and is @0."""
    template, listed = outside.format(arguments), KEYS[:keys]
    if outside.startswith("tr"):
        numbers = re.compile(r"@([0-8])")
        template = numbers.sub(lambda place: f"@{int(place[1]) + 1}", template)
        template, listed = template.replace("@9", "@0"), (UNSPENDABLE, *listed)
    with refused(code):
        parse_template(template, listed, REGTEST)


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ("@0/**", 1),
        ("@0/**,@1/**", 2),
        ("@0/<0;1>/*,@0/<2;3>/*", 1),
        ("@0/<1;0>/*,@1/<7;2147483647>/*", 2),
    ],
)
def test_their_twins_are_read(arguments: str, keys: int) -> None:
    vault = parse_template(f"wsh(multi(1,{arguments}))", KEYS[:keys], REGTEST)
    assert len(vault.keys) == arguments.count("@")


def test_a_vault_fingerprint() -> None:
    """A vector for docs: SHA-256 of the canonical text of BIP-388's multisig example."""
    case = load_json("bips/descriptors/bip388.json")["valid"][4]
    text = canonical_text(parse_template(case["template"], tuple(case["keys"]), MAINNET), MAINNET)
    assert text == case["descriptor"]
    fingerprint = "6e7c7b2f12f9b56f454b2d7b909c785d6539a232a7c217d94d99d9fbfd402fd0"
    assert sha256(text.encode()).hex() == fingerprint
