"""`python -m clients.carrier JOB.json`: carries between the members of a job until it is stopped.

    python -m clients.carrier job.json                 (a round every second)
    python -m clients.carrier job.json --every 0.2
    python -m clients.carrier job.json --once          (one round; exit status 3 if somebody did not answer)

The job is the relayer's, or a file with `members` alone; its certificate needs the role `witness`. A line
is printed when something was read or brought, or when it changes who waits or does not answer.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from carrier.member import Member
from carrier.round import Carrier, Report
from clients.relayer.job import BadJob, load_members

AT_ONCE = 8
"""Pairs of members that are carried between at the same time."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carrier", description="Carries between members.")
    parser.add_argument("job", type=Path, help="JSON file, see clients/relayer/job.py")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two rounds")
    parser.add_argument("--once", action="store_true")
    return parser.parse_args()


def report_line(report: Report) -> str:
    """What a round did, as JSON."""
    said = {"entries": report.entries, "messages": report.messages}
    return json.dumps(said | {"waiting": report.waiting, "failures": report.failures})


def run(members: tuple[Member, ...], every: float) -> None:
    """Round after round, until interrupted."""
    pool = ThreadPoolExecutor(AT_ONCE)
    carrier, last = Carrier(members, each_of=pool.map), ""
    while True:
        report = carrier.carry()
        line = report_line(report)
        if line != last or report.entries:
            print(line, flush=True)
        last = line
        time.sleep(every)


def main() -> int:
    """Carry."""
    given = _arguments()
    try:
        members = load_members(given.job)
        if given.once:
            report = Carrier(members).carry()
            print(report_line(report))
            return 3 if report.failures else 0
        run(members, given.every)
    except BadJob as error:
        print(f"carrier: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
