"""Passphrases and PINs on the command line: from a descriptor, a file or a prompt, never from an argument."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

from keystore.passphrase import (
    passphrase_from_descriptor,
    passphrase_from_file,
    passphrase_from_prompt,
)
from keystore.secret import UNSAFE_EXPOSE, Secret
from signer.cli.options import FILE
from signer.core.errors import Objection, Refusal


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """Where the user said that it comes from; neither: a prompt."""

    file: Path | None
    descriptor: int | None

    def read(self, question: str) -> Secret:
        """Of existing keys. Raises Refusal `passphrase-unreadable`."""
        if self.file is not None and self.descriptor is not None:
            raise click.UsageError("a passphrase file and a descriptor exclude each other")
        if self.file is not None:
            return passphrase_from_file(self.file)
        if self.descriptor is not None:
            return passphrase_from_descriptor(self.descriptor)
        return passphrase_from_prompt(f"{question}: ")

    def read_new(self, question: str) -> Secret:
        """Of new keys: a prompt asks twice. Raises Refusal `passphrase-unreadable`,
        `passphrase-mismatch`."""
        first = self.read(question)
        if self.file is None and self.descriptor is None:
            with passphrase_from_prompt(f"{question}, again: ") as second:
                same = hmac.compare_digest(
                    first.expose(UNSAFE_EXPOSE), second.expose(UNSAFE_EXPOSE)
                )
            if not same:
                first.close()
                raise Refusal(Objection("passphrase-mismatch", "the two passphrases differ"))
        return first

    def arguments(self) -> tuple[str, ...]:
        """The options that say the same to another of our commands."""
        file = () if self.file is None else ("--passphrase-file", str(self.file))
        descriptor = () if self.descriptor is None else ("--passphrase-fd", str(self.descriptor))
        return (*file, *descriptor)


Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def passphrase_options(prefix: str = "") -> Decorator:
    """`--passphrase-file` and `--passphrase-fd`, with that prefix: one parameter, `passphrase_source`
    (`new_passphrase_source`)."""
    return _source_options(f"{prefix}passphrase", "")


def pin_options(command: Callable[..., None]) -> Callable[..., None]:
    """`--pin-file` and `--pin-fd`: one parameter, `pin_source`."""
    return _source_options("pin", "the PIN ")(command)


def _source_options(option: str, what: str) -> Decorator:
    name = option.replace("-", "_")

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapped(*arguments: object, **options: object) -> None:
            file, descriptor = options.pop(f"{name}_file"), options.pop(f"{name}_fd")
            options[f"{name}_source"] = PassphraseSource(file, descriptor)  # type: ignore[arg-type]
            command(*arguments, **options)

        with_descriptor = click.option(
            f"--{option}-fd", type=click.IntRange(min=0), help=f"Descriptor to read {what}from."
        )(wrapped)
        return click.option(
            f"--{option}-file", type=FILE, help=f"File (mode 600) to read {what}from."
        )(with_descriptor)

    return decorate
