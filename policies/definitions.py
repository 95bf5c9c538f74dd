"""What `[define]` gives expressions: names that stand for a text.

1. A definition is used only behind its end in the file, so that none can contain itself.
2. Written out, definitions add at most 256 KiB to a policy, however they nest: reading stays linear in that.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from policies.source import Source

MAX_WRITTEN_OUT = 262_144
"""Characters, over all uses in a policy."""


class Place(NamedTuple):
    """Where the text of a definition stands in the file."""

    start: int
    end: int


class Definitions:
    """The definitions of one policy, and what is left of rule 2's bound."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._left = MAX_WRITTEN_OUT

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def place_of(self, source: Source, name: str, offset: int) -> Place:
        """The text that the name at that offset stands for. Raises PolicyError `policy-name-unknown`,
        `policy-expression`."""
        place = self._places[name]
        if place.end > offset:
            detail = f"{name!r} is defined only below"
            raise source.error("policy-name-unknown", detail, offset)
        self._left -= place.end - place.start
        if self._left < 0:
            detail = f"definitions written out add more than {MAX_WRITTEN_OUT} characters"
            raise source.error("policy-expression", detail, offset)
        return place
