"""Nobody without keys can write another witness: consensus refuses it, or our standardness rules do."""

from collections import Counter
from itertools import islice
from random import Random

import pytest

from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.parse import parse_miniscript
from tests.bitcoin.miniscript.generator import Generated, pubkey
from tests.bitcoin.miniscript.malleation import DER, alterations, high_s
from tests.bitcoin.miniscript.spending import (
    Coin,
    Spend,
    Witness,
    consensus_accepts,
    spend,
    standard_for_us,
)
from tests.soak.miniscript import broken, spends, taken


def spent(text: str, context: Context) -> Spend:
    """By all signers, under no lock. Keys are written A, B and C."""
    cut = 0 if context is Context.P2WSH else 1
    for number, name in enumerate("ABC"):
        text = text.replace(f"({name})", f"({pubkey(number)[cut:].hex()})")
    script = parse_miniscript(text, context).script
    return spend(Coin(Generated(script, 0, {})), 0, 0, _Everybody())


class _Everybody(Random):
    """Leaves nobody out."""

    def random(self) -> float:
        return 0.0


def test_spends_are_accepted_and_their_alterations_are_not() -> None:
    random = Random(2)
    violations, both = [], Counter[Context]()
    for each in islice(spends(random), 60):
        violations += broken(each, random)
        both[each.coin.generated.script.context] += 1
    assert violations == []
    assert min(both[context] for context in Context) > 15


def test_a_malleable_script_breaks_the_invariant() -> None:
    """The campaign finds what the type system forbids: both branches of the `or_i` are free."""
    each = spent("and_v(v:pk(A),or_i(1,1))", Context.P2WSH)
    assert taken(each, each.witness)
    found = [
        witness for witness in islice(alterations(each, Random(1)), 300) if taken(each, witness)
    ]
    assert found == [(b"\x01", *each.witness[1:])]


def altered(each: Spend, old: bytes, new: bytes) -> Witness:
    """The one item that is `old`, exchanged."""
    at = (each.items or ()).index(old)
    return (*each.witness[:at], new, *each.witness[at + 1 :])


def only_we_refuse(each: Spend, witness: Witness) -> bool:
    """Consensus accepts that witness, our rules do not; both accept the spend's own."""
    prevout, other = each.coin.prevout, each.with_witness(witness)
    assert taken(each, each.witness)
    return consensus_accepts(other, prevout) and not standard_for_us(other, prevout)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("and_b(pk(A),a:or_i(0,pk(B)))", b"", b"\x00"),
        ("and_b(pk(A),a:or_i(pk(B),0))", b"\x01", b"\x02"),
        ("or_b(pk(A),s:pk(B))", b"", DER),
    ],
)
def test_what_only_standardness_refuses(text: str, old: bytes, new: bytes) -> None:
    """MINIMALIF twice, NULLFAIL: P2WSH's consensus accepts these, tapscript's does not."""
    each = spent(text, Context.P2WSH)
    witness = altered(each, old, new)
    assert only_we_refuse(each, witness)
    leaf = spent(text, Context.TAPSCRIPT)
    assert taken(leaf, leaf.witness)
    transaction = leaf.with_witness(altered(leaf, old, new))
    assert not consensus_accepts(transaction, leaf.coin.prevout)


def test_high_s_is_refused_by_standardness_alone() -> None:
    each = spent("pk(A)", Context.P2WSH)
    witness = altered(each, each.witness[0], high_s(each.witness[0]))
    assert only_we_refuse(each, witness)
    assert high_s(witness[0]) == each.witness[0]


def test_a_signature_stands_once() -> None:
    """In the place of another key it verifies nothing there, and is not empty."""
    each = spent("or_b(pk(A),s:pk(B))", Context.P2WSH)
    (signature,) = each.published
    witness = altered(each, b"", signature)
    assert only_we_refuse(each, witness)
