"""Bugs that the model must find: each is one change to the real code, as a mistake there would be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import signer.core.pins as pins
import signer.core.question as question
import signer.core.release as release
import signer.core.universal_rules as universal_rules
import signer.journal.decide as decide
import signer.journal.fold_versions as fold_versions
import signer.journal.journal as journal
import signer.journal.reading as reading
import signer.journal.undo as undo
from policies.loaded import LoadedPolicy
from signer.core.errors import Objection
from signer.core.release import ReleaseTerms
from signer.core.spend import RecordedSpend
from signer.journal.reading import TableReading
from signer.shelf import Shelf
from tests.model import asked, events, governing, officers
from tests.model import plants_agreement as j6
from tests.model.hosts import SHAPES, Shape
from tests.model.steps import Step

WITNESSED, ALONE, _, LYING = SHAPES
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Plant:
    """A mistake, and where it is looked for."""

    name: str
    shape: Shape
    make: Callable[[Patch], None]
    lives: int
    """Of which one finds it."""
    first: int
    """Seed of the first of them."""
    favoured: tuple[Step, ...] = ()
    """Steps that it needs, drawn more often."""


def _nothing(*_: object) -> tuple[()]:
    return ()


def no_pin_rule(patch: Patch) -> None:
    patch.setattr(universal_rules, "pin_objections", _nothing)


def no_unpaid_rule(patch: Patch) -> None:
    """A pinned coin pays something else."""
    patch.setattr(universal_rules, "unpaid_objections", _nothing)


def no_twin_rule(patch: Patch) -> None:
    patch.setattr(pins, "_twin_objections", _nothing)


def only_fees_charged(patch: Patch) -> None:
    bind = question.bind

    def charged_less(*asked: Any) -> Any:
        binding = bind(*asked)
        return binding._replace(charge=binding.charge - sum(each.amount for each in binding.new))

    patch.setattr(question, "bind", charged_less)


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


def signed_before_recorded(patch: Patch) -> None:
    """The key is touched first, and every fourth time the process dies before the commit."""
    record, count = journal.Journal.record, [0]

    def lost(self: Any, deliberation: Any) -> Any:
        count[0] += 1
        if count[0] % 4:
            return record(self, deliberation)
        with self.reading() as reading:
            return RecordedSpend(deliberation.spend, bytes(32), reading.head(), reading.now())

    patch.setattr(journal.Journal, "record", lost)


def shallow_release(patch: Patch) -> None:
    terms = LoadedPolicy.release_terms

    def shallow(self: Any, vault: bytes) -> ReleaseTerms:
        return terms(self, vault)._replace(depth=1)

    patch.setattr(LoadedPolicy, "release_terms", shallow)


def payment_strikes(patch: Patch) -> None:
    """The payment itself, shown as what killed the pin."""
    rules = release._striking_objections

    def lenient(*asked: Any) -> Iterator[Objection]:
        return (each for each in rules(*asked) if each.code != "release-pays")

    patch.setattr(release, "_striking_objections", lenient)


def closing_forgotten(patch: Patch) -> None:
    patch.setattr(TableReading, "is_closed", lambda *_: False)


def retry_unseen(patch: Patch) -> None:
    """A transaction on record is signed again whatever is said about it now."""
    patch.setattr(decide, "recall", lambda *_: None)


def batch_rule_forgotten(patch: Patch) -> None:
    """J2: a batch gets another root."""
    patch.setattr(universal_rules, "anchor_objections", _nothing)


def batches_by_name(patch: Patch) -> None:
    """J2 keyed by what the policy in force calls the rollup, and not by its magic."""
    beyond, called = 2**40, ["main"]
    in_force, key, highest = Shelf.in_force, fold_versions.batch_bytes, TableReading.highest_batch

    def noted(self: Shelf, reading: Any) -> Any:
        policy = in_force(self, reading)
        called[:] = [each.name for each in policy.rollups]
        return policy

    def of_name(batch: int) -> bytes:
        return key(batch + beyond * (called != ["main"]))

    def highest_of_name(self: TableReading, magic: bytes) -> int | None:
        known = highest(self, magic)
        if called == ["main"] or known is None:
            return known
        return known - beyond if known >= beyond else None

    patch.setattr(Shelf, "in_force", noted)
    patch.setattr(TableReading, "highest_batch", highest_of_name)
    for module in (fold_versions, reading, undo):
        patch.setattr(module, "batch_bytes", of_name)


_BATCHES = (asked.anchor, asked.anchor, events.reorganise_rollup, governing.rename_rollup)
_STARTS = (events.restore, events.restart, asked.pay_again, asked.present_again, events.carry)
_WORDS = (officers.command, officers.bring_late, officers.let_all_go_on, asked.retry, asked.pay)
_CLOCKS = (events.step_clock, asked.pay, events.wait)
_STRIKES = (events.take, events.bury, events.release, asked.pay, events.carry)
PLANTS = tuple(
    Plant(make.__name__, shape, make, lives, first, favoured)
    for make, shape, lives, first, favoured in (
        (no_pin_rule, ALONE, 3, 1, ()),
        (no_unpaid_rule, ALONE, 3, 1, ()),
        (no_twin_rule, ALONE, 3, 1, ()),
        (only_fees_charged, ALONE, 2, 1, ()),
        (every_fee_charged, ALONE, 2, 1, ()),
        (void_frees_nothing, WITNESSED, 2, 1, ()),
        (void_frees_twice, WITNESSED, 2, 1, ()),
        (signed_before_recorded, ALONE, 3, 1, ()),
        (shallow_release, ALONE, 4, 1, (events.release, events.mine)),
        (payment_strikes, ALONE, 3, 1, ()),
        (closing_forgotten, ALONE, 3, 1, ()),
        (retry_unseen, ALONE, 3, 1, ()),
        (batch_rule_forgotten, ALONE, 3, 1, _BATCHES),
        (batches_by_name, ALONE, 3, 1, _BATCHES),
        (j6.signed_before_agreed, WITNESSED, 4, 1, ()),
        (j6.no_import, LYING, 4, 1, _STARTS),
        (j6.struck_pin_kept, WITNESSED, 4, 5, _STRIKES),
        (j6.pause_forgotten, ALONE, 3, 1, _WORDS),
        (j6.texts_serve_again, ALONE, 4, 4, _WORDS),
        (j6.wall_time, WITNESSED, 3, 1, _CLOCKS),
    )
)
