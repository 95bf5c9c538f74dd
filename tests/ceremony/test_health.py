"""SP 800-90B 4.4 in whole numbers, beside the formulas of the standard in fractions and a count by hand."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.ceremony.health import (
    SOURCES,
    Health,
    measure,
    proportion_limit,
    repetition_limit,
    require_healthy,
)
from signer.core.errors import Refusal
from tests.vectors import ROOT

ALPHA = Fraction(1, 2**40)
SIZES = [(256, 512), (6, 512), (6, 120), (6, 200), (256, 5)]
"""In the last, five equal bytes have exactly the chance of 2^-40."""


@pytest.mark.parametrize("values", [2, 6, 256])
def test_the_repetition_limit_is_the_standards_cutoff_less_one(values: int) -> None:
    """C = 1 + ceil(-log2(alpha) / H); a run of C fails."""
    assert repetition_limit(values) == math.ceil(40 / math.log2(values))


@pytest.mark.parametrize(("values", "window"), SIZES)
def test_the_proportion_limit_is_the_standards_cutoff_less_one(values: int, window: int) -> None:
    """C = 1 + CRITBINOM(W, 2^-H, 1 - alpha): of the binomial law, the first place with so much below."""
    chance, below, place = Fraction(1, values), Fraction(0), -1
    while below < 1 - ALPHA:
        place += 1
        below += math.comb(window, place) * chance**place * (1 - chance) ** (window - place)
    assert proportion_limit(values, window) == place


@given(st.binary(max_size=1_100), st.integers(1, 4))
def test_the_counts_are_those_of_a_count_by_hand(samples: bytes, values: int) -> None:
    samples = bytes(each % values for each in samples)
    longest = run = most = 0
    for place, each in enumerate(samples):
        run = run + 1 if place and samples[place - 1] == each else 1
        longest = max(longest, run)
    size = min(512, len(samples))
    for start in range(0, len(samples) - size + 1, size or 1):
        window = samples[start : start + size]
        most = max(most, sum(each == window[0] for each in window)) if window else 0
    assert measure("os", samples) == Health("os", len(samples), longest, most)


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_each_limit_is_met_by_its_twin(source: str) -> None:
    values, least, most_samples = SOURCES[source]
    run, most = repetition_limit(values), proportion_limit(values, min(512, least))
    good = [(least, run, most), (least, 1, 1), (most_samples, 1, 1)]
    for counts in good:
        require_healthy(Health(source, *counts), "alice")
    bad = [
        (least - 1, 1, 1), (most_samples + 1, 1, 1), (least, run + 1, 1), (least, 1, most + 1),
        (least, 0, 1), (least, 1, 0),
    ]  # fmt: skip
    for counts in bad:
        with pytest.raises(Refusal) as caught:
            require_healthy(Health(source, *counts), "alice")
        assert caught.value.code == "ceremony-entropy-weak"


@pytest.mark.parametrize(
    ("source", "samples"),
    [
        ("os", bytes(4_096)),
        ("os", bytes(range(128)) * 32 + bytes(0)),
        ("os", (b"\0" + bytes(range(1, 16))) * 256),
        ("dice", b"6" * 120),
        ("dice", b"61" * 60),
    ],
)
def test_a_stuck_or_lopsided_source_is_found(source: str, samples: bytes) -> None:
    health = measure(source, samples)
    if len(set(samples)) == 128:  # half of the values is not found: the docstring promises no more
        require_healthy(health, "alice")
        return
    with pytest.raises(Refusal) as caught:
        require_healthy(health, "alice")
    assert caught.value.code == "ceremony-entropy-weak"


def test_the_manual_s_limits_are_these() -> None:
    manual = (ROOT / "docs" / "ceremony.md").read_text()
    run, dice = repetition_limit(256), repetition_limit(6)
    assert (
        f"| `os`, `token` | 4,096 bytes | {run} | {proportion_limit(256, 512)} of 512 |" in manual
    )
    fewest, window = proportion_limit(6, 120), proportion_limit(6, 512)
    row = f"| {dice} | {fewest} of 120; of 512 and more: {window} |"
    assert f"| `dice` | 120 to 1,000 rolls {row}" in manual
