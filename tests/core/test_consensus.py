"""The last gate: Core's consensus code says no where it must, on its own test data."""

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pbk
import pytest

from signer import consensus
from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.script import push_data, push_int
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    parse_transaction,
    read_output,
    txid_from_display,
)
from signer.bitcoin.units import Sats
from signer.consensus import CoreConsensusGate, UnsafeWithoutConsensusGate, verify_consensus
from signer.core.errors import Refusal
from tests.vectors import load_json, vector_path

ALL_FLAGS = "P2SH,DERSIG,CHECKLOCKTIMEVERIFY,CHECKSEQUENCEVERIFY,WITNESS,NULLDUMMY,TAPROOT"
CONSENSUS = set(ALL_FLAGS.split(","))
RELAY_POLICY = {"CONST_SCRIPTCODE", "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM"}


def accepts(transaction: Transaction, prevouts: tuple[TxOut, ...]) -> bool:
    try:
        verify_consensus(transaction, prevouts)
    except Refusal as refusal:
        if refusal.code != "consensus-refused":
            raise
        return False
    return True


# --- script_assets_test: Core's own Taproot cases, those with one input ---


def assets() -> Iterator[dict[str, Any]]:
    with gzip.open(vector_path("btcd/taproot_ref/script_assets_test.jsonl.gz"), "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if len(row["prevouts"]) == 1 and row["flags"] == ALL_FLAGS:
                yield row


def satisfied(row: dict[str, Any], name: str) -> Transaction:
    unsigned = parse_transaction(bytes.fromhex(row["tx"]))
    how = row[name]
    txin = unsigned.inputs[0]._replace(script_sig=bytes.fromhex(how["scriptSig"]))
    witness = tuple(bytes.fromhex(item) for item in how["witness"])
    return replace(unsigned, inputs=(txin,), witnesses=(witness,) if witness else ())


def test_script_assets():
    ran = {"success": 0, "failure": 0}
    for row in assets():
        prevouts = tuple(read_output(Reader(bytes.fromhex(each), "t")) for each in row["prevouts"])
        for name in ran:
            if name in row:
                assert accepts(satisfied(row, name), prevouts) == (name == "success"), row[
                    "comment"
                ]
                ran[name] += 1
    assert ran == {"success": 217, "failure": 192}


# --- tx_valid and tx_invalid ---

WORDS = (
    "NOP VER IF NOTIF VERIF VERNOTIF ELSE ENDIF VERIFY RETURN TOALTSTACK FROMALTSTACK 2DROP 2DUP "
    "3DUP 2OVER 2ROT 2SWAP IFDUP DEPTH DROP DUP NIP OVER PICK ROLL ROT SWAP TUCK CAT SUBSTR LEFT "
    "RIGHT SIZE INVERT AND OR XOR EQUAL EQUALVERIFY RESERVED1 RESERVED2 1ADD 1SUB 2MUL 2DIV NEGATE "
    "ABS NOT 0NOTEQUAL ADD SUB MUL DIV MOD LSHIFT RSHIFT BOOLAND BOOLOR NUMEQUAL NUMEQUALVERIFY "
    "NUMNOTEQUAL LESSTHAN GREATERTHAN LESSTHANOREQUAL GREATERTHANOREQUAL MIN MAX WITHIN RIPEMD160 "
    "SHA1 SHA256 HASH160 HASH256 CODESEPARATOR CHECKSIG CHECKSIGVERIFY CHECKMULTISIG "
    "CHECKMULTISIGVERIFY NOP1 CHECKLOCKTIMEVERIFY CHECKSEQUENCEVERIFY"
)
OPCODES = {word: code for code, word in enumerate(WORDS.split(" "), 0x61)}


def assemble(text: str) -> bytes:
    """Core's ParseScript, as far as these files need it."""
    return b"".join(_assemble_word(word) for word in text.split())


def _assemble_word(word: str) -> bytes:
    if re.fullmatch(r"-?\d+", word):
        number = int(word)
        if number >= 0:
            return push_int(number)
        if number == -1:
            return b"\x4f"
        magnitude = (-number).to_bytes((-number).bit_length() // 8 + 1, "little")
        return push_data(magnitude[:-1] + bytes((magnitude[-1] | 0x80,)))
    if word.startswith("0x"):
        return bytes.fromhex(word[2:])
    if word.startswith("'"):
        return push_data(word[1:-1].encode())
    return bytes((OPCODES[word.removeprefix("OP_")],))


def core_cases(name: str) -> Iterator[tuple[Transaction | None, tuple[TxOut, ...], set[str]]]:
    for row in load_json(f"bitcoin-core/src_test_data/{name}.json"):
        if len(row) != 3:
            continue
        spent = {
            OutPoint(txid_from_display(txid), vout % 2**32): TxOut(
                Sats(rest[0] if rest else 0), assemble(script)
            )
            for txid, vout, script, *rest in row[0]
        }
        try:
            transaction = parse_transaction(bytes.fromhex(row[1]))
        except Malformed:
            yield None, (), set(row[2].split(","))
            continue
        prevouts = tuple(spent[txin.previous] for txin in transaction.inputs)
        yield transaction, prevouts, set(row[2].split(","))


def test_tx_valid():
    """Flags named there are switched off. Ours cannot be: seven rows were mined before BIP-66 or BIP-147."""
    verdicts: Counter[bool] = Counter()
    for transaction, prevouts, off in core_cases("tx_valid"):
        assert transaction is not None
        assert accepts(transaction, prevouts) == (not off & CONSENSUS)
        if off & CONSENSUS:
            assert accepts_without(off & CONSENSUS, transaction, prevouts)
        verdicts[not off & CONSENSUS] += 1
    assert verdicts == {True: 114, False: 7}


def test_tx_invalid():
    """All 93. Flags named there are needed for the refusal: without one of ours it is relay policy.

    BADTX is what no script shows: our parser sees four of them (amounts, no outputs); of the others, the
    transactions that repeat an input are `input-repeated`, and no coin of ours is a coinbase's null outpoint.
    """
    verdicts: Counter[str] = Counter()
    for transaction, prevouts, needed in core_cases("tx_invalid"):
        by_parser = transaction is None
        refused = by_parser or not accepts(transaction, prevouts)
        if needed <= {"NONE"} | CONSENSUS:
            assert refused
            verdicts["consensus"] += 1
        elif needed == {"BADTX"}:
            assert refused == by_parser
            verdicts["structure, by our parser" if by_parser else "structure, elsewhere"] += 1
        else:
            assert needed & RELAY_POLICY
            assert not refused
            verdicts["relay policy"] += 1
    assert verdicts == {
        "consensus": 70,
        "structure, by our parser": 4,
        "structure, elsewhere": 5,
        "relay policy": 14,
    }


def accepts_without(off: set[str], transaction: Transaction, prevouts: tuple[TxOut, ...]) -> bool:
    """Core's verdict with these rules switched off, asked beside our gate."""
    flags = pbk.ScriptVerificationFlags.ALL
    for name in off:
        flags &= ~pbk.ScriptVerificationFlags[name]
    spent = [pbk.TransactionOutput(pbk.ScriptPubkey(o.script_pubkey), o.amount) for o in prevouts]
    subject = pbk.Transaction(transaction.serialize())
    shared = pbk.script.PrecomputedTransactionData(subject, spent)
    return all(
        pbk.ScriptPubkey(txout.script_pubkey).verify(txout.amount, subject, shared, index, flags)
        for index, txout in enumerate(prevouts)
    )


# --- the gate ---


def good() -> tuple[Transaction, tuple[TxOut, ...]]:
    row = next(row for row in assets() if "failure" in row)
    prevouts = tuple(read_output(Reader(bytes.fromhex(each), "t")) for each in row["prevouts"])
    return satisfied(row, "success"), prevouts


def test_a_wrong_amount_or_number_of_prevouts_is_refused():
    transaction, prevouts = good()
    CoreConsensusGate().verify(transaction, prevouts)
    lie = (prevouts[0]._replace(amount=Sats(prevouts[0].amount + 1)),)
    for wrong in (lie, (), prevouts * 2):
        with pytest.raises(Refusal) as refusal:
            CoreConsensusGate().verify(transaction, wrong)
        assert refusal.value.code == "consensus-refused"


def test_a_transaction_that_core_cannot_read_is_refused():
    """No inputs: nothing to verify must not mean that all is well."""
    transaction, _ = good()
    assert not accepts(replace(transaction, inputs=(), witnesses=()), ())


def test_without_the_library_nothing_passes(monkeypatch: pytest.MonkeyPatch):
    transaction, prevouts = good()
    consensus._library.cache_clear()
    monkeypatch.setitem(sys.modules, "pbk", None)
    with pytest.raises(Refusal) as refusal:
        CoreConsensusGate().verify(transaction, prevouts)
    assert refusal.value.code == "consensus-gate-missing"
    assert refusal.value.entry.code == "consensus-gate-missing"
    UnsafeWithoutConsensusGate().verify(transaction, prevouts)
    monkeypatch.undo()
    CoreConsensusGate().verify(transaction, prevouts)
