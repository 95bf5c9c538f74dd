"""`python -m clients.relayer JOB.json pay|bump|follow`: prints the txid or says why not.

    python -m clients.relayer job.json pay --fee-rate 5000
    python -m clients.relayer job.json bump WITHDRAWAL_ID --fee-rate 9000
    python -m clients.relayer job.json follow TXID --depth 6

Fee rates are in satoshi per 1000 virtual bytes. Exit status: 0 done, 1 refused, 2 usage, 3 fault.
"""

import argparse
import sys
from pathlib import Path

from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.relayer.draft import Fee
from clients.relayer.federation import NotSigned
from clients.relayer.job import BadJob, load_job
from clients.relayer.relayer import NotAccepted


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="relayer", description="Pays withdrawals of one vault.")
    parser.add_argument("job", type=Path, help="JSON file, see clients/relayer/job.py")
    tasks = parser.add_subparsers(dest="task", required=True)
    pay = tasks.add_parser("pay")
    bump = tasks.add_parser("bump")
    bump.add_argument("withdrawal_id")
    for task in (pay, bump):
        task.add_argument("--fee-rate", type=int, required=True, help="sat per 1000 vB")
    follow = tasks.add_parser("follow")
    follow.add_argument("txid")
    follow.add_argument("--depth", type=int, default=6)
    follow.add_argument("--seconds", type=float, default=7200)
    return parser.parse_args()


def _run(given: argparse.Namespace) -> str:
    job = load_job(given.job)
    if given.task == "pay":
        return job.relayer.pay(job.orders, job.coins, Fee(given.fee_rate))
    if given.task == "bump":
        return job.relayer.bump(bytes.fromhex(given.withdrawal_id), given.fee_rate)
    depth = job.relayer.follow(given.txid, given.depth, given.seconds)
    return f"{given.txid} {depth}"


def main() -> int:
    """One task."""
    given = _arguments()
    try:
        print(_run(given))
    except (NotSigned, Refused, NotAccepted) as refused:
        print(f"relayer: {refused}", file=sys.stderr)
        return 1
    except (BadJob, ValueError) as error:
        print(f"relayer: {error}", file=sys.stderr)
        return 2
    except (OSError, NodeError, Unreachable) as error:  # TimeoutError is an OSError
        print(f"relayer: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
