"""The strict PSBT reader (BIP-174), the one birthplace of UnverifiedPsbt. Checklist group A.

Rule 1: sizes and counts are compared with the limits before anything is built from them.
Rule 2: every length is a CompactSize in its shortest form; no byte is left over.
Rule 3: no key occurs twice in a map; a known type has the form that `fields` gives it.
Rule 4: another version than 0 is refused before anything else of the PSBT is interpreted.
Rule 5: unknown and proprietary pairs are kept as they are, for `verify` to refuse.
Rule 6: a previous transaction has the txid and the output that its input's outpoint names, so it is
        proven; a witness UTXO is a claim.
Rule 7: what is accepted is written again byte for byte (`writer.serialize_psbt`).
"""

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.previous import MAX_PARTS, Allowance, read_previous
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import Pair, PsbtInput, PsbtOutput, UnverifiedPsbt
from signer.bitcoin.transaction import Transaction, TxIn, TxOut, parse_unsigned

T = TypeVar("T")

MAGIC = b"psbt\xff"
_VERSION_0 = bytes(4)


@dataclass(frozen=True, slots=True)
class PsbtLimits:
    """What we are willing to read."""

    total_bytes: int = 8 * 1024 * 1024
    inputs: int = 500
    outputs: int = 500
    pairs: int = 64
    """In one map. An 11-of-15 input with all its derivations and signatures has 34."""
    key_bytes: int = 256
    value_bytes: int = 400_000
    """A standard previous transaction always fits."""
    parts: int = MAX_PARTS
    """Of all previous transactions, and items of final witnesses."""


DEFAULT_LIMITS = PsbtLimits()


def psbt_from_base64(text: str) -> bytes:
    """The bytes of canonical base64. Raises Malformed `psbt-too-large` or `base64-malformed`."""
    if len(text) > (DEFAULT_LIMITS.total_bytes + 2) // 3 * 4:
        raise Malformed("psbt-too-large", f"{len(text)} characters of base64")
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed("base64-malformed", "not base64") from None
    if b64encode(data).decode() != text:
        raise Malformed("base64-malformed", "the padding is not canonical")
    return data


def parse_psbt(data: bytes, limits: PsbtLimits = DEFAULT_LIMITS) -> UnverifiedPsbt:
    """The PSBT that these bytes are. Raises Malformed with the rule that they break."""
    if len(data) > limits.total_bytes:
        raise Malformed("psbt-too-large", f"{len(data)} bytes; at most {limits.total_bytes}")
    if data[:5] != MAGIC:
        raise Malformed("psbt-magic", "a PSBT begins with 70736274ff")
    reader = Reader(data, "psbt")
    reader.position = len(MAGIC)

    pairs = _read_map(reader, limits)
    if pairs.get(fields.GLOBAL_VERSION, _VERSION_0) != _VERSION_0:
        raise Malformed("psbt-version-unsupported", "only PSBT version 0 is read")
    sorted_pairs = _sort(pairs, fields.GLOBAL_FORMS, fields.GLOBAL_VERSION_2)
    transaction = _read_unsigned(pairs, limits)
    allowance = Allowance(limits.parts)
    inputs = tuple([_read_input(reader, limits, txin, allowance) for txin in transaction.inputs])
    outputs = tuple([_read_output(reader, limits) for _ in transaction.outputs])
    reader.end()
    return UnverifiedPsbt(
        version=0,
        transaction=transaction,
        global_pairs=sorted_pairs.all,
        xpubs=_each(sorted_pairs.keyed, fields.GLOBAL_XPUB, fields.read_xpub),
        unknown=sorted_pairs.unknown,
        inputs=inputs,
        outputs=outputs,
    )


def _read_map(reader: Reader, limits: PsbtLimits) -> dict[bytes, bytes]:
    """Pairs up to the separator, in their order."""
    pairs: dict[bytes, bytes] = {}
    key_bytes, value_bytes = limits.key_bytes, limits.value_bytes
    for key, value in reader.pairs():
        if len(key) > key_bytes or len(value) > value_bytes:
            raise Malformed("psbt-too-large", f"{len(key)} bytes of key, {len(value)} of value")
        if key in pairs:
            raise Malformed("psbt-duplicate-key", f"key {key.hex()} twice in one map")
        pairs[key] = value
        if len(pairs) > limits.pairs:
            raise Malformed("psbt-too-many", f"more than {limits.pairs} pairs in one map")
    return pairs


def _read_unsigned(pairs: dict[bytes, bytes], limits: PsbtLimits) -> Transaction:
    transaction = _only(pairs, fields.GLOBAL_UNSIGNED_TX, parse_unsigned)
    if transaction is None:
        raise Malformed("psbt-unsigned-tx", "there is no unsigned transaction")
    if len(transaction.inputs) > limits.inputs or len(transaction.outputs) > limits.outputs:
        raise Malformed(
            "psbt-too-many",
            f"{len(transaction.inputs)} inputs, {len(transaction.outputs)} outputs; "
            f"at most {limits.inputs} and {limits.outputs}",
        )
    if any(txin.script_sig for txin in transaction.inputs):
        raise Malformed("psbt-unsigned-tx", "the unsigned transaction has a scriptSig")
    return transaction


class _Sorted(NamedTuple):
    """The pairs of one map. Known types have a key of right size."""

    all: tuple[Pair, ...]
    keyed: dict[bytes, list[Pair]]
    """Of known types, those with key data, by type."""
    other: tuple[Pair, ...]
    unknown: tuple[Pair, ...]


