"""The PSBT types that we know, and how long their keys are (BIP-174, 370, 371, 373).

Rule 1: a known type has a key of one of its sizes, or the PSBT is refused: nothing is skipped.
Rule 2: the types of version 2 do not exist in version 0, nor version 0's in version 2 (BIP-370).
Rule 3: a type without a field in the model is read all the same, by `Form.other`, and refused when
        its value is of wrong form.
"""

from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

from signer.bitcoin.psbt.values import musig_keyed, musig_participants
from signer.bitcoin.taproot import MAX_DEPTH

GLOBAL_UNSIGNED_TX = b"\x00"
GLOBAL_XPUB = b"\x01"
GLOBAL_TX_VERSION = b"\x02"
GLOBAL_FALLBACK_LOCKTIME = b"\x03"
GLOBAL_INPUT_COUNT = b"\x04"
GLOBAL_OUTPUT_COUNT = b"\x05"
GLOBAL_TX_MODIFIABLE = b"\x06"
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
IN_PREVIOUS_TXID = b"\x0e"
IN_OUTPUT_INDEX = b"\x0f"
IN_SEQUENCE = b"\x10"
IN_REQUIRED_TIME_LOCKTIME = b"\x11"
IN_REQUIRED_HEIGHT_LOCKTIME = b"\x12"
IN_TAP_KEY_SIG = b"\x13"
IN_TAP_SCRIPT_SIG = b"\x14"
IN_TAP_LEAF_SCRIPT = b"\x15"
IN_TAP_BIP32_DERIVATION = b"\x16"
IN_TAP_INTERNAL_KEY = b"\x17"
IN_TAP_MERKLE_ROOT = b"\x18"

OUT_REDEEM_SCRIPT = b"\x00"
OUT_WITNESS_SCRIPT = b"\x01"
OUT_BIP32_DERIVATION = b"\x02"
OUT_AMOUNT = b"\x03"
OUT_SCRIPT = b"\x04"
OUT_TAP_INTERNAL_KEY = b"\x05"
OUT_TAP_TREE = b"\x06"
OUT_TAP_BIP32_DERIVATION = b"\x07"


class Form(NamedTuple):
    """What a known type must look like."""

    key_sizes: Container[int]
    """How many bytes may follow the type in the key."""
    other: Callable[[bytes, bytes], None] | None = None
    """For types without a field in the model: refuses (key data, value) of wrong form."""


class MapForms(NamedTuple):
    """The types of one kind of map in one PSBT version."""

    known: Mapping[bytes, Form]
    foreign: Mapping[bytes, str]
    """Those of the other version, each with the code of its refusal."""


class Forms(NamedTuple):
    """The types of one PSBT version."""

    of_global: MapForms
    of_input: MapForms
    of_output: MapForms


def _opaque(_: bytes, __: bytes) -> None:
    pass


_ALONE, _PUBKEY = Form((0,)), Form((33,))

_GLOBAL = {GLOBAL_XPUB: Form((78,)), GLOBAL_VERSION: _ALONE}
_GLOBAL_0 = {GLOBAL_UNSIGNED_TX: _ALONE}
_GLOBAL_2 = {
    GLOBAL_TX_VERSION: _ALONE,
    GLOBAL_FALLBACK_LOCKTIME: _ALONE,
    GLOBAL_INPUT_COUNT: _ALONE,
    GLOBAL_OUTPUT_COUNT: _ALONE,
    GLOBAL_TX_MODIFIABLE: _ALONE,
}
_INPUT = {
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
    b"\x1a": Form((33,), musig_participants),  # MUSIG2_PARTICIPANT_PUBKEYS
    b"\x1b": Form((66, 98), musig_keyed(66)),  # MUSIG2_PUB_NONCE
    b"\x1c": Form((66, 98), musig_keyed(32)),  # MUSIG2_PARTIAL_SIG
}
_INPUT_2 = {
    IN_PREVIOUS_TXID: _ALONE,
    IN_OUTPUT_INDEX: _ALONE,
    IN_SEQUENCE: _ALONE,
    IN_REQUIRED_TIME_LOCKTIME: _ALONE,
    IN_REQUIRED_HEIGHT_LOCKTIME: _ALONE,
}
_OUTPUT = {
    OUT_REDEEM_SCRIPT: _ALONE,
    OUT_WITNESS_SCRIPT: _ALONE,
    OUT_BIP32_DERIVATION: _PUBKEY,
    OUT_TAP_INTERNAL_KEY: Form((0,), _opaque),
    OUT_TAP_TREE: Form((0,), _opaque),
    OUT_TAP_BIP32_DERIVATION: Form((32,), _opaque),
    b"\x08": Form((33,), musig_participants),  # MUSIG2_PARTICIPANT_PUBKEYS
}
_OUTPUT_2 = {OUT_AMOUNT: _ALONE, OUT_SCRIPT: _ALONE}

FORMS = {
    0: Forms(
        MapForms(_GLOBAL | _GLOBAL_0, dict.fromkeys(_GLOBAL_2, "psbt-version-2-field")),
        MapForms(_INPUT, dict.fromkeys(_INPUT_2, "psbt-version-2-field")),
        MapForms(_OUTPUT, dict.fromkeys(_OUTPUT_2, "psbt-version-2-field")),
    ),
    2: Forms(
        MapForms(_GLOBAL | _GLOBAL_2, dict.fromkeys(_GLOBAL_0, "psbt-version-0-field")),
        MapForms(_INPUT | _INPUT_2, {}),
        MapForms(_OUTPUT | _OUTPUT_2, {}),
    ),
}
"""By PSBT version: those that are read."""
