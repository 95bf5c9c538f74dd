"""The trust path keeps within what was decided, and every file of the kernel is in the list."""

from pathlib import Path

import pytest

from scripts.review_layers import APART, TRUST_PATH, Layer
from scripts.review_lines import code_lines, size, unlisted


@pytest.mark.parametrize("layer", [*TRUST_PATH, *APART], ids=lambda layer: layer.name)
def test_a_layer_keeps_its_budget(layer: Layer) -> None:
    measured = size(layer)
    print(f"{layer.name}: {measured} of {layer.budget} code lines")
    assert measured <= layer.budget


def test_every_file_of_the_kernel_is_listed_for_review() -> None:
    assert unlisted() == []


def test_blanks_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    source = tmp_path / "sample.py"
    source.write_text(
        '"""A module.\n\nMore.\n"""\n\n# why\nX = 1  # one\n"""What X is."""\n\n\n'
        'def f() -> str:\n    """Doc."""\n    return """a\nb"""\n'
    )
    assert code_lines(source) == 4
