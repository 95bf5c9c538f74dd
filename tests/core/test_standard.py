"""Standardness: each rule's last spend that passes, the first that does not, and what the refusal says.

`tests/regtest/test_standard_core.py` asks a node about the same pairs.
"""

from dataclasses import replace
from random import Random

import pytest

from signer.bitcoin.script import DUST_LIMIT, p2pkh, push_data
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal, VerificationError
from signer.core.standard import spendable_type, verify_standard
from tests.core.malleations import SCRIPTS, malleated
from tests.core.standard_cases import (
    ALICE,
    AMOUNT,
    CASES,
    MULTISIG_OPS,
    OR_I,
    PAID,
    PK,
    STRICTER_THAN_CORE,
    Candidate,
    Case,
    carrier,
    key_spend,
    leaf_spend,
    never_taken,
    paying,
    typed,
    wsh,
)

ALL_CASES = (*CASES, *STRICTER_THAN_CORE)


def code_of(candidate: Candidate) -> str:
    with pytest.raises(VerificationError) as refusal:
        verify_standard(candidate.imagined(), candidate.prevouts())
    return refusal.value.code


def consensus_accepts(candidate: Candidate) -> bool:
    try:
        verify_consensus(candidate.imagined(), candidate.prevouts())
    except Refusal as refusal:
        return refusal.code != "consensus-refused"
    return True


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.name)
def test_pairs(case: Case) -> None:
    assert verify_standard(case.good.imagined(), case.good.prevouts()) > 0
    assert consensus_accepts(case.good)
    assert code_of(case.bad) == "transaction-not-standard"
    assert consensus_accepts(case.bad) == case.consensus


def said(
    transaction: Transaction, prevouts: tuple[TxOut, ...] | None = None
) -> tuple[str, str, str]:
    with pytest.raises(VerificationError) as refusal:
        verify_standard(transaction, wsh(PK).prevouts() if prevouts is None else prevouts)
    assert refusal.value.code == "transaction-not-standard"
    (objection,) = refusal.value.objections
    return objection.detail, objection.observed, objection.limit


def of(candidate: Candidate) -> tuple[str, str, str]:
    return said(candidate.imagined(), candidate.prevouts())


