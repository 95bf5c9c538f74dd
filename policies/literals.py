"""Literals: numbers with a unit, exact or refused. Integers only, no float is ever made.

1. An amount is written in BTC (up to 8 decimals) or sat (none); 0 to 21 million BTC.
2. A fee rate is written in sat/vB, up to 3 decimals (the kernel counts sat per 1000 vB).
3. A duration is a whole number of s, m, h or d; 1 second to 366 days.
4. A weight is a whole number of WU, 1 to 4,000,000: a block's.
5. Blocks are a whole number of `blocks`, 1 to 100,000.
6. Work is written in H (hashes that are expected to be tried), or kH, MH, GH, TH, PH, EH, ZH, YH: a thousand
   times more each; as many decimals as make whole hashes; 1 H to 1,000,000 YH.
7. What `format_*` writes is read back as the same number.
"""

from signer.bitcoin.units import COIN, MAX_MONEY, FeeRate, Sats, Weight

AMOUNT_UNITS = {"BTC": 8, "sat": 0}
"""Unit -> decimals."""
RATE_UNITS = {"sat/vB": 3}
DURATION_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
"""Unit -> seconds."""
WEIGHT_UNITS = {"WU": 0}
"""Unit -> decimals."""
BLOCK_UNITS = {"blocks": 0}
WORK_UNITS = {
    "H": 0,
    "kH": 3,
    "MH": 6,
    "GH": 9,
    "TH": 12,
    "PH": 15,
    "EH": 18,
    "ZH": 21,
    "YH": 24,
}
"""Unit -> decimals."""
MAX_RATE = FeeRate(1_000_000_000)
MAX_DURATION = 366 * 86_400
MAX_COUNT = 1_000_000
MAX_WEIGHT = Weight(4_000_000)
MAX_BLOCKS = 100_000
MAX_WORK = 10**30
"""Hashes: more than were ever tried for Bitcoin."""


def scaled(number: str, decimals: int) -> int | None:
    """number * 10^decimals, or None when that is no whole number.

    `number` is decimal digits with at most one point among them.
    """
    whole, _, fraction = number.partition(".")
    if len(fraction) > decimals:
        return None
    return int(whole + fraction.ljust(decimals, "0"))


def amount_of(number: str, unit: str) -> Sats | None:
    """The amount, or None when it is out of range or finer than 1 sat."""
    amount = scaled(number, AMOUNT_UNITS[unit])
    return None if amount is None or amount > MAX_MONEY else Sats(amount)


def rate_of(number: str, unit: str) -> FeeRate | None:
    """The fee rate, or None when it is out of range or finer than 1 sat/kvB."""
    rate = scaled(number, RATE_UNITS[unit])
    return None if rate is None or rate > MAX_RATE else FeeRate(rate)


def duration_of(number: str, unit: str) -> int | None:
    """The seconds, or None when they are out of range or no whole number."""
    seconds = scaled(number, 0)
    if seconds is None or not 1 <= seconds * DURATION_UNITS[unit] <= MAX_DURATION:
        return None
    return seconds * DURATION_UNITS[unit]


def count_of(number: str, unit: str) -> int | None:
    """The count, or None when it is out of range, no whole number or has a unit."""
    count = scaled(number, 0)
    return None if unit or count is None or not 1 <= count <= MAX_COUNT else count


def weight_of(number: str, unit: str) -> Weight | None:
    """The weight, or None when it is out of range or no whole number."""
    weight = scaled(number, WEIGHT_UNITS[unit])
    return None if weight is None or not 1 <= weight <= MAX_WEIGHT else Weight(weight)


def blocks_of(number: str, unit: str) -> int | None:
    """The blocks, or None when they are out of range or no whole number."""
    blocks = scaled(number, BLOCK_UNITS[unit])
    return None if blocks is None or not 1 <= blocks <= MAX_BLOCKS else blocks


def work_of(number: str, unit: str) -> int | None:
    """The expected hashes, or None when they are out of range or finer than one."""
    work = scaled(number, WORK_UNITS[unit])
    return None if work is None or not 1 <= work <= MAX_WORK else work


def format_amount(amount: Sats) -> str:
    """`0.002 BTC`; below 0.001 BTC in sat."""
    if amount < COIN // 1000:
        return f"{amount} sat"
    whole, part = divmod(amount, COIN)
    return f"{whole}.{part:08d}".rstrip("0").rstrip(".") + " BTC"


def format_duration(seconds: int) -> str:
    """In the largest unit that is exact: `24h` is `1d`."""
    unit = next(unit for unit, size in DURATION_UNITS.items() if seconds % size == 0)
    return f"{seconds // DURATION_UNITS[unit]}{unit}"


def format_work(work: int) -> str:
    """In the largest unit that is exact: `1000 EH` is `1 ZH`."""
    if not work:
        return "0 H"
    unit = next(unit for unit, power in reversed(WORK_UNITS.items()) if work % 10**power == 0)
    return f"{work // 10 ** WORK_UNITS[unit]} {unit}"
