"""The values of PSBT fields (BIP-174, 370, 371, 373), each read by one function.

Rule 1: a value is read to its last byte.
Rule 2: keys of signatures and of Taproot's scripts are points on the curve. Keys in derivations only
        have the form of one: `verify` compares them, byte for byte, with keys that we derive ourselves,
        and 15 square roots per input would cost more than the signing. MuSig2's have the form too:
        their fields are always refused, and 8 MiB of them would cost a second.
"""

from collections.abc import Callable
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
from signer.bitcoin.taproot import TapLeaf, fold_tree
from signer.bitcoin.transaction import LOCKTIME_THRESHOLD, TxOut, read_output
from signer.bitcoin.units import Sats, sats_checked

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


def read_u8(value: bytes) -> int:
    """PSBT_GLOBAL_TX_MODIFIABLE: a value of exactly one byte."""
    if len(value) != 1:
        raise _wrong_value(f"{len(value)} bytes where flags have 1")
    return value[0]


def read_count(value: bytes) -> int:
    """PSBT_GLOBAL_INPUT_COUNT and PSBT_GLOBAL_OUTPUT_COUNT: a CompactSize and nothing else."""
    reader = Reader(value, "psbt-value")
    count = reader.compact_size()
    reader.end()
    return count


def read_amount(value: bytes) -> Sats:
    """PSBT_OUT_AMOUNT."""
    if len(value) != 8:
        raise _wrong_value(f"{len(value)} bytes where an amount has 8")
    return sats_checked(int.from_bytes(value, "little"))


def read_required_height(value: bytes) -> int:
    """PSBT_IN_REQUIRED_HEIGHT_LOCKTIME: a height, not 0."""
    height = read_u32(value)
    if not 0 < height < LOCKTIME_THRESHOLD:
        raise _wrong_value(f"{height} is no height that an input can require")
    return height


def read_required_time(value: bytes) -> int:
    """PSBT_IN_REQUIRED_TIME_LOCKTIME."""
    time = read_u32(value)
    if time < LOCKTIME_THRESHOLD:
        raise _wrong_value(f"{time} is a height, not a time")
    return time


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
    """PSBT_IN_BIP32_DERIVATION and PSBT_OUT_BIP32_DERIVATION (rule 2)."""
    if data[0] not in _PREFIXES:
        raise _no_pubkey()
    fingerprint, path = _origin(value)
    return Bip32Derivation(data, fingerprint, path)


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
    """PSBT_IN_TAP_BIP32_DERIVATION and PSBT_OUT_TAP_BIP32_DERIVATION (rule 2)."""
    reader = Reader(value, "psbt-value")
    leaf_hashes = tuple([reader.take(32) for _ in range(reader.count(32))])
    return TapDerivation(data, leaf_hashes, *_origin(value[reader.position :]))


def read_xonly(value: bytes) -> bytes:
    """PSBT_IN_TAP_INTERNAL_KEY and PSBT_OUT_TAP_INTERNAL_KEY: a point on the curve."""
    parse_xonly(value)
    return value


def read_hash(value: bytes) -> bytes:
    """PSBT_IN_TAP_MERKLE_ROOT and PSBT_IN_PREVIOUS_TXID."""
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
    """Rule 2, for keys of 33 bytes one after another."""
    if not _PREFIXES.issuperset(keys[::33]):
        raise _no_pubkey()


def _no_pubkey() -> Malformed:
    return Malformed("pubkey-malformed", "a public key is 33 bytes, compressed")


def musig_participants(data: bytes, value: bytes) -> None:
    """MUSIG2_PARTICIPANT_PUBKEYS (BIP-373): the aggregate key, then the participants' (rule 2)."""
    if not value or len(value) % 33:
        raise _wrong_value("MuSig2 participants are keys of 33 bytes, at least one")
    _refuse_other_form(data + value)


def musig_keyed(size: int) -> Callable[[bytes, bytes], None]:
    """MUSIG2_PUB_NONCE and MUSIG2_PARTIAL_SIG (BIP-373): two keys, then perhaps a leaf hash (rule 2)."""

    def refuse_other_form(data: bytes, value: bytes) -> None:
        _refuse_other_form(data[:66])
        if len(value) != size:
            raise _wrong_value(f"{len(value)} bytes where the type has {size}")

    return refuse_other_form
