"""OP_RETURN payloads and what makes a deposit; each refusal one field away from a good one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from signer.bitcoin.units import Sats
from signer.core import opreturn
from signer.core.errors import MalformedRequest
from signer.core.opreturn import (
    Anchor,
    Deposit,
    decode_payload,
    encode_payload,
    op_return_script,
    parse_op_return,
    spent_outputs,
    validate_deposit,
)
from signer.core.registry import ScriptPlace, VaultRegistry
from tests.core.coins import funding
from tests.federation import vault

DEPOSIT = Deposit(b"PGWD", 11155111, bytes(range(1, 21)))
ANCHOR = Anchor(b"PGWD", 7, b"\x01" * 32, b"\x02" * 32)
GOOD = op_return_script(encode_payload(DEPOSIT))


def code_of(call, *arguments) -> str:
    with pytest.raises(MalformedRequest) as refusal:
        call(*arguments)
    assert refusal.value.entry.code == refusal.value.code
    return refusal.value.code


def test_the_layout_of_a_deposit():
    assert (
        encode_payload(DEPOSIT).hex()
        == "5047574401 01 00aa36a7".replace(" ", "") + bytes(range(1, 21)).hex()
    )
    assert GOOD[:2] == b"\x6a\x1e"
    assert parse_op_return(GOOD) == DEPOSIT


def test_the_layout_of_an_anchor():
    data = encode_payload(ANCHOR)
    assert data == b"PGWD\x01\x02" + (7).to_bytes(8, "big") + b"\x01" * 32 + b"\x02" * 32
    script = op_return_script(data)
    assert script[:3] == b"\x6a\x4c\x4e"
    assert len(script) == 81
    assert parse_op_return(script) == ANCHOR


DATA = encode_payload(DEPOSIT)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (b"", "op-return-malformed"),
        (b"\x6a", "op-return-malformed"),
        (b"\x6a\x00", "op-return-malformed"),
        (b"\x6a\x51", "op-return-malformed"),
        (b"\x6b" + GOOD[1:], "op-return-malformed"),
        (b"\x6a\x4c\x1e" + DATA, "op-return-malformed"),
        (b"\x6a\x4d\x1e\x00" + DATA, "op-return-malformed"),
        (b"\x6a\x4e" + (65_536).to_bytes(4, "little") + bytes(65_536), "op-return-malformed"),
        (GOOD + b"\x00", "op-return-malformed"),
        (b"\x00" + GOOD, "op-return-malformed"),
        (GOOD[:-1], "op-return-malformed"),
        (op_return_script(DATA[:15]) + b"\x0f" + DATA[15:], "op-return-malformed"),
        (op_return_script(DATA + b"\x01"), "op-return-malformed"),
        (op_return_script(DATA[:-1]), "op-return-malformed"),
        (op_return_script(DATA[:5]), "op-return-malformed"),
        (op_return_script(DATA[:6]), "op-return-malformed"),
        (op_return_script(DATA[:4] + b"\x02" + DATA[5:]), "op-return-unknown"),
        (op_return_script(DATA[:5] + b"\x03" + DATA[6:]), "op-return-unknown"),
        (op_return_script(DATA[:5] + b"\x00" + DATA[6:]), "op-return-unknown"),
        (op_return_script(DATA[:10] + bytes(20)), "op-return-zero"),
    ],
)
def test_one_field_away(script, code):
    assert code_of(parse_op_return, script) == code


def test_a_script_of_megabytes_is_refused_unread(monkeypatch):
    """One byte longer than the longest payload's script: its opcodes are not even listed."""
    longest = op_return_script(encode_payload(ANCHOR))
    assert parse_op_return(longest) == ANCHOR
    monkeypatch.setattr(opreturn, "script_items", None)
    for script in (longest + b"\x00", b"\x6a" + bytes(8_000_000)):
        assert code_of(parse_op_return, script) == "op-return-malformed"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (replace(DEPOSIT, l2_address=bytes(20)), "op-return-zero"),
        (replace(ANCHOR, batch_id=0), "op-return-zero"),
        (replace(ANCHOR, state_root=bytes(32)), "op-return-zero"),
        (replace(ANCHOR, eth_tx_hash=bytes(32)), "op-return-zero"),
        (replace(DEPOSIT, l2_address=b"\x01" * 19), "op-return-malformed"),
        (replace(DEPOSIT, magic=b"PGW"), "op-return-unknown"),
        (replace(DEPOSIT, l2_chain_id=2**32), "op-return-malformed"),
        (replace(DEPOSIT, l2_chain_id=-1), "op-return-malformed"),
        (replace(ANCHOR, batch_id=2**64), "op-return-malformed"),
        (replace(ANCHOR, state_root=b"\x01" * 31, eth_tx_hash=b"\x01" * 33), "op-return-malformed"),
        (replace(DEPOSIT, magic=b"PGWD\x01\x01", l2_address=b"\x01" * 18), "op-return-malformed"),
    ],
)
def test_what_is_not_written(payload, code):
    assert code_of(encode_payload, payload) == code


@given(st.binary(max_size=100))
def test_any_script(script):
    """Invariant: a payload is read only from the one script that it is written to."""
    try:
        payload = parse_op_return(script)
    except MalformedRequest:
        return
    assert op_return_script(encode_payload(payload)) == script


