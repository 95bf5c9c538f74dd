"""Types: BIP-379's tables, row by row, worked by hand and equal to what btclib finds (test_differential)."""

import pytest

from signer.bitcoin.miniscript.model import Context, Miniscript
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.types import type_of, verify_top_level
from tests.bitcoin.refused import refused

WSH, TR = Context.P2WSH, Context.TAPSCRIPT
DIGESTS = {"H": "aa" * 32, "S": "bb" * 20}


def script(text: str, context: Context = WSH) -> Miniscript:
    for letter, digest in DIGESTS.items():
        text = text.replace(letter, digest)
    return parse_miniscript(text, context).script


TYPES = [
    ("0", "Bzduesmxk"),
    ("1", "Bzufmxk"),
    ("pk_k(a)", "Konduesmxk"),
    ("pk_h(a)", "Knduesmxk"),
    ("pk(a)", "Bonduesmk"),
    ("pkh(a)", "Bnduesmk"),
    ("older(1)", "Bzfmxhk"),
    ("older(4194303)", "Bzfmxhk"),
    ("older(4194304)", "Bzfmxgk"),
    ("older(4194305)", "Bzfmxgk"),
    ("after(1)", "Bzfmxjk"),
    ("after(499999999)", "Bzfmxjk"),
    ("after(500000000)", "Bzfmxik"),
    ("sha256(H)", "Bondumk"),
    ("hash256(H)", "Bondumk"),
    ("ripemd160(S)", "Bondumk"),
    ("hash160(S)", "Bondumk"),
    ("multi(1,a)", "Bnduesmk"),
    ("sortedmulti(1,a)", "Bnduesmk"),
    ("a:0", "Wduesmxk"),
    ("a:pk(a)", "Wduesmxk"),
    ("s:pk(a)", "Wduesmk"),
    ("v:pk(a)", "Vonfsmxk"),
    ("v:1", "Vzfmxk"),
    ("dv:older(1)", "Bondemxhk"),
    ("dvn:0", "Bondesmxk"),
    ("j:pk(a)", "Bondusmxk"),
    ("j:and_v(v:pkh(a),pk(b))", "Bnduesmxk"),
    ("j:and_b(pkh(a),s:pk(b))", "Bndusmxk"),
    ("n:older(1)", "Bzufmxhk"),
    ("n:pk(a)", "Bonduesmxk"),
    ("and_v(v:pk(a),1)", "Bonufsmxk"),
    ("and_v(v:1,pk(a))", "Bonusmk"),
    ("and_v(v:1,pk_k(a))", "Konusmxk"),
    ("and_v(v:1,v:1)", "Vzfmxk"),
    ("and_v(v:pk(a),pk(b))", "Bnufsmk"),
    ("and_v(vn:0,0)", "Bzufsmxk"),
    ("and_v(v:after(1),after(500000000))", "Bzfmxij"),
    ("and_b(pk(a),s:pk(b))", "Bnduesmxk"),
    ("and_b(1,a:1)", "Bufmxk"),
    ("and_b(pk(a),a:1)", "Bnusmxk"),
    ("and_b(0,a:pkh(a))", "Bduesmxk"),
    ("and_b(older(4194304),a:older(1))", "Bufmxgh"),
    ("or_b(pk(a),s:pk(b))", "Bduesmxk"),
    ("or_b(pk(a),a:sha256(H))", "Bduxk"),
    ("or_b(l:older(1),a:pk(a))", "Bduemxhk"),
    ("or_b(pk(a),al:older(4194304))", "Bduemxgk"),
    ("or_c(pk(a),v:1)", "Vofmxk"),
    ("or_c(pk(a),v:pk(b))", "Vfsmxk"),
    ("or_c(0,v:1)", "Vzfmxk"),
    ("or_d(pk(a),pk(b))", "Bduesmxk"),
    ("or_d(pk(a),older(1))", "Bofmxhk"),
    ("or_d(0,1)", "Bzufmxk"),
    ("or_d(n:or_i(0,1),pk(a))", "Bduemxk"),
    ("or_i(pk(a),pk(b))", "Bdusmxk"),
    ("or_i(0,older(1))", "Bodemxhk"),
    ("or_i(pk(a),older(1))", "Bdemxhk"),
    ("or_i(older(4194304),older(1))", "Bofxghk"),
    ("or_i(pk_k(a),pk_k(b))", "Kdusmxk"),
    ("or_i(v:1,v:1)", "Vofxk"),
    ("andor(pk(a),older(1),pk(b))", "Bdesmxhk"),
    ("andor(pk(a),pk(b),0)", "Bduesmxk"),
    ("andor(pk(a),older(1),after(1))", "Bofmxhjk"),
    ("andor(0,1,1)", "Bzufmxk"),
    ("andor(0,pk(a),pk(b))", "Boduesmxk"),
    ("andor(pk(a),v:1,v:1)", "Vofmxk"),
    ("andor(pk(a),pk_k(b),pk_k(c))", "Kduesmxk"),
    ("andor(ndv:older(1),older(4194304),pk(a))", "Bdemxgh"),
    ("andor(pk(a),after(1),after(500000000))", "Bofmxijk"),
    ("thresh(1,pk(a),s:pk(b))", "Bduesmk"),
    ("thresh(2,pk(a),s:pk(b))", "Bduesmk"),
    ("thresh(1,pk(a))", "Boduesmk"),
    ("thresh(2,pk(a),s:pk(b),sln:older(1))", "Bdusmhk"),
    ("thresh(2,pk(a),sln:older(1),sln:older(4194305))", "Bdumgh"),
    ("thresh(1,pk(a),sln:older(1),sln:older(4194305))", "Bdughk"),
    ("thresh(1,0,a:0)", "Bduesmk"),
    ("thresh(1,n:or_i(0,1),s:pk(a))", "Bdumk"),
    ("thresh(1,0)", "Bzduesmk"),
]


