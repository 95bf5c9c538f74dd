"""Witnesses: what each fragment wants, which of several is taken, and how large one can become.

Invariant: `satisfy` gives a smallest witness that nobody without keys can alter, and none if there is none;
`witness_size` is the largest that it gives. Both are held against enumeration.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, combinations
from random import Random
from typing import TypeVar

import pytest

from signer.bitcoin.hashes import sha256
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.satisfy import Assets, satisfy
from signer.bitcoin.miniscript.witness_size import Terms, witness_size
from tests.bitcoin.miniscript.every_witness import (
    TooMany,
    best_witnesses,
    every_witness,
    size_of,
)
from tests.bitcoin.miniscript.generator import Generated, generate
from tests.bitcoin.miniscript.spending import AFTER, OLDER

T = TypeVar("T")

PREIMAGE = b"\x07" * 32
H = sha256(PREIMAGE).hex()
KEYS = (b"\x02" + b"\x0a" * 32, b"\x02" + b"\x0b" * 32, b"\x02" + b"\x0c" * 32)
A, B, C = b"a" * 71, b"b" * 71, b"c" * 71
LONG = b"l" * 72
ONE = b"\x01"
ALL = Assets({0: A, 1: B, 2: C}, {sha256(PREIMAGE): PREIMAGE}, older=10, after=500)


def witness_of(text: str, context: Context, assets: Assets) -> tuple[bytes, ...] | None:
    """What `satisfy` gives; the assets' places are those of A, B and C, wherever these stand."""
    parsed = parse_miniscript(text, context)
    named = ["ABC".index(name) for name in parsed.keys]
    signatures = {
        place: assets.signatures[number]
        for place, number in enumerate(named)
        if number in assets.signatures
    }
    cut = 0 if context is Context.P2WSH else 1
    keys = [KEYS[number][cut:] for number in named]
    return satisfy(parsed.script, keys, replace(assets, signatures=signatures))


def without(*places: int, preimage: bool = True, older: int = 10, after: int = 500) -> Assets:
    signatures = {place: each for place, each in ALL.signatures.items() if place not in places}
    return Assets(signatures, ALL.preimages if preimage else {}, older, after)


@pytest.mark.parametrize(
    ("text", "assets", "witness"),
    [
        ("pk(A)", ALL, (A,)),
        ("pkh(A)", ALL, (A, KEYS[0])),
        ("multi(2,A,B,C)", ALL, (b"", A, B)),
        ("multi(2,A,B,C)", without(0), (b"", B, C)),
        ("and_v(v:pk(A),pk(B))", ALL, (B, A)),
        ("and_b(pk(A),s:pk(B))", ALL, (B, A)),
        ("and_v(v:pk(A),older(10))", ALL, (A,)),
        ("and_v(v:pk(A),after(500))", ALL, (A,)),
        (f"and_v(v:pk(A),sha256({H}))", ALL, (PREIMAGE, A)),
        ("or_b(pk(A),s:pk(B))", without(1), (b"", A)),
        ("or_b(pk(A),s:pk(B))", without(0), (B, b"")),
        ("or_b(pkh(A),s:pk(B))", without(0), (B, b"", KEYS[0])),
        ("or_d(pk(A),pk(B))", without(1), (A,)),
        ("or_d(pk(A),pk(B))", without(0), (B, b"")),
        ("t:or_c(pk(A),v:pk(B))", without(1), (A,)),
        ("t:or_c(pk(A),v:pk(B))", without(0), (B, b"")),
        ("or_i(pk(A),pk(B))", without(1), (A, ONE)),
        ("or_i(pk(A),pk(B))", without(0), (B, b"")),
        ("andor(pk(A),pk(B),pk(C))", without(2), (B, A)),
        ("andor(pk(A),pk(B),pk(C))", without(0), (C, b"")),
        ("thresh(2,pk(A),s:pk(B),s:pk(C))", without(1), (C, b"", A)),
        ("and_b(pk(A),adv:older(10))", ALL, (ONE, A)),
        (f"and_b(pk(A),aj:sha256({H}))", ALL, (PREIMAGE, A)),
        ("and_b(pk(A),an:pk(B))", ALL, (B, A)),
        # What is dissatisfied.
        ("or_d(multi(2,A,B),pk(C))", without(0), (C, b"", b"", b"")),
        ("or_d(or_b(pk(A),s:pk(B)),pk(C))", without(0, 1), (C, b"", b"")),
        ("or_d(and_b(pk(A),s:pk(B)),pk(C))", without(0), (C, b"", b"")),
        ("or_d(or_d(pk(A),pk(B)),pk(C))", without(0, 1), (C, b"", b"")),
        ("or_d(thresh(2,pk(A),s:pk(B)),pk(C))", without(0), (C, b"", b"")),
        ("or_d(or_i(0,and_v(v:pk(A),1)),pk(B))", without(0), (B, ONE)),
        ("or_d(or_i(and_v(v:pk(A),1),0),pk(B))", without(0), (B, b"")),
        ("or_d(andor(pk(A),pk(B),0),pk(C))", without(0), (C, b"")),
        ("or_d(j:and_v(v:pk(A),pk(B)),pk(C))", without(0), (C, b"")),
        ("or_b(pk(A),adv:older(10))", without(older=9), (b"", A)),
    ],
)
def test_fragments(text: str, assets: Assets, witness: tuple[bytes, ...]) -> None:
    assert witness_of(text, Context.P2WSH, assets) == witness


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        ("multi_a(2,A,B,C)", (C, b"", A)),
        ("or_d(multi_a(2,A,B),pk(C))", (C, b"", b"")),
        ("and_v(v:pk(A),pkh(C))", (C, KEYS[2][1:], A)),
    ],
)
def test_tapscript(text: str, witness: tuple[bytes, ...]) -> None:
    assert witness_of(text, Context.TAPSCRIPT, without(1)) == witness


