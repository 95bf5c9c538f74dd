"""The PSBT types that we know, and the form that each must have (BIP-174, 371, 373).

Rule 1: a known type has a key of one of its sizes, or the PSBT is refused: nothing is skipped.
Rule 2: a value is read to its last byte.
Rule 3: keys of signatures and of Taproot's scripts are points on the curve. Keys in derivations only
        have the form of one: `verify` compares them, byte for byte, with keys that we derive ourselves,
        and 15 square roots per input would cost more than the signing. MuSig2's have the form too:
        their fields are always refused, and 8 MiB of them would cost a second.
Rule 4: types of PSBT version 2 do not exist in version 0 (BIP-370).
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from struct import Struct

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import MAX_PATH, KeyOrigin, KeyPath, parse_xpub_payload
from signer.bitcoin.previous import Allowance
from signer.bitcoin.psbt.model import (
    Bip32Derivation,
    GlobalXpub,
    PartialSignature,
    TapDerivation,
    TapLeafScript,
    TapScriptSignature,
)
from signer.bitcoin.secp import parse_der, parse_pubkey, parse_xonly
from signer.bitcoin.taproot import MAX_DEPTH, TapLeaf, fold_tree
from signer.bitcoin.transaction import TxOut, read_output

GLOBAL_UNSIGNED_TX = b"\x00"
GLOBAL_XPUB = b"\x01"
GLOBAL_VERSION = b"\xfb"
PROPRIETARY = 0xFC

IN_NON_WITNESS_UTXO = b"\x00"
IN_WITNESS_UTXO = b"\x01"
IN_PARTIAL_SIG = b"\x02"
IN_SIGHASH_TYPE = b"\x03"
IN_REDEEM_SCRIPT = b"\x04"
IN_WITNESS_SCRIPT = b"\x05"
IN_BIP32_DERIVATION = b"\x06"
IN_FINAL_SCRIPTSIG = b"\x07"
IN_FINAL_SCRIPTWITNESS = b"\x08"
IN_TAP_KEY_SIG = b"\x13"
IN_TAP_SCRIPT_SIG = b"\x14"
IN_TAP_LEAF_SCRIPT = b"\x15"
IN_TAP_BIP32_DERIVATION = b"\x16"
IN_TAP_INTERNAL_KEY = b"\x17"
IN_TAP_MERKLE_ROOT = b"\x18"

OUT_REDEEM_SCRIPT = b"\x00"
OUT_WITNESS_SCRIPT = b"\x01"
OUT_BIP32_DERIVATION = b"\x02"
OUT_TAP_INTERNAL_KEY = b"\x05"
OUT_TAP_TREE = b"\x06"
OUT_TAP_BIP32_DERIVATION = b"\x07"

_ORIGINS = {4 + 4 * steps: Struct(f"<4s{steps}I") for steps in range(MAX_PATH + 1)}
"""By size."""
_U32 = Struct("<I")
_PREFIXES = frozenset((2, 3))
MAX_LEAVES = 64
"""In one PSBT_OUT_TAP_TREE."""


def _wrong_value(detail: str) -> Malformed:
    return Malformed("psbt-value-malformed", detail)


def _origin(value: bytes) -> tuple[bytes, KeyPath]:
    """A fingerprint of 4 bytes, then child numbers of 4 bytes."""
    form = _ORIGINS.get(len(value))
    if form is None:
        raise _no_origin(len(value))
    numbers = form.unpack(value)
    return numbers[0], numbers[1:]


def _no_origin(size: int) -> Malformed:
    steps, rest = divmod(size - 4, 4)
    if rest or steps < 0:
        return _wrong_value(f"no key origin has {size} bytes")
    return Malformed("psbt-too-many", f"{steps} steps in a path; at most {MAX_PATH} are read")


def read_u32(value: bytes) -> int:
    """A value of exactly 4 bytes, little-endian."""
    if len(value) != 4:
        raise _wrong_value(f"{len(value)} bytes where an integer has 4")
    return int(_U32.unpack(value)[0])


def read_xpub(data: bytes, value: bytes) -> GlobalXpub:
    """PSBT_GLOBAL_XPUB: depth and path must agree (BIP-174)."""
    xpub = parse_xpub_payload(data[4:])
    fingerprint, path = _origin(value)
    if xpub.depth != len(path):
        raise _wrong_value(f"xpub of depth {xpub.depth} with a path of {len(path)} steps")
    return GlobalXpub(xpub, data[:4], KeyOrigin(fingerprint, path))


def read_txout(value: bytes) -> TxOut:
    """PSBT_IN_WITNESS_UTXO."""
    reader = Reader(value, "psbt-value")
    txout = read_output(reader)
    reader.end()
    return txout


def read_stack(value: bytes, allowance: Allowance) -> None:
    """PSBT_IN_FINAL_SCRIPTWITNESS: read to its end, not kept, since nothing uses it."""
    reader = Reader(value, "psbt-value")
    reader.skip_strings(allowance.take(reader.count(1)))
    reader.end()


def read_partial_signature(data: bytes, value: bytes) -> PartialSignature:
    """PSBT_IN_PARTIAL_SIG: a key on the curve; strict DER with low S, then a sighash type.

    Which of the defined sighash types we sign with is for `verify` to say.
    """
    parse_pubkey(data)
    parse_der(value[:-1])
    if not 1 <= value[-1] & 0x7F <= 3:
        raise _wrong_value(f"{value[-1]:#04x} is no sighash type")
    return PartialSignature(data, value)


def read_derivation(data: bytes, value: bytes) -> Bip32Derivation:
    """PSBT_IN_BIP32_DERIVATION and PSBT_OUT_BIP32_DERIVATION (rule 3)."""
    if data[0] not in _PREFIXES:
        raise _no_pubkey()
    fingerprint, path = _origin(value)
    return Bip32Derivation(data, fingerprint, path)


def _opaque(_: bytes, __: bytes) -> None:
    pass


def _sized(*sizes: int) -> Callable[[bytes, bytes], None]:
    def check_size(_: bytes, value: bytes) -> None:
        if len(value) not in sizes:
            raise _wrong_value(f"{len(value)} bytes where the type has {sizes}")

    return check_size


def read_schnorr(value: bytes) -> bytes:
    """PSBT_IN_TAP_KEY_SIG. Which sighash type a 65th byte may name is for `verify` to say."""
    if len(value) not in (64, 65):
        raise _wrong_value(f"{len(value)} bytes where a BIP-340 signature has 64 or 65")
    return value


def read_tap_script_signature(data: bytes, value: bytes) -> TapScriptSignature:
    """PSBT_IN_TAP_SCRIPT_SIG."""
    parse_xonly(data[:32])
    return TapScriptSignature(data[:32], data[32:], read_schnorr(value))


def read_tap_leaf_script(data: bytes, value: bytes) -> TapLeafScript:
    """PSBT_IN_TAP_LEAF_SCRIPT: the value ends with the leaf version."""
    parse_xonly(data[1:33])
    if not value:
        raise _wrong_value("a leaf script ends with its leaf version")
    return TapLeafScript(data, value[:-1], value[-1])


def read_tap_derivation(data: bytes, value: bytes) -> TapDerivation:
    """PSBT_IN_TAP_BIP32_DERIVATION and PSBT_OUT_TAP_BIP32_DERIVATION (rule 3)."""
    reader = Reader(value, "psbt-value")
    leaf_hashes = tuple([reader.take(32) for _ in range(reader.count(32))])
    return TapDerivation(data, leaf_hashes, *_origin(value[reader.position :]))


def read_xonly(value: bytes) -> bytes:
    """PSBT_IN_TAP_INTERNAL_KEY and PSBT_OUT_TAP_INTERNAL_KEY: a point on the curve."""
    parse_xonly(value)
    return value


def read_hash(value: bytes) -> bytes:
    """PSBT_IN_TAP_MERKLE_ROOT."""
    if len(value) != 32:
        raise _wrong_value(f"{len(value)} bytes where a hash has 32")
    return value


def read_tap_tree(value: bytes) -> tuple[TapLeaf, ...]:
    """PSBT_OUT_TAP_TREE: leaves in depth-first order that fill a binary tree (BIP-371)."""
    reader = Reader(value, "psbt-value")
    leaves: list[TapLeaf] = []
    while reader.position < len(value):
        if len(leaves) == MAX_LEAVES:
            raise Malformed("psbt-too-many", f"more than {MAX_LEAVES} leaves in a tree")
        depth, version = reader.u8(), reader.u8()
        if version & 1:
            raise _wrong_value(f"no Taproot leaf has version {version}")
        leaves.append(TapLeaf(depth, reader.var_bytes(), version))
    try:
        fold_tree(((leaf.depth, None) for leaf in leaves), lambda _, __: None)
    except Malformed as error:
        raise _wrong_value(error.detail) from None
    return tuple(leaves)


def _refuse_other_form(keys: bytes) -> None:
    """Rule 3, for keys of 33 bytes one after another."""
    if not _PREFIXES.issuperset(keys[::33]):
        raise _no_pubkey()


def _no_pubkey() -> Malformed:
    return Malformed("pubkey-malformed", "a public key is 33 bytes, compressed")


def _musig_participants(data: bytes, value: bytes) -> None:
    if not value or len(value) % 33:
        raise _wrong_value("MuSig2 participants are keys of 33 bytes, at least one")
    _refuse_other_form(data + value)


def _musig_keyed(size: int) -> Callable[[bytes, bytes], None]:
    check_size = _sized(size)

    def check_musig(data: bytes, value: bytes) -> None:
        _refuse_other_form(data[:66])
        check_size(data, value)

    return check_musig


@dataclass(frozen=True, slots=True)
class Form:
    """What a known type must look like."""

    key_sizes: Container[int]
    """How many bytes may follow the type in the key."""
    other: Callable[[bytes, bytes], None] | None = None
    """For types without a field in the model: refuses (key data, value) of wrong form."""


_ALONE, _PUBKEY = Form((0,)), Form((33,))

GLOBAL_FORMS = {
    GLOBAL_UNSIGNED_TX: _ALONE,
    GLOBAL_XPUB: Form((78,)),
    GLOBAL_VERSION: _ALONE,
}
INPUT_FORMS = {
    IN_NON_WITNESS_UTXO: _ALONE,
    IN_WITNESS_UTXO: _ALONE,
    IN_PARTIAL_SIG: _PUBKEY,
    IN_SIGHASH_TYPE: _ALONE,
    IN_REDEEM_SCRIPT: _ALONE,
    IN_WITNESS_SCRIPT: _ALONE,
    IN_BIP32_DERIVATION: _PUBKEY,
    IN_FINAL_SCRIPTSIG: _ALONE,
    IN_FINAL_SCRIPTWITNESS: _ALONE,
    b"\x09": Form((0,), _opaque),  # POR_COMMITMENT
    b"\x0a": Form((20,), _opaque),  # RIPEMD160
    b"\x0b": Form((32,), _opaque),  # SHA256
    b"\x0c": Form((20,), _opaque),  # HASH160
    b"\x0d": Form((32,), _opaque),  # HASH256
    # Taproot's have a reader of their own, and stay among the others (rule 5 of `model`).
    IN_TAP_KEY_SIG: Form((0,), _opaque),
    IN_TAP_SCRIPT_SIG: Form((64,), _opaque),
    IN_TAP_LEAF_SCRIPT: Form(range(33, 33 + 32 * MAX_DEPTH + 1, 32), _opaque),
    IN_TAP_BIP32_DERIVATION: Form((32,), _opaque),
    IN_TAP_INTERNAL_KEY: Form((0,), _opaque),
    IN_TAP_MERKLE_ROOT: Form((0,), _opaque),
    b"\x1a": Form((33,), _musig_participants),  # MUSIG2_PARTICIPANT_PUBKEYS
    b"\x1b": Form((66, 98), _musig_keyed(66)),  # MUSIG2_PUB_NONCE
    b"\x1c": Form((66, 98), _musig_keyed(32)),  # MUSIG2_PARTIAL_SIG
}
OUTPUT_FORMS = {
    OUT_REDEEM_SCRIPT: _ALONE,
    OUT_WITNESS_SCRIPT: _ALONE,
    OUT_BIP32_DERIVATION: _PUBKEY,
    OUT_TAP_INTERNAL_KEY: Form((0,), _opaque),
    OUT_TAP_TREE: Form((0,), _opaque),
    OUT_TAP_BIP32_DERIVATION: Form((32,), _opaque),
    b"\x08": Form((33,), _musig_participants),  # MUSIG2_PARTICIPANT_PUBKEYS
}

# Types that BIP-370 defines for version 2 only (rule 4).
GLOBAL_VERSION_2 = frozenset(range(0x02, 0x07))
INPUT_VERSION_2 = frozenset(range(0x0E, 0x13))
OUTPUT_VERSION_2 = frozenset((0x03, 0x04))
