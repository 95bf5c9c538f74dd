"""Bugs that the model must find: each is one change to the real code, as a mistake there would be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import signer.core.approve as approve
import signer.core.pins as pins
import signer.core.release as release
import signer.journal.decide as decide
import signer.journal.journal as journal
import signer.journal.undo as undo
import signer.kernel as kernel
from policies.loaded import LoadedPolicy
from signer.core.release import ReleaseTerms
from signer.core.spend import AwaitedSpend, RecordedSpend
from signer.journal.reading import TableReading
from tests.model.team import SHAPES, Shape

WITNESSED, ALONE, _ = SHAPES
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Plant:
    """A mistake, and where it is looked for."""

    name: str
    shape: Shape
    make: Callable[[Patch], None]
    steps: int
    """Within which it is found."""


def _nothing(*_: object) -> tuple[()]:
    return ()


def no_pin_rule(patch: Patch) -> None:
    patch.setattr(approve, "pin_objections", _nothing)


def no_unpaid_rule(patch: Patch) -> None:
    """A pinned coin pays something else."""
    patch.setattr(approve, "unpaid_objections", _nothing)


def no_twin_rule(patch: Patch) -> None:
    patch.setattr(pins, "_twin_objections", _nothing)


def only_fees_charged(patch: Patch) -> None:
    bind = approve.bind

    def charged_less(*asked: Any) -> Any:
        binding = bind(*asked)
        return binding._replace(charge=binding.charge - sum(each.amount for each in binding.new))

    patch.setattr(approve, "bind", charged_less)


def every_fee_charged(patch: Patch) -> None:
    """A bump is charged in full, not what it adds."""
    patch.setattr(TableReading, "dearest_fee", lambda *_: 0)


def void_frees_nothing(patch: Patch) -> None:
    patch.setattr(undo, "_free", lambda *_: None)


def void_frees_twice(patch: Patch) -> None:
    free = undo._free

    def twice(*freed: Any) -> None:
        free(*freed)
        free(*freed)

    patch.setattr(undo, "_free", twice)


def signed_before_agreed(patch: Patch) -> None:
    """The signature leaves with the pending entry."""
    final = kernel.Kernel._final

    def at_once(self: Any, deliberation: Any, recorded: Any) -> RecordedSpend:
        if isinstance(recorded, AwaitedSpend):
            return RecordedSpend(recorded.spend, recorded.decision_id, recorded.head)
        return final(self, deliberation, recorded)

    patch.setattr(kernel.Kernel, "_final", at_once)


def signed_before_recorded(patch: Patch) -> None:
    """The key is touched first, and every fourth time the process dies before the commit."""
    record, count = journal.Journal.record, [0]

    def lost(self: Any, deliberation: Any) -> Any:
        count[0] += 1
        if count[0] % 4:
            return record(self, deliberation)
        with self.reading() as reading:
            return RecordedSpend(deliberation.spend, bytes(32), reading.head())

    patch.setattr(journal.Journal, "record", lost)


def shallow_release(patch: Patch) -> None:
    terms = LoadedPolicy.release_terms

    def shallow(self: Any, vault: bytes) -> ReleaseTerms:
        return terms(self, vault)._replace(depth=1)

    patch.setattr(LoadedPolicy, "release_terms", shallow)


def payment_strikes(patch: Patch) -> None:
    """The payment itself, shown as what killed the pin."""
    patch.setattr(release, "_may_pay", lambda *_: False)


def closing_forgotten(patch: Patch) -> None:
    patch.setattr(TableReading, "is_closed", lambda *_: False)


def retry_unseen(patch: Patch) -> None:
    """A transaction on record is signed again whatever is said about it now."""
    patch.setattr(decide, "recall", lambda *_: None)


PLANTS = tuple(
    Plant(make.__name__, shape, make, steps)
    for make, shape, steps in (
        (no_pin_rule, ALONE, 300),
        (no_unpaid_rule, ALONE, 300),
        (no_twin_rule, ALONE, 300),
        (only_fees_charged, ALONE, 150),
        (every_fee_charged, ALONE, 150),
        (void_frees_nothing, WITNESSED, 150),
        (void_frees_twice, WITNESSED, 150),
        (signed_before_agreed, WITNESSED, 450),
        (signed_before_recorded, ALONE, 300),
        (shallow_release, ALONE, 600),
        (payment_strikes, ALONE, 300),
        (closing_forgotten, ALONE, 300),
        (retry_unseen, ALONE, 300),
    )
)
