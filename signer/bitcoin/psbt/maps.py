"""The maps of a PSBT (BIP-174), before any value is read. Checklist A2 to A4.

Rule 1: sizes and counts are compared with the limits before anything is built from them.
Rule 2: every length is a CompactSize in its shortest form.
Rule 3: no key occurs twice in a map; a known type has a key of its size.
Rule 4: unknown and proprietary pairs are kept as they are; their type is a whole CompactSize.
"""

from dataclasses import dataclass
from typing import NamedTuple

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.previous import MAX_PARTS
from signer.bitcoin.psbt.fields import PROPRIETARY, MapForms
from signer.bitcoin.psbt.model import Pair


@dataclass(frozen=True, slots=True)
class PsbtLimits:
    """What we are willing to read."""

    total_bytes: int = 8 * 1024 * 1024
    inputs: int = 500
    outputs: int = 500
    pairs: int = 300
    """In one map. A vault has at most 100 keys, each with a derivation and a signature, and 64 leaves."""
    key_bytes: int = 34 + 32 * 128
    """A Taproot leaf's key is a control block, which may go 128 levels deep."""
    value_bytes: int = 400_000
    """A standard previous transaction always fits."""
    parts: int = MAX_PARTS
    """Of all previous transactions, and items of final witnesses."""

    def counts(self, inputs: int, outputs: int) -> tuple[int, int]:
        """Both. Raises Malformed `psbt-too-many`."""
        if inputs > self.inputs or outputs > self.outputs:
            raise Malformed(
                "psbt-too-many",
                f"{inputs} inputs, {outputs} outputs; at most {self.inputs} and {self.outputs}",
            )
        return inputs, outputs


DEFAULT_LIMITS = PsbtLimits()


class PsbtMap(NamedTuple):
    """One map. Known types have a key of right size."""

    pairs: tuple[Pair, ...]
    """All, in their order."""
    by_key: dict[bytes, bytes]
    """All, by key."""
    keyed: dict[bytes, list[Pair]]
    """Of known types, those with key data, by type."""
    other: tuple[Pair, ...]
    """Those of types without a field of their own in the model, Taproot's too."""
    unknown: tuple[Pair, ...]


def read_pairs(reader: Reader, limits: PsbtLimits) -> list[Pair]:
    """Pairs up to the separator, in their order (rules 1 and 2)."""
    pairs = reader.pairs(limits.pairs + 1)
    if len(pairs) > limits.pairs:
        raise Malformed("psbt-too-many", f"more than {limits.pairs} pairs in one map")
    return pairs


def sorted_map(pairs: list[Pair], forms: MapForms, limits: PsbtLimits) -> PsbtMap:
    """The map of these pairs (rules 1, 3 and 4)."""
    by_key = dict(pairs)
    if len(by_key) != len(pairs):
        raise _repeated(pairs)
    known, key_bytes, value_bytes = forms.known, limits.key_bytes, limits.value_bytes
    keyed: dict[bytes, list[Pair]] = {}
    other: list[Pair] = []
    unknown: list[Pair] = []
    for pair in pairs:
        key, value = pair
        kind, data_size = key[:1], len(key) - 1
        if data_size >= key_bytes or len(value) > value_bytes:
            raise Malformed("psbt-too-large", f"{len(key)} bytes of key, {len(value)} of value")
        form = known.get(kind)
        if form is None:
            _refuse_misfit(key, forms)
            unknown.append(pair)
            continue
        key_sizes, refuse_other = form
        if data_size not in key_sizes:
            raise Malformed("psbt-key-malformed", f"key {key.hex()} has a wrong size")
        if data_size:
            keyed.setdefault(kind, []).append(pair)
        if refuse_other is not None:
            refuse_other(key[1:], value)
            other.append(pair)
    return PsbtMap(tuple(pairs), by_key, keyed, tuple(other), tuple(unknown))


def _repeated(pairs: list[Pair]) -> Malformed:
    keys = [key for key, _ in pairs]
    twice = next(key for at, key in enumerate(keys) if key in keys[:at])
    return Malformed("psbt-duplicate-key", f"key {twice.hex()} twice in one map")


def _refuse_misfit(key: bytes, forms: MapForms) -> None:
    """A type that we do not know must be a whole CompactSize, and not one of the other version."""
    code = forms.foreign.get(key[:1])
    if code is not None:
        raise Malformed(code, f"type {key[:1].hex()} exists in the other PSBT version only")
    reader = Reader(key, "psbt-key")
    if reader.compact_size() == PROPRIETARY:
        reader.var_bytes()
        reader.compact_size()
