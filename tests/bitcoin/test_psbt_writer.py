"""Writing and combining. Invariant: the same PSBTs give the same bytes, and the reader reads them."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.codec import u32, u64
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.convert import as_version_2
from signer.bitcoin.psbt.model import Bip32Derivation, PartialSignature, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import (
    InputDraft,
    OutputDraft,
    draft_psbt,
    serialize_psbt,
    with_our_signatures,
)
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats
from tests.bitcoin.psbt_mutation import Maps, join, multisig_draft, pubkey, split
from tests.bitcoin.refused import refused

DER = bytes.fromhex(
    "3044022074018ad4180097b873323c0015720b3684cc8123891048e7dbcd9b55ad679c99"
    "022073d369b740e3eb53dcefa33823c8070514ca55a7dd9544f157c167913261118c"
)
GOOD = multisig_draft()
INPUT, OUTPUT = 1, 3


def signature(member: int, sighash_type: int = 1) -> PartialSignature:
    return PartialSignature(pubkey(member), DER + bytes((sighash_type,)))


def pair(member: int, sighash_type: int = 1) -> tuple[bytes, bytes]:
    return b"\x02" + pubkey(member), DER + bytes((sighash_type,))


def having(place: int, *pairs: tuple[bytes, bytes]) -> UnverifiedPsbt:
    """The good PSBT with these pairs in front of that map."""
    maps = split(GOOD)
    maps[place] = [*pairs, *maps[place]]
    return parse_psbt(join(maps))


# --- the creator ---


def test_a_draft_has_its_pairs_in_the_order_of_their_keys() -> None:
    for pairs in split(GOOD):
        assert pairs == sorted(pairs)
    assert [key[0] for key, _ in split(GOOD)[INPUT]] == [0, 1, 3, 5, 6, 6, 6]


def test_equal_drafts_give_equal_bytes_whatever_the_order_of_their_keys() -> None:
    derivations = tuple(Bip32Derivation(pubkey(each), bytes(4), (each,)) for each in range(1, 4))
    txout = TxOut(Sats(1), b"\x51")
    written = {
        draft_psbt(
            2,
            7,
            (InputDraft(OutPoint(Txid(bytes(32)), 1), 0, bip32_derivations=order),),
            (OutputDraft(txout, b"\x52", order),),
        )
        for order in permutations(derivations)
    }
    (data,) = written
    psbt = parse_psbt(data)
    assert (psbt.transaction.version, psbt.transaction.locktime) == (2, 7)
    assert psbt.inputs[0].bip32_derivations == psbt.outputs[0].bip32_derivations
    assert sorted(psbt.outputs[0].bip32_derivations, key=lambda each: each.path) == [*derivations]


def test_a_draft_says_what_was_drafted() -> None:
    psbt = parse_psbt(
        draft_psbt(
            3,
            5,
            (
                InputDraft(
                    OutPoint(Txid(b"\x07" * 32), 9),
                    0xFFFFFFFD,
                    witness_utxo=TxOut(Sats(8), b"\x00"),
                    witness_script=b"\x51",
                    redeem_script=b"\x52",
                    sighash_type=1,
                ),
                InputDraft(OutPoint(Txid(b"\x08" * 32), 0), 4),
            ),
            (OutputDraft(TxOut(Sats(1), b"\x51"), b"\x53"),),
        )
    )
    first, second = psbt.inputs
    assert (first.witness_utxo, first.sighash_type) == (TxOut(Sats(8), b"\x00"), 1)
    assert (first.witness_script, first.redeem_script) == (b"\x51", b"\x52")
    assert second.pairs == ()
    assert [txin.sequence for txin in psbt.transaction.inputs] == [0xFFFFFFFD, 4]
    assert psbt.outputs[0].witness_script == b"\x53"


# --- our answer ---


def test_an_answer_carries_our_signatures_and_no_others() -> None:
    asked = having(INPUT, pair(3), pair(2))
    answer = parse_psbt(with_our_signatures(asked, ((0, signature(1)), (1, signature(4)))))
    assert answer.inputs[0].partial_signatures == (signature(1),)
    assert answer.inputs[1].partial_signatures == (signature(4),)
    assert with_our_signatures(asked, ()) == GOOD


def test_an_answer_keeps_all_else_in_its_place() -> None:
    asked = parse_psbt(GOOD)
    answer = split(with_our_signatures(asked, ((0, signature(2)), (0, signature(1)))))
    assert all(pairs == sorted(pairs) for pairs in answer)
    without = [[each for each in pairs if each[0][0] != 2] for pairs in answer]
    without[0] = answer[0]
    assert join(without) == GOOD


def test_an_answer_to_an_input_without_later_pairs() -> None:
    bare = draft_psbt(
        2, 0, (InputDraft(OutPoint(Txid(bytes(32)), 0), 0),), (OutputDraft(TxOut(Sats(0), b"")),)
    )
    answer = with_our_signatures(parse_psbt(bare), ((0, signature(1)),))
    assert split(answer)[INPUT] == [pair(1)]


# --- combining ---


def test_combining_adds_up() -> None:
    parts = (having(INPUT, pair(1)), having(INPUT, pair(2)), having(INPUT + 1, pair(4)))
    whole = parse_psbt(combine(parts))
    assert {each.pubkey for each in whole.inputs[0].partial_signatures} == {pubkey(1), pubkey(2)}
    assert whole.inputs[1].partial_signatures == (signature(4),)


def test_what_only_one_has_is_kept() -> None:
    assert combine((parse_psbt(GOOD), having(OUTPUT, (b"\x00", b"\x51")))) == combine(
        (having(OUTPUT, (b"\x00", b"\x51")),)
    )


@pytest.mark.parametrize(
    ("place", "one", "other"),
    [
        (INPUT, pair(1), pair(1, 3)),
        (INPUT, (b"\x04", b"\x51"), (b"\x04", b"\x52")),
        (OUTPUT, (b"\x00", b"\x51"), (b"\x00", b"")),
        (0, (b"\x7f", b"a"), (b"\x7f", b"b")),
    ],
)
def test_two_values_for_one_key_are_refused(
    place: int, one: tuple[bytes, bytes], other: tuple[bytes, bytes]
) -> None:
    """Whoever came last would otherwise decide, be it a wrong signature over a good one."""
    for order in permutations((having(place, one), having(place, other), parse_psbt(GOOD))):
        with refused("psbt-combine-conflict"):
            combine(order)
    combine((having(place, one), having(place, one)))


def test_only_the_same_transaction_is_combined() -> None:
    (unsigned,), *rest = split(GOOD)
    key, value = unsigned
    later = parse_psbt(join([[(key, value[:-4] + b"\x01\0\0\0")], *rest]))
    with refused("psbt-combine-different-transactions"):
        combine((parse_psbt(GOOD), later))
    with refused("psbt-combine-different-transactions"):
        combine(())
    combine((later, later))


# --- combining version 2 ---

V2 = as_version_2(parse_psbt(GOOD))
HEIGHT, TIME = fields.IN_REQUIRED_HEIGHT_LOCKTIME, fields.IN_REQUIRED_TIME_LOCKTIME
LATE = u32(1_700_000_000)


def version_2(place: int, *pairs: tuple[bytes, bytes]) -> UnverifiedPsbt:
    """The good PSBT in version 2 with these pairs, in that map, instead of those of their keys."""
    maps = split(V2)
    keys = {key for key, _ in pairs}
    maps[place] = [*pairs, *(each for each in maps[place] if each[0] not in keys)]
    return parse_psbt(join(maps))


def without(psbt: UnverifiedPsbt, place: int, key: bytes) -> UnverifiedPsbt:
    maps = split(serialize_psbt(psbt))
    maps[place] = [each for each in maps[place] if each[0] != key]
    return parse_psbt(join(maps))


def test_combining_version_2_adds_up() -> None:
    parts = (version_2(INPUT, pair(1)), version_2(INPUT, pair(2)))
    whole = parse_psbt(combine(parts))
    assert (whole.version, whole.transaction) == (2, parse_psbt(GOOD).transaction)
    assert {each.pubkey for each in whole.inputs[0].partial_signatures} == {pubkey(1), pubkey(2)}
    assert combine(parts[::-1]) == combine((*parts, whole)) == serialize_psbt(whole)


def test_versions_are_not_mixed() -> None:
    for order in ((parse_psbt(GOOD), parse_psbt(V2)), (parse_psbt(V2), parse_psbt(GOOD))):
        with refused("psbt-combine-different-versions"):
            combine(order)
    combine((parse_psbt(V2), parse_psbt(V2)))


def test_a_sequence_may_be_set_but_not_changed() -> None:
    """BIP-370's unique identification has all sequences 0: an updater may add one, and no other conflicts."""
    bare = without(parse_psbt(V2), INPUT, fields.IN_SEQUENCE)
    whole = parse_psbt(combine((bare, parse_psbt(V2))))
    assert whole.transaction == parse_psbt(GOOD).transaction != bare.transaction
    with refused("psbt-combine-conflict"):
        combine((parse_psbt(V2), version_2(INPUT, (fields.IN_SEQUENCE, u32(0)))))


