"""A block counts no more confirmations than the time on record allows."""

from dataclasses import replace
from pathlib import Path

from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.burial import Burial
from signer.bitcoin.hashes import hash256
from tests.core.spends import NOW
from tests.journal.desk import ManualClock
from tests.journal.headers import LONELY, bring, chain_of, trunk, with_headers

RAWS = trunk(12)
TIMED = replace(LONELY, bounds=ChainBounds(depth=6, least_work=0, spacing=600))


def blocks_on(journal, raw: bytes) -> int:
    with chain_of(journal) as chain:
        return chain.burial(hash256(raw)).blocks


def test_confirmations_take_time_on_record(tmp_path: Path) -> None:
    """A chain that was made in secret and is shown at once, whatever its times say."""
    clock = ManualClock(NOW)
    with with_headers(tmp_path / "journal", TIMED, clock=clock) as journal:
        bring(journal, RAWS)
        for seconds, blocks in (
            (0, 1),
            (299, 1),
            (300, 2),
            (599, 2),
            (600, 3),
            (3_000, 11),
            (9_000, 12),
        ):
            clock.moment = NOW + seconds
            assert blocks_on(journal, RAWS[0]) == blocks
        clock.moment = NOW + 600
        with chain_of(journal) as chain:
            assert chain.burial(hash256(RAWS[3])) == Burial(3, 6)  # work is counted as far, too
            assert chain.burial(hash256(RAWS[-1])) == Burial(1, 2)


def test_blocks_that_come_as_they_should_count_at_once(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    with with_headers(tmp_path / "journal", TIMED, clock=clock) as journal:
        for count, raw in enumerate(RAWS, 1):
            clock.moment = NOW + 600 * count
            bring(journal, [raw])
            assert blocks_on(journal, RAWS[0]) == count


def test_regtest_asks_for_no_time(tmp_path: Path) -> None:
    with with_headers(tmp_path / "journal", LONELY, clock=ManualClock(NOW)) as journal:
        bring(journal, RAWS)
        assert blocks_on(journal, RAWS[0]) == 12


def test_what_a_record_starts_with_counts_at_once(tmp_path: Path) -> None:
    with with_headers(tmp_path / "journal", TIMED, clock=ManualClock(NOW)) as journal:
        bring(journal, RAWS)
        with chain_of(journal) as chain:
            genesis = chain.start()
            assert chain.burial(genesis.hash).blocks == 13
