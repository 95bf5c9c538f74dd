"""Looks for secrets where they must not be: in processes' memory, in what /proc tells of them, in files.

1. A canary is looked for as it is, as hex and as base64.
2. Of a process all memory is read that holds anything of its own; that needs root. What not even root reads
   are the pages of an arena: that it cannot be read is part of the scan.
3. What is found is a place's name, never the canary.
"""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SECRET_PAGES = "/secretmem"
Found = dict[str, list[str]]
"""Canary -> the places where it is; canaries that are nowhere are missing."""
_TOLD = (
    "cmdline",
    "environ",
    "comm",
    "status",
    "maps",
    "auxv",
    "wchan",
    "io",
    "limits",
    "mountinfo",
)
_KERNEL_OWN = ("[vvar", "[vdso", "[vsyscall")


def forms(canary: bytes) -> tuple[bytes, ...]:
    """Rule 1. Of base64 what does not depend on the byte that follows."""
    whole = len(canary) // 3 * 3
    return canary, canary.hex().encode(), base64.b64encode(canary[:whole])


def look(content: bytes, place: str, canaries: Mapping[str, bytes], found: Found) -> None:
    """Note which of them are in there."""
    for name, canary in canaries.items():
        times = sum(content.count(form) for form in forms(canary))
        if times:
            found.setdefault(name, []).extend([place] * times)


def in_memory(pid: int, canaries: Mapping[str, bytes]) -> Found:
    """Of that process (2)."""
    found: Found = {}
    for place, content in _regions(Path(f"/proc/{pid}")):
        look(content, place, canaries, found)
    return found


def told_of(pid: int, canaries: Mapping[str, bytes]) -> Found:
    """By /proc, of that process and each of its threads."""
    found: Found = {}
    for folder in (Path(f"/proc/{pid}"), *Path(f"/proc/{pid}/task").iterdir()):
        for path in (folder / name for name in _TOLD):
            if path.exists():
                look(path.read_bytes(), str(path), canaries, found)
    for link in Path(f"/proc/{pid}/fd").iterdir():
        look(str(link.readlink()).encode(), str(link), canaries, found)
    return found


def in_files(folder: Path, canaries: Mapping[str, bytes]) -> Found:
    """Of everything below it."""
    found: Found = {}
    for path in folder.rglob("*"):
        look(str(path).encode(), str(path), canaries, found)
        if path.is_file():
            look(path.read_bytes(), str(path), canaries, found)
    return found


def _regions(place: Path) -> Iterator[tuple[str, bytes]]:
    """Those with pages of its own: what is only the content of a file is not."""
    with (place / "mem").open("rb", 0) as memory:
        for line in (place / "maps").read_text().splitlines():
            span, rights, _, _, inode, *name = line.split(maxsplit=5)
            label = name[0].strip() if name else "anonymous"
            if "r" not in rights or label.startswith(_KERNEL_OWN):
                continue
            if inode != "0" and "w" not in rights and rights.endswith("p"):
                continue
            first, end = (int(each, 16) for each in span.split("-"))
            memory.seek(first)
            if not label.startswith(SECRET_PAGES):
                yield label, memory.read(end - first)
                continue
            with pytest.raises(OSError, match="Input/output error"):
                memory.read(end - first)
