"""Exit statuses, and a sentence whatever happens."""

import subprocess
import sys

import click
import pytest

from signer.cli import main as subject
from signer.core.errors import Fault
from tests.cli.desk import ROOT, Desk, run


@pytest.mark.parametrize("name", subject._COMMANDS)
def test_every_command_has_its_help(pegwarden: Desk, name: str) -> None:
    said = pegwarden(name, "--help")
    assert said.status == 0
    assert "Usage:" in said.out


def test_help_lists_the_commands() -> None:
    said = run("--help")
    assert said.status == 0
    assert all(name in said.out for name in subject._COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["init"], ["psbt", "parse", "--nonsense"], ["key", "bind"], ["journal"]],
)
def test_wrong_usage_is_2(pegwarden: Desk, arguments: list[str]) -> None:
    said = pegwarden(*arguments)
    assert said.status == 2
    assert "Usage:" in said.err


def test_a_refusal_is_1_with_code_and_remedy(pegwarden: Desk) -> None:
    said = pegwarden("config", "check", "--config", "/nowhere.toml")
    assert said.status == 1
    assert said.err.splitlines() == [
        "config-unreadable: /nowhere.toml: No such file or directory",
        "Name the member's file with --config.",
    ]
    assert pegwarden("config", "check", "--config", "/nowhere.toml", "--json").json == {
        "ok": False,
        "code": "config-unreadable",
        "detail": "/nowhere.toml: No such file or directory",
        "remedy": "Name the member's file with --config.",
    }


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Fault("the disk is full"), "fault: the disk is full"),
        (OSError(28, "No space left on device", "/data"), "fault: /data: No space left on device"),
        (RuntimeError("xprv9s21"), "fault: incident"),
    ],
)
def test_a_fault_is_3_and_no_traceback(
    pegwarden: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    @click.command("broken")
    def broken() -> None:
        raise error

    monkeypatch.setattr(subject, "pegwarden", broken)
    said = pegwarden()
    assert said.status == 3
    assert said.err.startswith(sentence)
    assert "xprv" not in said.err


def test_the_debug_switch_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEGWARDEN_DEBUG", "1")
    said = run("config", "check", "--config", "/nowhere.toml")
    assert said.status == 1
    assert "Traceback" in said.err


def test_an_interrupt_is_a_word(pegwarden: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("slow")
    def slow() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subject, "pegwarden", slow)
    said = pegwarden()
    assert (said.status, said.err.strip()) == (1, "Interrupted.")


def test_psbt_parse_does_not_import_grpc_or_the_keystore() -> None:
    script = (
        "import sys; from signer.cli.main import main; main(['psbt', 'parse', '/dev/null']);"
        "print(sorted({'grpc', 'keystore', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
