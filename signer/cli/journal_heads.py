"""Log keys, heads and cosignatures on the command line: what an auditor knows of a member, and compares."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

from signer.bitcoin.errors import Malformed
from signer.core.moments import format_time
from signer.journal.cosignature import Witness, cosigned_at
from signer.journal.note import origin_of, read_head, read_note


def public_key(text: str) -> bytes:
    """An Ed25519 public key in hex, 32 bytes. Raises ValueError, which click tells."""
    key = bytes.fromhex(text)
    if len(key) != 32:
        raise ValueError("a key is 32 bytes")
    return key


@dataclass(frozen=True, slots=True)
class Cosigned:
    """That a witness has seen a head."""

    key: bytes
    size: int
    moment: int

    @property
    def members(self) -> Mapping[str, object]:
        """For `--json`."""
        return {"witness": self.key.hex(), "entries": self.size, "time_unix": self.moment}

    @property
    def line(self) -> str:
        """For people."""
        said = f"its first {self.size} entries, {format_time(self.moment)}"
        return f"cosigned by {self.key.hex()}: {said}"


@dataclass(frozen=True, slots=True)
class Trusted:
    """The public keys that an auditor brings."""

    log_key: bytes | None
    witnesses: tuple[bytes, ...]
    """Log keys of other members."""

    @property
    def required_log_key(self) -> bytes:
        """The log key. Raises click.UsageError where none was given."""
        if self.log_key is None:
            raise click.UsageError("--log-key is needed: the member's log key in hex")
        return self.log_key

    def cosigned(self, genesis_hash: bytes, notes: tuple[str, ...]) -> tuple[Cosigned, ...]:
        """For each witness the largest of these heads that it cosigned.

        Raises Malformed `head-malformed` where it cosigned none, or a line of its key does not verify.
        """
        return tuple(_cosigned(key, genesis_hash, notes) for key in self.witnesses)


def trust_options(command: Callable[..., object]) -> Callable[..., object]:
    """`--log-key` and `--witness`, as one parameter `trusted`."""

    @wraps(command)
    def wrapped(
        *arguments: object, log_key: bytes | None, witnesses: tuple[bytes, ...], **options: object
    ) -> object:
        return command(*arguments, trusted=Trusted(log_key, witnesses), **options)

    help_text = "Log key of another member that must have cosigned; may be repeated."
    for option in (
        click.option("--witness", "witnesses", type=public_key, multiple=True, help=help_text),
        click.option(
            "--log-key", type=public_key, help="The member's log key (GetInfo, `key show`)."
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def read_text_file(path: Path) -> str:
    """A file of text as it is; what is not UTF-8 fits nothing that is read here."""
    return path.read_bytes().decode("utf-8", "replace")


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises click.UsageError where one is."""
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise click.UsageError(f"{path} exists") from None


def _cosigned(key: bytes, genesis_hash: bytes, notes: Iterable[str]) -> Cosigned:
    witness = Witness(origin_of(genesis_hash, key), key)
    found = []
    for note in notes:
        read = read_note(note)
        if read.signatures(witness.name, witness.key_id):
            found.append((read_head(read.text).size, cosigned_at(note, witness)))
    if not found:
        raise Malformed("head-malformed", f"no cosignature by {witness.name}")
    size, moment = max(found)
    return Cosigned(key, size, moment)
