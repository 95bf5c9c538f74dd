"""`pegwarden policy explain FILE`."""

from pathlib import Path

import click

from policies.explain import as_json, render
from policies.load import load_policy
from signer.cli.options import FILE, Emit, json_option
from signer.member_files import read_policy_bytes


@click.group("policy")
def command() -> None:
    """Say what a policy allows."""


@command.command("explain")
@click.argument("file", type=FILE)
@json_option
def explain_command(file: Path, emit: Emit) -> None:
    """FILE in English: who can agree to what, and what is refused."""
    policy = load_policy(read_policy_bytes(file))
    emit({"ok": True} | as_json(policy), render(policy))
