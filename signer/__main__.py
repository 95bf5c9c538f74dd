"""The `pegwarden` command."""

import sys

from signer.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
