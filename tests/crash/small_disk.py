"""A disk that can be filled to the last byte."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SMALL = "40m"
"""A disk with room for a kernel's reserve, and a little more."""


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """A disk of its own; None where the system lets us have none."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "pegwarden", folder],
            capture_output=True,
            check=False,
        )
        try:
            yield Path(folder) if done.returncode == 0 else None
        finally:
            if done.returncode == 0:
                subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def ballast(path: Path) -> Iterator[None]:
    """The disk has no byte left."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    try:
        yield
    finally:
        path.unlink()
