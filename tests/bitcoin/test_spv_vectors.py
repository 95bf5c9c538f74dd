"""bitcoin-spv's vectors: each group is run, or is for the chain, or says why not.

Those vectors are of functions on slices of bytes. We read whole transactions only, so a slice gets the rest
of a transaction around it; where the reference refuses, so do we.
"""

from collections.abc import Callable
from typing import Any

import pytest

from signer.bitcoin.address import address_of
from signer.bitcoin.codec import Reader, u32
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160, hash256, ripemd160, sha256
from signer.bitcoin.merkle import root_of
from signer.bitcoin.network import MAINNET
from signer.bitcoin.script import (
    OP_RETURN,
    ScriptType,
    p2pkh,
    p2sh,
    script_items,
    script_type,
    witness_program,
    witness_script_pubkey,
)
from signer.bitcoin.transaction import TxIn, TxOut, parse_transaction
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json

Row = dict[str, Any]
VIN = b"\x01" + bytes(36) + b"\x00" + bytes(4)
VOUT = b"\x01" + bytes(8) + b"\x00"


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x").removeprefix("0X"))


def read_vin(vin: bytes) -> tuple[TxIn, ...]:
    return parse_transaction(u32(1) + vin + VOUT + u32(0)).inputs


def read_vout(vout: bytes) -> tuple[TxOut, ...]:
    return parse_transaction(u32(1) + VIN + vout + u32(0)).outputs


def one_input(text: str) -> TxIn:
    (only,) = read_vin(b"\x01" + raw(text))
    return only


def one_output(text: str) -> TxOut:
    (only,) = read_vout(b"\x01" + raw(text))
    return only


def is_read(read: Callable[[bytes], object], text: str) -> bool:
    codes = "transaction-malformed or amount-out-of-range"
    return unless_refused(codes, read, raw(text)) is not None


def script_sig_as_written(text: str) -> bytes:
    return one_input(text).serialize()[36:-4]


def input_at(given: Row) -> bytes:
    return read_vin(raw(given["vin"]))[given["index"]].serialize()


def output_at(given: Row) -> bytes:
    return read_vout(raw(given["vout"]))[given["index"]].serialize()


def only_the_first_input(row: Row) -> bool:
    """Exactly so many bytes are an input: one less is none."""
    data = raw(row["input"])
    one_input(data[: row["output"]].hex())
    return not is_read(read_vin, "01" + data[: row["output"] - 1].hex())


def output_of_that_length(row: Row) -> bool:
    """With as many bytes as announced it is an output, with one less it is none."""
    data = raw(row["input"]).ljust(row["output"], b"\x00")[: row["output"]]
    one_output(data.hex())
    return not is_read(read_vout, "01" + data[:-1].hex())


def hash_paid(text: str) -> bytes:
    """The hash in a standard output's script. Raises Malformed where it is none, as the reference does."""
    script = one_output(text).script_pubkey
    kind = script_type(script)
    if kind is ScriptType.P2PKH:
        return script[3:23]
    if kind is ScriptType.P2SH:
        return script[2:22]
    program = witness_program(script)
    if program is None or kind is ScriptType.OTHER:
        raise Malformed("transaction-malformed", f"{kind} has no hash")
    return program[1]


def data_of_op_return(text: str) -> bytes | None:
    (opcode, _), (_, data) = script_items(one_output(text).script_pubkey)
    if opcode != OP_RETURN:
        raise Malformed("transaction-malformed", "no OP_RETURN")
    return data


def leads(leaf: bytes, nodes: bytes, index: int, root: bytes) -> bool:
    branch = [nodes[at : at + 32] for at in range(0, len(nodes), 32)]
    try:
        return root_of(leaf, index, branch) == root
    except Malformed:
        return False


def verify_hash256_merkle(given: Row) -> bool:
    """Leaf, siblings and root in one string: a single hash is leaf and root. What is shorter is no leaf."""
    data = raw(given["proof"])
    return len(data) >= 32 and leads(data[:32], data[32:-32], given["index"], data[-32:])


def prove(given: Row) -> bool:
    leaf, root = raw(given["txIdLE"]), raw(given["merkleRootLE"])
    return leads(leaf, raw(given["proof"]), given["index"], root)


def txid(given: Row) -> bytes:
    names = ("version", "vin", "vout", "locktime")
    return parse_transaction(b"".join(raw(given[name]) for name in names)).txid


