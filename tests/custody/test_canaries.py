"""Secrets stay where they are, and one that is said is found."""

import base64
from pathlib import Path
from random import Random

import pytest

from tests.custody.canaries import Watch
from tests.custody.files import handled, pins
from tests.token.softhsm import SoftToken, need

SECRET = bytes(range(7, 39))


def test_key_files_and_their_errors_show_no_secret(tmp_path: Path) -> None:
    assert handled(tmp_path, Random(7)) == []


def test_keepers_say_no_pin(tmp_path: Path) -> None:
    assert pins(SoftToken(tmp_path / "token", need()), Random(7)) == []


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        SECRET.hex().encode(),
        SECRET.hex().upper().encode(),
        base64.b64encode(SECRET),
        repr(SECRET).encode(),
    ],
    ids=range(5),
)
def test_a_secret_is_found_however_it_is_written(said: bytes) -> None:
    watch = Watch({"seed": SECRET})
    assert list(watch.found({"a log": b"as ever"})) == []
    assert list(watch.found({"a log": b"before " + said + b" after"})) == [
        "the seed stands in a log"
    ]
    watch.said.append(said)
    assert list(watch.found()) == ["the seed stands in what was said"]
