"""Scripts. Invariant: `push_data` writes what Core's MINIMALDATA accepts, and it reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.address import script_of
from signer.bitcoin.hashes import hash160
from signer.bitcoin.network import REGTEST
from signer.bitcoin.script import (
    DUST_LIMIT,
    MAX_WITNESS_SCRIPT,
    OP_1NEGATE,
    OP_RETURN,
    ScriptType,
    p2sh,
    p2wsh,
    push_data,
    push_int,
    script_items,
    script_number,
    script_type,
    witness_program,
    witness_script_pubkey,
)
from tests.bitcoin.multisigs import multisig_script
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json


def is_minimal_push(opcode: int, data: bytes) -> bool:
    """Core's CheckMinimalPush (script/script.cpp), as an independent reading of the rule."""
    if len(data) == 0:
        return opcode == 0x00
    if len(data) == 1 and 1 <= data[0] <= 16:
        return opcode == 0x50 + data[0]
    if len(data) == 1 and data[0] == 0x81:
        return opcode == 0x4F
    if len(data) <= 75:
        return opcode == len(data)
    if len(data) <= 255:
        return opcode == 0x4C
    return opcode == (0x4D if len(data) <= 65535 else 0x4E)


@pytest.mark.parametrize("size", [0, 1, 2, 75, 76, 255, 256, 520, 65_535, 65_536, 70_000])
def test_pushes_at_the_edges_are_minimal(size: int) -> None:
    data = b"\xaa" * size
    push = push_data(data)
    assert is_minimal_push(push[0], data)
    assert script_items(push) == [(push[0], data)]


@pytest.mark.parametrize("value", range(256))
def test_pushes_of_one_byte_are_minimal(value: int) -> None:
    push = push_data(bytes((value,)))
    assert is_minimal_push(push[0], bytes((value,)))
    assert len(push) == (1 if value in range(1, 17) or value == 0x81 else 2)


@given(st.binary(max_size=300) | st.binary(max_size=1))
def test_pushes_are_minimal(data: bytes) -> None:
    push = push_data(data)
    assert is_minimal_push(push[0], data)
    if len(push) > 1 or not data:
        assert script_items(push) == [(push[0], data)]
    else:
        value = 0x81 if push[0] == OP_1NEGATE else push[0] - 0x50
        assert bytes((value,)) == data


@pytest.mark.parametrize(
    ("number", "script"),
    [
        (0, "00"),
        (1, "51"),
        (16, "60"),
        (17, "0111"),
        (127, "017f"),
        (128, "028000"),
        (255, "02ff00"),
        (256, "020001"),
        (32_768, "03008000"),
        (500_000_000, "040065cd1d"),
    ],
)
def test_script_numbers(number: int, script: str) -> None:
    assert push_int(number).hex() == script


@pytest.mark.parametrize(
    ("number", "item"),
    [(0, ""), (1, "01"), (16, "10"), (127, "7f"), (128, "8000"), (2**31 - 1, "ffffff7f")],
)
def test_script_numbers_on_the_stack(number: int, item: str) -> None:
    assert script_number(number).hex() == item


def test_no_negative_number_is_written() -> None:
    with refused("script-malformed"):
        push_int(-1)


@pytest.mark.parametrize(
    ("script", "items"),
    [
        ("", []),
        ("51ae", [(0x51, None), (0xAE, None)]),
        ("4f", [(0x4F, None)]),
        ("00", [(0, b"")]),
        ("02abcd", [(2, b"\xab\xcd")]),
        ("4c01ab", [(0x4C, b"\xab")]),
        ("4d0100ab", [(0x4D, b"\xab")]),
        ("4e01000000ab", [(0x4E, b"\xab")]),
    ],
)
def test_items(script: str, items: list[tuple[int, bytes | None]]) -> None:
    assert script_items(bytes.fromhex(script)) == items


@pytest.mark.parametrize(
    "script", ["01", "02ab", "4c", "4c02ab", "4d01", "4d0200ab", "4e010000", "4effffffffab"]
)
def test_half_an_operation(script: str) -> None:
    with refused("script-malformed"):
        script_items(bytes.fromhex(script))