@given(
    st.binary(min_size=4, max_size=4),
    st.integers(0, 2**32 - 1),
    st.binary(min_size=20, max_size=20),
)
def test_deposits_round_trip(magic, chain, address):
    if any(address):
        deposit = Deposit(magic, chain, address)
        assert decode_payload(encode_payload(deposit)) == deposit


# --- deposits ---

VAULT = vault()
REGISTRY = VaultRegistry((VAULT,))
REGISTRY.cover(VAULT, 0, 0)
REGISTRY.cover(VAULT, 1, 0)
SOURCE = funding(b"\x00\x14" + b"\x09" * 20, 70_000)
RECEIVE = TxOut(Sats(50_000), VAULT.script(0, 4).script_pubkey)
TO_CHANGE = TxOut(Sats(50_000), VAULT.script(1, 4).script_pubkey)
CARRIER = TxOut(Sats(0), GOOD)
OTHER = TxOut(Sats(19_000), b"\x00\x14" + b"\x08" * 20)


def report(*outputs: TxOut, previous=(SOURCE,), expected=DEPOSIT, spends=SOURCE):
    inputs = (TxIn(OutPoint(spends.txid, 1), b"", 0xFFFFFFFD),)
    transaction = Transaction(2, inputs, outputs, 0)
    prevouts = spent_outputs(transaction, [each.serialize() for each in previous])
    return validate_deposit(transaction, prevouts, REGISTRY.find, expected)


def codes(*outputs: TxOut, **arguments) -> list[str]:
    return [objection.code for objection in report(*outputs, **arguments).objections]


def test_a_deposit():
    found = report(RECEIVE, CARRIER, OTHER)
    assert found.objections == ()
    assert found.payload == DEPOSIT
    assert (found.vout, found.amount, found.from_vault) == (0, 50_000, False)
    assert found.place == ScriptPlace("peg", 0, 4)
    assert report(OTHER, CARRIER, RECEIVE, expected=None).objections == ()


def test_exactly_one_op_return_of_value_zero():
    assert codes(RECEIVE, OTHER, expected=None) == ["deposit-op-return"]
    assert codes(RECEIVE, CARRIER, CARRIER, expected=None) == ["deposit-op-return"]
    carrier = CARRIER._replace(amount=Sats(1))
    assert codes(RECEIVE, carrier, expected=None) == ["deposit-op-return"]
    # Another OP_RETURN that we cannot read counts as one too.
    unreadable = TxOut(Sats(0), b"\x6a\x01\x01")
    assert codes(RECEIVE, CARRIER, unreadable, expected=None) == ["deposit-op-return"]
    assert codes(RECEIVE, unreadable, expected=None) == ["op-return-malformed"]


def test_the_payload_is_the_expected_one():
    assert codes(RECEIVE, CARRIER, expected=replace(DEPOSIT, l2_chain_id=1)) == ["deposit-mismatch"]
    anchor = TxOut(Sats(0), op_return_script(encode_payload(ANCHOR)))
    assert codes(RECEIVE, anchor, expected=None) == ["deposit-mismatch"]
    assert codes(RECEIVE, anchor) == ["deposit-mismatch"]


def test_exactly_one_output_on_the_receive_branch():
    assert codes(TO_CHANGE, CARRIER) == ["deposit-output"]
    assert codes(OTHER, CARRIER) == ["deposit-output"]
    assert codes(RECEIVE, RECEIVE, CARRIER) == ["deposit-output"]
    assert codes(RECEIVE, TO_CHANGE, CARRIER) == ["deposit-output"]
    assert report(TO_CHANGE, CARRIER).amount == 0


def test_the_vault_does_not_deposit_with_itself():
    """A change output plus the payload of an earlier deposit must not be credited again."""
    own = funding(VAULT.script(1, 2).script_pubkey, 90_000)
    assert codes(RECEIVE, CARRIER, previous=(own,), spends=own) == ["deposit-from-vault"]
    assert report(RECEIVE, CARRIER, previous=(own,), spends=own).from_vault is True


def test_what_is_spent_must_be_proven():
    assert codes(RECEIVE, CARRIER, previous=()) == ["deposit-origin-unproven"]
    lie = replace(SOURCE, outputs=(SOURCE.outputs[0], OTHER))
    assert codes(RECEIVE, CARRIER, previous=(lie,)) == ["deposit-origin-unproven"]
    short = funding(OTHER.script_pubkey, 5)
    cut = Transaction(2, short.inputs, short.outputs[:1], 0)
    assert codes(RECEIVE, CARRIER, previous=(cut,), spends=cut) == ["deposit-origin-unproven"]
    assert report(RECEIVE, CARRIER, previous=()).from_vault is None


@pytest.mark.parametrize("at", [0, 31])
def test_one_byte_that_is_not_zero_is_enough(at):
    """The first or the last of a field; the batch, whose last byte counts least, and the address likewise."""
    field = bytes(at) + b"\x01" + bytes(31 - at)
    for payload in (replace(ANCHOR, state_root=field), replace(ANCHOR, eth_tx_hash=field)):
        assert decode_payload(encode_payload(payload)) == payload
    for batch in (1, 1 << 56):
        anchor = replace(ANCHOR, batch_id=batch)
        assert decode_payload(encode_payload(anchor)) == anchor
    for address in (b"\x01" + bytes(19), bytes(19) + b"\x01"):
        deposit = replace(DEPOSIT, l2_address=address)
        assert decode_payload(encode_payload(deposit)) == deposit
