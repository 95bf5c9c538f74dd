"""`python -m clients.relayer JOB.json TASK ...`: prints the txid or says why not.

    python -m clients.relayer job.json propose                               (the orders, to the officers)
    python -m clients.relayer job.json pay --fee-rate 5000 --wait 86400      (ask again for a day)
    python -m clients.relayer job.json bump WITHDRAWAL_ID --fee-rate 9000
    python -m clients.relayer job.json grow WITHDRAWAL_ID --fee-rate 9000    (by the job's orders and coins)
    python -m clients.relayer job.json resume --fee-rate 9000    (all that the members have unfinished)
    python -m clients.relayer job.json anchor MAGIC BATCH --fee-rate 5000
    python -m clients.relayer job.json move VAULT NONCE --fee-rate 5000      (sweep, rotation, recovery)
    python -m clients.relayer job.json follow TXID --depth 6
    python -m clients.relayer job.json buried --depth 100       (what attestors are to be asked: `spends ...`)
    python -m clients.relayer job.json release --depth 100      (closes and strikes all of that)
    python -m clients.relayer job.json strike WITHDRAWAL_ID TXID (of what else took its pin)
    python -m clients.relayer job.json close WITHDRAWAL_ID TXID --acts ACT...  (by officers' consent)

What is anchored or moved is what the job's attestations say; the job's coins pay for it.
What waits for officers or time is asked again for `--wait` seconds; then the exit status is 1, and the same
task may be called later. Fee rates are in satoshi per 1000 virtual bytes. Exit status: 0 done, 1 refused,
2 usage, 3 fault.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.relayer.burials import burials, release_all
from clients.relayer.consent import read_consent
from clients.relayer.draft import Fee
from clients.relayer.federation import NotSigned
from clients.relayer.job import BadJob, Job, load_job
from clients.relayer.moves import anchor_draft, move_draft
from clients.relayer.named import close, strike
from clients.relayer.relayer import NotAccepted
from clients.relayer.resume import resume_all
from pegwarden.v1.approval_pb2 import OfficerAct
from signer.bitcoin.transaction import parse_transaction


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="relayer", description="Serves one vault.")
    parser.add_argument("job", type=Path, help="JSON file, see clients/relayer/job.py")
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("propose")
    pay = tasks.add_parser("pay")
    bump = tasks.add_parser("bump")
    grow = tasks.add_parser("grow")
    for task in (bump, grow):
        task.add_argument("withdrawal_id")
    resume = tasks.add_parser("resume")
    anchor = tasks.add_parser("anchor")
    anchor.add_argument("magic")
    anchor.add_argument("batch", type=int)
    move = tasks.add_parser("move")
    move.add_argument("vault")
    move.add_argument("nonce")
    for task in (pay, bump, grow, resume, anchor, move):
        task.add_argument("--fee-rate", type=int, required=True, help="sat per 1000 vB")
    for task in (pay, bump, grow):
        task.add_argument("--wait", type=float, default=0.0, help="seconds, for officers or time")
    release = tasks.add_parser("release")
    for task in (tasks.add_parser("buried"), release):
        task.add_argument("--depth", type=int, default=100, help="the vault's release_depth")
    strike, close = tasks.add_parser("strike"), tasks.add_parser("close")
    for task in (strike, close):
        task.add_argument("withdrawal_id")
        task.add_argument("txid")
    strike.add_argument("--elders", nargs="*", default=[], help="raw transactions, hexadecimal")
    for task in (release, strike, close):
        task.add_argument("--acts", nargs="*", type=Path, default=[], help="officers' acts")
    follow = tasks.add_parser("follow")
    follow.add_argument("txid")
    follow.add_argument("--depth", type=int, default=6)
    follow.add_argument("--seconds", type=float, default=7200)
    return parser.parse_args()


def _pay(job: Job, given: argparse.Namespace) -> str:
    draft = job.relayer.construct(job.orders, job.coins, Fee(given.fee_rate))
    return job.relayer.finish_in_time(draft, given.wait)


def _bump(job: Job, given: argparse.Namespace) -> str:
    withdrawal_id = bytes.fromhex(given.withdrawal_id)
    draft = job.relayer.further_version(withdrawal_id, given.fee_rate)
    return job.relayer.finish_in_time(draft, given.wait)


def _grow(job: Job, given: argparse.Namespace) -> str:
    withdrawal_id = bytes.fromhex(given.withdrawal_id)
    draft = job.relayer.further_version(withdrawal_id, given.fee_rate, job.coins, job.orders)
    return job.relayer.finish_in_time(draft, given.wait)


def _propose(job: Job, _: argparse.Namespace) -> str:
    answers = job.relayer.propose(job.orders)
    waiting = {each.withdrawal_id.hex() for answer in answers for each in answer.withdrawals}
    return "\n".join(sorted(waiting))


def _resume(job: Job, given: argparse.Namespace) -> str:
    return "\n".join(resume_all(job.relayer, given.fee_rate))


def _anchor(job: Job, given: argparse.Namespace) -> str:
    batch = job.evidence.batch(bytes.fromhex(given.magic), given.batch)
    return job.relayer.finish(anchor_draft(job.relayer, batch, job.coins, Fee(given.fee_rate)))


def _move(job: Job, given: argparse.Namespace) -> str:
    move = job.evidence.move(given.vault, bytes.fromhex(given.nonce))
    return job.relayer.finish(move_draft(job.relayer, move, job.coins, Fee(given.fee_rate)))


def _buried(job: Job, given: argparse.Namespace) -> str:
    found = {each.subject for each in burials(job.relayer, given.depth)}
    return "\n".join(sorted(found))


def _release(job: Job, given: argparse.Namespace) -> str:
    return "\n".join(release_all(job.relayer, burials(job.relayer, given.depth), _acts(given)))


def _strike(job: Job, given: argparse.Namespace) -> str:
    killer = parse_transaction(job.relayer.raw(given.txid))
    elders = tuple(parse_transaction(bytes.fromhex(each)) for each in given.elders)
    found = strike(job.relayer, bytes.fromhex(given.withdrawal_id), killer, elders)
    return "\n".join(release_all(job.relayer, found, _acts(given)))


def _close(job: Job, given: argparse.Namespace) -> str:
    payment = parse_transaction(job.relayer.raw(given.txid))
    found = close(job.relayer, bytes.fromhex(given.withdrawal_id), payment)
    return "\n".join(release_all(job.relayer, found, _acts(given)))


def _acts(given: argparse.Namespace) -> list[OfficerAct]:
    return [read_consent(path) for path in given.acts]


_TASKS: dict[str, Callable[[Job, argparse.Namespace], str]] = {
    "propose": _propose,
    "pay": _pay,
    "bump": _bump,
    "grow": _grow,
    "resume": _resume,
    "anchor": _anchor,
    "move": _move,
    "buried": _buried,
    "release": _release,
    "strike": _strike,
    "close": _close,
}


def _run(given: argparse.Namespace) -> str:
    job = load_job(given.job)
    if given.task in _TASKS:
        return _TASKS[given.task](job, given)
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
