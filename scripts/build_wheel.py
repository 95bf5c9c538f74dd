"""Builds the wheel so that the same source gives the same bytes (`make wheel`), and proves it (`--twice`).

1. Built is a copy of the files that git has: what else lies in the checkout cannot get in.
2. The copy's modes and times are fixed, and so are the umask and the time that the archive names
   (SOURCE_DATE_EPOCH).
3. The tools are those of `requirements/build.txt`; nothing is fetched.
4. `--twice` builds in two folders with another umask, time zone, locale and hash seed, and compares.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scripts.code_scan import ROOT

EPOCH = 1_577_836_800
"""2020-01-01: a ZIP archive knows no time before 1980."""
FIRST = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
SECOND = {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"}


def sources() -> dict[str, bytes]:
    """What git tracks or would track, by path below the checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    names = sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())
    return {name: (ROOT / name).read_bytes() for name in names}


def lay_out(files: Mapping[str, bytes], target: Path, stamp: int) -> None:
    """The files in a folder, each of mode 644 and of that time (2)."""
    for name, content in files.items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        copy.chmod(0o644)
        os.utime(copy, (stamp, stamp))


def build(folder: Path, target: Path, environment: Mapping[str, str]) -> Path:
    """The wheel of the sources in that folder."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target)]
    surroundings = os.environ | environment | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    done = subprocess.run(
        [*command, str(folder)],
        env=surroundings,
        umask=0o022,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    (wheel,) = target.glob("*.whl")
    return wheel


def digest(wheel: Path) -> str:
    """What a member compares before it installs."""
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def built_twice(scratch: Path) -> tuple[Path, Path]:
    """Two wheels of one source (4)."""
    wheels: list[Path] = []
    files = sources()
    for place, environment in (("one", FIRST), ("a/longer/path/two", SECOND)):
        before = os.umask(0o022 if place == "one" else 0o077)
        try:
            folder = scratch / place
            lay_out(files, folder, EPOCH + len(place) * 86_400)
            wheels.append(build(folder, scratch / f"dist-{len(wheels)}", environment))
        finally:
            os.umask(before)
    return wheels[0], wheels[1]


def main() -> int:
    """Build into `dist/`, or build twice and compare."""
    with tempfile.TemporaryDirectory() as scratch:
        if "--twice" in sys.argv[1:]:
            first, second = map(digest, built_twice(Path(scratch)))
            print(f"sha256 {first}\nsha256 {second}")
            return 0 if first == second else 1
        lay_out(sources(), Path(scratch) / "source", EPOCH)
        wheel = build(Path(scratch) / "source", Path(scratch) / "dist", FIRST)
        target = ROOT / "dist" / wheel.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(wheel.read_bytes())
        print(f"sha256 {digest(target)}  {target.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
