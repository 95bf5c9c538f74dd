"""A carrier without a key cuts an honest member's log within its officers' acts of a new epoch, and shows
heads of what they gave up, in any order: that member never counts as forked (docs/agreement.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from signer.journal.members import MAX_NUMBER
from tests.kernel.epochs import World, show, started, world_in
from tests.kernel.federated import Witnessed
from tests.kernel.test_dishonest_member import held_by, told
from tests.kernel.test_new_epoch_at_start import forks_of, is_forked, read_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("world")) as made:
        yield made


def show_what_was_given_up(world: World, b: Witnessed, entries_from: int) -> None:
    """Every head of it without an entry, and then the entries from there."""
    for size in range(world.epoch, len(world.old) + 1):
        show(b, world.old_log(size, size))
    for size in range(world.epoch + 1, len(world.old) + 1):
        show(b, world.old_log(min(entries_from, size), size))


@pytest.mark.parametrize("complete", [False, True], ids=["at a start", "running"])
@pytest.mark.parametrize("before", ["unread", "lost"])
@pytest.mark.parametrize("cuts", [(1,), (2,), (3,), (1, 2), (1, 2, 3)])
@pytest.mark.parametrize("when", [0, 1])
def test_it_never_counts_as_forked(
    world: World, tmp_path: Path, complete: bool, before: str, cuts: tuple[int, ...], when: int
) -> None:
    stopped = world.lost if before == "lost" else world.unread
    b = started(world, stopped, tmp_path, complete=complete)
    try:
        start = read_of(b, world.a) if before == "unread" else world.epoch
        for count, cut in enumerate((*cuts, len(world.new) - world.epoch)):
            if count == when:  # what was never read before may be read now, so heads alone
                first = world.epoch if count or before == "lost" else len(world.old)
                show_what_was_given_up(world, b, first)
            end = world.epoch + cut
            show(b, world.new_log(start, end))
            start = end
        told(b, world.new_log(world.epoch, len(world.new)))
        show_what_was_given_up(world, b, world.epoch)
        assert forks_of(b) == []
        assert not is_forked(b, world.a)
        if not complete:
            assert b.head().waiting_for == []
        assert read_of(b, world.a) == len(world.new)
        held = [number for origin, number, _ in held_by(b) if origin == world.a.log_key]
        assert (MAX_NUMBER in held) is (before == "lost")
    finally:
        b.stop()
