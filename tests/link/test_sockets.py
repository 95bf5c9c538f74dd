"""Where the kernel listens, and who may connect."""

import os
import pwd
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from signer.cli.config import _missing_processes
from signer.config_processes import ProcessesConfig
from signer.core.errors import Fault, Refusal
from signer.process.sockets import listen_at
from signer.process.users import Users, require_kernel_user, users_of


def test_a_socket_that_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "kernel.sock"
    listen_at(path).close()
    assert path.is_socket()
    with listen_at(path), socket.socket(socket.AF_UNIX) as edge:
        edge.connect(str(path))


def test_a_socket_at_which_a_process_listens_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "kernel.sock"
    with listen_at(path) as first, socket.socket(socket.AF_UNIX) as edge:
        with pytest.raises(Fault, match="another process listens"):
            listen_at(path)
        first.accept()[0].close()  # the look of the second
        edge.connect(str(path))


@pytest.mark.parametrize("name", ["missing/kernel.sock", "k" * 120])
def test_where_nobody_can_listen_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(Fault, match="cannot listen at"):
        listen_at(tmp_path / name)


def test_the_edges_user_is_the_one_that_is_named_or_our_own() -> None:
    ours = os.getuid()
    assert users_of(ProcessesConfig(Path("run"), None)) == Users(ours, ours, ours)
    first, second, third = pwd.getpwall()[:3]
    named = ProcessesConfig(Path("run"), first.pw_name, second.pw_name, third.pw_name)
    assert users_of(named) == Users(third.pw_uid, first.pw_uid, second.pw_uid)
    assert users_of(replace(named, keeper_user=None)) == Users(third.pw_uid, first.pw_uid, ours)
    for wrong in (
        replace(named, edge_user="nobody of that name"),
        replace(named, edge_user=third.pw_name),
        replace(named, keeper_user=third.pw_name),
        replace(named, keeper_user=first.pw_name),
    ):
        with pytest.raises(Refusal) as refused:
            users_of(wrong)
        assert refused.value.code == "config-value"


def test_a_kernel_of_another_user_than_the_named_one_does_not_start() -> None:
    ours = os.getuid()
    require_kernel_user(Users(ours, ours + 1, ours + 2))
    with pytest.raises(Refusal) as refused:
        require_kernel_user(Users(ours + 1, ours, ours))
    assert refused.value.code == "config-value"


def test_config_check_names_what_two_processes_lack(tmp_path: Path) -> None:
    assert _missing_processes(None) == []
    assert _missing_processes(ProcessesConfig(tmp_path, None)) == []
    folder, user = _missing_processes(ProcessesConfig(tmp_path / "none", "nobody of that name"))
    assert folder.endswith("none: no such folder, for the kernel's socket")
    assert user.startswith("config-value: ")