def test_sorted_multisigs_follow_the_keys_bytes() -> None:
    keys = KEYS[::-1]
    wsh = parse_miniscript("sortedmulti(2,A,B,C)", Context.P2WSH).script
    assert satisfy(wsh, keys, ALL) == (b"", C, B)
    leaf = parse_miniscript("sortedmulti_a(2,A,B,C)", Context.TAPSCRIPT).script
    assert satisfy(leaf, [key[1:] for key in keys], ALL) == (b"", B, C)


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("pk(A)", without(0)),
        ("pkh(A)", without(0)),
        ("multi(2,A,B,C)", without(0, 1)),
        ("and_v(v:pk(A),older(11))", ALL),
        ("and_v(v:pk(A),older(4194305))", ALL),
        ("and_v(v:pk(A),after(501))", ALL),
        ("and_v(v:pk(A),after(500000000))", ALL),
        (f"and_v(v:pk(A),sha256({H}))", without(preimage=False)),
        ("and_b(pk(A),s:pk(B))", without(1)),
        ("thresh(2,pk(A),s:pk(B),s:pk(C))", without(0, 2)),
        ("or_d(pk(A),pk(B))", without(0, 1)),
        ("and_v(v:pk(A),0)", ALL),
    ],
)
def test_what_is_missing(text: str, assets: Assets) -> None:
    assert witness_of(text, Context.P2WSH, assets) is None


@pytest.mark.parametrize(
    ("text", "witness"),
    [
        # The smaller, of equals the first in the script.
        ("or_d(pk(A),pk(B))", (A,)),
        ("or_i(pk(A),pk(B))", (B, b"")),
        ("or_b(pk(A),s:pk(B))", (b"", A)),
        ("thresh(1,pk(A),s:pk(B),s:pk(C))", (b"", b"", A)),
        # What needs no signature, even if it is larger: others could take it too.
        ("and_v(v:pk(C),or_d(pk(A),older(10)))", (b"", C)),
        (f"and_v(v:pk(B),andor(pk(A),older(9),sha256({H})))", (PREIMAGE, b"", B)),
        ("thresh(2,pk(A),s:pk(B),sln:older(10))", (b"", b"", A)),
    ],
)
def test_which_is_taken(text: str, witness: tuple[bytes, ...]) -> None:
    assert witness_of(text, Context.P2WSH, ALL) == witness


def test_shorter_signatures_are_taken() -> None:
    held = Assets({0: LONG, 1: B, 2: C}, {})
    assert witness_of("multi(2,A,B,C)", Context.P2WSH, held) == (b"", B, C)
    assert witness_of("or_d(pk(A),pk(B))", Context.P2WSH, held) == (LONG,)
    assert witness_of("thresh(1,pk(A),s:pk(B),s:pk(C))", Context.P2WSH, held) == (b"", B, b"")


def test_a_malleable_thresh_has_no_canonical_witness() -> None:
    """Of a hash any other 32 bytes are a dissatisfaction: no sane script has it in a thresh."""
    text = f"thresh(1,pk(A),a:sha256({H}))"
    assert witness_of(text, Context.P2WSH, ALL) is None
    script = parse_miniscript(text, Context.P2WSH).script
    assert witness_size(script, Terms(), 72) is None


