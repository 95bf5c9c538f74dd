"""PSBT version 2 (BIP-370). Invariant: one field changed from a PSBT that is read, and its code says no."""

from dataclasses import replace

import pytest

from signer.bitcoin.codec import compact_size, u32, u64
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.convert import as_version_2
from signer.bitcoin.psbt.maps import PsbtLimits
from signer.bitcoin.psbt.model import Pair, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.version_2 import determine_locktime
from signer.bitcoin.psbt.writer import serialize_psbt
from signer.bitcoin.transaction import LOCKTIME_THRESHOLD, OutPoint
from tests.bitcoin.psbt_mutation import MAGIC, join, multisig_draft, split
from tests.bitcoin.refused import refused

V0 = parse_psbt(multisig_draft())
GOOD = as_version_2(V0)
GLOBAL, INPUT, OUTPUT = 0, 1, 3
TIME = LOCKTIME_THRESHOLD
HEIGHT_KEY, TIME_KEY = fields.IN_REQUIRED_HEIGHT_LOCKTIME, fields.IN_REQUIRED_TIME_LOCKTIME


def parsed(data: bytes) -> UnverifiedPsbt:
    """The PSBT, if it is read and written again byte for byte."""
    psbt = parse_psbt(data)
    assert serialize_psbt(psbt) == data
    return psbt


def with_pair(place: int, key: bytes, value: bytes | None) -> bytes:
    """The good PSBT with another value for a key of that map, or without the key."""
    maps = split(GOOD)
    maps[place] = [pair for pair in maps[place] if pair[0] != key]
    if value is not None:
        maps[place].append((key, value))
    return join(maps)


def with_locks(*locks: tuple[int, int], fallback: int | None = None) -> bytes:
    """The good PSBT with the (height, time) that each input requires, 0 for none."""
    maps = split(GOOD)
    maps[GLOBAL] = [pair for pair in maps[GLOBAL] if pair[0] != fields.GLOBAL_FALLBACK_LOCKTIME]
    if fallback is not None:
        maps[GLOBAL].append((fields.GLOBAL_FALLBACK_LOCKTIME, u32(fallback)))
    for place, required in enumerate(locks, INPUT):
        keys = zip((HEIGHT_KEY, TIME_KEY), required, strict=True)
        maps[place] += [(key, u32(value)) for key, value in keys if value]
    return join(maps)


def test_the_maps_say_what_the_unsigned_transaction_of_version_0_says() -> None:
    psbt = parsed(GOOD)
    assert (psbt.version, psbt.modifiable, psbt.unknown) == (2, 0, ())
    assert psbt.transaction == V0.transaction
    assert psbt.transaction.txid == V0.transaction.txid
    for ours, theirs in zip(psbt.inputs, V0.inputs, strict=True):
        assert ours._replace(pairs=()) == theirs._replace(pairs=())
    for ours, theirs in zip(psbt.outputs, V0.outputs, strict=True):
        assert ours._replace(pairs=()) == theirs._replace(pairs=())


@pytest.mark.parametrize(
    ("place", "key"),
    [
        (GLOBAL, fields.GLOBAL_TX_VERSION),
        (GLOBAL, fields.GLOBAL_INPUT_COUNT),
        (GLOBAL, fields.GLOBAL_OUTPUT_COUNT),
        (INPUT, fields.IN_PREVIOUS_TXID),
        (INPUT, fields.IN_OUTPUT_INDEX),
        (OUTPUT, fields.OUT_AMOUNT),
        (OUTPUT, fields.OUT_SCRIPT),
    ],
)
def test_a_required_field_is_there(place: int, key: bytes) -> None:
    with refused("psbt-field-missing"):
        parse_psbt(with_pair(place, key, None))
    parsed(with_pair(place, key, dict(split(GOOD)[place])[key]))


def test_there_is_no_unsigned_transaction() -> None:
    with refused("psbt-version-0-field"):
        parse_psbt(with_pair(GLOBAL, fields.GLOBAL_UNSIGNED_TX, V0.transaction.stripped))
    parsed(with_pair(GLOBAL, b"\x7f", V0.transaction.stripped))


