"""How kernel and edge begin: whose processes they are, and where their lines go."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

from signer.cli.options import FILE, parent_option


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the command line says of it."""

    parent: int | None
    """The process that ours ends with, if any."""
    audit_file: Path | None

    def begin(self, process: str) -> None:
        """From here on events are logged under that name. Raises Fault."""
        from signer.edge.logs import configure_logs  # noqa: PLC0415 (after hardening)
        from signer.process.orphan import end_with  # noqa: PLC0415

        end_with(self.parent)
        configure_logs(process, self.audit_file)

    def arguments(self) -> tuple[str, ...]:
        """The option that says to another of our commands where audit lines go."""
        return () if self.audit_file is None else ("--audit-log", str(self.audit_file.absolute()))


def beginning_options(command: Callable[..., None]) -> Callable[..., None]:
    """`--audit-log`, and `--parent` for what `serve` starts: one parameter, `beginning`."""

    @wraps(command)
    def wrapped(*arguments: object, **options: object) -> None:
        parent, file = options.pop("parent"), options.pop("audit_log")
        options["beginning"] = Beginning(parent, file)  # type: ignore[arg-type]
        command(*arguments, **options)

    text = "File for audit lines; else they stand among the others, on standard output."
    return parent_option(click.option("--audit-log", type=FILE, help=text)(wrapped))
