"""A P2WSH script under relay rules, opcode by opcode, and each refusal with a twin one change away."""

import hashlib

import pytest
from coincurve import PrivateKey

from signer.bitcoin.script import push_data, push_int, script_items
from signer.core.errors import VerificationError
from signer.core.standard_script import verify_script
from tests.core.standard_cases import ALICE, BOB, CAROL, A, B, C, high_s
from tests.vectors import load_json

DIGEST = bytes(range(32))
Items = tuple[bytes, ...]


def signed(key: PrivateKey) -> bytes:
    return key.sign(DIGEST, hasher=None) + b"\x01"


SA, SB, SC = map(signed, (ALICE, BOB, CAROL))
WRONG = ALICE.sign(bytes(32), hasher=None) + b"\x01"
HYBRID = b"\x06" + ALICE.public_key.format(compressed=False)[1:33]


def detail_of(script: bytes, items: Items = ()) -> str:
    with pytest.raises(VerificationError) as refusal:
        verify_script(script, items, DIGEST)
    assert refusal.value.code == "transaction-not-standard"
    return refusal.value.objections[0].detail.removeprefix("a witness has ")


CONDITION = "a condition that is neither empty nor 01"
SIGNATURE = "a signature that is neither empty nor good"
NUMBER = "a number that is not minimal"
PUSH = "a push that is not minimal"
KEY = "a public key that is not compressed"
OPERAND = "an operation without its operand"
BRANCH = "a branch that was never opened"


@pytest.mark.parametrize(
    ("script", "good", "bad", "detail"),
    [
        (b"\x63\x68", (b"\x01",), (b"\x02",), CONDITION),
        (b"\x63\x68", (b"",), (b"\x00",), CONDITION),
        (b"\x64\x68", (b"\x01",), (b"\x01\x00",), CONDITION),
        (b"\x73", (b"\x01",), (b"\x80",), CONDITION),
        (A + b"\xac", (SA,), (WRONG,), SIGNATURE),
        (A + b"\xac", (b"",), (b"\x01",), SIGNATURE),
        (A + b"\xac", (SA,), (SB,), SIGNATURE),
        (A + b"\xac", (SA,), (high_s(SA),), SIGNATURE),
        (A + b"\xad", (SA,), (SA[:-1] + b"\x03",), SIGNATURE),
        (A + b"\xac", (SA,), (SA[:-1],), SIGNATURE),
        (b"\x52" + A + B + C + b"\x53\xae", (b"", SA, SC), (b"", SC, SA), SIGNATURE),
        (b"\x52" + A + B + C + b"\x53\xae", (b"", SB, SC), (b"", SB, SB), SIGNATURE),
        (b"\x52" + A + B + C + b"\x53\xae", (b"", b"", b""), (b"", b"", SA), SIGNATURE),
        (b"\x52" + A + B + C + b"\x53\xaf", (b"", SA, SB), (b"", SA, b""), SIGNATURE),
        (b"\x92", (b"\x01",), (b"\x01\x00",), NUMBER),
        (b"\x92", (b"\xff\xff\xff\x7f",), (b"\xff\xff\xff\xff\x00",), NUMBER),
        (b"\x92", (b"\x80\x00",), (b"\x80",), NUMBER),
        (b"\x92", (b"\x7f",), (b"\x81",), NUMBER),
        (b"\x93", (b"\x01", b""), (b"\x01", b"\x00"), NUMBER),
        (b"\x9a", (b"\x01", b""), (b"\x00", b"\x01"), NUMBER),
        (b"\x9b", (b"\x01", b""), (b"\x00", b"\x01"), NUMBER),
        (b"\xac", (b"", ALICE.public_key.format()), (b"", HYBRID), KEY),
        (b"\xac", (b"", b"\x02" * 33), (b"", b"\x02" * 32), KEY),
        (b"\x51\x7c\x51\xae", (b"", b"", b"\x03" * 33), (b"", b"", b"\x04" + bytes(32)), KEY),
        (b"\x69", (b"\x01",), (), OPERAND),
        (b"\x6b\x6c", (b"",), (), OPERAND),
        (b"\x7c", (b"", b""), (b"",), OPERAND),
        (b"\xae", (b"", b"", b""), (b"", b""), OPERAND),
    ],
)  # fmt: skip
def test_items_one_change_apart(script: bytes, good: Items, bad: Items, detail: str) -> None:
    verify_script(script, good, DIGEST)
    assert detail_of(script, bad) == detail


