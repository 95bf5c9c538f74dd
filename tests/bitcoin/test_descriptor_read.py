"""Any descriptor: scripts of every form and alternative, refusals one field away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.descriptor import (
    canonical_text,
    derive,
    parse_descriptor,
    parse_template,
    with_checksum,
)
from signer.bitcoin.descriptor.grammar import Form
from signer.bitcoin.descriptor.read import (
    ReadDescriptor,
    ReadScript,
    read_descriptor,
    read_descriptor_body,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160
from signer.bitcoin.network import REGTEST
from signer.bitcoin.script import p2sh, p2wsh
from tests.bitcoin.refused import refused
from tests.bitcoin.taproot_vaults import MEMBERS, keys, recovery_template

A, B, C = (member.key_text for member in MEMBERS[:3])
PUBKEY = MEMBERS[0].secret(0, 0).public_key.format().hex()
XONLY = PUBKEY[2:]


def read(text: str) -> ReadDescriptor:
    return read_descriptor(with_checksum(text), REGTEST)


@pytest.mark.parametrize(
    ("template", "listed"),
    [
        ("wsh(sortedmulti(2,@0/**,@1/**,@2/**))", keys(3)[1:]),
        ("wsh(or_d(pk(@0/**),and_v(v:pkh(@1/**),older(9))))", keys(2)[1:]),
        (recovery_template(2, 3, 1, 144), keys(3)),
    ],
)
def test_a_vault_is_read_with_the_scripts_that_it_derives(
    template: str, listed: tuple[str, ...]
) -> None:
    """One reading through two doors: what VerifyScript shows is what the kernel signs for."""
    vault = parse_template(template, listed, REGTEST)
    text = canonical_text(vault, REGTEST)
    general = read(text)
    assert parse_descriptor(with_checksum(text), REGTEST) == vault
    assert general.alternatives == 2
    for index in (0, 7):
        scripts = general.scripts_at(index)
        for branch, script in enumerate(scripts):
            derived = derive(vault, branch, index)
            own = tuple(leaf.script for leaf in derived.leaves) or (derived.witness_script,)
            assert script == ReadScript(derived.script_pubkey, own)


def test_p2sh_around_p2wsh() -> None:
    inner = f"wsh(multi(1,{A}/1/*,{PUBKEY}))"
    plain, wrapped = read(inner), read(f"sh({inner})")
    assert (plain.form, wrapped.form) == (Form.WSH, Form.SH_WSH)
    (script,), (outer,) = plain.scripts_at(3), wrapped.scripts_at(3)
    assert script.script_pubkey == p2wsh(script.scripts[0])
    assert outer == ReadScript(p2sh(hash160(script.script_pubkey)), script.scripts)
    assert plain.pubkeys_at(0, 3)[1].hex() == PUBKEY


def test_keys_of_tr_are_x_only_however_written() -> None:
    short, long = read(f"tr({XONLY},pk({XONLY}))"), read(f"tr({PUBKEY},pk({PUBKEY}))")
    assert short.scripts_at(0) == long.scripts_at(0)
    assert short.pubkeys_at(0, 0) == long.pubkeys_at(0, 0) == (bytes.fromhex(XONLY),)


def test_key_path_alone() -> None:
    alone = read(f"tr({A}/<4;5;6>/*)")
    assert (alone.leaves, alone.keys, alone.alternatives) == ((), (), 3)
    assert len({script.script_pubkey for script in alone.scripts_at(0)}) == 3
    assert all(script.scripts == () for script in alone.scripts_at(0))


def test_a_descriptor_without_keys_stands_for_one() -> None:
    assert read("wsh(older(5))").alternatives == 1


def test_keys_without_alternatives_go_with_all() -> None:
    both = read(f"wsh(multi(2,{A}/<0;1>/*,{B}/0/<7;8>,{C}))")
    first, second = both.scripts_at(0)
    assert both.pubkeys_at(0, 0)[2] == both.pubkeys_at(1, 0)[2]
    assert first != second


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"wsh(multi(2,{A}/<0;1>/*,{B}/<0;1;2>/*))", "descriptor-alternatives"),
        (f"tr({A}/<0;1;2>/*,pk({B}/<0;1>/*))", "descriptor-alternatives"),
        (f"wsh(v:pk({A}))", "miniscript-type"),
        (f"tr({A},{{pk({B}),older(0)}})", "miniscript-number"),
        (f"wsh(pk({XONLY}))", "pubkey-malformed"),
        (f"tr({A}", "descriptor-malformed"),
        (f"tr({A},)", "miniscript-malformed"),
        (f"sh(pk({A}))", "descriptor-unsupported"),
        (f"wpkh({A})", "descriptor-unsupported"),
        (f"combo({A})", "descriptor-unsupported"),
        ("raw(00)", "descriptor-unsupported"),
        ("addr(00)", "descriptor-unsupported"),
        (f"tr(musig({A},{B}))", "descriptor-unsupported"),
        (f"tr({XONLY},pk(musig({A},{B})))", "descriptor-unsupported"),
        (f"wsh(wsh(pk({A})))", "miniscript-unknown-fragment"),
    ],
)
def test_descriptors_one_field_away(text: str, code: str) -> None:
    with refused(code):
        read(text)


def test_their_twins_are_read() -> None:
    for text in (
        f"wsh(multi(2,{A}/<0;1>/*,{B}/<1;2>/*))",
        f"tr({A}/<0;1>/*,pk({B}/<0;1>/*))",
        f"wsh(pk({A}))",
        f"tr({A},{{pk({B}),older(1)}})",
    ):
        assert read(text).scripts_at(0)


def test_the_checksum_is_demanded_at_the_door() -> None:
    text = f"wsh(pk({A}))"
    assert read(text) == read_descriptor_body(text, REGTEST)
    with refused("descriptor-checksum"):
        read_descriptor(text, REGTEST)


@given(st.text(alphabet="wshtrpk{},()@0123/*<;>multi_a:v", max_size=60))
def test_any_text_is_read_or_malformed(text: str) -> None:
    """Invariant: only Malformed escapes."""
    for around in ("{}", "wsh({})", f"tr({XONLY},{{}})"):
        try:
            descriptor = read(around.replace("{}", text))
        except Malformed:
            continue
        assert descriptor.scripts_at(0)
