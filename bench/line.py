"""The pure line of one SignPsbt: claims, facts, consent, signatures, through the functions that serve.

1. Not in it: gRPC, the journal's entry and its fsync. The record is in memory.
2. `pure_line` as it runs when these coins were signed for before (a fee bump, a retry); `fresh_line` as it
   runs the first time: of all that was remembered only the derived scripts remain, which a kernel makes
   before it serves.
"""

import sys
import time
from collections.abc import Callable

from bench.cases import NOW, Request
from bench.record import on_record
from keystore.gate import sign_recorded
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import with_our_signatures
from signer.core.approve import approve
from signer.core.evidence import authorize
from signer.core.question import ask
from signer.core.verify import SpendClaims, verify

STAGES = ("parse", "verify", "approve", "sign", "write")
MADE_AHEAD = frozenset(("derive", "branch_key", "_tag_midstate"))


def timed_line(request: Request) -> tuple[bytes, list[float]]:
    """The PSBT with our signatures, and the moments between the stages."""
    member, moments = request.member, [time.perf_counter()]
    psbt = parse_psbt(request.psbt)
    moments.append(time.perf_counter())
    claims = SpendClaims(psbt, request.psbt, request.payments)
    spend = verify(claims, member.vault, member.registry, member.ours)
    moments.append(time.perf_counter())
    authorized = authorize((), member.vault.realm, member.policy.attestors)
    approved = approve(ask(spend, authorized, request.view, NOW), member.policy)
    moments.append(time.perf_counter())
    signed = sign_recorded(on_record(approved.spend), member.key)
    moments.append(time.perf_counter())
    answer = with_our_signatures(psbt, signed.signatures)
    moments.append(time.perf_counter())
    return answer, moments


def pure_line(request: Request) -> Callable[[], float]:
    """Seconds of one run, coins known."""

    def run() -> float:
        moments = timed_line(request)[1]
        return moments[-1] - moments[0]

    return run


def fresh_line(request: Request) -> Callable[[], float]:
    """Seconds of one run, coins new."""
    known = pure_line(request)

    def run() -> float:
        for cache in _caches():
            cache()
        return known()

    return run


def _caches() -> list[Callable[[], None]]:
    """What empties each cache of the kernel that is not made ahead."""
    modules = [module for name, module in sys.modules.items() if name.startswith("signer.")]
    functions = [each for module in modules for each in vars(module).values()]
    return [
        each.cache_clear
        for each in functions
        if hasattr(each, "cache_clear") and each.__name__ not in MADE_AHEAD
    ]
