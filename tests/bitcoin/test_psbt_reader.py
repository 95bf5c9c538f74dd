"""The PSBT reader. Invariant: one field changed from a PSBT that is read, and its code says no."""

from base64 import b64encode
from dataclasses import replace

import pytest

from signer.bitcoin.codec import compact_size, u32, u64, var_bytes
from signer.bitcoin.keys import MAX_PATH
from signer.bitcoin.psbt.maps import DEFAULT_LIMITS, PsbtLimits
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import serialize_psbt
from signer.bitcoin.secp import ORDER
from signer.bitcoin.transaction import parse_transaction
from tests.bitcoin.psbt_mutation import MAGIC, join, multisig_draft, pubkey, split
from tests.bitcoin.refused import refused

GOOD = multisig_draft()
GLOBAL, INPUT, OUTPUT = 0, 1, 4
KEY, X_ONLY = pubkey(7), pubkey(7)[1:]
OFF_CURVE, NO_KEY = b"\x02" + b"\xff" * 32, b"\x04" + pubkey(7)[1:]
HASH = bytes(range(32))
DER = bytes.fromhex(
    "3044022074018ad4180097b873323c0015720b3684cc8123891048e7dbcd9b55ad679c99"
    "022073d369b740e3eb53dcefa33823c8070514ca55a7dd9544f157c167913261118c"
)
HIGH_S = (
    b"\x30\x45"
    + DER[2:38]
    + b"\x02\x21\x00"
    + ((ORDER - int.from_bytes(DER[-32:], "big")).to_bytes(32, "big"))
)


def parsed(data: bytes) -> UnverifiedPsbt:
    """The PSBT, if it is read and written again byte for byte."""
    psbt = parse_psbt(data)
    assert serialize_psbt(psbt) == data
    return psbt


def with_pair(place: int, key: bytes, value: bytes) -> bytes:
    """The good PSBT with one more or another pair in that map."""
    maps = split(GOOD)
    maps[place] = [pair for pair in maps[place] if pair[0] != key] + [(key, value)]
    return join(maps)


def with_transaction(old: bytes, new: bytes) -> bytes:
    """The good PSBT with bytes of its unsigned transaction replaced."""
    ((key, value),) = split(GOOD)[GLOBAL]
    assert old in value
    return with_pair(GLOBAL, key, value.replace(old, new, 1))


def test_reads_every_field_of_a_draft() -> None:
    psbt = parsed(GOOD)
    assert (psbt.version, psbt.unknown, psbt.xpubs) == (0, (), ())
    assert (len(psbt.inputs), len(psbt.outputs)) == (2, 2)
    for psbt_input, txin in zip(psbt.inputs, psbt.transaction.inputs, strict=True):
        assert psbt_input.non_witness_utxo is not None
        previous = parse_transaction(psbt_input.non_witness_utxo)
        assert previous.txid == txin.previous.txid
        assert psbt_input.proven_utxo == previous.outputs[txin.previous.vout]
        assert psbt_input.witness_utxo == psbt_input.proven_utxo
        assert psbt_input.sighash_type == 1
        assert psbt_input.witness_script is not None
        assert [each.path for each in psbt_input.bip32_derivations] == [
            (0x80000030, 0, psbt.inputs.index(psbt_input))
        ] * 3
        assert all(
            each.pubkey in psbt_input.witness_script for each in psbt_input.bip32_derivations
        )
        assert (psbt_input.redeem_script, psbt_input.final_script_sig) == (None, None)
        assert (psbt_input.partial_signatures, psbt_input.final_script_witness) == ((), None)
    assert psbt.outputs[0].witness_script == b"\x51"
    assert psbt.outputs[1].pairs == ()


# --- the envelope ---


def test_size_is_limited_before_anything_is_looked_at() -> None:
    with refused("psbt-too-large"):
        parse_psbt(bytes(8 * 1024 * 1024 + 1))
    with refused("psbt-magic"):
        parse_psbt(bytes(8 * 1024 * 1024))
    parse_psbt(GOOD, PsbtLimits(total_bytes=len(GOOD)))


def test_magic() -> None:
    with refused("psbt-magic"):
        parse_psbt(b"psbt\xfe" + GOOD[5:])
    parsed(MAGIC + GOOD[5:])


