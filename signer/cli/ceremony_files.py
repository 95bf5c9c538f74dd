"""The files of a ceremony: bounded when they are read, new when they are written; secrets are mode 600."""

import binascii
import os
from pathlib import Path

from keystore.passphrase import passphrase_from_file
from keystore.secret import UNSAFE_EXPOSE, Secret, taken
from signer.ceremony.commit import Round, malformed_text, read_opening
from signer.ceremony.derive import derive_seed

MAX_TEXT = 65_536


def read_text(path: Path) -> str:
    """A text of bounded size. Raises Refusal `ceremony-malformed`, OSError."""
    with path.open("rb") as stream:
        content = stream.read(MAX_TEXT + 1)
    if len(content) > MAX_TEXT or not content.isascii():
        raise malformed_text(f"{path} is no text of a ceremony")
    return content.decode("ascii")


def read_secret_text(path: Path) -> str:
    """An opening; others than its owner cannot read the file. Raises Refusal `passphrase-unreadable`,
    `ceremony-malformed`."""
    with passphrase_from_file(path) as content:
        text = bytes(content.expose(UNSAFE_EXPOSE))
    if not text.isascii():
        raise malformed_text(f"{path} is no text of a ceremony")
    return text.decode("ascii") + "\n"


def seed_of(gathered: Round, openings: tuple[Path, ...]) -> Secret:
    """The seed that these files open. Raises Refusal `passphrase-unreadable`, `ceremony-malformed` and those
    of `derive_seed`."""
    return taken(derive_seed(gathered, [read_opening(read_secret_text(each)) for each in openings]))


def read_contribution(path: Path) -> Secret:
    """32 bytes as 64 digits in such a file. Raises Refusal `passphrase-unreadable`, `ceremony-malformed`."""
    with passphrase_from_file(path) as content:
        try:
            number = binascii.unhexlify(content.expose(UNSAFE_EXPOSE))
        except binascii.Error:
            number = b""
    if len(number) != 32:
        raise malformed_text(f"{path} does not hold 64 hexadecimal digits")
    return taken(number)


def write_secret(path: Path, text: str) -> None:
    """A new file of mode 600. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii", newline="") as stream:
        stream.write(text)


def write_text(path: Path, text: str) -> None:
    """A new file for everybody. Raises FileExistsError."""
    with path.open("x", encoding="ascii", newline="") as stream:
        stream.write(text)
