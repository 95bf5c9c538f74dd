"""Scripts, byte by byte; Core's are in test_miniscript_core_vectors."""

import pytest

from signer.bitcoin.hashes import hash160
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context, Fragment, Miniscript, Node
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.script import push_data
from tests.bitcoin.miniscript.generator import pubkey
from tests.bitcoin.multisigs import multisig_script

WSH, TR = Context.P2WSH, Context.TAPSCRIPT
HASH = "aa" * 32
SHORT = "bb" * 20


def encoded(text: str, *keys: bytes, context: Context = WSH) -> str:
    return script_bytes(parse_miniscript(text, context).script, keys).hex()


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("0", "00"),
        ("1", "51"),
        ("older(16)", "60 b2"),
        ("older(17)", "0111 b2"),
        ("older(128)", "028000 b2"),
        ("after(2147483647)", "04ffffff7f b1"),
        (f"sha256({HASH})", f"82 0120 88 a8 20{HASH} 87"),
        (f"hash256({HASH})", f"82 0120 88 aa 20{HASH} 87"),
        (f"ripemd160({SHORT})", f"82 0120 88 a6 14{SHORT} 87"),
        (f"hash160({SHORT})", f"82 0120 88 a9 14{SHORT} 87"),
        ("andor(1,older(1),older(2))", "51 64 52b2 67 51b2 68"),
        ("and_v(older(1),older(2))", "51b2 52b2"),
        ("and_b(older(1),older(2))", "51b2 52b2 9a"),
        ("or_b(older(1),older(2))", "51b2 52b2 9b"),
        ("or_c(older(1),older(2))", "51b2 64 52b2 68"),
        ("or_d(older(1),older(2))", "51b2 73 64 52b2 68"),
        ("or_i(older(1),older(2))", "63 51b2 67 52b2 68"),
        ("thresh(3,0,1,older(2))", "00 51 93 52b2 93 53 87"),
        ("thresh(1,0)", "00 51 87"),
        ("a:1", "6b 51 6c"),
        ("s:1", "7c 51"),
        ("c:1", "51 ac"),
        ("d:1", "76 63 51 68"),
        ("j:1", "82 92 63 51 68"),
        ("n:1", "51 92"),
        ("v:1", "51 69"),
        ("vc:1", "51 ad"),
        ("vvc:1", "51 ad 69"),
        ("v:thresh(1,0)", "00 51 88"),
        (f"v:sha256({HASH})", f"82 0120 88 a8 20{HASH} 88"),
        ("vs:thresh(1,0)", "7c 00 51 88"),
        ("v:and_v(v:1,thresh(1,0))", "51 69 00 51 88"),
        ("vn:1", "51 92 69"),
        ("v:or_i(0,0)", "63 00 67 00 68 69"),
    ],
)
@pytest.mark.parametrize("context", Context)
def test_every_fragment(text: str, script: str, context: Context) -> None:
    assert encoded(text, context=context) == script.replace(" ", "")


def test_keys_stand_as_the_context_has_them() -> None:
    key = pubkey(0)
    assert encoded("pk(a)", key) == f"21{key.hex()}ac"
    assert encoded("pk(a)", key[1:], context=TR) == f"20{key[1:].hex()}ac"
    assert encoded("v:pk_h(a)", key) == f"76a914{hash160(key).hex()}8869"
    assert encoded("pk_h(a)", key[1:], context=TR) == f"76a914{hash160(key[1:]).hex()}88"


def test_a_pk_h_takes_the_hash_of_its_key() -> None:
    assert encoded("pkh(a)", hash160(pubkey(0))) == encoded("pkh(a)", pubkey(0))


def test_keys_are_by_place() -> None:
    keys = [pubkey(number) for number in range(4)]
    script = parse_miniscript("and_v(v:pk(a),pk(b))", WSH, first_place=2).script
    assert script_bytes(script, keys).hex() == encoded("and_v(v:pk(a),pk(b))", *keys[2:])


def test_multisigs() -> None:
    keys = tuple(pubkey(number) for number in range(17))
    assert encoded(f"multi(2{',k' * 17})", *keys) == multisig_script(2, keys).hex()
    assert encoded("v:multi(1,a)", keys[0]) == f"5121{keys[0].hex()}51af"
    xonly = [key[1:] for key in keys]
    one, two, three = (push_data(key).hex() for key in xonly[:3])
    assert encoded("multi_a(2,a,b,c)", *xonly, context=TR) == f"{one}ac{two}ba{three}ba529c"
    assert encoded("multi_a(1,a)", *xonly, context=TR) == f"{one}ac519c"
    assert encoded("v:multi_a(1,a)", *xonly, context=TR) == f"{one}ac519d"


def test_sorted_multisigs_sort_keys_by_their_bytes() -> None:
    keys = [pubkey(number) for number in range(5)]
    assert keys != sorted(keys)
    ordered = encoded("multi(2,a,b,c,d,e)", *sorted(keys))
    assert encoded("sortedmulti(2,a,b,c,d,e)", *keys) == ordered
    xonly = [key[1:] for key in keys]
    ordered = encoded("multi_a(2,a,b,c,d,e)", *sorted(xonly), context=TR)
    assert encoded("sortedmulti_a(2,a,b,c,d,e)", *xonly, context=TR) == ordered
    assert encoded("multi(2,a,b,c,d,e)", *keys) != encoded("sortedmulti(2,a,b,c,d,e)", *keys)


@pytest.mark.parametrize("wrapper", "asvdjncl")
def test_depth_does_not_recurse(wrapper: str) -> None:
    """A stack of 200,000 calls would end the process, not raise."""
    once, twice, thrice = (len(script_bytes(deep(wrapper, number), ())) for number in (1, 2, 3))
    assert len(script_bytes(deep(wrapper, 200_000), ())) == once + 199_999 * (thrice - twice)


def deep(wrapper: str, number: int) -> Miniscript:
    """The wrapper around an `n:1`, so many times."""
    inner = (Node(Fragment.TRUE), Node(Fragment.WRAP_N, arity=1))
    if wrapper == "l":
        pair = Node(Fragment.OR_I, arity=2)
        return Miniscript(WSH, (*[Node(Fragment.FALSE)] * number, *inner, *[pair] * number))
    return Miniscript(WSH, (*inner, *[Node(Fragment(wrapper), arity=1)] * number))