def test_base64_is_canonical() -> None:
    data = bytes(8)
    text = b64encode(data).decode()
    assert text == "AAAAAAAAAAA="
    assert psbt_from_base64(text) == data
    for wrong in (
        "AAAAAAAAAAA",
        "AAAAAAAAAAA==",
        "AAAAAAAAAAB=",
        "AAAAAAAAAAA=\n",
        "AAAA\nAAAAAAA=",
        " AAAAAAAAAAA=",
        "AAAAAAAAAA-=",
        "AAAAAAAAAAé=",
        "AAAAAAAAAAA=AAAAAAAAAAA=",
    ):
        with refused("base64-malformed"):
            psbt_from_base64(wrong)


def test_base64_is_limited_before_it_is_decoded() -> None:
    longest = (DEFAULT_LIMITS.total_bytes + 2) // 3 * 4
    with refused("psbt-too-large"):
        psbt_from_base64("A" * (longest + 1))
    assert len(psbt_from_base64("A" * longest)) <= DEFAULT_LIMITS.total_bytes + 2


@pytest.mark.parametrize("announced", [b"\xfe\xff\xff\xff\xff", b"\xff" + b"\xff" * 8])
def test_a_short_psbt_that_announces_billions_costs_nothing(announced: bytes) -> None:
    """A 32-byte PSBT made a widely used library allocate more than a gigabyte."""
    transaction = u32(2) + announced + bytes(4)
    psbt = MAGIC + b"\x01\x00" + var_bytes(transaction) + b"\x00"
    assert len(psbt) <= 32
    with refused("transaction-malformed"):
        parse_psbt(psbt)
    with refused("psbt-malformed"):
        parse_psbt(MAGIC + announced + bytes(16))
    parsed(psbt.replace(b"\x00" + var_bytes(transaction), b"\x00" + var_bytes(u32(2) + bytes(6))))


# --- maps ---


def test_maps_are_exactly_as_many_as_inputs_and_outputs() -> None:
    for wrong in (GOOD + b"\x00", GOOD[:-1], GOOD[:-2]):
        with refused("psbt-malformed"):
            parse_psbt(wrong)


def test_lengths_are_in_their_shortest_form() -> None:
    pair = b"\x01\x03" + b"\x04" + u32(1)
    assert GOOD.count(pair) == 2
    for longer in (
        b"\xfd\x01\x00\x03" + b"\x04" + u32(1),
        b"\x01\x03" + b"\xfe\x04\x00\x00\x00" + u32(1),
    ):
        with refused("psbt-malformed"):
            parse_psbt(GOOD.replace(pair, longer, 1))


def test_no_key_occurs_twice() -> None:
    maps = split(GOOD)
    for place, pairs in enumerate(maps[:OUTPUT]):
        twice = list(maps)
        twice[place] = [*pairs, (pairs[0][0], pairs[0][1])]
        with refused("psbt-duplicate-key"):
            parse_psbt(join(twice))
    parsed(with_pair(INPUT, b"\x06" + KEY, bytes(4)))


def test_pairs_are_limited_in_number_and_size() -> None:
    maps = split(GOOD)
    maps[OUTPUT] = [
        (b"\x7f" + each.to_bytes(2, "big"), b"") for each in range(DEFAULT_LIMITS.pairs)
    ]
    parsed(join(maps))
    maps[OUTPUT].append((b"\x7e", b""))
    with refused("psbt-too-many"):
        parse_psbt(join(maps))
    parsed(with_pair(OUTPUT, b"\x7f" + bytes(4_129), bytes(400_000)))
    for key, value in ((b"\x7f" + bytes(4_130), b""), (b"\x7f", bytes(400_001))):
        with refused("psbt-too-large"):
            parse_psbt(with_pair(OUTPUT, key, value))


def test_an_eleven_of_fifteen_input_with_everything_fits() -> None:
    maps = split(multisig_draft(1, 15))
    maps[INPUT] += [(b"\x02" + pubkey(1 + member), DER + b"\x01") for member in range(15)]
    psbt = parsed(join(maps))
    assert len(psbt.inputs[0].bip32_derivations) == 15
    assert len(psbt.inputs[0].partial_signatures) == 15


@pytest.mark.parametrize("limits", [PsbtLimits(inputs=1), PsbtLimits(outputs=1)])
def test_inputs_and_outputs_are_limited(limits: PsbtLimits) -> None:
    with refused("psbt-too-many"):
        parse_psbt(GOOD, limits)
    parse_psbt(GOOD, PsbtLimits(inputs=2, outputs=2))


# --- versions ---


def test_version_0_may_be_said() -> None:
    assert parsed(with_pair(GLOBAL, b"\xfb", u32(0))).version == 0