@pytest.mark.parametrize(
    ("good", "bad", "detail"),
    [
        (b"\x01\x11", b"\x01\x10", PUSH),
        (b"\x51", b"\x01\x01", PUSH),
        (b"\x00", b"\x4c\x00", PUSH),
        (b"\x4b" + bytes(75), b"\x4c\x4b" + bytes(75), PUSH),
        (b"\x4c\x4c" + bytes(76), b"\x4d\x4c\x00" + bytes(76), PUSH),
        (b"\x01\x80", b"\x01\x81", PUSH),  # -1 has an opcode
        (b"\x63\x67\x68", b"\x67", BRANCH),
        (b"\x63\x67\x68", b"\x68", BRANCH),
        (b"\x63\x68", b"\x63\x68\x68", BRANCH),
        (b"\x6b\x6c", b"\x6c", OPERAND),
        (b"\x00", b"\x61", "opcode 0x61"),
        (b"\x00", b"\x4f", "opcode 0x4f"),
        (b"\x00", b"\xab", "opcode 0xab"),
        (b"\x00", b"\xba", "opcode 0xba"),
        (b"\x00", b"\x50", "opcode 0x50"),
        (b"\xb1\xb2", b"\xb0", "opcode 0xb0"),
        (b"\x01a", b"\x02a", "a script that is none"),
    ],
)  # fmt: skip
def test_scripts_one_change_apart(good: bytes, bad: bytes, detail: str) -> None:
    verify_script(good, (b"",), DIGEST)
    assert detail_of(bad, (b"",)).startswith(detail)


def equal(script: bytes, items: Items, top: bytes) -> None:
    """The script leaves `top`: only beside another item does NOTIF take the branch that is refused."""
    refuse = b"\x64\x61\x68"  # NOTIF NOP ENDIF
    verify_script(script + push_data(top) + b"\x87" + refuse, items, DIGEST)
    assert detail_of(script + push_data(top + b"\x01") + b"\x87" + refuse, items) == "opcode 0x61"


