"""Passphrases come from a descriptor, a private file or a prompt."""

import os
import stat
from pathlib import Path

import pytest

from keystore import passphrase as source
from keystore.secret import UNSAFE_EXPOSE, Secret
from signer.core.errors import Refusal


def shown(secret: Secret) -> bytes:
    return bytes(secret.expose(UNSAFE_EXPOSE))


def from_pipe(content: bytes) -> Secret:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return source.passphrase_from_descriptor(reading)


def private(path: Path, content: bytes) -> Path:
    path.touch(0o600)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"words", b"words"),
        (b"words\n", b"words"),
        (b"words\r\n", b"words"),
        (b" words \n\n", b" words \n"),
        (b"\xff\x00", b"\xff\x00"),
        (b"x" * 1_024 + b"\r\n", b"x" * 1_024),
    ],
)
def test_one_line_ending_is_not_part_of_it(content: bytes, expected: bytes, tmp_path: Path) -> None:
    assert shown(from_pipe(content)) == expected
    assert shown(source.passphrase_from_file(private(tmp_path / "file", content))) == expected


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 1_025, b"x" * 60_000])
def test_too_short_and_too_long(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        from_pipe(content)
    assert caught.value.code == "passphrase-unreadable"
    with pytest.raises(Refusal) as caught:
        source.passphrase_from_file(private(tmp_path / "file", content))
    assert caught.value.code == "passphrase-unreadable"


def test_a_file_that_others_can_read(tmp_path: Path) -> None:
    path = private(tmp_path / "file", b"words")
    assert shown(source.passphrase_from_file(path)) == b"words"
    path.chmod(0o640)
    with pytest.raises(Refusal) as caught:
        source.passphrase_from_file(path)
    assert caught.value.code == "passphrase-unreadable"


ROOTS = (0o440, 0, 0)
NOT_A_CREDENTIAL = [(0o444, 0, 0), (0o440, 1_000, 0), (0o440, 0, 1_000), (0o640, 0, 0)]


@pytest.mark.parametrize(
    ("status", "accepted"), [(ROOTS, True), *((n, False) for n in NOT_A_CREDENTIAL)]
)
def test_a_credential_of_systemd_is_roots_and_shown_by_its_access_list(
    status: tuple[int, int, int], accepted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = private(tmp_path / "file", b"words")
    mode, uid, gid = status
    seen = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, gid, 5, 0, 0, 0))
    monkeypatch.setattr(source.os, "fstat", lambda _: seen)
    if accepted:
        assert shown(source.passphrase_from_file(path)) == b"words"
        return
    with pytest.raises(Refusal) as caught:
        source.passphrase_from_file(path)
    assert caught.value.code == "passphrase-unreadable"


def test_no_file_and_no_descriptor(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "nothing", tmp_path, tmp_path / "pipe"):
        with pytest.raises(Refusal) as caught:
            source.passphrase_from_file(path)
        assert caught.value.code == "passphrase-unreadable"
    with pytest.raises(Refusal) as caught:
        source.passphrase_from_descriptor(999)
    assert caught.value.code == "passphrase-unreadable"


def test_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "getpass", lambda question: "w\u00f6rds")
    assert shown(source.passphrase_from_prompt("?")) == "w\u00f6rds".encode()

    def no_terminal(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(source, "getpass", no_terminal)
    with pytest.raises(Refusal) as caught:
        source.passphrase_from_prompt("?")
    assert caught.value.code == "passphrase-unreadable"
