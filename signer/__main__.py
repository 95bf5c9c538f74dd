"""The `pegwarden` command.

Rule 1: as installed it runs isolated (`python -I`): neither PYTHONPATH nor the folder where it is started
        nor a user's own packages say what we import. What ran before us (a `sitecustomize` of PYTHONPATH)
        is not undone by that: services start `python -I -m signer` themselves.
Rule 2: `python -m signer` leaves it to its caller.
"""

import os
import sys


def main() -> int:
    """What is installed as `pegwarden`; the exit status."""
    if not sys.flags.isolated:
        os.execv(sys.executable, [sys.executable, "-I", "-m", "signer", *sys.argv[1:]])  # noqa: S606
    return run()


def run() -> int:
    """The command in this process."""
    from signer.cli.main import main as command  # noqa: PLC0415 (after the decision above)

    return command()


if __name__ == "__main__":
    sys.exit(run())
