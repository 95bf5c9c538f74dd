"""What relied on a block that is not on the best chain locks, whether this record saw it leave or not."""

from dataclasses import replace
from pathlib import Path

import pytest

from signer.core.control import lock_objection
from signer.core.deposits import ReorganisedNotice, Undone
from signer.journal.codec import decode_entry
from signer.journal.undone import record_undone
from tests.journal.headers import LONELY, bring, names, on_top, trunk, with_headers
from tests.journal.test_deposits_codec import DEPOSIT, FACTS, noted

RAWS = trunk(12)
ELSEWHERE = b"\x0e" * 32


@pytest.mark.parametrize(("block", "is_locked"), [(names(RAWS)[4], False), (ELSEWHERE, True)])
def test_another_block_is_there_from_the_first(
    tmp_path: Path, block: bytes, is_locked: bool
) -> None:
    """After an import the headers are brought anew, and one on which an entry relied is not among them. It
    never left this record, and what was attested is in no chain all the same."""
    with with_headers(tmp_path / "journal", LONELY, on_changed=record_undone) as journal:
        noted(journal, replace(DEPOSIT, facts=replace(FACTS, block_hash=block, height=5)))
        bring(journal, RAWS[:4])
        with journal.reading() as reading:
            assert lock_objection(reading.control()) is None
        bring(journal, RAWS[4:])
        with journal.reading() as reading:
            locked = lock_objection(reading.control())
            assert (locked is not None) is is_locked
            if is_locked:
                notice = decode_entry(reading.record(2))
                assert isinstance(notice, ReorganisedNotice)
                assert notice.undone == (Undone(1, ELSEWHERE, 5),)
        bring(journal, [*RAWS, *on_top(RAWS, 1)])
        with journal.reading() as reading:
            assert reading.size() == (3 if is_locked else 2)  # it is said once


def test_a_block_above_a_shorter_and_better_chain_is_gone(tmp_path: Path) -> None:
    """A reorganisation judges the heights that the old chain had and the new one has not, too."""
    with with_headers(tmp_path / "journal", LONELY, on_changed=record_undone) as journal:
        bring(journal, RAWS)
        noted(journal, replace(DEPOSIT, facts=replace(FACTS, block_hash=ELSEWHERE, height=13)))
        bring(journal, on_top(RAWS[:10], 3))
        with journal.reading() as reading:
            assert lock_objection(reading.control()) is not None
