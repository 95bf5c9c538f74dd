"""`anchor_extends()`: the attested statement puts the anchor right behind the batch before it.

1. The magic is a registered rollup's (`rollup-unknown`; for anchors a rule even without this predicate).
2. No batch lies before `first_batch`. That one follows first_batch - 1 with the zero root, and no other batch
   follows the zero root or a batch before the first.
3. A contiguous rollup's batch follows the batch one below; an increasing rollup's any lower one.
That the root before agrees with the record is J2's (`signer.core.anchors`), which no policy can switch off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments, Rollup
from signer.core.errors import Objection
from signer.core.opreturn import Anchor
from signer.core.question import Question

_NO_ROOT = bytes(32)
_ROOT = {True: "the zero root", False: "a root that is not zero"}


@dataclass(frozen=True, slots=True)
class AnchorExtends:
    """The order of the batches."""

    NAME: ClassVar = "anchor_extends"
    SIGNATURE: ClassVar = "()"
    CODES: ClassVar[tuple[str, ...]] = ("anchor-not-extending", "batch-before-first")
    WAITABLE: ClassVar = False

    rollups: tuple[Rollup, ...]

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`anchor_extends()`. Raises PolicyError."""
        return cls(arguments.names.rollups)

    @property
    def text(self) -> str:
        """As it is written."""
        return "anchor_extends()"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return "the attested batch before is the one that this batch may follow in its rollup"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if not isinstance(other, AnchorExtends):
            return False
        return all(any(_is_within(each, of) for of in other.rollups) for each in self.rollups)

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the anchor stands in the wrong place."""
        anchor = question.spend.anchor
        if anchor is None:
            return
        rollup = rollup_of(anchor, self.rollups)
        if rollup is None:
            yield rollup_unknown(anchor, self.rollups)
        elif anchor.batch_id < rollup.first_batch:  # 2
            yield Objection(
                "batch-before-first",
                f"rollup {rollup.name} has no such batch",
                f"batch {anchor.batch_id}",
                f"from {rollup.first_batch}",
                change=f"a batch from {rollup.first_batch}",
            )
        else:
            yield from _order_objections(question, anchor, rollup)


def rollup_of(anchor: Anchor, rollups: tuple[Rollup, ...]) -> Rollup | None:
    """The rollup that the anchor's magic names."""
    return next((rollup for rollup in rollups if rollup.magic == anchor.magic), None)


def rollup_unknown(anchor: Anchor, rollups: tuple[Rollup, ...]) -> Objection:
    """Why rule 1 forbids the anchor."""
    return Objection(
        "rollup-unknown",
        "the anchor's magic is no registered rollup's",
        anchor.magic.hex(),
        ", ".join(f"{rollup.magic.hex()} ({rollup.name})" for rollup in rollups) or "none",
        change="the magic of a registered rollup",
    )


def _is_within(rollup: Rollup, other: Rollup) -> bool:
    """Whether a batch that may stand somewhere in the one may stand there in the other: a contiguous rollup's
    batches increase."""
    same = (rollup.magic, rollup.first_batch) == (other.magic, other.first_batch)
    return same and other.sequence in (rollup.sequence, "increasing")


def _order_objections(question: Question, anchor: Anchor, rollup: Rollup) -> Iterator[Objection]:
    terms, is_first = question.anchored, anchor.batch_id == rollup.first_batch
    most = anchor.batch_id - 1
    least = most if is_first or rollup.sequence == "contiguous" else rollup.first_batch  # 3
    if (
        terms is not None
        and least <= terms.previous_batch <= most
        and (terms.previous_root == _NO_ROOT) == is_first  # 2
    ):
        return
    where = f"batch {least if least == most else f'{least} to {most}'}, {_ROOT[is_first]}"
    yield Objection(
        "anchor-not-extending",
        f"rollup {rollup.name}: no word puts this batch behind one that it may follow",
        "no statement" if terms is None else _place(terms.previous_batch, terms.previous_root),
        where,
        change=f"attestations that put it behind {where}",
    )


def _place(batch: int, root: bytes) -> str:
    return f"batch {batch}, {_ROOT[root == _NO_ROOT]}"
