"""Options that commands share, and how they print.

Rule 1: every command that prints takes `--json`: one JSON object (or `--jsonl`: one per line) on standard
        output, and nothing else there.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])
Emit = Callable[[Mapping[str, object], Iterable[str]], None]
"""Prints (the JSON members, the lines for people)."""


def emit_json(members: Mapping[str, object], _: Iterable[str]) -> None:
    """One JSON object."""
    click.echo(json.dumps(members))


def emit_text(_: Mapping[str, object], lines: Iterable[str]) -> None:
    """Lines for people. What a kernel or a file says does not steer the terminal."""
    for line in lines:
        shown = (
            each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in line
        )
        click.echo("".join(shown))


def json_option(command: F) -> F:
    """`--json`, as the parameter `emit`."""
    return click.option(
        "--json",
        "emit",
        is_flag=True,
        callback=lambda _ctx, _parameter, value: emit_json if value else emit_text,
        help="One JSON object instead of text.",
    )(command)


FILE = click.Path(path_type=Path)


def config_option(command: F) -> F:
    """`--config`, as the parameter `config_path`."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=FILE,
        default=Path("pegwarden.toml"),
        show_default=True,
        help="The member's configuration.",
    )(command)


def parent_option(command: F) -> F:
    """`--parent`, as the parameter `parent`: set by `serve` for the processes that it starts."""
    return click.option("--parent", type=int, hidden=True)(command)


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows below their heads, aligned; nothing is cut."""
    table = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
