"""What each network demands: the retarget everywhere, exceptions on test networks and nowhere else."""

from dataclasses import fields, replace
from random import Random

import pytest

from signer.bitcoin.chain_rules import (
    PERIOD,
    ChainRules,
    StrictRules,
    least_version,
    retargeted,
)
from signer.bitcoin.header import read_header
from signer.bitcoin.network_rules import (
    MAINNET_RULES,
    REGTEST_RULES,
    SIGNET_RULES,
    TESTNET3_RULES,
    TESTNET4_RULES,
)
from signer.bitcoin.tail import Tail
from tests.bitcoin.retargets import CASES, differences
from tests.vectors import load_json

DAY = 86_400
TIME = 1_700_000_000
HARD = 0x1703_A30C


def tail(height: int, bits: int = HARD, **changed: object) -> Tail:
    plain = Tail(bytes(32), height, 0, TIME, bits, (TIME,), TIME - 14 * DAY, bits)
    return replace(plain, **changed)


@pytest.mark.parametrize("name", CASES)
def test_retargeting_is_that_of_fractions(name: str) -> None:
    """A slice; ten thousand boundaries of each network are the campaign `headers`."""
    assert differences(name, Random(11), 1_000) == []


@pytest.mark.parametrize("row", range(9))
def test_retargeting_as_bitcoin_spv_has_it(row: int) -> None:
    rows = load_json("bitcoin-spv/testVectors.json")["retargetAlgorithm"]
    assert len(rows) == 9
    first, last, following = (
        read_header(bytes.fromhex(each["hex"].removeprefix("0x"))) for each in rows[row]["input"]
    )
    assert retargeted(last.bits, last.time - first.time, 0x1D00_FFFF) == following.bits
    end = tail(PERIOD - 1, last.bits, time=last.time, first_time=first.time)
    assert MAINNET_RULES.required_bits(end, 0) == following.bits


def test_the_clamp_is_exact_to_a_second() -> None:
    def after(seconds: int) -> int:
        return retargeted(0x171F_FFFF, seconds, 0x1D00_FFFF)  # a mantissa in which a second shows

    quarter, four = 14 * DAY // 4, 14 * DAY * 4
    assert after(-DAY) == after(0) == after(quarter - 1) == after(quarter) == 0x1707_FFFF
    assert after(quarter + 1) != after(quarter)
    assert after(four + 1) == after(four) == 0x177F_FFFC
    assert after(four - 1) != after(four)


def test_the_base_of_the_next_period() -> None:
    """After a period that ends in an exception testnet3 goes on from it; BIP-94 does not."""
    end = tail(PERIOD - 1, bits=0x1D00_FFFF, first_bits=HARD)
    assert TESTNET3_RULES.required_bits(end, TIME + 1) == 0x1D00_FFFF
    assert TESTNET4_RULES.required_bits(end, TIME + 1) == HARD
    assert MAINNET_RULES.required_bits(tail(PERIOD - 1), TIME + 1) == HARD
    assert REGTEST_RULES.required_bits(tail(PERIOD - 1), TIME + 1) == 0x207F_FFFF


@pytest.mark.parametrize("rules", [TESTNET3_RULES, TESTNET4_RULES])
def test_least_difficulty_after_twenty_minutes_of_silence(
    rules: ChainRules,
) -> None:
    for height in (0, 5, PERIOD, PERIOD - 2):
        assert rules.required_bits(tail(height), TIME + 1_200) == HARD
        assert rules.required_bits(tail(height), TIME + 1_201) == 0x1D00_FFFF
    eased = tail(7, bits=0x1D00_FFFF, first_bits=HARD)
    assert rules.required_bits(eased, TIME + 1_200) == HARD
    assert rules.required_bits(eased, TIME + 1_201) == 0x1D00_FFFF
    assert (
        rules.required_bits(tail(PERIOD - 1), TIME + 1_201) == HARD
    )  # where a period starts: none


@pytest.mark.parametrize("rules", [MAINNET_RULES, SIGNET_RULES])
def test_no_silence_relaxes_strict_rules(rules: StrictRules) -> None:
    """What a strict network demands within a period are the bits before, whatever the time says."""
    random = Random(12)
    for _ in range(2_000):
        height = random.randrange(1, 10**6)
        height -= (height + 1) % PERIOD == 0
        end = tail(height, first_bits=0x1D00_FFFF)
        assert rules.required_bits(end, TIME + random.choice((1, 1_201, DAY, 10**9))) == HARD


def test_strict_rules_cannot_express_an_exception() -> None:
    assert [each.name for each in fields(StrictRules)] == ["genesis", "limit_bits", "versions"]
    with pytest.raises(TypeError):
        StrictRules(b"", 1, (), least_difficulty_after=1_200)  # type: ignore[call-arg]
    assert type(MAINNET_RULES) is type(SIGNET_RULES) is StrictRules
    for rules in (TESTNET3_RULES, TESTNET4_RULES, REGTEST_RULES):
        assert type(rules) not in (StrictRules, *StrictRules.__mro__)


def test_bip_94_binds_the_start_of_a_period() -> None:
    assert TESTNET4_RULES.earliest_start(tail(PERIOD - 1)) == TIME - 600
    for rules in (MAINNET_RULES, SIGNET_RULES, TESTNET3_RULES, REGTEST_RULES):
        assert rules.earliest_start(tail(PERIOD - 1)) == 0


def test_versions_by_height() -> None:
    versions = MAINNET_RULES.versions
    due = {227_930: -(2**31), 227_931: 2, 363_724: 2, 363_725: 3, 388_380: 3, 388_381: 4, 10**6: 4}
    assert {height: least_version(versions, height) for height in due} == due
    assert [
        least_version(TESTNET3_RULES.versions, each) for each in (21_111, 330_776, 581_885)
    ] == [
        2,
        3,
        4,
    ]
    for rules in (SIGNET_RULES, TESTNET4_RULES, REGTEST_RULES):
        assert least_version(rules.versions, 1) == 4
