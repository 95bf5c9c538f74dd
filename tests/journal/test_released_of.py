"""What a release concerns, by the record: in which vault, who says that it is paid, what was closed."""

from collections.abc import Iterator

import pytest

from signer.bitcoin.transaction import Txid
from signer.journal.sqlite_tables import scratch_tables
from tests.journal.agreement import (
    VAULT,
    Log,
    claim,
    claims_of,
    coin,
    signed,
    terms,
    withdrawal,
)

NEXT = b"\x0d" * 32
"""Another vault."""
KILLER, STRANGER = Txid(b"\x0e" * 32), Txid(b"\x0f" * 32)
PINNED = ((withdrawal(1), coin(1)),)
OURS = claims_of(1, (1,), (terms(1),), new_pins=PINNED, first_pin=coin(1))


@pytest.fixture
def log() -> Iterator[Log]:
    with scratch_tables() as tables:
        made = Log(tables)
        made.start()
        yield made


def held_in_next(log: Log) -> None:
    """Another member pays withdrawal 1 from the next vault, with coin 2."""
    parts = {"spends": frozenset({coin(2)}), "new_pins": frozenset({(withdrawal(1), coin(2))})}
    log.take(claim(2, 4, vault=NEXT, txid=KILLER, pays=frozenset({terms(1)}), **parts))


def vault_of(log: Log, pin: int | None, killer: Txid) -> bytes | None:
    asked = None if pin is None else coin(pin)
    found = log.view().released_of(withdrawal(1), asked, killer)
    return None if found is None else found.vault_fingerprint


def test_a_release_is_judged_in_the_vault_of_what_it_names(log: Log) -> None:
    """Struck in one vault and held in the next: words about the next one's coins are the next one's."""
    assert vault_of(log, 1, KILLER) is None
    log.add(signed(OURS))
    assert vault_of(log, 1, KILLER) == vault_of(log, None, OURS.txid) == VAULT
    held_in_next(log)
    assert (vault_of(log, 1, STRANGER), vault_of(log, None, OURS.txid)) == (VAULT, VAULT)
    assert (vault_of(log, 2, STRANGER), vault_of(log, None, KILLER)) == (NEXT, NEXT)


def test_what_is_held_alone_is_of_the_vault_of_its_holder(log: Log) -> None:
    held_in_next(log)
    assert vault_of(log, 2, STRANGER) == vault_of(log, None, KILLER) == NEXT
    found = log.view().released_of(withdrawal(1), coin(2), STRANGER)
    assert found is not None
    assert (found.terms, found.pin) == (terms(1), None)


def test_one_of_ours_that_waits_says_nothing(log: Log) -> None:
    number = log.add(signed(OURS))
    assert not log.view().has_agreed(withdrawal(1), OURS.txid)
    log.agree(number)
    assert log.view().has_agreed(withdrawal(1), OURS.txid)
    assert not log.view().has_agreed(withdrawal(2), OURS.txid)