@pytest.mark.parametrize(("text", "letters"), TYPES)
def test_types(text: str, letters: str) -> None:
    assert str(type_of(script(text))) == letters


def test_types_in_tapscript() -> None:
    """`d:X` is u there alone: MINIMALIF is consensus. CHECKSIGADD needs no dummy: multi_a is no n."""
    assert str(type_of(script("dv:older(1)", TR))) == "Bonduemxhk"
    assert str(type_of(script("multi_a(1,a)", TR))) == "Bduesmk"
    assert str(type_of(script("sortedmulti_a(1,a)", TR))) == "Bduesmk"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("a:pk_k(a)", "a:pk(a)"),
        ("av:pk(a)", "a:pk(a)"),
        ("s:pkh(a)", "s:pk(a)"),  # not o
        ("s:pk_k(a)", "s:pk(a)"),
        ("c:pk(a)", "c:pk_k(a)"),
        ("cv:pk(a)", "v:pk(a)"),
        ("dv:pk(a)", "dv:older(1)"),  # not z
        ("d:older(1)", "dv:older(1)"),
        ("v:pk_k(a)", "v:pk(a)"),
        ("vv:pk(a)", "v:pk(a)"),
        ("j:0", "j:pk(a)"),  # not n
        ("j:pk_k(a)", "j:pk(a)"),
        ("n:pk_k(a)", "n:pk(a)"),
        ("nv:pk(a)", "n:pk(a)"),
        ("and_v(pk(a),pk(b))", "and_v(v:pk(a),pk(b))"),
        ("and_v(v:pk(a),a:pk(b))", "and_v(v:pk(a),pk(b))"),
        ("and_b(pk(a),pk(b))", "and_b(pk(a),a:pk(b))"),
        ("and_b(v:pk(a),a:pk(b))", "and_b(pk(a),a:pk(b))"),
        ("or_b(pk(a),pk(b))", "or_b(pk(a),s:pk(b))"),
        ("or_b(1,s:pk(b))", "or_b(0,s:pk(b))"),  # not d
        ("or_b(pk(a),a:1)", "or_b(pk(a),a:0)"),
        ("or_c(pk(a),pk(b))", "or_c(pk(a),v:pk(b))"),
        ("or_c(dv:older(1),v:pk(b))", "or_c(ndv:older(1),v:pk(b))"),  # not u
        ("or_c(1,v:pk(b))", "or_c(0,v:pk(b))"),
        ("or_d(pk(a),v:pk(b))", "or_d(pk(a),pk(b))"),
        ("or_d(dv:older(1),pk(b))", "or_d(ndv:older(1),pk(b))"),
        ("or_d(1,pk(b))", "or_d(0,pk(b))"),
        ("or_i(pk(a),v:pk(b))", "or_i(pk(a),pk(b))"),
        ("or_i(a:pk(a),a:pk(b))", "or_i(pk(a),pk(b))"),
        ("andor(dv:older(1),pk(a),pk(b))", "andor(ndv:older(1),pk(a),pk(b))"),
        ("andor(1,pk(a),pk(b))", "andor(0,pk(a),pk(b))"),
        ("andor(pk(a),pk(b),v:pk(c))", "andor(pk(a),v:pk(b),v:pk(c))"),
        ("andor(pk(a),a:pk(b),a:pk(c))", "andor(pk(a),pk(b),pk(c))"),
        ("thresh(1,pk(a),pk(b))", "thresh(1,pk(a),s:pk(b))"),
        ("thresh(1,s:pk(a),s:pk(b))", "thresh(1,pk(a),s:pk(b))"),
        ("thresh(1,1)", "thresh(1,0)"),
        ("thresh(1,dv:older(1))", "thresh(1,ndv:older(1))"),
        ("thresh(1,pk(a),adv:older(1))", "thresh(1,pk(a),andv:older(1))"),
        ("thresh(1,pk(a),a:1)", "thresh(1,pk(a),a:0)"),
    ],
)
def test_what_a_fragment_does_not_take(wrong: str, right: str) -> None:
    with refused("miniscript-type"):
        type_of(script(wrong))
    type_of(script(right))


@pytest.mark.parametrize("text", ["v:pk(a)", "pk_k(a)", "a:pk(a)"])
def test_a_whole_script_has_type_b(text: str) -> None:
    with refused("miniscript-type"):
        verify_top_level(script(text))
    assert verify_top_level(script("pk(a)")).has("Bs")


def test_the_refusal_names_the_fragment_and_what_it_was_given() -> None:
    with pytest.raises(ValueError, match=r"or_d does not take Bzufmxk, Bonduesmk"):
        type_of(script("or_d(1,pk(a))"))


def test_letters() -> None:
    kind = type_of(script("pk(a)"))
    assert kind.has("Bdu")
    assert kind.has("")
    assert not kind.has("Bz")


def test_depth_does_not_recurse() -> None:
    assert type_of(script("n" * 200_000 + ":1")).has("B")
