"""Decoding. Invariant: what decodes is written again as the same bytes; all else is refused by code."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.hashes import hash160
from signer.bitcoin.miniscript.decode import decode_script
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context, Fragment
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.miniscript.types import type_of
from signer.bitcoin.script import push_data
from tests.bitcoin.miniscript.generator import generate, pubkey
from tests.bitcoin.refused import refused, unless_refused

WSH, TR = Context.P2WSH, Context.TAPSCRIPT
A, B, C = (pubkey(number) for number in range(3))
HASH = "aa" * 32
SHORT = "bb" * 20


def written(text: str, context: Context = WSH) -> bytes:
    """The script with A, B, C, ... at the places."""
    cut = 1 if context is TR else 0
    parsed = parse_miniscript(text, context)
    keys = [pubkey(number)[cut:] for number in range(len(parsed.keys))]
    return script_bytes(parsed.script, keys)


def read_again(script: bytes, context: Context = WSH) -> str:
    """The text of what is decoded, keys named by place."""
    decoded = decode_script(script, context)
    names = "abcdefghijklmnopqrstuvwxyz"
    return format_miniscript(decoded.script, names[: len(decoded.keys)])


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "1",
        "pk(a)",
        "pkh(a)",
        "older(1)",
        "older(16)",
        "older(17)",
        "older(2147483647)",
        "after(500000000)",
        f"sha256({HASH})",
        f"hash256({HASH})",
        f"ripemd160({SHORT})",
        f"hash160({SHORT})",
        "andor(pk(a),pk(b),pk(c))",
        "andor(pk(a),older(9),andor(pk(b),older(8),pk(c)))",
        "and_n(pk(a),pk(b))",
        "and_v(v:pk(a),pk(b))",
        "and_v(and_v(v:pk(a),v:pkh(b)),pk(c))",
        "and_b(pk(a),s:pk(b))",
        "or_b(pk(a),a:pkh(b))",
        "t:or_c(pk(a),v:pk(b))",
        "or_d(pk(a),pk(b))",
        "or_i(pk(a),pk(b))",
        "l:pk(a)",
        "u:pk(a)",
        "thresh(1,pk(a))",
        "thresh(2,pk(a),s:pk(b),sln:older(5))",
        "j:and_v(v:pk(a),pk(b))",
        "dv:older(3)",
        "n:pk(a)",
        "c:or_i(pk_k(a),pk_h(b))",
        "and_v(v:or_i(pk(a),pk(b)),1)",
        f"and_v(v:sha256({HASH}),pk(a))",
        f"thresh(2,pk(a),a:sha256({HASH}),a:hash160({SHORT}))",
    ],
)
@pytest.mark.parametrize("context", Context)
def test_every_fragment_is_read_from_its_script(text: str, context: Context) -> None:
    again = read_again(written(text, context), context)
    plain = parse_miniscript(again, context)
    assert plain.script == parse_miniscript(text, context).script


def test_multisigs_are_read_from_their_scripts() -> None:
    assert read_again(written("multi(2,a,b,c)")) == "multi(2,a,b,c)"
    assert read_again(written("multi_a(2,a,b,c)", TR), TR) == "multi_a(2,a,b,c)"
    assert read_again(written("multi_a(1,a)", TR), TR) == "multi_a(1,a)"


def test_a_sorted_multisig_is_read_as_one_in_the_order_of_the_script() -> None:
    decoded = decode_script(written("sortedmulti(2,a,b,c)"), WSH)
    assert decoded.script.root.fragment is Fragment.MULTI
    assert decoded.keys == tuple(sorted((A, B, C)))


def test_keys_have_places_from_left_to_right() -> None:
    decoded = decode_script(written("andor(pk(a),multi(1,b,c),pkh(d))"), WSH)
    assert decoded.keys == (A, B, C, hash160(pubkey(3)))
    assert decoded.script.places == (0, 1, 2, 3)


def test_and_v_is_read_as_far_outside_as_it_can_stand() -> None:
    """`c:and_v(X,Y)` and `and_v(X,c:Y)` have one script, and so have both groupings of three."""
    assert read_again(written("c:and_v(v:pk(a),pk_k(b))")) == "and_v(v:pk(a),pk(b))"
    right = written("and_v(v:pk(a),and_v(v:pk(b),pk(c)))")
    assert read_again(right) == "and_v(and_v(v:pk(a),v:pk(b)),pk(c))"


KEY, XONLY = push_data(A), push_data(A[1:])
SIGNED = KEY + b"\xac"


@pytest.mark.parametrize(
    ("script", "context"),
    [
        (b"", WSH),
        (SIGNED + b"\x75", WSH),  # DROP
        (b"\x51" + SIGNED, WSH),  # something is left over
        (SIGNED, TR),  # a key of the other context
        (XONLY + b"\xac", WSH),
        (push_data(bytes(34)) + b"\xac", WSH),
        (KEY, WSH),  # type K
        (SIGNED + b"\x69", WSH),  # CHECKSIG VERIFY
        (b"\x01\x05\xb2", WSH),  # 5, not by OP_5
        (b"\x02\x11\x00\xb2", WSH),  # 17 in two bytes
        (b"\x00\xb2", WSH),  # older(0)
        (b"\x04\x00\x00\x00\x80\xb2", WSH),  # a negative number
        (b"\x05\x00\x00\x00\x80\x00\xb2", WSH),  # five bytes
        (b"\xb2", WSH),
        (b"\xac\xb2", WSH),
        (b"\x4c\x21" + A + b"\xac", WSH),  # PUSHDATA1
        (b"\x51" + KEY + b"\x51\xae", TR),  # CHECKMULTISIG in tapscript
        (XONLY + b"\xac\x51\x9c", WSH),  # CHECKSIG and NUMEQUAL in P2WSH
        (XONLY + b"\xac\x52\x9c", TR),  # 2 of 1
        (XONLY + b"\x51\x9c", TR),  # no CHECKSIG
        (b"\x52" + KEY + b"\x51\xae", WSH),  # 2 of 1
        (b"\x51" + KEY + b"\x52\xae", WSH),  # one key of two
        (b"\x51" + KEY * 21 + b"\x01\x15\xae", WSH),  # 21 keys
        (b"\x76\xa9\x13" + bytes(19) + b"\x88\xac", WSH),
        (b"\x76\xa9" + push_data(bytes(20)) + b"\x87\xac", WSH),  # EQUAL
        (b"\x82\x01\x21\x88\xa8" + push_data(bytes(32)) + b"\x87", WSH),  # SIZE 33
        (b"\x82\x01\x20\x88\xa8" + push_data(bytes(20)) + b"\x87", WSH),
        (b"\x82\x01\x20\x88\xac" + push_data(bytes(32)) + b"\x87", WSH),
        (b"\x51\x01\x20\x88\xa8" + push_data(bytes(32)) + b"\x87", WSH),
        (b"\x82\x01\x20\x88" + push_data(bytes(32)) + b"\x87", WSH),
        (SIGNED + b"\x52\x87", WSH),  # thresh(2,X)
        (SIGNED + SIGNED + b"\x93\x52\x87", WSH),  # no SWAP
        (SIGNED + b"\x6b" + SIGNED + b"\x6c\x9b\x67", WSH),
        (SIGNED + b"\x7c" + SIGNED + b"\x6c\x9b", WSH),  # SWAP ... FROMALTSTACK
        (SIGNED + b"\x63\x51\x68", WSH),  # IF without DUP
        (SIGNED + b"\x64\x51\x67\x51", WSH),  # no ENDIF
        (b"\x51\x67\x51\x68", WSH),  # no IF
        (b"\x51\x68", WSH),
        (b"\x51\x9a", WSH),
    ],
)
def test_what_no_miniscript_gives_is_refused(script: bytes, context: Context) -> None:
    with refused("script-not-miniscript"):
        decode_script(script, context)


def test_twins_of_what_is_refused_are_read() -> None:
    assert read_again(SIGNED) == "pk(a)"
    assert read_again(XONLY + b"\xac", TR) == "pk(a)"
    assert read_again(b"\x55\xb2") == "older(5)"
    assert read_again(b"\x01\x11\xb2") == "older(17)"
    assert read_again(b"\x04\xff\xff\xff\x7f\xb2") == "older(2147483647)"
    assert read_again(b"\x51" + KEY + b"\x51\xae") == "multi(1,a)"
    assert read_again(XONLY + b"\xac\x51\x9c", TR) == "multi_a(1,a)"
    assert read_again(b"\x51" + KEY * 20 + b"\x01\x14\xae").startswith("multi(1,a,b,c")
    assert read_again(b"\x76\xa9\x14" + bytes(20) + b"\x88\xac") == "pkh(a)"
    hashed = b"\x82\x01\x20\x88\xa8" + push_data(bytes(32)) + b"\x87"
    assert read_again(hashed) == f"sha256({bytes(32).hex()})"
    assert read_again(SIGNED + b"\x51\x87") == "thresh(1,pk(a))"
    assert read_again(SIGNED + b"\x7c" + SIGNED + b"\x93\x52\x87") == "thresh(2,pk(a),s:pk(b))"
    assert read_again(b"\x76\x63\x55\xb2\x69\x68") == "dv:older(5)"


def test_a_script_that_is_no_sequence_of_operations_is_refused() -> None:
    with refused("script-malformed"):
        decode_script(KEY[:-1], WSH)


def test_the_most_keys_of_multi_a_are_999() -> None:
    script = XONLY + b"\xac" + (XONLY + b"\xba") * 998 + b"\x51\x9c"
    assert len(decode_script(script, TR).keys) == 999
    with refused("script-not-miniscript"):
        decode_script(script.replace(b"\xac", b"\xac" + XONLY + b"\xba", 1), TR)


@pytest.mark.parametrize("context", Context)
def test_generated_scripts_are_read_and_written_again(context: Context) -> None:
    for seed in range(150):
        made = generate(Random(seed), context)
        script = script_bytes(made.script, made.keys)
        decoded = decode_script(script, context)
        assert script_bytes(decoded.script, decoded.keys) == script
        assert type_of(decoded.script) == type_of(made.script)


OPERATIONS = [push_data(A), push_data(A[1:]), push_data(bytes(20)), b"\x01\x20"] + [
    bytes((opcode,))
    for opcode in b"\x00\x51\x52\x63\x64\x67\x68\x69\x6b\x6c\x73\x76\x7c\x82\x87\x88"
    b"\x92\x93\x9a\x9b\x9c\x9d\xa6\xa8\xa9\xaa\xac\xad\xae\xaf\xb1\xb2\xba"
]


@given(st.lists(st.sampled_from(OPERATIONS), max_size=20).map(b"".join), st.sampled_from(Context))
@settings(max_examples=400, deadline=None)
def test_whatever_decodes_is_written_again(script: bytes, context: Context) -> None:
    decoded = unless_refused("script-not-miniscript", decode_script, script, context)
    if decoded is not None:
        assert script_bytes(decoded.script, decoded.keys) == script


@given(st.binary(max_size=200), st.sampled_from(Context))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_refused_by_code(script: bytes, context: Context) -> None:
    codes = "script-not-miniscript or script-malformed"
    decoded = unless_refused(codes, decode_script, script, context)
    if decoded is not None:
        assert script_bytes(decoded.script, decoded.keys) == script


@given(st.integers(0, 10_000), st.integers(0, 400), st.integers(1, 255), st.sampled_from(Context))
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_is_refused_or_read_as_what_it_is(
    seed: int, at: int, change: int, context: Context
) -> None:
    made = generate(Random(seed), context, 12)
    script = bytearray(script_bytes(made.script, made.keys))
    script[at % len(script)] ^= change
    codes = "script-not-miniscript or script-malformed"
    decoded = unless_refused(codes, decode_script, bytes(script), context)
    if decoded is not None:
        assert script_bytes(decoded.script, decoded.keys) == script


@pytest.mark.parametrize(
    "script",
    [
        b"\x51" + b"\x92" * 200_000,  # nnn...:1
        b"\x51\x69" * 70_000 + b"\x51",  # and_v(v:1,and_v(v:1,...))
        b"\x63\x00\x67" * 100_000 + b"\x51" + b"\x68" * 100_000,  # lll...:1
    ],
    ids=["wrappers", "and_v", "or_i"],
)
def test_depth_does_not_recurse(script: bytes) -> None:
    """A stack of 200,000 calls would end the process, not raise."""
    decoded = decode_script(script, WSH)
    assert len(decoded.script.nodes) > 200_000
    assert script_bytes(decoded.script, ()) == script
