"""Keys without children in descriptors: what is read, what it derives to, each refusal with its twin."""

import pytest
from coincurve import PrivateKey

from signer.bitcoin.descriptor import (
    canonical_text,
    derive,
    is_fixed,
    parse_descriptor,
    parse_key_information,
    parse_template,
    with_checksum,
)
from signer.bitcoin.descriptor.parse import FIRST_CHILDREN
from signer.bitcoin.hashes import hash160, sha256
from signer.bitcoin.keys import FixedKey
from signer.bitcoin.network import MAINNET, REGTEST
from signer.bitcoin.script import p2wsh
from signer.bitcoin.taproot import UNSPENDABLE_H, unspendable_xpub
from tests.bitcoin.refused import refused
from tests.federation import MEMBERS

TOKENS = tuple(PrivateKey(bytes([n]) * 32).public_key.format() for n in (1, 2, 3))
FIXED = tuple(key.hex() for key in TOKENS)
XPUBS = tuple(member.key_text for member in MEMBERS[:3])
ALL_FIXED = "wsh(sortedmulti(2,@0,@1,@2))"
MIXED = "wsh(sortedmulti(2,@0,@1/**,@2/**))"
MIXED_KEYS = (FIXED[0], *XPUBS[:2])


def test_all_fixed_is_one_script() -> None:
    """The script is put together by hand: 2 keys 3 CHECKMULTISIG, keys sorted."""
    vault = parse_template(ALL_FIXED, FIXED, REGTEST)
    derived = derive(vault, 0, 0)
    pushes = b"".join(b"\x21" + key for key in sorted(TOKENS))
    assert derived.witness_script == b"\x52" + pushes + b"\x53\xae"
    assert derived.script_pubkey == p2wsh(derived.witness_script)
    assert is_fixed(vault)
    assert [key.pubkey for key in derived.keys] == list(TOKENS)
    assert [(key.fingerprint, key.path) for key in derived.keys] == [
        (hash160(key)[:4], ()) for key in TOKENS
    ]


@pytest.mark.parametrize(("branch", "index"), [(0, 1), (1, 0), (1, 7)])
def test_one_address_and_no_other(branch: int, index: int) -> None:
    """`vault-one-address`; its twin is receive index 0, and any place of a vault with one xpub."""
    vault = parse_template(ALL_FIXED, FIXED, REGTEST)
    with refused("vault-one-address"):
        derive(vault, branch, index)
    assert derive(vault, 0, 0).index == 0
    mixed = parse_template(MIXED, MIXED_KEYS, REGTEST)
    assert not is_fixed(mixed)
    assert derive(mixed, branch, index).script_pubkey != derive(mixed, 0, 0).script_pubkey


def test_in_a_mixed_vault_the_fixed_key_is_everywhere() -> None:
    vault = parse_template(MIXED, MIXED_KEYS, REGTEST)
    scripts = [derive(vault, branch, index) for branch in (0, 1) for index in (0, 5)]
    assert len({each.script_pubkey for each in scripts}) == 4
    for each in scripts:
        assert (each.keys[0].pubkey, each.keys[0].path) == (TOKENS[0], ())
        assert each.keys[1].path[-2:] == (each.branch, each.index)


def test_an_origin_is_told_as_it_stands() -> None:
    origin = "[d34db33f/7']"
    vault = parse_template(ALL_FIXED, (origin + FIXED[0], *FIXED[1:]), REGTEST)
    key = derive(vault, 0, 0).keys[0]
    assert (key.fingerprint.hex(), key.path) == ("d34db33f", (7 + 2**31,))
    assert canonical_text(vault, REGTEST).startswith(f"wsh(sortedmulti(2,{origin}{FIXED[0]},")


@pytest.mark.parametrize(("template", "keys"), [(ALL_FIXED, FIXED), (MIXED, MIXED_KEYS)])
def test_the_canonical_text_is_read_again(template: str, keys: tuple[str, ...]) -> None:
    vault = parse_template(template, keys, REGTEST)
    text = canonical_text(vault, REGTEST)
    assert parse_descriptor(with_checksum(text), REGTEST) == vault
    upper = parse_template(template, (keys[0].upper(), *keys[1:]), REGTEST)
    assert canonical_text(upper, REGTEST) == text


def test_a_fingerprint_of_fixed_keys() -> None:
    """A vector for docs/integrate.md. The text names no network: the fingerprint is the same on each."""
    for network in (MAINNET, REGTEST):
        text = canonical_text(parse_template(ALL_FIXED, FIXED, network), network)
        assert text == f"wsh(sortedmulti(2,{','.join(FIXED)}))"
        assert sha256(text.encode()).hex() == FINGERPRINT


FINGERPRINT = "270a99acf8a1775b3e1232811e51d1d836d13ae0934e52a6da5bb63f9f5ffeb1"


def test_what_a_fixed_key_says() -> None:
    origin, key = parse_key_information(FIXED[0], REGTEST)
    assert (origin, key) == (None, FixedKey(TOKENS[0]))
    assert (key.fingerprint(), key.text(MAINNET)) == (hash160(TOKENS[0])[:4], FIXED[0])