@pytest.mark.parametrize("version", [u32(1), u32(3), u32(0xFFFFFFFF), b"", bytes(5), b"\x02"])
def test_other_versions_are_refused_before_anything_else(version: bytes) -> None:
    with refused("psbt-version-unsupported"):
        parse_psbt(with_pair(GLOBAL, b"\xfb", version))
    with refused("psbt-version-unsupported"):
        parse_psbt(join([[(b"\x00\x00", b"no transaction"), (b"\xfb", version)]]) + b"\xff")


@pytest.mark.parametrize(
    ("place", "kind"),
    [(GLOBAL, kind) for kind in range(2, 7)]
    + [(INPUT, kind) for kind in range(0x0E, 0x13)]
    + [(OUTPUT, kind) for kind in (3, 4)],
)
def test_fields_of_version_2_do_not_exist_in_version_0(place: int, kind: int) -> None:
    """A v0 PSBT with v2 fields made a widely used library sign another transaction."""
    with refused("psbt-version-2-field"):
        parse_psbt(with_pair(place, bytes((kind,)), bytes(4)))
    parsed(with_pair(place, b"\x7f", bytes(4)))


# --- pairs nobody told us about ---


@pytest.mark.parametrize("place", [GLOBAL, INPUT, OUTPUT])
@pytest.mark.parametrize(
    "key",
    [
        b"\x7f",
        b"\x7f" + b"data",
        b"\xfd\xfd\x00",
        b"\xfe\x00\x00\x01\x00data",
        b"\xfc\x00\x00",
        b"\xfc\x02id\x07subkey",
    ],
)
def test_unknown_and_proprietary_pairs_are_kept(place: int, key: bytes) -> None:
    psbt = parsed(with_pair(place, key, b"value"))
    found = {GLOBAL: psbt.unknown, INPUT: psbt.inputs[0].unknown, OUTPUT: psbt.outputs[1].unknown}
    assert found[place] == ((key, b"value"),)


@pytest.mark.parametrize(
    "key", [b"\xfd", b"\xfd\x7f\x00", b"\xfe\x00\x00", b"\xfc", b"\xfc\x03id", b"\xfc\x02id"]
)
def test_keys_of_no_type_are_refused(key: bytes) -> None:
    with refused("psbt-key-malformed"):
        parse_psbt(with_pair(INPUT, key, b"value"))
    parsed(with_pair(INPUT, b"\xfc\x02id\x00", b"value"))


# --- the unsigned transaction ---


def test_the_unsigned_transaction_is_there() -> None:
    with refused("psbt-unsigned-tx"):
        parse_psbt(join([[]]))
    parsed(join([[(b"\x00", u32(2) + b"\x00\x00" + u32(0))]]))


def test_the_unsigned_transaction_has_no_script_sig() -> None:
    sequence = u32(0xFFFFFFFD)
    with refused("psbt-unsigned-tx"):
        parse_psbt(with_transaction(b"\x00" + sequence, b"\x01\x51" + sequence))
    parsed(with_transaction(sequence, u32(0xFFFFFFFE)))


def test_the_unsigned_transaction_has_no_witness() -> None:
    """Marker and flag are read as no inputs and one output, whose amount is nonsense."""
    (_, value), *_ = split(GOOD)[GLOBAL]
    marked = value[:4] + b"\x00\x01" + value[4:-4] + b"\x00\x00" + value[-4:]
    with refused("amount-out-of-range"):
        parse_psbt(with_pair(GLOBAL, b"\x00", marked))
    parsed(with_pair(GLOBAL, b"\x00", value))


def test_amounts_are_in_range() -> None:
    with refused("amount-out-of-range"):
        parse_psbt(with_transaction(u64(1_000), u64(21 * 10**14 + 1)))
    parsed(with_transaction(u64(1_000), u64(1_001)))


# --- previous transactions ---


def test_the_previous_transaction_is_the_one_that_the_outpoint_names() -> None:
    maps = split(GOOD)
    with refused("psbt-previous-transaction"):
        parse_psbt(with_pair(INPUT, b"\x00", dict(maps[INPUT + 1])[b"\x00"]))
    parsed(with_pair(INPUT, b"\x00", dict(maps[INPUT])[b"\x00"]))


def test_the_previous_transaction_has_the_output_that_the_outpoint_names() -> None:
    vout_and_script = u32(1) + b"\x00"
    with refused("psbt-previous-transaction"):
        parse_psbt(with_transaction(vout_and_script, u32(2) + b"\x00"))
    parsed(with_transaction(vout_and_script, u32(0) + b"\x00"))