OURS: dict[str, Callable[[Any], object]] = {
    "verifyHash256Merkle": verify_hash256_merkle,
    "prove": prove,
    "hash256MerkleStep": lambda pair: hash256(raw(pair[0]) + raw(pair[1])),
    "hash256": lambda text: hash256(raw(text)),
    "hash160": lambda text: hash160(raw(text)),
    "sha256": lambda text: sha256(raw(text)),
    "ripemd160": lambda text: ripemd160(raw(text)),
    "calculateTxId": txid,
    "extractScriptSig": script_sig_as_written,
    "scriptSig": script_sig_as_written,
    "extractScriptSigLen": lambda text: [0, len(one_input(text).script_sig)],
    "extractSequenceLELegacy": lambda text: u32(one_input(text).sequence),
    "extractSequenceLEWitness": lambda text: u32(one_input(text).sequence),
    "extractSequenceLegacy": lambda text: one_input(text).sequence,
    "extractSequenceWitness": lambda text: one_input(text).sequence,
    "extractOutpoint": lambda text: one_input(text).previous.serialize(),
    "extractInputTxIdLE": lambda text: one_input(text).previous.txid,
    "extractTxIndexLE": lambda text: u32(one_input(text).previous.vout),
    "extractTxIndex": lambda text: one_input(text).previous.vout,
    "isLegacyInput": lambda text: bool(one_input(text).script_sig),
    "extractInputAtIndex": input_at,
    "extractOutputAtIndex": output_at,
    "extractValueLE": lambda text: one_output(text).serialize()[:8],
    "extractValue": lambda text: one_output(text).amount,
    "scriptPubkey": lambda text: one_output(text).serialize()[8:],
    "extractHash": hash_paid,
    "extractOpReturnData": data_of_op_return,
    "validateVin": lambda text: is_read(read_vin, text),
    "validateVout": lambda text: is_read(read_vout, text),
    "tryAsVin": lambda text: is_read(read_vin, text),
    "tryAsVout": lambda text: is_read(read_vout, text),
    "encodeP2SH": lambda text: address_of(p2sh(raw(text)), MAINNET),
    "encodeP2PKH": lambda text: address_of(p2pkh(raw(text)), MAINNET),
    "encodeP2WSH": lambda text: address_of(witness_script_pubkey(0, raw(text)), MAINNET),
    "encodeP2WPKH": lambda text: address_of(witness_script_pubkey(0, raw(text)), MAINNET),
}
"""What gives the output from the input."""
OF_THE_ROW: dict[str, Callable[[Row], bool]] = {
    "determineInputLength": only_the_first_input,
    "determineOutputLength": output_of_that_length,
}
REFUSED: dict[str, Callable[[Any], object]] = {
    "parseVarIntError": lambda text: Reader(raw(text), "transaction").compact_size(),
    "extractSequenceLELegacyError": one_input,
    "extractSequenceLegacyError": one_input,
    "extractScriptSigError": one_input,
    "scriptSigError": one_input,
    "extractInputAtIndexError": input_at,
    "indexVinError": input_at,
    "tryAsVinError": lambda text: read_vin(raw(text)),
    "tryAsVoutError": lambda text: read_vout(raw(text)),
    "extractOutputAtIndexError": output_at,
    "indexVoutError": output_at,
    "determineOutputLengthError": one_output,
    "extractOpReturnDataError": data_of_op_return,
    "extractHashError": hash_paid,
}
"""What raises; an index behind the last is Python's IndexError, since we index our own tuples only."""
VAR_INTS = ("parseVarInt", "determineVarIntDataLength")
CHAINS = (
    *("extractMerkleRootLE", "extractTarget", "extractPrevBlockLE", "extractTimestamp", "work"),
    *("workHash", "validateHeaderWork", "checkWork", "validateHeaderPrevHash"),
    *("validateHeaderChain", "validateHeaderChainError", "retargetAlgorithm"),
)
"""Headers, targets, chains: their tests are beside `signer/bitcoin/header.py` and its neighbours."""
APART = {
    "INPUT_TYPES": "numbers of an enumeration of theirs",
    "OUTPUT_TYPES": "numbers of an enumeration of theirs",
    "getErrBadLength": "a number that stands for an error: ours are codes",
    "getErrInvalidChain": "a number that stands for an error: ours are codes",
    "getErrLowWork": "a number that stands for an error: ours are codes",
    "calculateDifficultyError": "a type error of JavaScript: mypy's matter",
    "lastBytes": "Python's slices",
    "lastBytesError": "Python's slices",
    "reverseEndianness": "Python's slices",
    "bytesToUint": "int.from_bytes",
    "safeSlice": "Python's slices",
    "safeSliceError": "Python's slices",
    "typedArraysAreEqual": "Python's ==",
    "typedArraysAreEqualError": "a type error of JavaScript: mypy's matter",
    "concatUint8Arrays": "Python's +",
}


@pytest.fixture(scope="module")
def vectors() -> Row:
    found: Row = load_json("bitcoin-spv/testVectors.json")
    return found


def test_every_group_has_its_place(vectors: Row) -> None:
    run = [*OURS, *OF_THE_ROW, *REFUSED, *VAR_INTS]
    assert sorted([*run, *CHAINS, *APART]) == sorted(vectors)
    assert sum(len(vectors[name]) for name in run) == 179
    assert sum(len(vectors[name]) for name in CHAINS) == 26
    assert sum(len(vectors[name]) for name in APART) == 38


@pytest.mark.parametrize("name", OURS)
def test_a_group_of_answers(vectors: Row, name: str) -> None:
    for row in vectors[name]:
        found, wanted = OURS[name](row["input"]), row["output"]
        assert found == (raw(wanted) if isinstance(found, bytes) else wanted), row


@pytest.mark.parametrize("name", OF_THE_ROW)
def test_a_group_of_lengths(vectors: Row, name: str) -> None:
    assert all(OF_THE_ROW[name](row) for row in vectors[name])


@pytest.mark.parametrize("name", REFUSED)
def test_a_group_of_refusals(vectors: Row, name: str) -> None:
    for row in vectors[name]:
        with pytest.raises((Malformed, IndexError)):
            REFUSED[name](row["input"])


def test_var_ints_in_their_shortest_form(vectors: Row) -> None:
    """As the Solidity reference: what is longer than it must be is refused."""
    widths = {row["input"]: row["output"] for row in vectors["determineVarIntDataLength"]}
    for row in vectors["parseVarInt"]:
        reader = Reader(raw(row["input"]), "transaction")
        width, value = row["output"]
        assert widths.get(reader.data[0], 0) == width
        if "solidityError" in row:
            with refused("transaction-malformed"):
                reader.compact_size()
        else:
            assert (reader.compact_size(), reader.position) == (value, width + 1)
