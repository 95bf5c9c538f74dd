"""The strict PSBT reader (BIP-174, BIP-370), the one birthplace of UnverifiedPsbt. Checklist group A.

Rule 1: size and magic first, then the maps (`maps`), then the version: another than 0 and 2 is refused
        before anything else is interpreted.
Rule 2: there are exactly as many maps as the transaction has inputs and outputs; no byte is left over.
Rule 3: unknown and proprietary pairs are kept as they are, for `verify` to refuse.
Rule 4: a previous transaction has the txid and the output that its input's outpoint names, so it is
        proven; a witness UTXO is a claim.
Rule 5: what is accepted is written again byte for byte (`writer.serialize_psbt`).
"""

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.previous import Allowance, read_previous
from signer.bitcoin.psbt import fields, values, version_0, version_2
from signer.bitcoin.psbt.maps import (
    DEFAULT_LIMITS,
    PsbtLimits,
    PsbtMap,
    read_pairs,
    sorted_map,
)
from signer.bitcoin.psbt.model import Pair, PsbtInput, PsbtOutput, UnverifiedPsbt
from signer.bitcoin.transaction import Transaction, TxIn, TxOut

T = TypeVar("T")

MAGIC = b"psbt\xff"
_VERSIONS = {version.to_bytes(4, "little"): version for version in fields.FORMS}


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

    pairs = read_pairs(reader, limits)
    version = _version(dict(pairs))
    globals_ = sorted_map(pairs, fields.FORMS[version].of_global, limits)
    read_body = _read_body_2 if version else _read_body_0
    body = read_body(reader, globals_, limits)
    reader.end()

    allowance = Allowance(limits.parts)
    inputs = zip(body.inputs, body.transaction.inputs, strict=True)
    return UnverifiedPsbt(
        version=version,
        transaction=body.transaction,
        global_pairs=globals_.pairs,
        xpubs=_each(globals_.keyed, fields.GLOBAL_XPUB, values.read_xpub),
        unknown=globals_.unknown,
        inputs=tuple([_read_input(of_input, txin, allowance) for of_input, txin in inputs]),
        outputs=tuple([_read_output(of_output) for of_output in body.outputs]),
        modifiable=version_2.read_modifiable(globals_),
    )


def _version(pairs: dict[bytes, bytes]) -> int:
    version = _VERSIONS.get(pairs.get(fields.GLOBAL_VERSION, bytes(4)))
    if version is None:
        raise Malformed("psbt-version-unsupported", "only PSBT versions 0 and 2 are read")
    return version


class _Body(NamedTuple):
    transaction: Transaction
    inputs: list[PsbtMap]
    outputs: list[PsbtMap]


def _read_body_0(reader: Reader, globals_: PsbtMap, limits: PsbtLimits) -> _Body:
    """The transaction says how many maps there are."""
    counts = limits.counts(*version_0.read_counts(globals_))
    transaction = version_0.read_transaction(globals_)
    return _Body(transaction, *_read_maps(reader, counts, limits, fields.FORMS[0]))


def _read_body_2(reader: Reader, globals_: PsbtMap, limits: PsbtLimits) -> _Body:
    """The maps say what the transaction is."""
    counts = limits.counts(*version_2.read_counts(globals_))
    maps = _read_maps(reader, counts, limits, fields.FORMS[2])
    return _Body(version_2.read_transaction(globals_, *maps), *maps)


def _read_maps(
    reader: Reader, counts: tuple[int, int], limits: PsbtLimits, forms: fields.Forms
) -> tuple[list[PsbtMap], list[PsbtMap]]:
    inputs, outputs = counts
    return (
        [sorted_map(read_pairs(reader, limits), forms.of_input, limits) for _ in range(inputs)],
        [sorted_map(read_pairs(reader, limits), forms.of_output, limits) for _ in range(outputs)],
    )


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


def _read_utxos(
    pairs: dict[bytes, bytes], txin: TxIn, allowance: Allowance
) -> tuple[TxOut | None, TxOut | None]:
    """The output that the previous transaction proves (rule 4), and the witness UTXO that is claimed."""
    data = pairs.get(fields.IN_NON_WITNESS_UTXO)
    if data is None:
        return None, _only(pairs, fields.IN_WITNESS_UTXO, values.read_txout)
    previous = read_previous(data, allowance)
    output = previous.output_bytes(txin.previous.vout)
    if previous.txid != txin.previous.txid or output is None:
        raise Malformed("psbt-previous-transaction", f"it does not create {txin.previous}")
    proven = values.read_txout(output)
    if pairs.get(fields.IN_WITNESS_UTXO) == output:
        return proven, proven  # as it should be, and the same bytes need no second reading
    return proven, _only(pairs, fields.IN_WITNESS_UTXO, values.read_txout)


def _read_input(of_input: PsbtMap, txin: TxIn, allowance: Allowance) -> PsbtInput:
    pairs, keyed = of_input.by_key, of_input.keyed
    proven, claimed = _read_utxos(pairs, txin, allowance)
    final_witness = pairs.get(fields.IN_FINAL_SCRIPTWITNESS)
    if final_witness is not None:
        values.read_stack(final_witness, allowance)
    return PsbtInput(
        pairs=of_input.pairs,
        non_witness_utxo=pairs.get(fields.IN_NON_WITNESS_UTXO),
        proven_utxo=proven,
        witness_utxo=claimed,
        partial_signatures=_each(keyed, fields.IN_PARTIAL_SIG, values.read_partial_signature),
        sighash_type=_only(pairs, fields.IN_SIGHASH_TYPE, values.read_u32),
        redeem_script=pairs.get(fields.IN_REDEEM_SCRIPT),
        witness_script=pairs.get(fields.IN_WITNESS_SCRIPT),
        bip32_derivations=_each(keyed, fields.IN_BIP32_DERIVATION, values.read_derivation),
        final_script_sig=pairs.get(fields.IN_FINAL_SCRIPTSIG),
        final_script_witness=final_witness,
        tap_key_signature=_only(pairs, fields.IN_TAP_KEY_SIG, values.read_schnorr),
        tap_script_signatures=_each(
            keyed, fields.IN_TAP_SCRIPT_SIG, values.read_tap_script_signature
        ),
        tap_leaf_scripts=_each(keyed, fields.IN_TAP_LEAF_SCRIPT, values.read_tap_leaf_script),
        tap_derivations=_each(keyed, fields.IN_TAP_BIP32_DERIVATION, values.read_tap_derivation),
        tap_internal_key=_only(pairs, fields.IN_TAP_INTERNAL_KEY, values.read_xonly),
        tap_merkle_root=_only(pairs, fields.IN_TAP_MERKLE_ROOT, values.read_hash),
        other=of_input.other,
        unknown=of_input.unknown,
    )


def _read_output(of_output: PsbtMap) -> PsbtOutput:
    pairs, keyed = of_output.by_key, of_output.keyed
    return PsbtOutput(
        pairs=of_output.pairs,
        redeem_script=pairs.get(fields.OUT_REDEEM_SCRIPT),
        witness_script=pairs.get(fields.OUT_WITNESS_SCRIPT),
        bip32_derivations=_each(keyed, fields.OUT_BIP32_DERIVATION, values.read_derivation),
        tap_internal_key=_only(pairs, fields.OUT_TAP_INTERNAL_KEY, values.read_xonly),
        tap_tree=_only(pairs, fields.OUT_TAP_TREE, values.read_tap_tree) or (),
        tap_derivations=_each(keyed, fields.OUT_TAP_BIP32_DERIVATION, values.read_tap_derivation),
        other=of_output.other,
        unknown=of_output.unknown,
    )
