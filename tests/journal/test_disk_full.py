"""A real disk, small and full: signing lives on the reserve, then is refused whole, then goes on by itself.

Needs a mount of its own, so root. Anybody else sees it skipped.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal.audit import verify_journal
from signer.journal.journal import Journal, JournalSetting
from signer.journal.room import SpaceTerms
from signer.journal.store import create_journal
from tests.journal.desk import FIRST_LEAF, GENESIS, ManualClock, Policy, Signer, case_number, pay
from tests.journal.words import approval, noted, said

MIB = 1 << 20
TERMS = SpaceTerms(reserve=4 * MIB, step=MIB, low=8 * MIB)
DECISIONS = 400
"""That the reserve of these tests carries at least; a kernel's is four times as large."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid():
        pytest.skip("NOT TESTED: a full disk (mounting a small one needs root)")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "pegwarden-test", str(folder))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        assert os.environ.get("CI") != "true", done.stderr
        pytest.skip(f"NOT TESTED: a full disk (no mount: {done.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(("umount", str(folder)), check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Somebody else's file takes all but so much."""
    found = os.statvfs(disk)
    with (disk / "somebody's").open("ab", buffering=0) as file, suppress(OSError):
        for _ in range((found.f_bavail * found.f_frsize - leave) // 4_096):
            file.write(bytes(4_096))


def empty(disk: Path) -> None:
    (disk / "somebody's").unlink()


@contextmanager
def opened(disk: Path) -> Iterator[Journal]:
    path = disk / "journal"
    if not path.exists():
        create_journal(path, GENESIS, Signer())
    setting = JournalSetting(
        Signer(), ManualClock(), FIRST_LEAF, head_file=disk / "journal.head", space=TERMS
    )
    journal = Journal(path, setting)
    try:
        yield journal
    finally:
        journal.close()


def refusal(journal: Journal, number: int, policy: Policy | None = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        pay(journal, case_number(number), policy)
    return caught.value


def pay_until_refused(journal: Journal, first: int) -> int:
    """The number of the first that is refused for want of room, twice: what a refusal undoes may be room for
    one more."""
    number, refused = first, list[Refusal]()
    while len(refused) < 2:
        try:
            pay(journal, case_number(number))
        except Refusal as refusal:
            refused.append(refusal)
        else:
            number += 1
            refused.clear()
    assert [(each.code, each.decision_id) for each in refused] == [("journal-disk-full", b"")] * 2
    return number


def test_signing_outlives_a_full_disk_and_goes_on_when_there_is_room(disk: Path) -> None:
    stern = Policy(outflow=0)
    with opened(disk) as journal:
        first = pay(journal, case_number(0))
        assert journal.failures() == ()
        fill(disk, leave=6 * MIB)
        assert refusal(journal, 1, stern).decision_id
        assert not refusal(journal, 2, stern).decision_id  # counted
        assert any(each.startswith("disk low: ") for each in journal.failures())
        fill(disk)
        assert refusal(journal, 1, Policy(coins_proven=False)).code == "coin-unproven"
        noted(journal, said(approval(7)))
        end = pay_until_refused(journal, 1)
        assert end > DECISIONS
        assert (disk / "journal.reserve").stat().st_size == 0
        assert pay(journal, case_number(0)).decision_id == first.decision_id  # writes nothing
        assert refusal(journal, end, stern).code == "outflow-exceeded"
        assert verify_journal(disk / "journal").entries == end + 3  # genesis, refusal, act
        empty(disk)
        pay(journal, case_number(end))
        assert journal.failures() == ()
        assert (disk / "journal.reserve").stat().st_size == TERMS.reserve
    assert verify_journal(disk / "journal").entries == end + 4


def test_a_start_on_a_full_disk_lives_on_the_reserve(disk: Path) -> None:
    with opened(disk) as journal:
        pay(journal, case_number(0))
    fill(disk)
    with opened(disk) as journal:
        pay(journal, case_number(1))
        end = pay_until_refused(journal, 2)
    with opened(disk) as journal:  # what SQLite's WAL took is free again
        end = pay_until_refused(journal, end)
        empty(disk)
        pay(journal, case_number(end))
    assert verify_journal(disk / "journal").entries == 2 + end


def test_who_takes_what_is_given_back_takes_it_step_by_step(disk: Path) -> None:
    """Another process writes whatever is free between any two decisions."""
    with opened(disk) as journal:
        for number in range(3):
            pay(journal, case_number(number))
            fill(disk)
        assert (disk / "journal.reserve").stat().st_size == 2 * MIB
        empty(disk)
        pay(journal, case_number(3))
        assert (disk / "journal.reserve").stat().st_size == TERMS.reserve
