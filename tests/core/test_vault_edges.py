"""Which addresses a registry knows: what was seen lately, and the window beyond."""

import pytest

import signer.core.registry as registered
from signer.core.registry import VaultRegistry
from tests import federation


def known(registry: VaultRegistry, branch: int, end: int = 60) -> list[int]:
    vault = federation.vault()
    found = []
    for index in range(end):
        place = registry.find(vault.script(branch, index).script_pubkey)
        if place is not None:
            assert (place.vault_id, place.branch, place.index) == ("peg", branch, index)
            found.append(index)
    return found


def test_the_first_window_starts_at_zero() -> None:
    registry = VaultRegistry((federation.vault(),))
    registry.cover(federation.vault(), 1, 0)
    assert known(registry, 1) == list(range(20))
    assert known(registry, 0) == []


def test_what_was_seen_long_ago_is_not_derived_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel with many used addresses starts in bounded time; a hint still finds the old ones."""
    monkeypatch.setattr(registered, "REMEMBERED", 5)
    registry = VaultRegistry((federation.vault(),))
    registry.cover(federation.vault(), 0, 12)
    assert known(registry, 0) == list(range(7, 32))
    registry.cover(federation.vault(), 0, 13)
    assert known(registry, 0) == list(range(7, 33))
    registry.cover(federation.vault(), 0, 40)
    assert known(registry, 0) == [*range(7, 33), *range(35, 60)]