@pytest.mark.parametrize(
    ("template", "keys"),
    [
        ("wsh(sortedmulti(2,@0/**,@1,@2))", FIXED),
        ("wsh(sortedmulti(2,@0/<2;3>/*,@1,@2))", FIXED),
        (ALL_FIXED, (XPUBS[0], *FIXED[1:])),
        ("wsh(sortedmulti(2,@0/,@1,@2))", FIXED),
        ("wsh(sortedmulti(2,@0/0,@1,@2))", FIXED),
    ],
)
def test_a_placeholder_fits_its_key(template: str, keys: tuple[str, ...]) -> None:
    with refused("descriptor-placeholder"):
        parse_template(template, keys, REGTEST)
    assert len(parse_template(ALL_FIXED, FIXED, REGTEST).keys) == 3


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (FIXED[0][2:], "pubkey-malformed"),
        ("05" + FIXED[0][2:], "pubkey-malformed"),
        ("04" + 64 * "11", "key-unsupported"),
        (FIXED[0] + "/0", "key-malformed"),
        (FIXED[1], "descriptor-key-repeated"),
        ("02" + UNSPENDABLE_H.hex(), "descriptor-internal-key"),
    ],
)
def test_fixed_keys_one_field_away(key: str, code: str) -> None:
    with refused(code):
        parse_template(ALL_FIXED, (key, *FIXED[1:]), REGTEST)
    assert parse_template(ALL_FIXED, FIXED, REGTEST).keys[0].xpub == FixedKey(TOKENS[0])


def test_a_fixed_key_has_one_place() -> None:
    """`descriptor-fixed-repeated`: the recovery path of a token's member needs a second key in the token."""
    template = "wsh(or_d(multi(2,@0,@1,@2),and_v(v:pkh({}),older(144))))"
    with refused("descriptor-fixed-repeated"):
        parse_template(template.format("@0"), FIXED, REGTEST)
    fourth = PrivateKey(bytes([4]) * 32).public_key.format().hex()
    twin = parse_template(template.format("@3"), (*FIXED, fourth), REGTEST)
    text = canonical_text(twin, REGTEST)
    with refused("descriptor-fixed-repeated"):
        parse_descriptor(with_checksum(text.replace(fourth, FIXED[0])), REGTEST)
    assert parse_descriptor(with_checksum(text), REGTEST) == twin


def test_taproot_takes_no_fixed_key() -> None:
    """`descriptor-fixed-in-taproot`, in a template and in a descriptor, x-only or not."""
    unspendable = unspendable_xpub().text(REGTEST)
    template = "tr(@0/**,multi_a(2,@1/**,@2/**,@3{}))"
    twin = parse_template(template.format("/**"), (unspendable, *XPUBS), REGTEST)
    with refused("descriptor-fixed-in-taproot"):
        parse_template(template.format(""), (unspendable, *XPUBS[:2], FIXED[0]), REGTEST)
    text = canonical_text(twin, REGTEST)
    assert parse_descriptor(with_checksum(text), REGTEST) == twin
    for key in (FIXED[0], FIXED[0][2:]):
        forged = text.replace(f"{XPUBS[2]}/<0;1>/*", key)
        with refused("descriptor-fixed-in-taproot"):
            parse_descriptor(with_checksum(forged), REGTEST)


@pytest.mark.parametrize("internal", ["02" + UNSPENDABLE_H.hex(), FIXED[0]])
def test_the_internal_key_of_a_template_is_an_xpub(internal: str) -> None:
    with refused("descriptor-internal-key"):
        parse_template("tr(@0,multi_a(2,@1/**,@2/**))", (internal, *XPUBS[:2]), REGTEST)
    unspendable = unspendable_xpub().text(REGTEST)
    twin = "tr(@0/**,multi_a(2,@1/**,@2/**))"
    assert parse_template(twin, (unspendable, *XPUBS[:2]), REGTEST).keys


@pytest.mark.parametrize("steps", [[], [0], [0, 0], [1, FIRST_CHILDREN - 1]])
def test_no_single_key_is_an_xpub_s_child(steps: list[int]) -> None:
    """`descriptor-key-related` (or repeated, the xpub's own key): one secret would sign for two members."""
    account = MEMBERS[0].account.derive(steps) if steps else MEMBERS[0].account
    child = account.to_public().key.sec().hex()
    with refused("descriptor-key-related" if steps else "descriptor-key-repeated"):
        parse_template(MIXED, (child, *XPUBS[:2]), REGTEST)
    stranger = parse_template(MIXED, (child, *XPUBS[1:3]), REGTEST)
    assert stranger.keys[0].xpub.pubkey.hex() == child


def test_no_single_key_shows_another_s_origin() -> None:
    origin = XPUBS[0].partition("]")[0]
    with refused("descriptor-key-related"):
        parse_template(MIXED, (f"{origin}/0]{FIXED[0]}", *XPUBS[:2]), REGTEST)
    assert parse_template(MIXED, (f"[00000001/0]{FIXED[0]}", *XPUBS[:2]), REGTEST).keys