@pytest.mark.parametrize(
    ("text", "terms", "size"),
    [
        ("pk(A)", Terms(), 73),
        ("pkh(A)", Terms(), 73 + 34),
        ("multi(2,A,B,C)", Terms(), 1 + 2 * 73),
        ("or_d(pk(A),pk(B))", Terms(), 1 + 73),
        ("and_v(v:pk(A),older(10))", Terms(), None),
        ("and_v(v:pk(A),older(10))", Terms(older=10), 73),
        ("and_v(v:pk(A),or_d(pk(B),after(10)))", Terms(), 2 * 73),
        ("and_v(v:pk(A),or_d(pk(B),after(10)))", Terms(after=10), 73 + 1),
        ("and_v(v:pk(A),or_i(older(10),after(10)))", Terms(older=10, after=10), 73 + 1),
        ("thresh(2,pk(A),s:pk(B),sln:older(10))", Terms(), 2 * 73 + 2),
        ("thresh(2,pk(A),s:pk(B),sln:older(10))", Terms(older=10), 73 + 1 + 1),
        (f"and_v(v:pk(A),sha256({H}))", Terms(), 73 + 33),
        (f"or_i(and_v(v:pkh(A),sha256({H})),pk(B))", Terms(), 73 + 34 + 33 + 2),
    ],
)
def test_sizes(text: str, terms: Terms, size: int | None) -> None:
    assert witness_size(parse_miniscript(text, Context.P2WSH).script, terms, 72) == size


def test_sizes_in_tapscript() -> None:
    script = parse_miniscript("and_v(v:pkh(A),multi_a(1,B,C))", Context.TAPSCRIPT).script
    assert witness_size(script, Terms(), 64) == 65 + 33 + 65 + 1


def subsets(whole: Iterable[T]) -> Iterator[tuple[T, ...]]:
    some = tuple(whole)
    return chain.from_iterable(combinations(some, number) for number in range(len(some) + 1))


def some_assets(generated: Generated, random: Random) -> Assets:
    """With signatures of different lengths."""
    signatures = {
        place: bytes((1, place)) + b"s" * random.randrange(68, 71)
        for place in generated.script.places
        if random.random() < 0.75
    }
    known = {each: at for each, at in generated.preimages.items() if random.random() < 0.6}
    return Assets(signatures, known, random.choice(OLDER), random.choice(AFTER))


def test_the_witness_is_the_best_of_all() -> None:
    random, found = Random(11), Counter[bool]()
    for _ in range(500):
        generated = generate(random, random.choice(list(Context)), size=16)
        assets = some_assets(generated, random)
        try:
            every = every_witness(generated.script, generated.keys, assets)
        except TooMany:
            continue
        witness = satisfy(generated.script, generated.keys, assets)
        best = best_witnesses(every, assets)
        assert (witness in best) if best else witness is None, (generated, assets)
        found[bool(best)] += 1
    assert min(found[True], found[False]) > 100


def largest(generated: Generated, terms: Terms) -> int | None:
    """Over all signers and all known preimages."""
    sizes = []
    for known in subsets(generated.preimages.items()):
        for signers in subsets(generated.script.places):
            signatures = dict.fromkeys(signers, bytes(72))
            assets = Assets(signatures, dict(known), terms.older, terms.after)
            witness = satisfy(generated.script, generated.keys, assets)
            sizes += [] if witness is None else [size_of(witness)]
    return max(sizes, default=None)


def test_the_size_is_the_largest_of_all() -> None:
    random, reached = Random(12), Counter[bool]()
    while reached.total() < 150:
        generated = generate(random, random.choice(list(Context)), size=24)
        if len(generated.script.places) + len(generated.preimages) > 8:
            continue
        terms = Terms(random.choice(OLDER), random.choice(AFTER))
        size = witness_size(generated.script, terms, 72)
        assert size == largest(generated, terms), (generated, terms)
        reached[size is not None] += 1
    assert min(reached[True], reached[False]) > 20


def test_depth_costs_no_recursion() -> None:
    wrapped = parse_miniscript("n" * 200_000 + ":pk(A)", Context.TAPSCRIPT).script
    assert satisfy(wrapped, (KEYS[0][1:],), ALL) == (A,)
    assert witness_size(wrapped, Terms(), 64) == 65
    nested = parse_miniscript("and_v(v:1," * 60_000 + "pk(A)" + ")" * 60_000, Context.TAPSCRIPT)
    assert satisfy(nested.script, (KEYS[0][1:],), ALL) == (A,)
    assert witness_size(nested.script, Terms(), 64) == 65