@pytest.mark.parametrize(
    ("parts", "witness"),
    [
        (6, None),  # one input and two outputs, twice
        (8, (b"", b"")),
    ],
)
def test_what_previous_transactions_hold_is_counted(
    parts: int, witness: tuple[bytes, ...] | None
) -> None:
    """8 MiB of empty witness items or 9-byte outputs cost seconds before anything was refused."""
    psbt = GOOD
    if witness is not None:
        maps = split(GOOD)
        previous = parse_transaction(dict(maps[INPUT])[b"\x00"])
        value = replace(previous, witnesses=(witness,)).serialize()
        psbt = with_pair(INPUT, b"\x00", value)
    parse_psbt(psbt, PsbtLimits(parts=parts))
    with refused("psbt-too-many"):
        parse_psbt(psbt, PsbtLimits(parts=parts - 1))


def test_what_final_witnesses_hold_is_counted() -> None:
    final = with_pair(INPUT, b"\x08", b"\x02\x00\x01\x51")
    parse_psbt(final, PsbtLimits(parts=8))
    with refused("psbt-too-many"):
        parse_psbt(final, PsbtLimits(parts=7))


# --- the form of each type ---

LEAF = b"\x00\xc0\x01\x51"
FORMS = [
    # place, key, good value, [(code, bad key, bad value)]
    (INPUT, b"\x01", u64(5) + b"\x00", [("psbt-value-malformed", b"\x01", u64(5) + b"\x00\x00")]),
    (INPUT, b"\x01", u64(0) + b"\x00", [("psbt-value-malformed", b"\x01", u64(5))]),
    (INPUT, b"\x01", u64(21 * 10**14) + b"\x00", [("amount-out-of-range", b"\x01", b"\xff" * 9)]),
    (
        INPUT,
        b"\x02" + KEY,
        DER + b"\x01",
        [
            ("pubkey-malformed", b"\x02" + OFF_CURVE, DER + b"\x01"),
            ("pubkey-malformed", b"\x02\x04" + KEY[1:], DER + b"\x01"),
            ("psbt-key-malformed", b"\x02" + KEY[:32], DER + b"\x01"),
            ("psbt-key-malformed", b"\x02\x04" + bytes(64), DER + b"\x01"),
            ("signature-malformed", b"\x02" + KEY, b""),
            ("signature-malformed", b"\x02" + KEY, DER),
            ("signature-malformed", b"\x02" + KEY, DER + b"\x01\x01"),
            ("signature-malformed", b"\x02" + KEY, HIGH_S + b"\x01"),
            ("psbt-value-malformed", b"\x02" + KEY, DER + b"\x00"),
            ("psbt-value-malformed", b"\x02" + KEY, DER + b"\x04"),
            ("psbt-value-malformed", b"\x02" + KEY, DER + b"\x80"),
        ],
    ),
    (INPUT, b"\x02" + KEY, DER + b"\x83", []),
    (INPUT, b"\x03", u32(1), [("psbt-value-malformed", b"\x03", b"\x01")]),
    (INPUT, b"\x04", b"", [("psbt-key-malformed", b"\x04\x00", b"")]),
    (INPUT, b"\x05", b"", [("psbt-key-malformed", b"\x05\x00", b"")]),
    (
        INPUT,
        b"\x06" + KEY,
        bytes(4 + 4 * MAX_PATH),
        [
            ("psbt-too-many", b"\x06" + KEY, bytes(8 + 4 * MAX_PATH)),
            ("psbt-value-malformed", b"\x06" + KEY, bytes(5)),
            ("psbt-value-malformed", b"\x06" + KEY, b""),
            ("pubkey-malformed", b"\x06\x04" + KEY[1:], bytes(4)),
            ("psbt-key-malformed", b"\x06" + KEY + b"\x00", bytes(4)),
        ],
    ),
    (INPUT, b"\x07", b"\x51", [("psbt-key-malformed", b"\x07\x00", b"\x51")]),
    (
        INPUT,
        b"\x08",
        b"\x02\x00\x01\x51",
        [
            ("psbt-value-malformed", b"\x08", b"\x02\x00\x01\x51\x00"),
            ("psbt-value-malformed", b"\x08", b"\x03\x00\x01\x51"),
            ("psbt-value-malformed", b"\x08", b""),
        ],
    ),
    (INPUT, b"\x09", b"proof", [("psbt-key-malformed", b"\x09\x00", b"proof")]),
    (INPUT, b"\x0a" + HASH[:20], b"", [("psbt-key-malformed", b"\x0a" + HASH, b"")]),
    (INPUT, b"\x0b" + HASH, b"", [("psbt-key-malformed", b"\x0b" + HASH[:20], b"")]),
    (INPUT, b"\x0c" + HASH[:20], b"", [("psbt-key-malformed", b"\x0c" + HASH, b"")]),
    (INPUT, b"\x0d" + HASH, b"", [("psbt-key-malformed", b"\x0d", b"")]),
    (INPUT, b"\x13", bytes(64), [("psbt-value-malformed", b"\x13", bytes(63))]),
    (INPUT, b"\x13", bytes(65), [("psbt-value-malformed", b"\x13", bytes(66))]),
    (
        INPUT,
        b"\x14" + X_ONLY + HASH,
        bytes(64),
        [
            ("pubkey-malformed", b"\x14" + OFF_CURVE[1:] + HASH, bytes(64)),
            ("psbt-value-malformed", b"\x14" + X_ONLY + HASH, bytes(63)),
            ("psbt-key-malformed", b"\x14" + X_ONLY, bytes(64)),
        ],
    ),
    (
        INPUT,
        b"\x15\xc0" + X_ONLY + HASH * 2,
        b"\x51\xc0",
        [
            ("pubkey-malformed", b"\x15\xc0" + OFF_CURVE[1:], b"\x51\xc0"),
            ("psbt-value-malformed", b"\x15\xc0" + X_ONLY, b""),
            ("psbt-key-malformed", b"\x15\xc0" + X_ONLY + HASH[1:], b"\x51\xc0"),
        ],
    ),
    (
        INPUT,
        b"\x16" + X_ONLY,
        b"\x01" + HASH + bytes(8),
        [
            ("psbt-value-malformed", b"\x16" + X_ONLY, b"\x02" + HASH + bytes(8)),
            ("psbt-value-malformed", b"\x16" + X_ONLY, b"\x01" + HASH + bytes(9)),
            ("psbt-value-malformed", b"\x16" + X_ONLY, b"\x01" + HASH),
            ("psbt-key-malformed", b"\x16" + KEY, b"\x00" + bytes(4)),
        ],
    ),
    (
        INPUT,
        b"\x16" + X_ONLY,
        b"\x05" + HASH * 5 + bytes(4),
        [("psbt-value-malformed", b"\x16" + X_ONLY, b"\x05" + HASH * 4 + bytes(35))],
    ),
    (INPUT, b"\x17", X_ONLY, [("pubkey-malformed", b"\x17", KEY)]),
    (INPUT, b"\x17", X_ONLY, [("pubkey-malformed", b"\x17", OFF_CURVE[1:])]),
    (INPUT, b"\x18", HASH, [("psbt-value-malformed", b"\x18", HASH[1:])]),
    (
        INPUT,
        b"\x1a" + KEY,
        pubkey(1) + pubkey(2),
        [
            ("psbt-value-malformed", b"\x1a" + KEY, b""),
            ("psbt-value-malformed", b"\x1a" + KEY, pubkey(1) + X_ONLY),
            ("pubkey-malformed", b"\x1a" + KEY, pubkey(1) + NO_KEY),
            ("pubkey-malformed", b"\x1a" + NO_KEY, pubkey(1)),
            ("psbt-key-malformed", b"\x1a" + X_ONLY, pubkey(1)),
        ],
    ),
    (
        INPUT,
        b"\x1b" + KEY + pubkey(2) + HASH,
        bytes(66),
        [
            ("psbt-value-malformed", b"\x1b" + KEY + pubkey(2), bytes(65)),
            ("pubkey-malformed", b"\x1b" + NO_KEY + KEY, bytes(66)),
            ("pubkey-malformed", b"\x1b" + KEY + NO_KEY, bytes(66)),
            ("psbt-key-malformed", b"\x1b" + KEY + X_ONLY, bytes(66)),
        ],
    ),
    (
        INPUT,
        b"\x1c" + KEY + pubkey(2),
        bytes(32),
        [
            ("psbt-value-malformed", b"\x1c" + KEY + pubkey(2), bytes(33)),
            ("psbt-key-malformed", b"\x1c" + KEY, bytes(32)),
        ],
    ),
    (OUTPUT, b"\x00", b"\x51", [("psbt-key-malformed", b"\x00\x00", b"\x51")]),
    (OUTPUT, b"\x01", b"\x51", [("psbt-key-malformed", b"\x01\x00", b"\x51")]),
    (OUTPUT, b"\x02" + KEY, bytes(8), [("psbt-value-malformed", b"\x02" + KEY, bytes(6))]),
    (OUTPUT, b"\x05", X_ONLY, [("pubkey-malformed", b"\x05", KEY)]),
    (
        OUTPUT,
        b"\x06",
        b"\x01" + LEAF[1:] + b"\x02" + LEAF[1:] + b"\x02" + LEAF[1:],
        [
            ("psbt-value-malformed", b"\x06", b""),
            ("psbt-value-malformed", b"\x06", b"\x01" + LEAF[1:]),
            ("psbt-value-malformed", b"\x06", LEAF + LEAF),
            ("psbt-value-malformed", b"\x06", LEAF[:-1]),
            ("psbt-value-malformed", b"\x06", b"\x00\xc1\x01\x51"),
            ("psbt-value-malformed", b"\x06", b"\x81" + LEAF[1:]),
            (
                "psbt-value-malformed",
                b"\x06",
                b"\x02" + LEAF[1:] + b"\x01" + LEAF[1:] + b"\x02" + LEAF[1:],
            ),
        ],
    ),
    (OUTPUT, b"\x06", LEAF, []),
    (
        OUTPUT,
        b"\x06",
        b"".join(bytes((d,)) + LEAF[1:] for d in [*range(1, 64), 63]),
        [
            (
                "psbt-too-many",
                b"\x06",
                b"".join(bytes((d,)) + LEAF[1:] for d in [*range(1, 65), 64]),
            )
        ],
    ),
    (
        OUTPUT,
        b"\x07" + X_ONLY,
        b"\x00" + bytes(4),
        [("psbt-key-malformed", b"\x07" + KEY, b"\x00" + bytes(4))],
    ),
    (
        OUTPUT,
        b"\x08" + KEY,
        pubkey(1),
        [("psbt-key-malformed", b"\x08" + X_ONLY, pubkey(1))],
    ),
]


