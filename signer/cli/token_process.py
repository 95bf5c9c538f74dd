"""The token of [token], for a command that has a passphrase, too.

1. The vendor's module is loaded by a process that is started for it: it gets the PIN and one end of a pair
   of sockets, and no passphrase (docs/adr/0013-keeper-of-the-token.md).
2. That process names public keys and opens seals; it signs nothing and makes nothing.
3. It has ended before the passphrase is read. It has nothing to finish, but time to say why it failed.
"""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from keystore.token.keeper import Keeper, serve_link
from keystore.token.questions import MOST_PACKET, Operation, objection_of
from signer.cli.key_token import logged_in
from signer.cli.options import config_option, parent_option
from signer.cli.passphrases import PassphraseSource, pin_options
from signer.config import load_config
from signer.core.errors import Refusal
from signer.process.launch import Program
from signer.process.orphan import end_with
from signer.room import memory

READING = frozenset((Operation.PUBLIC, Operation.OPEN))
"""What it offers (2)."""
SPEAKING_SECONDS = 2.0


class AskedToken(NamedTuple):
    """The other end."""

    link: socket.socket

    def ask(self, question: bytes, deadline: float) -> bytes:
        """See `keystore.hsm_sealed.AsksToken`."""
        self.link.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            self.link.send(question)
            answer = self.link.recv(MOST_PACKET)
        except OSError:
            answer = b""
        if answer[:1] == b"\x00":
            return answer[1:]
        raise Refusal(objection_of(answer))


@dataclass(frozen=True, slots=True)
class TokenDoor:
    """How the token is reached."""

    config_path: Path
    pin: PassphraseSource
    passphrase: PassphraseSource
    """Whose descriptor stays here (1)."""

    @property
    def has_pin(self) -> bool:
        """Whether the user said where the PIN is; else the process asks at the terminal."""
        return self.pin.file is not None or self.pin.descriptor is not None

    @contextmanager
    def open(self) -> Iterator[AskedToken]:
        """A process that is logged in, or says why not where errors go, and then ends (1, 3)."""
        if self.passphrase.descriptor is not None:
            os.set_inheritable(self.passphrase.descriptor, False)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            handed = theirs.detach()
            given = ("--config", str(self.config_path), "--link-fd", str(handed), *self._pin())
            descriptors = () if self.pin.descriptor is None else (self.pin.descriptor,)
            process, ended = (
                Program(("key", "answer", *given), (handed, *descriptors)).start(),
                False,
            )
            try:
                yield AskedToken(ours)
            except Refusal:
                ended = _ends(process)
                raise
            finally:
                if not ended:
                    os.kill(process, signal.SIGKILL)
                    os.waitpid(process, 0)

    def _pin(self) -> tuple[str, ...]:
        file = () if self.pin.file is None else ("--pin-file", str(self.pin.file))
        descriptor = self.pin.descriptor
        return (*file, *(() if descriptor is None else ("--pin-fd", str(descriptor))))


def _ends(process: int) -> bool:
    """Whether it ends by itself within SPEAKING_SECONDS, as one does that could not log in."""
    until = time.monotonic() + SPEAKING_SECONDS
    while time.monotonic() < until:
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    return False


@click.command("answer", hidden=True)
@config_option
@pin_options
@click.option("--link-fd", type=click.IntRange(min=0), required=True)
@parent_option
def answer_command(
    config_path: Path,
    pin_source: PassphraseSource,
    link_fd: int,
    parent: int | None,
) -> None:
    """Answer another command of ours with the token of [token]."""
    memory.harden()
    end_with(parent)
    with (
        socket.socket(fileno=link_fd) as link,
        logged_in(load_config(config_path), pin_source) as token,
    ):
        serve_link(Keeper(token, READING), link)
