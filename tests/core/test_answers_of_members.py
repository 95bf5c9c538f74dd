"""What ExtractTx reads of a member's answer, before answers are combined."""

import pytest

from signer.bitcoin.psbt.convert import as_version_2
from signer.bitcoin.psbt.model import Pair, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps, serialize_psbt
from signer.core.errors import VerificationError
from signer.core.extract import Extracted, extract, read_answer
from tests.core.test_extract import SIGNED, VAULT

UNKNOWN: Pair = (b"\x77", b"who knows")
PLACES = (1, 1 + len(SIGNED[0].inputs))
"""Maps: the first input's, the first output's."""


def with_pair(psbt: UnverifiedPsbt, place: int) -> bytes:
    """The same, with a field that nobody knows in that map."""
    maps = [psbt.global_pairs, *(m.pairs for m in psbt.inputs), *(m.pairs for m in psbt.outputs)]
    maps[place] = (*maps[place], UNKNOWN)
    return serialize_maps(maps)


def test_an_answer_is_read_as_it_was_written() -> None:
    assert read_answer(serialize_psbt(SIGNED[0]), VAULT) == SIGNED[0]


@pytest.mark.parametrize("place", PLACES)
def test_an_answer_with_a_field_that_nobody_understands(place: int) -> None:
    """It may say that the signatures are for something else."""
    with pytest.raises(VerificationError) as caught:
        read_answer(with_pair(SIGNED[0], place), VAULT)
    assert caught.value.code == "psbt-field-not-understood"


def test_answers_of_both_versions_are_combined() -> None:
    newer = parse_psbt(as_version_2(SIGNED[1]))
    assert newer.version != SIGNED[0].version
    found = extract(VAULT, (SIGNED[0], newer))
    assert isinstance(found, Extracted)
    assert found.transaction.txid == SIGNED[0].transaction.txid
    assert found == extract(VAULT, SIGNED[:2])
