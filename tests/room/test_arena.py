"""Pages for secrets, of both kinds. Invariant: a place is zero when it is taken and belongs to one."""

import mmap
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore import arena
from keystore.arena import UNIT, Arena, ArenaKind
from signer.core.errors import Fault
from tests.room.children import run_child

PAGE = mmap.PAGESIZE


def make(kind: ArenaKind, monkeypatch: pytest.MonkeyPatch, size: int = PAGE) -> Arena:
    """One of that kind; skipped where the system has none."""
    if kind is ArenaKind.LOCKED:
        monkeypatch.setattr(arena, "_secret_pages", lambda _: None)
    made = Arena(size)
    if made.kind is not kind:
        pytest.skip(f"this system has no {kind}")
    return made


@pytest.fixture(params=list(ArenaKind))
def pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Arena:
    return make(request.param, monkeypatch)


def test_places_are_zero_apart_and_of_their_size(pages: Arena) -> None:
    first, second = pages.take(32), pages.take(UNIT + 1)
    assert (bytes(first), bytes(second)) == (bytes(32), bytes(UNIT + 1))
    first[:] = b"\x01" * 32
    second[:] = b"\x02" * (UNIT + 1)
    assert bytes(first) == b"\x01" * 32


def test_what_is_given_back_is_zeroed_and_taken_again(pages: Arena) -> None:
    places = [pages.take(UNIT) for _ in range(PAGE // UNIT)]
    with pytest.raises(Fault, match="full"):
        pages.take(1)
    places[3][:] = b"\x07" * UNIT
    pages.give_back(places[3])
    assert bytes(places[3]) == bytes(UNIT)
    again = pages.take(UNIT)
    again[:] = b"\x08" * UNIT
    assert bytes(places[3]) == b"\x08" * UNIT
    with pytest.raises(Fault, match="full"):
        pages.take(1)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3 * UNIT)), max_size=40))
def test_no_two_places_overlap(deeds: list[tuple[bool, int]]) -> None:
    pages = Arena(PAGE)
    held: dict[int, memoryview] = {}
    for number, (gives, size) in enumerate(deeds, 1):
        if gives and held:
            pages.give_back(held.pop(min(held)))
            continue
        try:
            held[number] = pages.take(size)
        except Fault:
            assert sum(-(-len(each) // UNIT) for each in held.values()) > PAGE // UNIT - 4 * len(
                deeds
            )
            continue
        assert not any(held[number])
        held[number][:] = bytes([number]) * size
    for number, place in held.items():
        assert bytes(place) == bytes([number]) * len(place)


@pytest.mark.parametrize("size", [0, -1])
def test_a_place_without_a_size(pages: Arena, size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        pages.take(size)


@pytest.mark.parametrize("size", [0, -PAGE, PAGE + 1])
def test_an_arena_is_whole_pages(size: int) -> None:
    with pytest.raises(ValueError, match="pages"):
        Arena(size)


def test_memory_that_cannot_be_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def syscall(self, *_: object) -> int:
            return -1

        def mlock(self, *_: object) -> int:
            return -1

    monkeypatch.setattr(arena, "_LIBC", Libc())
    with pytest.raises(Fault, match="locked"):
        Arena(PAGE)


def test_secret_memory_that_is_refused_is_locked_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "ftruncate", refuse)
    assert Arena(PAGE).kind is ArenaKind.LOCKED


CHILD = """
import ctypes, os, sys
from keystore import arena
if sys.argv[1] == 'locked':
    arena._secret_pages = lambda _: None
pages = arena.Arena(4096)
place = pages.take(32)
place[:] = bytes(range(32))
print(pages.kind, arena.address_of(place), flush=True)
"""


def test_a_forked_child_finds_locked_pages_empty() -> None:
    script = f"{CHILD}\nif not os.fork():\n    os._exit(any(place))\nprint(os.wait()[1])"
    assert run_child(script, "locked").printed.splitlines()[-1] == "0"


def test_nobody_else_reads_secret_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the superuser, by /proc/<pid>/mem; a bytearray's twin is read by the same means."""
    make(ArenaKind.SECRET, monkeypatch)
    script = f"""{CHILD}
plain = bytearray(range(32))
there = ctypes.addressof(ctypes.c_char.from_buffer(plain))
def read(place):
    with open(f'/proc/{{os.getppid()}}/mem', 'rb', 0) as memory:
        memory.seek(place)
        return memory.read(32)
child = os.fork()
if not child:
    print(read(there) == bytes(plain), flush=True)
    try:
        read(arena.address_of(place))
    except OSError as error:
        print(error.strerror, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    assert run_child(script, "any").printed.splitlines()[1:] == ["True", "Input/output error"]


def test_a_forked_child_gives_nothing_of_its_parent_s_back() -> None:
    """It has an arena of its own; what it inherited, and would zero as garbage, stays its parent's."""
    script = """
import os
from keystore.arena import process_arena
pages = process_arena()
assert process_arena() is pages
place = pages.take(32)
place[:] = bytes(range(32))
child = os.fork()
if not child:
    pages.give_back(place)
    os._exit(process_arena() is pages)
status = os.waitpid(child, 0)[1]
print(status, bytes(place) == bytes(range(32)))
pages.give_back(place)
print(any(place))
"""
    assert run_child(script).printed.splitlines() == ["0 True", "False"]
