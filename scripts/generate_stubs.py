"""Makes the stubs of `pegwarden/` from `proto/`. With `--compare` writes nothing and fails on any difference.

`grpc_tools.protoc` brings the compiler in the pinned version; the stubs are committed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")


def generate(target: Path) -> None:
    """Write the stubs below `target`."""
    sources = sorted(
        str(path.relative_to(ROOT / "proto")) for path in ROOT.glob("proto/**/*.proto")
    )
    outputs = (f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT / 'proto'}"]
    subprocess.run([*command, *outputs, *sources], check=True)


def stubs(root: Path) -> dict[str, bytes]:
    """The generated files below root."""
    folder = root / "pegwarden"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.name.endswith(SUFFIXES)
    }


def main() -> int:
    """Generate, or compare."""
    if "--compare" not in sys.argv[1:]:
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        made, committed = stubs(Path(scratch)), stubs(ROOT)
    differing = sorted(
        name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name)
    )
    if differing:
        print(f"stubs differ from proto/: {', '.join(differing)}. Run `make proto`.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
