"""The relayer's commands about releases: what they ask and print, and their exit status."""

import sys
from pathlib import Path

import pytest

from clients.relayer import __main__ as command
from clients.relayer.job import FileEvidence, Job
from signer.bitcoin.transaction import display
from signer.cli.act_file import act_json
from signer.core.acts import ReleaseWithdrawal, Scope
from signer.core.acts_control import CLOSED
from tests.clients.listing import LOG_KEY, ONE, PAYS_ONE, PIN, SWEEP, Lists, buried, listed
from tests.clients.resolving import relayer_of
from tests.core.spends import NOW
from tests.kernel.governed import ADA


class Shell:
    """Runs a task of the relayer over these members."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *members: Lists
    ) -> None:
        self._patch, self._capsys = monkeypatch, capsys
        job = Job(relayer_of(buried(PAYS_ONE, SWEEP), *members), FileEvidence(()), (), ())
        monkeypatch.setattr(command, "load_job", lambda _: job)

    def __call__(self, *arguments: str) -> tuple[int, str]:
        self._patch.setattr(sys, "argv", ["relayer", "job.json", *arguments])
        status = command.main()
        said = self._capsys.readouterr()
        return status, (said.err if status else said.out).strip()


def member(name: str = "a", **more: bool) -> Lists:
    return Lists(name, [listed(ONE, PAYS_ONE, pin=PIN, **more)], (PAYS_ONE,))


def test_what_is_buried_is_listed_and_released(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a = member()
    run = Shell(monkeypatch, capsys, a)
    assert run("buried", "--depth", "101") == (0, "")
    assert run("buried") == (0, f"{PIN}:{display(PAYS_ONE.txid)}")
    a.says = {(ONE, False): "release-unproven"}
    assert run("release") == (1, "relayer: a: release-unproven:")
    a.says = {(ONE, False): "closed"}
    assert run("release") == (0, f"a {ONE.hex()} closed")


def test_what_else_took_a_pin_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = member(), Lists("b", [], says={(ONE, True): "release-pin-unknown"})
    a.says = {(ONE, True): "waiting"}
    run = Shell(monkeypatch, capsys, a, b)
    assert run("strike", ONE.hex(), display(SWEEP.txid)) == (0, f"a {ONE.hex()} waiting")
    assert b.asked == [(ONE, True)]
    b.says = {(ONE, True): "waiting"}
    lines = "\n".join(f"{name} {ONE.hex()} waiting" for name in "ab")
    assert run("strike", ONE.hex(), display(SWEEP.txid)) == (0, lines)


def test_officers_close_what_waits_for_grants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a = member(waits=True)
    a.says = {(ONE, False): "closed"}
    run = Shell(monkeypatch, capsys, a)
    assert run("release") == (0, "")
    said = ReleaseWithdrawal(Scope(LOG_KEY, 0, 7), bytes(32), ONE, CLOSED, PIN, PAYS_ONE.txid)
    file = tmp_path / "act"
    file.write_text(act_json(ADA.says(said, NOW + 60)))
    done = run("close", ONE.hex(), display(PAYS_ONE.txid), "--acts", str(file))
    assert done == (0, f"a {ONE.hex()} closed")
    assert a.consented == 1
