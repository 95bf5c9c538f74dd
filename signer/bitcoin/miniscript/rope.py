"""What is put together from parts of parts, strung together once: linear however deep the parts stand.

1. A rope is a piece, or a tuple of ropes. Tuples share their parts, so that a fold over 200,000 wrappers
   copies nothing.
"""

from typing import TypeAlias, TypeVar, cast

P = TypeVar("P", str, bytes)
Text: TypeAlias = "str | tuple[Text, ...]"
Script: TypeAlias = "bytes | tuple[Script, ...]"


def pieces(rope: P | tuple[object, ...]) -> list[P]:
    """Its pieces from left to right."""
    found: list[P] = []
    waiting: list[object] = [rope]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            waiting.extend(reversed(part))
        else:
            found.append(cast(P, part))
    return found