FINAL = wsh(PK).imagined()
LONG = carrier(push_data(bytes(81)))
UNKNOWN = PAID._replace(script_pubkey=b"\x52\x02ab")


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (wsh(PK, version=3), ("the version", "3", "2")),
        (paying(LONG._replace(amount=Sats(1))), ("sat in the OP_RETURN output 0", "1", "0")),
        (paying(PAID, LONG), ("bytes of the OP_RETURN output 1", "84", "at most 83")),
        (paying(carrier(b"\xac"), PAID), ("the OP_RETURN output 0", "6aac", "pushes only")),
        (
            paying(PAID, UNKNOWN),
            ("the type of output 1", "witness_unknown", ", ".join(DUST_LIMIT)),
        ),
        (paying(carrier(b""), PAID, carrier(b"")), ("OP_RETURN outputs", "2", "1")),
        (paying(PAID, PAID._replace(amount=Sats(0))), ("sat in output 1", "0", "at least 294")),
        (paying(carrier(b"\x02ab")), ("bytes without witness", "64", "at least 65")),
        (wsh(bytes(3_601), lambda sign: ()), ("bytes of witness script", "3601", "at most 3600")),
        (wsh(PK, lambda sign: (b"",) * 101), ("witness items", "101", "at most 100")),
        (
            wsh(PK, lambda sign: (bytes(81),)),
            ("bytes of a witness item", "81", "at most 80"),
        ),
        (leaf_spend(b"\x51", (bytes(81),)), ("bytes of a witness item", "81", "at most 80")),
        (leaf_spend(b"\x51", annex=b"\x50ab"), ("a witness", "an annex", "none")),
        (
            wsh(never_taken(b"\xae" * 195), coins=5),
            ("the signature operation cost", "19505", "at most 16000"),
        ),
        (
            wsh(OR_I, lambda sign: (b"\x02",)),
            ("a witness has a condition that is neither empty nor 01", "", ""),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_a_refusal_says(candidate: Candidate, expected: tuple[str, str, str]) -> None:
    assert of(candidate) == expected


def test_a_leaf_of_another_version_or_without_control_block() -> None:
    good = leaf_spend(b"\x51")
    assert verify_standard(good.imagined(), good.prevouts()) > 0
    (stack,) = good.imagined().witnesses
    for control in (b"", b"\xbf", b"\xc2" + stack[-1][1:]):
        wrong = replace(good.imagined(), witnesses=((*stack[:-1], control),))
        detail, observed, limit = said(wrong, good.prevouts())
        assert (detail, limit) == ("the control block of a leaf", "tapscript")
        assert observed == control[:1].hex()
    for parity in (b"\xc0", b"\xc1"):
        right = replace(good.imagined(), witnesses=((*stack[:-1], parity + stack[-1][1:]),))
        assert verify_standard(right, good.prevouts()) > 0


def test_the_key_path_is_standard_too() -> None:
    """No vault has one; but nothing about it is for this file to refuse."""
    for candidate in (key_spend(), key_spend(b"\x01")):
        assert verify_standard(candidate.imagined(), candidate.prevouts()) > 0
        assert consensus_accepts(candidate)
    empty = replace(key_spend().imagined(), witnesses=((),))
    assert said(empty, key_spend().prevouts()) == ("witness items", "0", "at least 1")


def test_a_leaf_and_its_items_have_the_limits_of_consensus_alone() -> None:
    """More than 100 items, and a leaf of more than 3,600 bytes."""
    many = leaf_spend(b"\x51" * 3_601, (b"",) * 101)
    assert verify_standard(many.imagined(), many.prevouts()) > 0


def test_one_witness_and_one_prevout_for_each_input() -> None:
    good = wsh(PK, coins=2)
    transaction, prevouts = good.imagined(), good.prevouts()
    assert verify_standard(transaction, prevouts) > 0
    short = replace(transaction, witnesses=transaction.witnesses[:1])
    assert said(short, prevouts) == ("witnesses", "1", "2")
    assert said(transaction, prevouts[:1]) == ("witnesses", "2", "2")
    bare = replace(transaction, witnesses=((), transaction.witnesses[1]))
    assert said(bare, prevouts) == ("witness items", "0", "a witness script")


def test_inputs_of_other_kinds() -> None:
    (spent,) = wsh(PK).prevouts()
    assert verify_standard(FINAL, (spent,)) > 0
    foreign = spent._replace(script_pubkey=p2pkh(bytes(20)))
    assert said(FINAL, (foreign,)) == ("the type of prevout 0", "p2pkh", "p2wsh, p2tr")


def test_weight_to_the_unit() -> None:
    outputs = (PAID._replace(amount=Sats(294)),) * 3_200
    rich = (TxOut(Sats(10_000_000), wsh(PK).script_pubkey),)

    def weighing(size: int) -> Transaction:
        """A witness script of that many bytes: OP_0 over and over."""
        return replace(FINAL, outputs=outputs, witnesses=((bytes(size),),))

    length = 1_000 + MAX_STANDARD_WEIGHT - weighing(1_000).weight
    assert 253 <= length <= 3_600
    assert weighing(length).weight == 400_000
    assert verify_standard(weighing(length), rich) > 0
    assert said(weighing(length + 1), rich) == ("weight units", "400001", "at most 400000")


def test_fee_to_the_satoshi() -> None:
    def paying_fee(fee: int) -> Transaction:
        """One size, whatever the signature: a script without any."""
        outputs = (PAID._replace(amount=Sats(AMOUNT - fee)),)
        return replace(FINAL, outputs=outputs, witnesses=((b"\x51" * 30,),))

    least = -(-paying_fee(0).vsize // 10)
    prevouts = wsh(PK).prevouts()
    assert verify_standard(paying_fee(least), prevouts) == least
    size = paying_fee(0).vsize
    assert said(paying_fee(least - 1), prevouts) == (
        "sat of fee", f"{least - 1} for {size} vB", "at least 100 per kvB",
    )  # fmt: skip
    with pytest.raises(VerificationError) as refusal:
        verify_standard(paying_fee(-1), prevouts)
    assert refusal.value.code == "amounts-impossible"


def test_one_coin_twice() -> None:
    good = wsh(PK, coins=2)
    transaction = good.imagined()
    twice = replace(transaction, inputs=transaction.inputs[:1] * 2)
    with pytest.raises(VerificationError) as refusal:
        verify_standard(twice, good.prevouts())
    assert refusal.value.code == "input-repeated"


def cost(script: bytes, outputs: tuple[TxOut, ...], coins: int) -> str | None:
    """The cost that is refused (any other refusal in words); None if it is not."""
    candidate = wsh(script, outputs=outputs, coins=coins)
    rich = tuple(each._replace(amount=Sats(10**9)) for each in candidate.prevouts())
    transaction = replace(candidate.imagined(), witnesses=((b"", script),) * coins)
    try:
        verify_standard(transaction, rich)
    except VerificationError as refusal:
        (objection,) = refusal.objections
        return objection.observed if "operation cost" in objection.detail else objection.detail
    return None


@pytest.mark.parametrize(
    ("filler", "each"),
    [
        (b"\xac" * 160, 160),
        (b"\xad" * 160, 160),
        (b"\xae" * 8, 160),
        (b"\xaf" * 8, 160),
        (b"\x60\xae" * 10, 160),
        (b"\x60\xaf" * 10, 160),
        (b"\x51\xae" * 160, 160),
        (b"\x01\x11\xae" * 8, 160),
        (b"\x61\xae" * 8, 160),
        (b"\x50\xae" * 8, 160),
    ],
)
def test_signature_operations_are_counted_as_core_counts(filler: bytes, each: int) -> None:
    """100 inputs reach the limit; one operation in an output or a script more exceeds it."""
    script = b"\x00\x63" + filler + b"\x68"
    assert cost(script, (PAID,), 100) is None
    assert cost(script, (PAID, PAID._replace(script_pubkey=p2pkh(bytes(20)))), 100) == "16004"
    assert cost(script, (PAID,), 101) == str(101 * each)
    assert cost(script + b"\x00\x63\xac\x68", (PAID,), 100) == "16100"


def test_multisig_operations_of_the_pair() -> None:
    assert 4 * (20 * MULTISIG_OPS + 1) <= 16_000 < 5 * (20 * MULTISIG_OPS + 1)


def test_spendable_types() -> None:
    point = ALICE.public_key_xonly.format()
    assert spendable_type(b"\x51\x20" + point) == "p2tr"
    assert spendable_type(b"\x51\x20" + b"\xff" * 32) is None
    assert spendable_type(PAID.script_pubkey) == "p2wpkh"
    assert spendable_type(b"\x51\x02\x4e\x73") is None


def test_a_signature_of_type_all_is_the_twin() -> None:
    candidate = typed(1)
    assert candidate.imagined().witnesses[0][0] == wsh(PK).imagined().witnesses[0][0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_malleated_witness_leaves(name: str) -> None:
    """300 changes of each spend: what our gates let out is a good witness, of these signers or of others.

    Canonical means: no other witness of the same signers; so of each set of signatures there is but one.
    """
    script, unlock = SCRIPTS[name]
    assert passes(wsh(script, unlock))
    random, out = Random(name), set()
    refused = 0
    for _ in range(300):
        candidate = malleated(script, unlock, random)
        if passes(candidate):
            out.add(candidate.imagined().witnesses[0])
        else:
            refused += 1
    assert refused >= 150
    signers = [frozenset(item for item in stack if item[:1] == b"\x30") for stack in out]
    assert len(signers) == len(set(signers))


def passes(candidate: Candidate) -> bool:
    """Both gates."""
    try:
        verify_standard(candidate.imagined(), candidate.prevouts())
    except VerificationError as refusal:
        return refusal.code != "transaction-not-standard"
    return consensus_accepts(candidate)