@pytest.mark.parametrize(
    "other",
    [
        version_2(0, (fields.GLOBAL_TX_VERSION, u32(3))),
        version_2(0, (fields.GLOBAL_FALLBACK_LOCKTIME, u32(1))),
        version_2(INPUT, (HEIGHT, u32(1))),
        version_2(OUTPUT, (fields.OUT_AMOUNT, u64(1))),
        version_2(OUTPUT, (fields.OUT_SCRIPT, b"")),
    ],
)
def test_only_the_same_transaction_is_combined_in_version_2(other: UnverifiedPsbt) -> None:
    for order in permutations((parse_psbt(V2), other)):
        with refused("psbt-combine-different-transactions"):
            combine(order)
    combine((other, other))


def test_modifiable_flags_that_differ_conflict() -> None:
    with refused("psbt-combine-conflict"):
        combine(tuple(version_2(0, (fields.GLOBAL_TX_MODIFIABLE, bytes((x,)))) for x in (0, 1)))
    combine((version_2(0, (fields.GLOBAL_TX_MODIFIABLE, b"\x01")),) * 2)


def locks(first: dict[bytes, bytes], second: dict[bytes, bytes]) -> UnverifiedPsbt:
    """What the two inputs require of the locktime."""
    maps = split(V2)
    maps[INPUT] += first.items()
    maps[INPUT + 1] += second.items()
    return parse_psbt(join(maps))


