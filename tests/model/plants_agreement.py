"""Bugs of agreement, control and clocks that the model must find: `tests.model.plants` lists them.

Not among them, because the model did not find them or was not asked long enough: entries that others hold
voided by a start, late grants for a void entry, a void of what is agreed, a fork that is not heeded. Of the
late grants and the void of what is agreed the search shows what comes (tests/agreement/wordings.py). Another
digest on a retry cannot show: one transaction with proven previous outputs has one digest for each input.
"""

from typing import Any

import pytest

import signer.control_words as control_words
import signer.core.recall as recall
import signer.core.universal_rules as rules
import signer.journal.reading_pins as reading_pins
import signer.kernel as kernel
from signer.clock import EffectiveClock
from signer.core.spend import AwaitedSpend, RecordedSpend
from signer.core.vault import Vault

Patch = pytest.MonkeyPatch


def signed_before_agreed(patch: Patch) -> None:
    """The signature leaves with the pending entry."""
    final = kernel.Kernel._final

    def at_once(self: Any, deliberation: Any, recorded: Any) -> RecordedSpend:
        if isinstance(recorded, AwaitedSpend):
            return RecordedSpend(recorded.spend, recorded.decision_id, recorded.head, 0)
        return final(self, deliberation, recorded)

    patch.setattr(kernel.Kernel, "_final", at_once)


def no_import(patch: Patch) -> None:
    """A start waits for nobody."""
    patch.setattr(Vault, "importers", property(lambda _: 0))


def struck_pin_kept(patch: Patch) -> None:
    """What was struck still has to be spent."""
    for name in ("_PINS", "_PINNED"):
        known = getattr(reading_pins, name)
        weaker = known.replace("releases.pin = pins.coin OR ", "")
        assert weaker != known
        patch.setattr(reading_pins, name, weaker)


def pause_forgotten(patch: Patch) -> None:
    """Neither pauses nor locks are asked after when something is signed."""
    for module in (rules, recall):
        patch.setattr(module, "control_objections", lambda *_: iter(()))


def texts_serve_again(patch: Patch) -> None:
    """An officers' text does what it says each time that it is brought."""
    patch.setattr(control_words.OfficersWords, "recorded", lambda *_: {})


def wall_time(patch: Patch) -> None:
    """Windows go by the machine's wall clock."""
    patch.setattr(EffectiveClock, "now", EffectiveClock.wall)
