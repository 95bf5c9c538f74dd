"""What must be refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from signer.core.errors import Refusal


@contextmanager
def refusal(code: str) -> Iterator[list[str]]:
    detail: list[str] = []
    with pytest.raises(Refusal) as caught:
        yield detail
    assert caught.value.code == code
    detail.append(caught.value.objections[0].detail)
