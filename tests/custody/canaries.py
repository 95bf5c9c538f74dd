"""Secrets that must be in no log, error, ledger, or file in the open: looked for in several writings."""

import base64
import io
import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


def writings(secret: bytes) -> tuple[bytes, ...]:
    """As it may stand in a file or a line."""
    inner = base64.b64encode(secret).rstrip(b"=")[:-1]
    return (
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        inner,
        repr(secret)[2:-1].encode(),
    )


@dataclass
class Watch:
    """What was said and written, and what must not be in it."""

    secrets: dict[str, bytes] = field(default_factory=dict)
    said: list[bytes] = field(default_factory=list)

    def error(self, error: BaseException) -> None:
        """As it would be shown, with all that it stems from."""
        self.said.append("".join(traceback.format_exception(error)).encode())
        self.said.append(repr(vars(error)).encode())

    def show(self, *shown: object) -> None:
        """Text forms."""
        self.said += [f"{each!r} {each!s}".encode() for each in shown]

    def found(self, files: Mapping[str, bytes] | None = None) -> Iterator[str]:
        """Each place where a secret stands."""
        places: Iterable[tuple[str, bytes]] = [("what was said", b"\n".join(self.said))]
        for place, content in (*places, *(files or {}).items()):
            for name, secret in self.secrets.items():
                if any(writing in content for writing in writings(secret)):
                    yield f"the {name} stands in {place}"
        self.said.clear()


@contextmanager
def listening(watch: Watch) -> Iterator[None]:
    """All that is logged meanwhile, at any level."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        watch.said.append(stream.getvalue().encode())