@pytest.mark.parametrize(("place", "key", "value", "wrong"), FORMS)
def test_the_form_of_each_type(
    place: int, key: bytes, value: bytes, wrong: list[tuple[str, bytes, bytes]]
) -> None:
    parsed(with_pair(place, key, value))
    for code, bad_key, bad_value in wrong:
        with refused(code):
            parse_psbt(with_pair(place, bad_key, bad_value))


def test_types_without_a_field_are_kept_apart() -> None:
    psbt = parsed(with_pair(INPUT, b"\x17", X_ONLY))
    assert psbt.inputs[0].other == ((b"\x17", X_ONLY),)
    assert psbt.inputs[0].unknown == ()


def test_keys_in_derivations_need_only_look_like_keys() -> None:
    """`verify` compares them with keys that we derived (rule 3 of `fields`)."""
    psbt = parsed(with_pair(INPUT, b"\x06" + OFF_CURVE, bytes(4)))
    assert psbt.inputs[0].bip32_derivations[-1].pubkey == OFF_CURVE
    psbt = parsed(with_pair(INPUT, b"\x16" + OFF_CURVE[1:], b"\x00" + bytes(4)))
    assert psbt.inputs[0].tap_derivations[-1].xonly == OFF_CURVE[1:]


XPUB = bytes.fromhex("043587cf") + b"\x02" + bytes(8) + HASH + KEY


def test_global_xpub() -> None:
    psbt = parsed(with_pair(GLOBAL, b"\x01" + XPUB, b"\x01\x02\x03\x04" + u32(48) + u32(7)))
    (xpub,) = psbt.xpubs
    assert xpub.version == XPUB[:4]
    assert xpub.xpub.payload() == XPUB[4:]
    assert (xpub.origin.fingerprint, xpub.origin.path) == (b"\x01\x02\x03\x04", (48, 7))
    for code, key, value in (
        ("psbt-value-malformed", XPUB, bytes(8)),
        ("psbt-key-malformed", XPUB[:-1], bytes(12)),
        ("xpub-malformed", XPUB[:45] + OFF_CURVE, bytes(12)),
    ):
        with refused(code):
            parse_psbt(with_pair(GLOBAL, b"\x01" + key, value))


def test_compact_size_keys_reach_beyond_one_byte() -> None:
    psbt = parsed(with_pair(OUTPUT, compact_size(0x1_0000_0000), b""))
    assert psbt.outputs[1].unknown == ((compact_size(0x1_0000_0000), b""),)
