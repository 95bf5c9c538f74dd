"""`pegwarden policy explain | worst-case | diff | lint`."""

from pathlib import Path

import click

from policies.analysis.diff import compare
from policies.analysis.diff_text import as_json as diff_json
from policies.analysis.diff_text import render as diff_lines
from policies.analysis.lint import as_json as lint_json
from policies.analysis.lint import findings
from policies.analysis.lint import render as lint_lines
from policies.analysis.worst_case import worst_case
from policies.analysis.worst_case_text import as_json as worst_case_json
from policies.analysis.worst_case_text import render as worst_case_lines
from policies.explain import as_json, render
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.cli.options import FILE, Emit, json_option
from signer.cli.policy_change import COMMANDS as CHANGE_COMMANDS
from signer.cli.policy_report import report_command
from signer.cli.policy_simulate import simulate_command
from signer.cli.policy_test import mutate_command, test_command
from signer.clock import MAX_DIFFERENCE
from signer.member_files import read_policy_bytes


@click.group("policy")
def command() -> None:
    """Say what a policy allows."""


def _load(file: Path) -> LoadedPolicy:
    return load_policy(read_policy_bytes(file))


@command.command("explain")
@click.argument("file", type=FILE)
@json_option
def explain_command(file: Path, emit: Emit) -> None:
    """FILE in English: who can agree to what, and what is refused."""
    policy = _load(file)
    emit({"ok": True} | as_json(policy), render(policy))


@command.command("worst-case")
@click.argument("file", type=FILE)
@json_option
def worst_case_command(file: Path, emit: Emit) -> None:
    """The most that can be signed away under FILE, whoever is compromised.

    Exit status 0, however bad it is; 1 if FILE is no policy.
    """
    case = worst_case(_load(file), MAX_DIFFERENCE)
    emit({"ok": True} | worst_case_json(case), worst_case_lines(case))


@command.command("diff")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@json_option
def diff_command(old: Path, new: Path, emit: Emit) -> None:
    """Whether NEW allows more or less than OLD, with spends that show it.

    Exit status 0 whatever the verdict; 1 if a file is no policy. The verdict is a member of the JSON object.
    """
    before, after = _load(old), _load(new)
    difference = compare(before, after)
    emit({"ok": True} | diff_json(difference, before, after), diff_lines(difference, before, after))


@command.command("lint")
@click.argument("file", type=FILE)
@click.option("--strict", is_flag=True, help="Exit status 1 if anything was found.")
@json_option
def lint_command(file: Path, emit: Emit, *, strict: bool) -> int:
    """What FILE says that may not be meant: dead ways, missing windows, slips of a unit, unused names.

    Exit status 0, also with findings (they are not forbidden); 1 with --strict, or if FILE is no policy.
    """
    found = findings(_load(file))
    emit({"ok": True} | lint_json(found), lint_lines(found))
    return 1 if strict and found else 0


command.add_command(report_command)
command.add_command(test_command)
command.add_command(mutate_command)
command.add_command(simulate_command)
for each in CHANGE_COMMANDS:
    command.add_command(each)
