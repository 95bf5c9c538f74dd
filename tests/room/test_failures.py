"""What goes wrong in the room is told, and kills nothing (R2, the part that is Python's own)."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scripts.code_scan import ROOT
from signer.room.failures import MOST_CAUSES, causes, tell_uncaught
from tests.room.children import IN_ROOM, linux_room, run_child

HERE = Path(__file__).name
SECRET = "canary-text"


def fail() -> None:
    raise ValueError(SECRET)


def caught(depth: int = 0) -> BaseException:
    try:
        if depth:
            try:
                fail()
            except ValueError as error:
                raise KeyError(SECRET) from error
        fail()
    except (ValueError, KeyError) as error:
        return error
    raise AssertionError


def test_places_and_types_and_no_text() -> None:
    told = causes(caught(depth=1))
    assert [each.split(" at ")[0] for each in told] == ["KeyError", "ValueError"]
    line = fail.__code__.co_firstlineno + 1
    assert told[1].split(" at ")[1].split(" < ")[0].endswith(f"{HERE}:{line}")
    assert SECRET not in "".join(told)


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert causes(ValueError(SECRET)) == ["ValueError at unknown place"]


def test_a_long_chain_is_cut_and_one_in_a_circle_ends() -> None:
    first = last = ValueError()
    for _ in range(9):
        last.__context__ = KeyError()
        last = last.__context__
    assert len(causes(first)) == MOST_CAUSES
    last.__context__ = first
    assert len(causes(first)) == MOST_CAUSES


def test_only_the_innermost_places_of_a_deep_error() -> None:
    def dive(depth: int) -> None:
        if depth:
            dive(depth - 1)
        fail()

    with pytest.raises(ValueError, match=SECRET) as raised:
        dive(20)
    assert causes(raised.value)[0].count(" < ") == 3


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back afterwards
    heard: list[BaseException] = []
    tell_uncaught(heard.append)
    return heard


def test_a_thread_that_fails_is_told_and_one_that_exits_is_not(told: list[BaseException]) -> None:
    for target in (fail, sys.exit):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    assert [type(each) for each in told] == [ValueError]


def test_a_destructor_that_fails_is_told(told: list[BaseException]) -> None:
    class Broken:
        def __del__(self) -> None:
            fail()

    Broken()
    assert [type(each) for each in told] == [ValueError]


def test_what_ends_the_process_is_told(told: list[BaseException]) -> None:
    error = caught()
    sys.excepthook(type(error), error, None)
    assert told == [error]


IN_ROOM_TELLING = (
    IN_ROOM
    + """
def fail():
    raise ValueError('canary-text')
def tell(error):
    os.write(1, json.dumps(causes(error)).encode() + b'\\n')
tell_uncaught(tell)
close.close_room(setting)
def in_thread(target):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
"""
)


@linux_room
def test_in_the_room_failures_are_told_and_nothing_is_killed(tmp_path: Path) -> None:
    script = f"""{IN_ROOM_TELLING}
class Broken:
    def __del__(self):
        fail()
in_thread(fail)
Broken()
logging.getLogger('room').warning('a line')
time.localtime()
fail()
"""
    found = run_child(script, tmp_path)
    assert found.code == 1
    told = [json.loads(line) for line in found.printed.splitlines()]
    assert len(told) == 3
    assert all(each[0].startswith("ValueError at <string>:") for each in told)
    assert (found.errors, "canary" in found.printed) == ("a line\n", False)


@linux_room
@pytest.mark.parametrize(
    "deed",
    [
        "sys.excepthook = sys.__excepthook__; fail()",
        "threading.excepthook = threading.__excepthook__; in_thread(fail)",
    ],
)
def test_without_them_an_ordinary_error_would_kill(tmp_path: Path, deed: str) -> None:
    """Python opens the source file to show a line of it; `-c` has none, so the failing file is real."""
    module = tmp_path / "failing.py"
    module.write_text("def fail():\n    raise ValueError\n")
    begin = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from failing import fail as real\n"
    script = f"{begin}{IN_ROOM_TELLING}\nfail = real\n{deed}"
    assert run_child(script, tmp_path).was_killed


def test_what_is_wiped_at_the_end_is_wiped_where_nothing_is_imported_any_more() -> None:
    """`weakref` imports a module before it runs its finalizers; refused, none of them would run."""
    text = (
        "from weakref import finalize\n"
        "from signer.room.close import refuse_imports\n"
        "finalize(refuse_imports, print, 'wiped')\n"
        "refuse_imports()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("wiped\n", "")
