"""How tests of the Bitcoin layer name a refusal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import pytest

from signer.bitcoin.errors import Malformed

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The block raises Malformed with exactly that code."""
    with pytest.raises(Malformed) as caught:
        yield
    assert caught.value.code == code
    assert caught.value.detail


def unless_refused(
    code: str, parse: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T | None:
    """What parsing gives, or None when it raises Malformed with that code (codes: `a or b`)."""
    try:
        return parse(*arguments, **named)
    except Malformed as error:
        if error.code not in code.split(" or "):
            raise
        return None