FORMS = [
    # place, key, good value, (code, bad value)
    (GLOBAL, fields.GLOBAL_TX_VERSION, u32(3), ("psbt-value-malformed", b"\x02")),
    (GLOBAL, fields.GLOBAL_FALLBACK_LOCKTIME, u32(7), ("psbt-value-malformed", b"")),
    (GLOBAL, fields.GLOBAL_INPUT_COUNT, b"\x02", ("psbt-value-malformed", b"\xfd\x02\x00")),
    (GLOBAL, fields.GLOBAL_INPUT_COUNT, b"\x02", ("psbt-value-malformed", b"\x02\x00")),
    (GLOBAL, fields.GLOBAL_OUTPUT_COUNT, b"\x02", ("psbt-value-malformed", b"")),
    (GLOBAL, fields.GLOBAL_TX_MODIFIABLE, b"\x00", ("psbt-value-malformed", b"")),
    (GLOBAL, fields.GLOBAL_TX_MODIFIABLE, b"\xff", ("psbt-value-malformed", b"\x00\x00")),
    (INPUT, fields.IN_SEQUENCE, u32(0), ("psbt-value-malformed", bytes(5))),
    (INPUT, TIME_KEY, u32(TIME), ("psbt-value-malformed", u32(TIME - 1))),
    (INPUT, HEIGHT_KEY, u32(TIME - 1), ("psbt-value-malformed", u32(TIME))),
    (INPUT, HEIGHT_KEY, u32(1), ("psbt-value-malformed", u32(0))),
    (INPUT, HEIGHT_KEY, u32(1), ("psbt-value-malformed", b"\x01")),
    (OUTPUT, fields.OUT_AMOUNT, u64(0), ("psbt-value-malformed", u32(0))),
    (OUTPUT, fields.OUT_AMOUNT, u64(1), ("amount-out-of-range", b"\xff" * 8)),
    (OUTPUT, fields.OUT_SCRIPT, b"", ("psbt-field-missing", None)),
]


@pytest.mark.parametrize(("place", "key", "value", "wrong"), FORMS)
def test_the_form_of_each_type(
    place: int, key: bytes, value: bytes, wrong: tuple[str, bytes | None]
) -> None:
    parsed(with_pair(place, key, value))
    code, bad_value = wrong
    with refused(code):
        parse_psbt(with_pair(place, key, bad_value))
    with refused("psbt-key-malformed"):
        parse_psbt(with_pair(place, key + b"\x00", value))


def test_the_outpoint_is_what_the_previous_transaction_proves() -> None:
    """Without the previous transaction any outpoint would do; with it, one field decides."""
    first = V0.transaction.inputs[0].previous
    key, value = fields.IN_OUTPUT_INDEX, u32(first.vout)
    assert parsed(with_pair(INPUT, key, value)).transaction.inputs[0].previous == first
    for wrong_key, wrong in ((key, u32(2)), (fields.IN_PREVIOUS_TXID, bytes(32))):
        with refused("psbt-previous-transaction"):
            parse_psbt(with_pair(INPUT, wrong_key, wrong))
    for size in (31, 33):
        with refused("psbt-value-malformed"):
            parse_psbt(with_pair(INPUT, fields.IN_PREVIOUS_TXID, bytes(size)))


def test_without_a_sequence_an_input_is_final() -> None:
    psbt = parsed(with_pair(INPUT, fields.IN_SEQUENCE, None))
    assert [txin.sequence for txin in psbt.transaction.inputs] == [0xFFFFFFFF, 0xFFFFFFFD]
    assert psbt.transaction.inputs[0].previous == OutPoint(*V0.transaction.inputs[0].previous)


def test_the_sum_of_amounts_is_in_range() -> None:
    """Each amount may be right, and their sum absurd (CVE-2010-5139)."""
    most = 21 * 10**14
    other = V0.transaction.outputs[1].amount
    parsed(with_pair(OUTPUT, fields.OUT_AMOUNT, u64(most - other)))
    with refused("amount-out-of-range"):
        parse_psbt(with_pair(OUTPUT, fields.OUT_AMOUNT, u64(most - other + 1)))


# --- counts ---


def bare(*globals_: Pair) -> bytes:
    """A PSBT of a global map alone."""
    required = (fields.GLOBAL_TX_VERSION, u32(2)), (fields.GLOBAL_VERSION, u32(2))
    return join([[*required, *globals_]])


