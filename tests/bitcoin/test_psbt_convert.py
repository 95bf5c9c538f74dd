"""Version 0 <-> version 2. Invariant: the same transaction, the same digests, the same claims."""

import pytest
from btclib.exceptions import BTClibValueError
from btclib_wallet.psbt import Psbt

from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.convert import as_version_0, as_version_2
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.bitcoin.psbt.writer import serialize_psbt
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT, TaprootSighash
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from tests.bitcoin.psbt_mutation import join, multisig_draft, seeds, split
from tests.vectors import load_json

GOOD = multisig_draft()


def core_vectors() -> list[bytes]:
    core = load_json("bitcoin-core/functional/rpc_psbt.json")
    return [psbt_from_base64(text) for text in core["valid"]]


def digests(psbt: UnverifiedPsbt) -> list[bytes]:
    """What would be signed, by both algorithms, if the prevouts were these."""
    prevouts = tuple(TxOut(Sats(1 + at), b"\x51") for at, _ in enumerate(psbt.inputs))
    segwit, taproot = (
        SegwitV0Sighash(psbt.transaction),
        TaprootSighash(psbt.transaction, prevouts),
    )
    return [
        digest
        for at, prevout in enumerate(prevouts)
        for digest in (
            segwit.digest(at, b"\x51", prevout.amount),
            taproot.digest(at, SIGHASH_DEFAULT, bytes(32)),
        )
    ]


def assert_same(one: UnverifiedPsbt, other: UnverifiedPsbt) -> None:
    assert one.transaction == other.transaction
    assert one.transaction.txid == other.transaction.txid
    assert digests(one) == digests(other)
    assert (one.xpubs, one.unknown) == (other.xpubs, other.unknown)
    for ours, theirs in zip(one.inputs + one.outputs, other.inputs + other.outputs, strict=True):
        assert sorted_fields(ours) == sorted_fields(theirs)


def sorted_fields(claims: tuple[object, ...]) -> list[object]:
    """The typed fields; where there are several of a kind, in one order."""
    return [sorted(each, key=repr) if isinstance(each, tuple) else each for each in claims[1:]]


def test_every_seed_and_core_vector_there_and_back() -> None:
    found = {0: 0, 2: 0}
    for data in (*seeds(), *core_vectors()):
        try:
            psbt = parse_psbt(data)
        except ValueError:
            continue  # a BIP-370 vector that has no locktime
        found[psbt.version] += 1
        as_0, as_2 = parse_psbt(as_version_0(psbt)), parse_psbt(as_version_2(psbt))
        assert (as_0.version, as_2.version) == (0, 2)
        for other in (as_0, as_2):
            assert_same(psbt, other)
        assert as_version_0(as_2) == as_version_0(parse_psbt(as_version_2(as_0)))
        assert as_version_2(as_0) == as_version_2(parse_psbt(as_version_0(as_2)))
    assert found == {0: 69, 2: 38}


def test_btclib_converts_to_the_same_transaction() -> None:
    converted = 0
    for data in (*seeds(), *core_vectors()):
        try:
            theirs = Psbt.parse(data)
            versions = theirs.to_v0().serialize(), theirs.to_v2().serialize()
        except BTClibValueError:
            continue  # what it does not read, `test_psbt_fuzz` lists
        ours = parse_psbt(data)
        for their_bytes, our_bytes in zip(
            versions, (as_version_0(ours), as_version_2(ours)), strict=True
        ):
            assert_same(parse_psbt(our_bytes), parse_psbt(their_bytes))
        converted += 1
    assert converted > 60


def test_only_the_pairs_that_state_the_transaction_change() -> None:
    version_0, version_2 = split(GOOD), split(as_version_2(parse_psbt(GOOD)))
    assert all(pairs == sorted(pairs) for pairs in version_2)
    for before, after in zip(version_0[1:], version_2[1:], strict=True):
        assert set(before) < set(after)
        assert {key[0] for key, _ in set(after) - set(before)} in ({0x0E, 0x0F, 0x10}, {3, 4})
    assert {key for key, _ in version_2[0]} == {b"\x02", b"\x03", b"\x04", b"\x05", b"\xfb"}


def test_a_psbt_of_that_version_stays_as_it_is() -> None:
    """Its pairs are not even sorted."""
    shuffled = join([pairs[::-1] for pairs in split(GOOD)])
    assert as_version_0(parse_psbt(shuffled)) == shuffled
    twice = join([pairs[::-1] for pairs in split(as_version_2(parse_psbt(GOOD)))])
    assert as_version_2(parse_psbt(twice)) == twice


@pytest.mark.parametrize("version", [0, 2])
def test_what_nobody_told_us_about_is_kept(version: int) -> None:
    maps = split(GOOD if version == 0 else as_version_2(parse_psbt(GOOD)))
    for place, pairs in enumerate(maps):
        pairs.append((b"\xfc\x02id\x00", bytes((place,))))
    convert = as_version_2 if version == 0 else as_version_0
    psbt = parse_psbt(convert(parse_psbt(join(maps))))
    found = (psbt.unknown, *(each.unknown for each in psbt.inputs + psbt.outputs))
    assert [value for ((_, value),) in found] == [b"\0", b"\1", b"\2", b"\3", b"\4"]


def test_what_version_0_cannot_say_is_lost() -> None:
    maps = split(as_version_2(parse_psbt(GOOD)))
    maps[0].append((fields.GLOBAL_TX_MODIFIABLE, b"\x03"))
    maps[1].append((fields.IN_REQUIRED_HEIGHT_LOCKTIME, b"\x09\0\0\0"))
    asked = parse_psbt(join(maps))
    back = parse_psbt(as_version_2(parse_psbt(as_version_0(asked))))
    assert (asked.modifiable, back.modifiable) == (3, 0)
    assert asked.transaction.locktime == back.transaction.locktime == 9
    assert fields.IN_REQUIRED_HEIGHT_LOCKTIME not in dict(back.inputs[0].pairs)
    assert serialize_psbt(asked) == join(maps)
