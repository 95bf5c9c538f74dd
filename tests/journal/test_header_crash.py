"""A process that is killed while it takes headers: of each batch all is on record, or nothing."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from signer.bitcoin.best_chain import ChainBounds
from signer.journal.audit import verify_journal
from tests.journal.headers import LONELY, best_of, bring, names, on_top, with_headers

DEEP = replace(LONELY, bounds=ChainBounds(10_000, 0))
LEAST = 50
"""Headers of the first branch. Each that follows leaves at genesis, and is longer by one."""

REORGANISE_FOR_EVER = """
import sys
from pathlib import Path
from tests.journal.headers import bring, open_with_headers
from tests.journal.test_header_crash import DEEP, branch
journal = open_with_headers(Path(sys.argv[1]), DEEP)
for number in range(int(sys.argv[2]), 10_000):
    print(bring(journal, branch(number)).added, flush=True)
"""


def branch(number: int) -> list[bytes]:
    return on_top((), LEAST + number, number.to_bytes(32, "big"))


def test_kill_9_leaves_whole_batches(tmp_path: Path) -> None:
    path, taken = tmp_path / "journal", 0
    for answers in (1, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", REORGANISE_FOR_EVER, str(path), str(taken)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        answered = [process.stdout.readline() for _ in range(answers)]
        os.kill(process.pid, signal.SIGKILL)
        answered += [line for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        assert answered == [f"{LEAST + taken + n}\n" for n in range(len(answered))]
        headers = verify_journal(path).headers - 1
        sizes = list(accumulate(LEAST + n for n in range(1_000)))
        before, taken = taken, 1 + sizes.index(headers)
        assert len(answered) <= taken - before <= len(answered) + 1
        with with_headers(path, DEEP) as journal:
            assert best_of(journal) == names(branch(taken - 1))
            assert bring(journal, branch(taken - 1)).added == 0