@given(st.binary(max_size=200))
def test_any_bytes_are_operations_or_malformed(script: bytes) -> None:
    items = unless_refused("script-malformed", script_items, script)
    if items is not None:
        widths = {0x4C: 1, 0x4D: 2, 0x4E: 4}
        written = b"".join(
            bytes((opcode,))
            + (len(data or b"").to_bytes(widths[opcode], "little") if opcode in widths else b"")
            + (data or b"")
            for opcode, data in items
        )
        assert written == script


H20, H32 = bytes(range(20)), bytes(range(32))
FORMS = [
    (b"\x76\xa9\x14" + H20 + b"\x88\xac", ScriptType.P2PKH),
    (b"\xa9\x14" + H20 + b"\x87", ScriptType.P2SH),
    (b"\x00\x14" + H20, ScriptType.P2WPKH),
    (b"\x00\x20" + H32, ScriptType.P2WSH),
    (b"\x51\x20" + H32, ScriptType.P2TR),
    (b"\x51\x02\x4e\x73", ScriptType.P2A),
    (b"\x6a", ScriptType.OP_RETURN),
    (b"\x6a\x02ab", ScriptType.OP_RETURN),
    (b"\x51\x02\x4e\x74", ScriptType.WITNESS_UNKNOWN),
    (b"\x52\x20" + H32, ScriptType.WITNESS_UNKNOWN),
    (b"\x60\x28" + bytes(40), ScriptType.WITNESS_UNKNOWN),
    (b"\x51\x14" + H20, ScriptType.WITNESS_UNKNOWN),
]


@pytest.mark.parametrize(("script", "form"), FORMS)
def test_forms(script: bytes, form: ScriptType) -> None:
    assert script_type(script) is form
    if form is not ScriptType.OP_RETURN:
        for other in (script[:-1], script + b"\x00", b"\x61" + script):
            assert script_type(other) is not form or form is ScriptType.WITNESS_UNKNOWN


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"\x00",
        b"\x51",
        b"\x51\x01\x01",  # 1-byte program
        b"\x51\x29" + bytes(41),  # 41-byte program
        b"\x00\x02\x4e\x73",  # version 0 of 2 bytes
        b"\x00\x15" + bytes(21),
        b"\x4f\x20" + H32,  # OP_1NEGATE is no version
        b"\x50\x20" + H32,  # nor is OP_RESERVED
        b"\x61\x20" + H32,
        b"\x51\x4c\x20" + H32,  # not a direct push
        b"\x51\x20" + H32 + b"\x51",
        b"\x76\xa9\x14" + H20 + b"\x88\xad",
        b"\xa9\x14" + H20 + b"\x88",
        b"\xa9\x15" + H20 + b"\x87",
    ],
)
def test_near_misses_are_other(script: bytes) -> None:
    assert script_type(script) is ScriptType.OTHER


@given(st.binary(max_size=44) | st.builds(witness_script_pubkey, st.integers(0, 16), st.binary()))
def test_witness_program_reads_what_is_written(script: bytes) -> None:
    program = witness_program(script)
    if program is not None:
        assert witness_script_pubkey(*program) == script
        assert 2 <= len(program[1]) <= 40


def test_all_that_begins_with_op_return_is_op_return() -> None:
    for length in (1, 22, 23, 25, 34, 42):
        assert script_type(bytes((OP_RETURN,)) * length) is ScriptType.OP_RETURN


def test_multisig_and_its_hash_as_core_writes_them() -> None:
    ran = 0
    for row in load_json("bitcoin-core/functional/rpc_bip67.json"):
        keys = tuple(bytes.fromhex(key) for key in row["keys"])
        in_order = tuple(sorted(keys))
        assert [key.hex() for key in in_order] == row["sorted_keys"]
        script = multisig_script(2, in_order)
        assert script.hex() == row["script"]
        assert p2sh(hash160(script)) == script_of(row["address"], REGTEST)
        assert script_type(p2wsh(script)) is ScriptType.P2WSH
        ran += 1
    assert ran == 4


def test_dust_is_what_core_computes() -> None:
    """3 sat/vB over the output and the input that would spend it (Core's GetDustThreshold)."""
    dust = {}
    for script, form in FORMS[:5]:
        spending = 67 if script[0] in (0x00, 0x51) else 148
        dust[form] = 3 * (8 + 1 + len(script) + spending)
    assert dust == DUST_LIMIT
    assert MAX_WITNESS_SCRIPT == 3_600
