"""Log lines: one JSON object each on standard output, audit apart, with priorities under systemd."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.code_scan import ROOT, python_files
from signer.core.errors import Fault
from signer.edge.logs import AUDIT, Lines, configure_logs, log_event, log_fault

Line = dict[str, str]


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The logger is the process's own, and these tests'."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    logger = logging.getLogger("pegwarden")
    before = (logger.handlers, logger.propagate, logger.level)
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


def say_three() -> None:
    log_event("call", method="SignPsbt")
    log_event("serving")
    log_fault(RuntimeError("secret"), incident="1")


def told(text: str) -> list[Line]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_is_audited_is_told_apart(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("edge")
    say_three()
    seen = capfd.readouterr()
    assert seen.err == ""
    lines = told(seen.out)
    assert [(line["event"], line["log"], line["level"], line["PRIORITY"]) for line in lines] == [
        ("call", "audit", "info", "5"),
        ("serving", "service", "info", "6"),
        ("fault", "service", "error", "3"),
    ]
    assert {line["SYSLOG_IDENTIFIER"] for line in lines} == {"pegwarden-edge"}
    assert "secret" not in seen.out


@pytest.mark.parametrize(("own", "begins"), [(True, ["<5>", "<6>", "<3>"]), (False, ['{"t'] * 3)])
def test_under_systemd_a_line_begins_with_its_priority(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own: object, begins: object
) -> None:
    """$JOURNAL_STREAM of another stream, which a shell below a unit inherits, makes no prefix."""
    seen = os.fstat(1)
    inode = seen.st_ino if own else seen.st_ino + 1
    monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{inode}")
    configure_logs("kernel")
    say_three()
    lines = capfd.readouterr().out.splitlines()
    assert [line[:3] for line in lines] == begins
    assert [each["event"] for each in told("\n".join(each.lstrip("<356>") for each in lines))] == [
        *("call", "serving", "fault")
    ]


def test_audit_lines_go_to_a_file_of_their_own(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a prefix, also under systemd; and behind what is there."""
    seen = os.fstat(1)
    monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{seen.st_ino}")
    audit = tmp_path / "audit.jsonl"
    audit.write_text('{"event": "earlier"}\n')
    configure_logs("kernel", audit)
    say_three()
    assert [line[:3] for line in capfd.readouterr().out.splitlines()] == ["<6>", "<3>"]
    assert [line["event"] for line in told(audit.read_text())] == ["earlier", "call"]
    audit.write_text("")  # as logrotate's copytruncate does
    log_event("entry", number=7)
    assert [line["event"] for line in told(audit.read_text())] == ["entry"]


def test_a_new_audit_file_is_no_strangers(tmp_path: Path) -> None:
    configure_logs("kernel", tmp_path / "audit.jsonl")
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o027 == 0


def test_an_audit_file_that_cannot_be_written_ends_a_start(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="cannot write"):
        configure_logs("kernel", tmp_path / "nowhere" / "audit.jsonl")


def test_an_audit_line_that_finds_no_room_goes_to_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure_logs("kernel", Path("/dev/full"))
    log_event("call", method="SignPsbt")
    assert [line["event"] for line in told(capfd.readouterr().out)] == ["call"]


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Python's own handlers would print a traceback, for which they open files: that kills in a room."""
    kept, full = os.dup(1), os.open("/dev/full", os.O_WRONLY)
    configure_logs("kernel")
    try:
        os.dup2(full, 1)
        log_event("serving")
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(full)
    log_event("stopped")
    seen = capfd.readouterr()
    assert ([line["event"] for line in told(seen.out)], seen.err) == (["stopped"], "")


def test_a_closed_standard_output_is_not_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    monkeypatch.setattr("signer.edge.logs._STANDARD_OUTPUT", 1 << 20)
    handler = Lines("kernel", None)
    handler.emit(logging.makeLogRecord({"msg": "serving", "levelno": logging.INFO}))


def test_each_audit_event_is_logged_somewhere() -> None:
    """A name that was changed where it is logged would be a service line from then on."""
    said = re.compile(r'(?:log_event|_say)\(\s*"([a-z-]+)"')
    logged = {name for path in python_files("signer") for name in said.findall(path.read_text())}
    assert AUDIT - logged == set()
    assert logged - AUDIT


CLOSED = """
import os
os.closerange(0, 3)
from signer.edge.logs import configure_logs, log_event
configure_logs("kernel")
file = os.open("ledger", os.O_CREAT | os.O_WRONLY)
log_event("serving")
os.write(file, b"ledger")
"""


def test_lines_of_a_process_without_standard_output_go_into_no_file_of_ours(tmp_path: Path) -> None:
    """The ledger of a vault key was opened as descriptor 1 once, and log lines written over it."""
    child = [sys.executable, "-c", CLOSED]
    subprocess.run(child, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True)
    assert (tmp_path / "ledger").read_bytes() == b"ledger"
