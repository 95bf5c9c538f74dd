"""Scripts: the opcodes that we write, and the standard forms of a scriptPubKey.

Rule 1: pushes are minimal, as BIP-62 rule 3 and Core's MINIMALDATA ask.
Rule 2: a scriptPubKey is classified by its whole bytes, never by a prefix or a substring; but all
        that begins with OP_RETURN is OP_RETURN, because nobody can ever spend it.
"""

from enum import StrEnum

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.units import Sats

OP_0 = 0x00
OP_PUSHDATA1 = 0x4C
OP_PUSHDATA2 = 0x4D
OP_PUSHDATA4 = 0x4E
OP_1NEGATE = 0x4F
OP_1 = 0x51
OP_16 = 0x60
OP_IF = 0x63
OP_NOTIF = 0x64
OP_ELSE = 0x67
OP_ENDIF = 0x68
OP_VERIFY = 0x69
OP_RETURN = 0x6A
OP_TOALTSTACK = 0x6B
OP_FROMALTSTACK = 0x6C
OP_IFDUP = 0x73
OP_DUP = 0x76
OP_SWAP = 0x7C
OP_SIZE = 0x82
OP_EQUAL = 0x87
OP_EQUALVERIFY = 0x88
OP_0NOTEQUAL = 0x92
OP_ADD = 0x93
OP_BOOLAND = 0x9A
OP_BOOLOR = 0x9B
OP_NUMEQUAL = 0x9C
OP_NUMEQUALVERIFY = 0x9D
OP_RIPEMD160 = 0xA6
OP_SHA256 = 0xA8
OP_HASH160 = 0xA9
OP_HASH256 = 0xAA
OP_CHECKSIG = 0xAC
OP_CHECKSIGVERIFY = 0xAD
OP_CHECKMULTISIG = 0xAE
OP_CHECKMULTISIGVERIFY = 0xAF
OP_CHECKLOCKTIMEVERIFY = 0xB1
OP_CHECKSEQUENCEVERIFY = 0xB2
OP_CHECKSIGADD = 0xBA

MAX_WITNESS_SCRIPT = 3_600
"""Core's MAX_STANDARD_P2WSH_SCRIPT_SIZE."""


class ScriptType(StrEnum):
    """Forms of a scriptPubKey, in the words of BIPs and policies."""

    P2PKH = "p2pkh"
    P2SH = "p2sh"
    P2WPKH = "p2wpkh"
    P2WSH = "p2wsh"
    P2TR = "p2tr"
    P2A = "p2a"
    OP_RETURN = "op_return"
    WITNESS_UNKNOWN = "witness_unknown"
    OTHER = "other"


# Dust at Core's 3 sat/vB for the types a vault may pay to (checklist F4).
DUST_LIMIT = {
    ScriptType.P2PKH: Sats(546),
    ScriptType.P2SH: Sats(540),
    ScriptType.P2WPKH: Sats(294),
    ScriptType.P2WSH: Sats(330),
    ScriptType.P2TR: Sats(330),
}


def push_data(data: bytes) -> bytes:
    """The minimal push of these bytes (that a script may hold at most 520 of them, consensus says)."""
    size = len(data)
    if size == 0:
        return bytes((OP_0,))
    if size == 1 and 1 <= data[0] <= 16:
        return bytes((OP_1 + data[0] - 1,))
    if data == b"\x81":
        return bytes((OP_1NEGATE,))
    if size < OP_PUSHDATA1:
        return bytes((size,)) + data
    if size <= 0xFF:
        return bytes((OP_PUSHDATA1, size)) + data
    if size <= 0xFFFF:
        return bytes((OP_PUSHDATA2,)) + size.to_bytes(2, "little") + data
    return bytes((OP_PUSHDATA4,)) + size.to_bytes(4, "little") + data


def script_number(value: int) -> bytes:
    """A number that is not negative, as scripts have it on the stack: minimal."""
    return value.to_bytes(value.bit_length() // 8 + 1, "little") if value else b""


def push_int(value: int) -> bytes:
    """The minimal push of a non-negative script number. Raises Malformed `script-malformed`."""
    if value < 0:
        raise Malformed("script-malformed", f"we write no negative number: {value}")
    if value == 0:
        return bytes((OP_0,))
    if value <= 16:
        return bytes((OP_1 + value - 1,))
    return push_data(script_number(value))


def script_items(script: bytes) -> list[tuple[int, bytes | None]]:
    """(opcode, pushed bytes or None) of each operation. Raises Malformed `script-malformed`."""
    reader = Reader(script, "script")
    items: list[tuple[int, bytes | None]] = []
    while reader.position < len(script):
        opcode = reader.u8()
        if opcode > OP_PUSHDATA4:
            items.append((opcode, None))
            continue
        size = opcode
        if opcode >= OP_PUSHDATA1:
            size = int.from_bytes(reader.take(1 << (opcode - OP_PUSHDATA1)), "little")
        items.append((opcode, reader.take(size)))
    return items


def script_type(script: bytes) -> ScriptType:
    """The standard form of a scriptPubKey, or OTHER."""
    size = len(script)
    if size == 25 and script == p2pkh(script[3:23]):
        return ScriptType.P2PKH
    if size == 23 and script == p2sh(script[2:22]):
        return ScriptType.P2SH
    if size and script[0] == OP_RETURN:
        return ScriptType.OP_RETURN
    program = witness_program(script)
    return ScriptType.OTHER if program is None else _witness_type(*program)


def _witness_type(version: int, program: bytes) -> ScriptType:
    if version == 0:
        return {20: ScriptType.P2WPKH, 32: ScriptType.P2WSH}.get(len(program), ScriptType.OTHER)
    if version == 1 and len(program) == 32:
        return ScriptType.P2TR
    if version == 1 and program == b"\x4e\x73":
        return ScriptType.P2A
    return ScriptType.WITNESS_UNKNOWN


def witness_program(script: bytes) -> tuple[int, bytes] | None:
    """(version, program) when the scriptPubKey is a witness program (BIP-141)."""
    if not 4 <= len(script) <= 42 or script[1] != len(script) - 2:
        return None
    if script[0] == OP_0:
        return 0, script[2:]
    if OP_1 <= script[0] <= OP_16:
        return script[0] - OP_1 + 1, script[2:]
    return None


def witness_script_pubkey(version: int, program: bytes) -> bytes:
    """The scriptPubKey of a witness program of 2 to 40 bytes (BIP-141)."""
    return push_int(version) + bytes((len(program),)) + program


def p2pkh(pubkey_hash: bytes) -> bytes:
    """The scriptPubKey that pays to the hash160 of a public key."""
    head, tail = (OP_DUP, OP_HASH160, 20), (OP_EQUALVERIFY, OP_CHECKSIG)
    return bytes(head) + pubkey_hash + bytes(tail)


def p2sh(script_hash: bytes) -> bytes:
    """The scriptPubKey that pays to the hash160 of a redeem script (BIP-16)."""
    return bytes((OP_HASH160, 20)) + script_hash + bytes((OP_EQUAL,))


def p2wsh(witness_script: bytes) -> bytes:
    """The scriptPubKey that commits to a witness script (BIP-141)."""
    return b"\x00\x20" + sha256(witness_script)