def _sort(
    pairs: dict[bytes, bytes], forms: Mapping[bytes, fields.Form], version_2: frozenset[int]
) -> _Sorted:
    items = tuple(pairs.items())
    keyed: dict[bytes, list[Pair]] = {}
    other: list[Pair] = []
    unknown: list[Pair] = []
    for pair in items:
        key, value = pair
        kind, data_size = key[:1], len(key) - 1
        form = forms.get(kind)
        if form is None:
            _refuse_misfit(key, version_2)
            unknown.append(pair)
            continue
        if data_size not in form.key_sizes:
            raise Malformed("psbt-key-malformed", f"key {key.hex()} has a wrong size")
        if data_size:
            keyed.setdefault(kind, []).append(pair)
        if form.other is not None:
            form.other(key[1:], value)
            other.append(pair)
    return _Sorted(items, keyed, tuple(other), tuple(unknown))


def _refuse_misfit(key: bytes, version_2: frozenset[int]) -> None:
    """A type that we do not know must be a whole CompactSize, and not one of version 2."""
    reader = Reader(key, "psbt-key")
    kind = reader.compact_size()
    if kind in version_2:
        raise Malformed("psbt-version-2-field", f"type {kind:#04x} exists in version 2 only")
    if kind == fields.PROPRIETARY:
        reader.var_bytes()
        reader.compact_size()


def _only(pairs: dict[bytes, bytes], key: bytes, read: Callable[[bytes], T]) -> T | None:
    """The reading of the pair of a type whose key has no data; None when there is none."""
    value = pairs.get(key)
    return None if value is None else read(value)


def _each(
    keyed: dict[bytes, list[Pair]], kind: bytes, read: Callable[[bytes, bytes], T]
) -> tuple[T, ...]:
    """The readings of all pairs of a type whose key has data, in their order."""
    pairs = keyed.get(kind)
    return () if pairs is None else tuple([read(key[1:], value) for key, value in pairs])


def _prove(pairs: dict[bytes, bytes], txin: TxIn, allowance: Allowance) -> TxOut | None:
    """The output that the outpoint names, from the transaction that has its txid (BIP-174)."""
    data = pairs.get(fields.IN_NON_WITNESS_UTXO)
    if data is None:
        return None
    previous = read_previous(data, allowance)
    output = previous.output(txin.previous.vout)
    if previous.txid != txin.previous.txid or output is None:
        raise Malformed("psbt-previous-transaction", f"it does not create {txin.previous}")
    return output


def _read_input(reader: Reader, limits: PsbtLimits, txin: TxIn, allowance: Allowance) -> PsbtInput:
    pairs = _read_map(reader, limits)
    items, keyed, other, unknown = _sort(pairs, fields.INPUT_FORMS, fields.INPUT_VERSION_2)
    final_witness = pairs.get(fields.IN_FINAL_SCRIPTWITNESS)
    if final_witness is not None:
        fields.read_stack(final_witness, allowance)
    return PsbtInput(
        pairs=items,
        non_witness_utxo=pairs.get(fields.IN_NON_WITNESS_UTXO),
        proven_utxo=_prove(pairs, txin, allowance),
        witness_utxo=_only(pairs, fields.IN_WITNESS_UTXO, fields.read_txout),
        partial_signatures=_each(keyed, fields.IN_PARTIAL_SIG, fields.read_partial_signature),
        sighash_type=_only(pairs, fields.IN_SIGHASH_TYPE, fields.read_u32),
        redeem_script=pairs.get(fields.IN_REDEEM_SCRIPT),
        witness_script=pairs.get(fields.IN_WITNESS_SCRIPT),
        bip32_derivations=_each(keyed, fields.IN_BIP32_DERIVATION, fields.read_derivation),
        final_script_sig=pairs.get(fields.IN_FINAL_SCRIPTSIG),
        final_script_witness=final_witness,
        tap_key_signature=_only(pairs, fields.IN_TAP_KEY_SIG, fields.read_schnorr),
        tap_script_signatures=_each(
            keyed, fields.IN_TAP_SCRIPT_SIG, fields.read_tap_script_signature
        ),
        tap_leaf_scripts=_each(keyed, fields.IN_TAP_LEAF_SCRIPT, fields.read_tap_leaf_script),
        tap_derivations=_each(keyed, fields.IN_TAP_BIP32_DERIVATION, fields.read_tap_derivation),
        tap_internal_key=_only(pairs, fields.IN_TAP_INTERNAL_KEY, fields.read_xonly),
        tap_merkle_root=_only(pairs, fields.IN_TAP_MERKLE_ROOT, fields.read_hash),
        other=other,
        unknown=unknown,
    )


def _read_output(reader: Reader, limits: PsbtLimits) -> PsbtOutput:
    pairs = _read_map(reader, limits)
    items, keyed, other, unknown = _sort(pairs, fields.OUTPUT_FORMS, fields.OUTPUT_VERSION_2)
    return PsbtOutput(
        pairs=items,
        redeem_script=pairs.get(fields.OUT_REDEEM_SCRIPT),
        witness_script=pairs.get(fields.OUT_WITNESS_SCRIPT),
        bip32_derivations=_each(keyed, fields.OUT_BIP32_DERIVATION, fields.read_derivation),
        tap_internal_key=_only(pairs, fields.OUT_TAP_INTERNAL_KEY, fields.read_xonly),
        tap_tree=_only(pairs, fields.OUT_TAP_TREE, fields.read_tap_tree) or (),
        tap_derivations=_each(keyed, fields.OUT_TAP_BIP32_DERIVATION, fields.read_tap_derivation),
        other=other,
        unknown=unknown,
    )
