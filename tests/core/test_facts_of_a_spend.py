"""What a policy counts of a spend."""

import pytest

from tests.core.spends import Case, Coin, good_case

ONE = good_case()
TWO = good_case((Coin(), Coin(salt=1)), ((1, 60_000_000), (2, 50_000_000)))


@pytest.mark.parametrize(("case", "inputs", "outputs"), [(ONE, 1, 2), (TWO, 2, 3)])
def test_inputs_and_outputs_are_counted(case: Case, inputs: int, outputs: int) -> None:
    """Change is an output."""
    spend = case.verify()
    assert (spend.input_count, spend.output_count) == (inputs, outputs)


@pytest.mark.parametrize(("sequence", "is_replaceable"), [(0xFFFFFFFD, True), (0xFFFFFFFE, False)])
def test_what_signals_replacement(sequence: int, *, is_replaceable: bool) -> None:
    """BIP-125: an input below 0xfffffffe."""
    spend = ONE.but_input(sequence=sequence).verify()
    assert spend.is_replaceable is is_replaceable