def test_a_creator_begins_with_nothing() -> None:
    counts = (fields.GLOBAL_INPUT_COUNT, b"\x00"), (fields.GLOBAL_OUTPUT_COUNT, b"\x00")
    psbt = parsed(bare(*counts, (fields.GLOBAL_TX_MODIFIABLE, b"\x03")))
    assert (psbt.inputs, psbt.outputs, psbt.modifiable) == ((), (), 3)
    assert psbt.transaction.locktime == 0


@pytest.mark.parametrize("key", [fields.GLOBAL_INPUT_COUNT, fields.GLOBAL_OUTPUT_COUNT])
def test_counts_are_compared_with_the_limits_before_anything_is_built(key: bytes) -> None:
    """A 32-byte PSBT made a widely used library allocate more than a gigabyte."""
    for huge in (501, 2**32, 2**64 - 1):
        counts = {fields.GLOBAL_INPUT_COUNT: b"\x00", fields.GLOBAL_OUTPUT_COUNT: b"\x00"}
        psbt = bare(*(counts | {key: compact_size(huge)}).items())
        assert len(psbt) < len(MAGIC) + 40
        with refused("psbt-too-many"):
            parse_psbt(psbt)
        with refused("psbt-malformed"):
            parse_psbt(bare(*(counts | {key: compact_size(500)}).items()))
    with refused("psbt-too-many"):
        parse_psbt(GOOD, PsbtLimits(inputs=1) if key == b"\x04" else PsbtLimits(outputs=1))
    parse_psbt(GOOD, PsbtLimits(inputs=2, outputs=2))


@pytest.mark.parametrize(
    ("count", "code"),
    [(b"\x01", "psbt-key-malformed"), (b"\x03", "psbt-malformed")],  # an input is no output
)
def test_maps_are_exactly_as_many_as_counted(count: bytes, code: str) -> None:
    with refused("psbt-malformed"):
        parse_psbt(with_pair(GLOBAL, fields.GLOBAL_OUTPUT_COUNT, count))
    with refused(code):
        parse_psbt(with_pair(GLOBAL, fields.GLOBAL_INPUT_COUNT, count))
    for wrong in (GOOD + b"\x00", GOOD[:-1]):
        with refused("psbt-malformed"):
            parse_psbt(wrong)
    parsed(with_pair(GLOBAL, fields.GLOBAL_OUTPUT_COUNT, b"\x02"))


# --- the locktime ---


@pytest.mark.parametrize(
    ("fallback", "locks", "locktime"),
    [
        (None, ((0, 0), (0, 0)), 0),
        (7, ((0, 0), (0, 0)), 7),
        (TIME + 7, ((0, 0), (0, 0)), TIME + 7),
        (7, ((5, 0), (0, 0)), 5),
        (None, ((5, 0), (6, 0)), 6),
        (None, ((6, 0), (5, TIME)), 6),
        (None, ((5, TIME), (6, TIME + 1)), 6),
        (9, ((0, TIME), (6, TIME + 1)), TIME + 1),
        (None, ((5, TIME + 2), (0, TIME + 1)), TIME + 2),
        (None, ((0, 0), (0, TIME)), TIME),
    ],
)
def test_the_locktime(
    fallback: int | None, locks: tuple[tuple[int, int], ...], locktime: int
) -> None:
    psbt = parsed(with_locks(*locks, fallback=fallback))
    assert psbt.transaction.locktime == locktime
    assert psbt.transaction == replace(V0.transaction, locktime=locktime)


def test_no_locktime_is_chosen_that_one_input_refuses() -> None:
    with refused("psbt-locktime-conflict"):
        parse_psbt(with_locks((5, 0), (0, TIME)))
    parsed(with_locks((5, TIME), (0, TIME)))
    with refused("psbt-locktime-conflict"):
        determine_locktime(0, [(5, TIME), (5, 0), (0, TIME)])
    assert determine_locktime(0, []) == 0


# --- what may be modified ---


@pytest.mark.parametrize("flags", [0, 1, 2, 4, 8, 0xFF])
def test_modifiable_flags_are_read_for_verify_to_refuse(flags: int) -> None:
    psbt = parsed(with_pair(GLOBAL, fields.GLOBAL_TX_MODIFIABLE, bytes((flags,))))
    assert psbt.modifiable == flags