def test_what_the_inputs_require_together_is_what_each_psbt_required() -> None:
    """Each of these PSBTs has the time as its locktime; with all their pairs it would be the height."""
    both, time = {HEIGHT: u32(9), TIME: LATE}, {TIME: LATE}
    one, other = locks(time, both), locks(both, time)
    assert one.transaction == other.transaction
    with refused("psbt-combine-conflict"):
        combine((one, other))
    assert combine((one, locks(time, {}))) == combine((one, one))


SIGNERS = st.lists(st.sets(st.integers(1, 6)), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(SIGNERS, st.randoms(use_true_random=False))
def test_combining_is_commutative_and_idempotent(signers, random) -> None:  # type: ignore[no-untyped-def]
    parts = []
    for members in signers:
        maps: Maps = split(GOOD)
        for member in members:
            maps[INPUT + (member > 3)].append(pair(member))
        for pairs in maps:
            random.shuffle(pairs)
        parts.append(parse_psbt(join(maps)))
    whole = combine(tuple(parts))
    random.shuffle(parts)
    assert combine(tuple(parts)) == whole
    assert combine((*parts, parse_psbt(whole))) == whole
    assert combine((parse_psbt(whole),)) == whole
    grouped = parse_psbt(combine(tuple(parts[:2])))
    assert combine((grouped, *parts[2:])) == whole
    everyone = {pubkey(member) for members in signers for member in members}
    found = [each.pubkey for one in parse_psbt(whole).inputs for each in one.partial_signatures]
    assert sorted(found) == sorted(everyone)
    assert serialize_psbt(parse_psbt(whole)) == whole