@pytest.mark.parametrize(
    ("script", "items", "top"),
    [
        (push_int(16), (), b"\x10"),
        (push_int(17), (), b"\x11"),
        (push_int(0), (), b""),
        (b"\x76", (b"ab",), b"ab"),
        (b"\x76\x7c\x69", (b"ab",), b"ab"),
        (b"\x7c", (b"ab", b"cd"), b"ab"),
        (b"\x7c\x69", (b"ab", b"cd"), b"cd"),
        (b"\x6b\x69\x6c", (b"ab", b"cd", b"ef"), b"ef"),
        (b"\x6b\x6b\x6c", (b"ab", b"cd", b"ef"), b"cd"),
        (b"\x73\x69", (b"\x01",), b"\x01"),
        (b"\x73", (b"",), b""),
        (b"\x7c\x73\x69", (b"", b"ab"), b"ab"),
        (b"\x82", (b"ab",), b"\x02"),
        (b"\x82", (b"",), b""),
        (b"\x82\x69", (b"ab",), b"ab"),
        (b"\x82", (bytes(80),), b"\x50"),
        (b"\x87", (b"a", b"a"), b"\x01"),
        (b"\x87", (b"a", b"b"), b""),
        (b"\x88", (b"ab", b"c", b"c"), b"ab"),
        (b"\x92", (b"\x02",), b"\x01"),
        (b"\x92", (b"",), b""),
        (b"\x93", (b"\x7f", b"\x01"), b"\x80\x00"),
        (b"\x93", (b"", b""), b""),
        (b"\x9a", (b"\x02", b"\x01"), b"\x01"),
        (b"\x9a", (b"\x02", b""), b""),
        (b"\x9a", (b"", b"\x02"), b""),
        (b"\x9b", (b"", b"\x02"), b"\x01"),
        (b"\x9b", (b"\x02", b""), b"\x01"),
        (b"\x9b", (b"", b""), b""),
        (b"\xa6", (b"ab",), hashlib.new("ripemd160", b"ab").digest()),
        (b"\xa8", (b"ab",), hashlib.sha256(b"ab").digest()),
        (b"\xa9", (b"ab",), hashlib.new("ripemd160", hashlib.sha256(b"ab").digest()).digest()),
        (b"\xaa", (b"ab",), hashlib.sha256(hashlib.sha256(b"ab").digest()).digest()),
        (A + b"\xac", (SA,), b"\x01"),
        (A + b"\xac", (b"",), b""),
        (A + b"\xad", (b"ab", SA), b"ab"),
        (b"\x51" + A + b"\x51\xae", (b"", SA), b"\x01"),
        (b"\x51" + A + b"\x51\xae", (b"", b""), b""),
        (b"\x51" + A + b"\x51\xaf", (b"ab", b"", SA), b"ab"),
        (b"\xb1", (b"ab",), b"ab"),
        (b"\xb2", (b"ab",), b"ab"),
        (b"\x63\x52\x67\x53\x68", (b"\x01",), b"\x02"),
        (b"\x63\x52\x67\x53\x68", (b"",), b"\x03"),
        (b"\x64\x52\x67\x53\x68", (b"\x01",), b"\x03"),
        (b"\x64\x52\x67\x53\x68", (b"",), b"\x02"),
        (b"\x63\x63\x52\x67\x53\x68\x67\x54\x68", (b"", b"\x01"), b"\x03"),
        (b"\x63\x63\x52\x67\x53\x68\x67\x54\x68", (b"\x01", b"\x01"), b"\x02"),
        (b"\x63\x63\x52\x67\x53\x68\x67\x54\x68", (b"",), b"\x04"),
        (b"\x63\x64\x52\x67\x53\x68\x67\x54\x68", (b"",), b"\x04"),
    ],
)
def test_each_operation(script: bytes, items: Items, top: bytes) -> None:
    equal(script, items, top)


def test_more_keys_than_an_opcode_names() -> None:
    keys = [PrivateKey(bytes((31, number)) * 16) for number in range(20)]
    pushed = b"".join(push_data(key.public_key.format()) for key in keys)
    script = push_int(17) + pushed + push_int(20) + b"\xae"
    good = (b"", *map(signed, keys[3:]))
    verify_script(script, good, DIGEST)
    assert detail_of(script, (*good[:-1], b"")) == SIGNATURE


def test_what_is_not_executed_is_not_read() -> None:
    """Neither opcodes nor pushes, as in Core."""
    verify_script(b"\x63" + b"\x61\x4c\x01a\xac\xae" + b"\x68", (b"",), DIGEST)


def test_a_number_that_asks_for_more_keys_than_there_are_costs_nothing() -> None:
    assert detail_of(b"\xae", (b"\xff\xff\xff\x7f",)) == OPERAND


def refusal_of(script: bytes) -> str:
    """What is said of the script over three empty items; nothing if it passes."""
    try:
        verify_script(script, (b"",) * 3, DIGEST)
    except VerificationError as refusal:
        return str(refusal)
    return ""


def test_every_opcode_that_miniscript_writes_is_known() -> None:
    """In Core's 35 P2WSH scripts: each is run with enough items, or refused for an item, not for itself."""
    cases = load_json("miniscript/core_miniscript_fixed_tests.json")["cases"]
    scripts = [bytes.fromhex(each["wsh"]["script"]) for each in cases if "script" in each["wsh"]]
    written = {
        opcode for script in scripts for opcode, data in script_items(script) if data is None
    }
    unknown = {opcode for opcode in written if "opcode" in refusal_of(bytes((opcode,)))}
    assert unknown == set()
    assert (len(scripts), len(written)) == (35, 30)
