"""The filter. Invariant: over all numbers, arguments and architectures it answers what the table says."""

import errno
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.core.errors import Refusal
from signer.room import calls
from signer.room.calls import (
    AARCH64,
    FILE_JOURNAL,
    SERVER_JOURNAL,
    X86_64,
    Machine,
    this_machine,
)
from signer.room.seccomp import ALLOW, ERRNO, KILL, THREAD_FLAGS, Instruction, program
from tests.room.interpreter import MOST_INSTRUCTIONS, run

MACHINES = pytest.mark.parametrize("machine", [X86_64, AARCH64], ids=lambda machine: machine.name)
WORD, LONG = st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 64) - 1)
HIGH = 1 << 32
FILTERS = {
    (machine.name, name): program(machine, allowed, families)
    for machine in (X86_64, AARCH64)
    for name, allowed, families in (
        ("file", FILE_JOURNAL, ()),
        ("server", SERVER_JOURNAL, (socket.AF_UNIX,)),
    )
}


def filter_of(machine: Machine, name: str = "file") -> tuple[Instruction, ...]:
    return FILTERS[machine.name, name]


@MACHINES
def test_of_all_numbers_only_those_of_the_table_pass(machine: Machine) -> None:
    """With arguments of zero: clone is then a fork, mmap and mprotect ask for nothing executable."""
    never = {"clone", "clone3"}
    passing = {machine.numbers[name] for name in FILE_JOURNAL & machine.numbers.keys() - never}
    for number in range(1_024):
        answer = run(filter_of(machine), machine.audit, number)
        if number == machine.numbers["clone3"]:
            assert answer == ERRNO | errno.ENOSYS
        else:
            assert answer == (ALLOW if number in passing else KILL), number


@MACHINES
@given(number=WORD, arguments=st.lists(LONG, min_size=6, max_size=6))
def test_whatever_is_asked_ends_in_one_of_three_answers(
    machine: Machine, number: int, arguments: list[int]
) -> None:
    named = {machine.numbers[name] for name in SERVER_JOURNAL & machine.numbers.keys()}
    answer = run(filter_of(machine, "server"), machine.audit, number, *arguments)
    assert answer in (ALLOW, KILL, ERRNO | errno.ENOSYS)
    assert number in named or answer == KILL


@MACHINES
@given(audit=WORD, number=st.integers(0, 600))
def test_another_architecture_is_killed(machine: Machine, audit: int, number: int) -> None:
    if audit != machine.audit:
        assert run(filter_of(machine), audit, number) == KILL


@MACHINES
@given(number=st.integers(0, 600))
def test_a_number_with_the_x32_bit_is_killed(machine: Machine, number: int) -> None:
    assert run(filter_of(machine), machine.audit, number | 0x4000_0000) == KILL


@MACHINES
@pytest.mark.parametrize("name", ["mmap", "mprotect"])
@given(protection=LONG)
def test_nothing_becomes_code(machine: Machine, name: str, protection: int) -> None:
    answer = run(filter_of(machine), machine.audit, machine.numbers[name], 0, 4_096, protection)
    assert answer == (KILL if protection & 4 else ALLOW)


@MACHINES
def test_a_thread_is_started_and_a_process_is_not(machine: Machine) -> None:
    number, code = machine.numbers["clone"], filter_of(machine)
    assert run(code, machine.audit, number, THREAD_FLAGS) == ALLOW
    for bit in range(32):
        assert run(code, machine.audit, number, THREAD_FLAGS ^ 1 << bit) == KILL
    assert run(code, machine.audit, number, 17) == KILL  # fork: SIGCHLD alone


@MACHINES
def test_sockets_of_the_named_families_only(machine: Machine) -> None:
    number, code = machine.numbers["socket"], filter_of(machine, "server")
    stream = socket.SOCK_STREAM
    for family in range(64):
        answer = run(code, machine.audit, number, family, stream)
        assert answer == (ALLOW if family == socket.AF_UNIX else KILL)
    assert run(code, machine.audit, number, socket.AF_INET | HIGH, stream) == KILL
    none = program(machine, SERVER_JOURNAL)
    assert run(none, machine.audit, number, socket.AF_UNIX, stream) == KILL


@MACHINES
@given(kind=LONG)
def test_sockets_of_streams_only(machine: Machine, kind: int) -> None:
    number, code = machine.numbers["socket"], filter_of(machine, "server")
    free = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    for each in (kind, kind & free | socket.SOCK_STREAM, kind & (free | 15)):
        answer = run(code, machine.audit, number, socket.AF_UNIX, each)
        is_stream = each & ~free & 0xFFFF_FFFF == socket.SOCK_STREAM
        assert answer == (ALLOW if is_stream else KILL)


@MACHINES
def test_a_program_is_one_that_the_system_takes(machine: Machine) -> None:
    for name in ("file", "server"):
        code = filter_of(machine, name)
        assert len(code) < MOST_INSTRUCTIONS
        assert code[-1] == Instruction(0x06, 0, 0, KILL)
        assert all(each.if_true < 256 and each.if_false < 256 for each in code)


def test_what_a_kernel_may_never_ask() -> None:
    forbidden = {"execve", "execveat", "fork", "vfork", "kill", "tgkill", "ptrace", "setuid"}
    forbidden |= {"mkdir", "rename", "renameat2", "symlink", "chmod", "sendmsg", "recvmsg"}
    assert forbidden.isdisjoint(SERVER_JOURNAL)
    assert {"openat", "open", "socket", "connect"}.isdisjoint(FILE_JOURNAL)
    assert {"openat", "socket", "connect"} < SERVER_JOURNAL


def test_every_call_has_its_number_on_a_machine() -> None:
    assert X86_64.numbers.keys() == SERVER_JOURNAL
    assert X86_64.numbers.keys() - AARCH64.numbers.keys() == {
        "access", "epoll_wait", "poll", "unlink",
    }  # fmt: skip
    for machine in (X86_64, AARCH64):
        assert len(set(machine.numbers.values())) == len(machine.numbers)


def test_a_machine_whose_numbers_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, machine in (("x86_64", X86_64), ("aarch64", AARCH64)):
        monkeypatch.setattr(calls.platform, "machine", lambda name=name: name)
        assert this_machine() == machine
    monkeypatch.setattr(calls.platform, "machine", lambda: "riscv64")
    with pytest.raises(Refusal) as caught:
        this_machine()
    assert caught.value.code == "room-unsupported"


def test_a_filter_that_lost_a_row_is_noticed() -> None:
    """The interpreter sees a planted hole."""
    holed = tuple(
        replace_operand(each) if each.operand == KILL and each.code == 0x06 else each
        for each in filter_of(X86_64)
    )
    assert run(holed, X86_64.audit, 59) == ALLOW
    assert run(filter_of(X86_64), X86_64.audit, 59) == KILL


def replace_operand(instruction: Instruction) -> Instruction:
    return instruction._replace(operand=ALLOW)
