"""Bytes that must not be seen.

Rule 1: reading a secret needs `UNSAFE_EXPOSE`: whoever reads one can be found by that word.
Rule 2: a secret has no text form, no copy and no pickle; what would show it raises or says `<secret>`.
Rule 3: it lives in one buffer that is zeroed when it is closed. Copies that a library must make are made in
        buffers too (`borrowed`), and `wipe` overwrites what a hash function returned (`taken`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from coincurve._libsecp256k1 import ffi


class _Exposure:
    """The type of the token."""


UNSAFE_EXPOSE: Final = _Exposure()
"""The token that reading a secret needs."""


class Secret:
    """A secret in a buffer of its own."""

    __slots__ = ("__weakref__", "_buffer")

    def __init__(self, content: bytes | bytearray | memoryview) -> None:
        self._buffer = bytearray(content)

    def expose(self, token: _Exposure) -> memoryview:
        """A view of the buffer itself; do not keep it longer than the secret."""
        if token is not UNSAFE_EXPOSE:
            raise TypeError("reading a secret needs UNSAFE_EXPOSE")
        return memoryview(self._buffer)

    def close(self) -> None:
        """Zero the buffer. What was derived from it must be closed by itself."""
        self._buffer[:] = bytes(len(self._buffer))

    def __enter__(self) -> "Secret":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._buffer)

    def __repr__(self) -> str:
        return "<secret>"

    def __format__(self, specification: str) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are not compared")

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")

    def __bytes__(self) -> NoReturn:
        raise TypeError("a secret is not turned into bytes")


def wipe(content: bytes) -> None:
    """Overwrite a bytes object that nobody else holds, such as a fresh hash (CPython only).

    Without this every secret digest would stay in the heap until its memory happens to be used again. Bytes
    objects of length 0 and 1 are Python's own, shared by everybody, and are left.
    """
    if len(content) < 2:
        return
    ffi.memmove(ffi.from_buffer(content), bytes(len(content)), len(content))


def taken(content: bytes) -> Secret:
    """A secret of what a library returned as a bytes object that nobody else holds; that one is wiped."""
    secret = Secret(content)
    wipe(content)
    return secret


def random_secret(size: int) -> Secret:
    """So many bytes of the system's entropy, which stand nowhere else."""
    return taken(os.urandom(size))


@contextmanager
def borrowed(size: int) -> Iterator[Any]:
    """A cffi buffer of that size, zeroed afterwards."""
    buffer = ffi.new("unsigned char[]", size)
    try:
        yield buffer
    finally:
        ffi.memmove(buffer, bytes(size), size)
