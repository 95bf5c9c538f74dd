"""Retargeting at random boundaries, by our rules and by the model that counts in fractions."""

from dataclasses import dataclass
from random import Random

from signer.bitcoin.chain_rules import PERIOD, ChainRules
from signer.bitcoin.network_rules import (
    MAINNET_RULES,
    REGTEST_RULES,
    SIGNET_RULES,
    TESTNET3_RULES,
    TESTNET4_RULES,
)
from signer.bitcoin.tail import Tail
from signer.bitcoin.target import bits_of, target_of
from tests.bitcoin.header_model import Params, next_target
from tests.bitcoin.mined import EASY, EASY_BITS

_MAINNET_VERSIONS = (227_931, 363_725, 388_381)
_EASY_LIMIT = (1 << 255) - 1
_LIMIT = (1 << 224) - 1
_SIGNET_LIMIT = 0x0377AE << 216


@dataclass(frozen=True)
class Case:
    """A network's rules, and Core's parameters for it."""

    rules: ChainRules
    params: Params


CASES = {
    "mainnet": Case(MAINNET_RULES, Params(_LIMIT, version_heights=_MAINNET_VERSIONS)),
    "signet": Case(SIGNET_RULES, Params(_SIGNET_LIMIT, version_heights=(1, 1, 1))),
    "testnet3": Case(
        TESTNET3_RULES,
        Params(_LIMIT, allow_min_difficulty=True, version_heights=(21_111, 330_776, 581_885)),
    ),
    "testnet4": Case(
        TESTNET4_RULES,
        Params(_LIMIT, allow_min_difficulty=True, enforce_bip94=True, version_heights=(1, 1, 1)),
    ),
    "regtest": Case(
        REGTEST_RULES,
        Params(
            _EASY_LIMIT,
            allow_min_difficulty=True,
            no_retargeting=True,
            version_heights=(1, 1, 1),
        ),
    ),
    "easy": Case(EASY, Params(_EASY_LIMIT)),
}


def differences(name: str, random: Random, count: int) -> list[str]:
    """The boundaries, of so many, at which the two do not demand the same bits."""
    found = []
    for _ in range(count):
        tail = _boundary(CASES[name].rules, random)
        ours = CASES[name].rules.required_bits(tail, tail.time + random.choice((1, 1_201, 10**6)))
        theirs = _by_fractions(CASES[name].params, tail)
        if ours != theirs:
            found.append(f"{name}: {ours:08x}, {theirs:08x} by fractions, after {tail}")
    return found


def _boundary(rules: ChainRules, random: Random) -> Tail:
    limit = target_of(rules.limit_bits)
    first, last = (_some_bits(limit, random) for _ in range(2))
    time = random.randrange(1 << 31, 1 << 32)
    seconds = random.choice(
        (
            random.randrange(-(10**7), 10**7),
            random.randrange(302_390, 302_410),
            random.randrange(4_838_390, 4_838_410),
            round(random.gauss(1_209_600, 60_000)),
        )
    )
    height = random.randrange(1, 500) * PERIOD - 1
    return Tail(b"", height, 0, time, last, (time,), time - seconds, first)


def _some_bits(limit: int, random: Random) -> int:
    hard = random.choice((0, 0, 2, random.randrange(200)))
    return bits_of(max(1, min(limit, random.randrange(limit >> 8, limit + 1) >> hard)))


def _by_fractions(params: Params, tail: Tail) -> int:
    if params.no_retargeting:
        return EASY_BITS
    base = tail.first_bits if params.enforce_bip94 else tail.bits
    return next_target(base, tail.time - tail.first_time, params.pow_limit)
