"""One SignPsbt over mTLS, decided, recorded with fsync and signed, beside Core's walletprocesspsbt of the
same PSBT, in one run. Each trial is another version of one withdrawal: coins and payment are on record.
"""

import base64
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from grpc_health.v1 import health_pb2

from bench.stage import Stage
from clients.demo.scene import VAULT, withdrawal_id
from clients.messages import outpoint_message
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Order
from pegwarden.v1 import kernel_pb2

SATS = 300_000
RATE = 2_000
"""2 sat/vB."""


@dataclass(frozen=True)
class Measured:
    """Medians in milliseconds."""

    inputs: int
    trials: int
    sign_psbt: float
    walletprocesspsbt: float


@dataclass(frozen=True)
class Calls:
    """The call beside Core's."""

    empty: float
    """Milliseconds of a call that does nothing."""
    cases: list[Measured]


def median_ms(trials: list[Callable[[], object]]) -> float:
    """The median time of these calls."""
    times = []
    for trial in trials:
        started = time.perf_counter()
        trial()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1_000, 2)


def empty_call(stage: Stage, trials: int) -> float:
    """The health check: an authorised call that does nothing."""
    answer = health_pb2.HealthCheckResponse
    ask = stage.cast.kernels[0].ask_at
    call = partial(ask, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(), answer)
    call()
    return median_ms([call] * trials)


def signing(stage: Stage, number: int, inputs: int, trials: int) -> Measured:
    """One withdrawal from that many coins."""
    coins = stage.fund(inputs, SATS)
    drafts = versions(stage, number, coins, trials + 1)
    federation, kernel = stage.cast.relayer.federation, stage.cast.kernels[0]
    federation.sign(kernel, drafts[0])  # the first version proves the coins
    ours = median_ms([partial(federation.sign, kernel, draft) for draft in drafts[1:]])
    texts = [base64.b64encode(draft.psbt).decode() for draft in drafts[1:]]
    process = partial(stage.core, "walletprocesspsbt")
    core = median_ms([partial(process, text, True, "ALL", False, False) for text in texts])
    return Measured(inputs, trials, ours, core)


def versions(stage: Stage, number: int, coins: list[VaultCoin], count: int) -> list[Draft]:
    """That many transactions that pay one withdrawal from these coins; they differ in nLockTime."""
    order = Order(withdrawal_id(number), stage.cast.wallet.address, SATS * len(coins) * 9 // 10)
    stage.cast.burn({"bench": order})
    evidence = (
        *stage.cast.watchers.withdrawals((order.withdrawal_id,)),
        *stage.cast.watchers.coins(tuple(coin.outpoint for coin in coins)),
    )
    return [
        replace(_version(stage, order, coins, height), attestations=evidence)
        for height in range(count)
    ]


def _version(stage: Stage, order: Order, coins: list[VaultCoin], height: int) -> Draft:
    request = kernel_pb2.ConstructWithdrawalTxRequest(
        vault_id=VAULT,
        payments=[order.payment()],
        coins=[coin.offered() for coin in coins],
        required_inputs=[outpoint_message(coin.outpoint) for coin in coins],
        fee_rate_sat_per_kvb=RATE,
        locktime_height=height,
    )
    built = stage.cast.relayer.federation.construct(request)
    return Draft(built.psbt, tuple(built.payments), (), built.fee_sat, built.vsize)
