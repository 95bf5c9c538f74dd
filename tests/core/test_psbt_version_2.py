"""PSBT version 2 through verify and extract: the same facts as version 0, and never a change to come."""

import pytest

from signer.bitcoin.codec import u32
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.convert import as_version_2
from signer.bitcoin.psbt.model import Pair
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps
from signer.consensus import verify_consensus
from signer.core.errors import VerificationError
from signer.core.extract import Extracted, extract
from signer.core.spend import VerifiedSpend
from signer.core.verify import SpendClaims, verify
from tests.core.coins import sign
from tests.core.spends import Case, Coin, good_case
from tests.core.test_extract import PSBT, VAULT

CASE = good_case((Coin(), Coin(salt=1)))


def verified(case: Case, *extra: Pair, place: int = 0) -> VerifiedSpend:
    """The case's spend, asked for in version 2 with these pairs more in that map."""
    psbt = parse_psbt(as_version_2(parse_psbt(case.psbt_bytes)))
    maps = [psbt.global_pairs, *(m.pairs for m in psbt.inputs), *(m.pairs for m in psbt.outputs)]
    keys = {key for key, _ in extra}
    maps[place] = tuple(pair for pair in maps[place] if pair[0] not in keys) + extra
    raw = serialize_maps(maps)
    claims = SpendClaims(parse_psbt(raw), raw, case.payments)
    return verify(claims, case.vault, case.registry, (0,))


def refused(case: Case, *extra: Pair, place: int = 0) -> str:
    with pytest.raises(VerificationError) as caught:
        verified(case, *extra, place=place)
    return caught.value.code


def test_both_versions_are_the_same_facts() -> None:
    one, other = CASE.verify(), verified(CASE)
    assert one.psbt.version != other.psbt.version
    assert one.tasks == other.tasks
    assert (one.kind, one.coins, one.payments, one.change, one.fee, one.weight) == (
        other.kind,
        other.coins,
        other.payments,
        other.change,
        other.fee,
        other.weight,
    )
    assert one.transaction == other.transaction


@pytest.mark.parametrize("flags", [1, 2, 3, 4, 8, 0x80])
def test_nothing_is_signed_that_may_still_be_modified(flags: int) -> None:
    """What one signer approves, the next coordinator would add to; and a flag that nobody has defined yet
    may mean anything."""
    key = fields.GLOBAL_TX_MODIFIABLE
    assert refused(CASE, (key, bytes((flags,)))) == "psbt-modifiable"
    assert verified(CASE, (key, b"\x00")).tasks == CASE.verify().tasks


def test_a_required_locktime_is_the_transactions_locktime() -> None:
    """A height that an input requires is judged where nLockTime is; a time is refused."""
    height, time = fields.IN_REQUIRED_HEIGHT_LOCKTIME, fields.IN_REQUIRED_TIME_LOCKTIME
    spend = verified(CASE, (height, u32(700)), place=2)
    assert spend.transaction.locktime == 700
    assert spend.tasks == CASE.but(locktime=700).verify().tasks
    assert refused(CASE, (time, u32(1_700_000_000)), place=2) == "locktime-refused"


def test_an_input_without_a_sequence_is_final() -> None:
    spend = verified(CASE, (fields.IN_SEQUENCE, u32(0xFFFFFFFE)), place=1)
    assert [txin.sequence for txin in spend.transaction.inputs] == [0xFFFFFFFE, 0xFFFFFFFD]
    assert refused(CASE, (fields.IN_SEQUENCE, u32(144)), place=1) == "sequence-refused"


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_field_that_we_do_not_understand(place: int) -> None:
    pair = (b"\xfc\x02id\x00", b"")
    assert refused(CASE, pair, place=place) == "psbt-field-not-understood"


def test_answers_in_version_2_are_combined_and_extracted() -> None:
    answers = [sign(as_version_2(parse_psbt(PSBT)), VAULT, position) for position in range(2)]
    assert {answer.version for answer in answers} == {2}
    found = extract(VAULT, tuple(answers))
    assert isinstance(found, Extracted)
    verify_consensus(found.transaction, found.prevouts)
    same = extract(VAULT, tuple(sign(PSBT, VAULT, position) for position in range(2)))
    assert isinstance(same, Extracted)
    assert found.transaction == same.transaction
    assert parse_psbt(found.psbt_bytes).version == 2
