"""Real processes that are killed while they write, or find that the file may not grow."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from signer.journal.audit import read_entries, verify_journal
from signer.journal.place import Place
from tests import federation
from tests.core.spends import NOW, withdrawal_id
from tests.journal.desk import case_number, desk, open_desk, pay
from tests.journal.words import QUORUM, terms_of

VAULT = federation.vault().fingerprint


WRITE_FOR_EVER = """
import sys
from contextlib import closing
from tests.journal.desk import case_number, open_desk, pay
from tests.journal.tampering import place_named
from tests.journal.words import attested, noted, terms_of
journal = open_desk(place_named(sys.argv[1]))
for number in range(int(sys.argv[2]), 10_000):
    noted(journal, attested(terms_of(number)))
    recorded = pay(journal, case_number(number))
    print(number, recorded.decision_id.hex(), flush=True)
"""


def test_kill_9_loses_no_answer_and_counts_nothing_twice(place: Place) -> None:
    """A real process is killed while it writes; what it answered is on record, once."""
    answered: dict[int, bytes] = {}
    start = 0
    for answers in (1, 7, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(place), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(answers):
            number, decision = process.stdout.readline().split()
            answered[int(number)] = bytes.fromhex(decision)
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                number, decision = line.split()
                answered[int(number)] = bytes.fromhex(decision)
        process.wait()
        process.stdout.close()
        start = max(answered) + 1
    report = verify_journal(place)
    leaves = {each.leaf for each in read_entries(place, 1)}
    assert set(answered.values()) <= leaves
    assert report.entries - 1 - 2 * len(answered) <= 6  # recorded, killed before the answer
    with desk(place) as journal:
        for paid, leaf in answered.items():
            assert pay(journal, case_number(paid)).decision_id == leaf
        pay(journal, case_number(start))
        with journal.reading() as reading:
            recorded = len(reading.withdrawals(b"", 10_000))
            assert reading.outflow_since(VAULT, 0) == recorded * 60_010_000
            assert reading.withdrawal(withdrawal_id(start)) is not None
            clocks = [reading.first_attested(VAULT, terms_of(each), QUORUM) for each in answered]
            assert clocks == [NOW] * len(answered)


FILL = """
import resource, sys
from pathlib import Path
from signer.core.errors import Refusal
from tests.journal.desk import case_number, open_desk, pay
path = Path(sys.argv[1])
journal = open_desk(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
for number in range(1_000):
    try:
        pay(journal, case_number(number))
    except Refusal as refusal:
        print("refused", number, refusal.code)
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("then", number, pay(journal, case_number(number)).decision_id.hex())
journal.close()
"""


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """The file may not grow: refused by name, nothing half written; with room again all goes on."""
    path = tmp_path / "journal"
    open_desk(path).close()
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["refused", "then"], done.stderr
    assert lines[0][2] == "journal-unavailable"
    assert lines[0][1] == lines[1][1]
    assert int(lines[0][1]) > 5
    assert verify_journal(path).entries == 2 + int(lines[1][1])
